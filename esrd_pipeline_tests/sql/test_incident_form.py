"""Conditions and BMI of the first CMS-2728: manual 2.13.13, reading 17."""

import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.13.13")


def start(*forms: Row, cause: str | None = None, born: str = "1950-01-01") -> Case:
    person = {"patient_id": 1, "date_of_birth": day(born), "primary_cause": cause}
    numbered = [
        {"patient_id": 1, "form_number": n, **form} for n, form in enumerate(forms, start=1)
    ]
    one = case(
        "history.patient_characteristics",
        tables={"linkage.patient": [person], "raw.cms_2728": numbered},
    )
    # The imputed BMI is a mean of all patients, and so not this one's alone.
    return one.read(lambda rows: rows.drop(columns="imputed_bmi").to_dict("records")[0])


@pytest.mark.manual("2.12.13", "2.13.13", "2.14.12", "2.25.14")
@pytest.mark.parametrize(
    ("weight", "bmi_class"),
    [
        (18.4, "<18.5"),
        (18.5, "18.5-25"),
        (25.0, "25-30"),
        (30.0, ">=30"),
        (71.0, ">=30"),
        # Out of range below, too, goes to the commonest class.
        (10.0, "<18.5"),
        (9.9, ">=30"),
    ],
)
@worked
def test_bmi_classes_and_what_is_out_of_range(weight: float, bmi_class: str) -> Worked:
    row = yield start({"height_cm": 100.0, "dry_weight_kg": weight})
    assert row["bmi_class"] == bmi_class


@pytest.mark.parametrize(("weight", "bmi_class"), [(5.0, "<18.5"), (4.9, ">=30")])
@worked
def test_a_child_s_bmi_is_out_of_range_below_5(weight: float, bmi_class: str) -> Worked:
    form = {"height_cm": 100.0, "dry_weight_kg": weight, "dialysis_began_date": day("2020-01-01")}
    row = yield start(form, born="2010-01-01")
    assert row["bmi_class"] == bmi_class


@pytest.mark.parametrize(
    ("height", "weight", "bmi_class"),
    # 36.3 / 1.1² and 145.2 / 2.2² are 30, and 29.999999999999993 in floating point.
    [(110.0, 36.3, ">=30"), (220.0, 145.2, ">=30"), (220.0, 121.0, "25-30")],
)
@worked
def test_a_bmi_on_the_border_of_two_classes_is_in_the_upper(
    height: float, weight: float, bmi_class: str
) -> Worked:
    row = yield start({"height_cm": height, "dry_weight_kg": weight})
    assert row["bmi_class"] == bmi_class


@worked
def test_a_missing_bmi_goes_to_the_commonest_class() -> Worked:
    row = yield start({})
    assert row["bmi_class"] == ">=30"


@pytest.mark.parametrize(
    ("weight", "born", "is_missing"),
    [
        (9.9, "1950-01-01", True),
        (10.0, "1950-01-01", False),
        (70.0, "1950-01-01", False),
        (70.1, "1950-01-01", True),
        (5.0, "2002-01-02", False),
        (4.9, "2002-01-02", True),
        (5.0, "2002-01-01", True),
    ],
)
@worked
def test_a_bmi_out_of_range_is_missing_and_children_under_18_may_have_5(
    weight: float, born: str, *, is_missing: bool
) -> Worked:
    row = yield start(
        {"height_cm": 100.0, "dry_weight_kg": weight, "dialysis_began_date": day("2020-01-01")},
        born=born,
    )
    assert row["is_bmi_missing"] == is_missing


@pytest.mark.parametrize(
    ("form", "is_institutionalised"),
    [
        ({"has_institutionalised": True}, True),
        ({"setting": "SNF/Long Term Care Facility"}, True),
        ({"setting": "Home"}, False),
        ({}, False),
    ],
)
@worked
def test_the_form_or_the_place_of_dialysis_says_institutionalised(
    form: Row, *, is_institutionalised: bool
) -> Worked:
    row = yield start(form)
    assert row["is_institutionalised"] == is_institutionalised


@worked
def test_amputation_and_assistance_are_no_condition_of_shrs_list() -> Worked:
    row = yield start({"has_amputation": True, "has_needs_assistance": True})
    assert (row["has_amputation"], row["has_needs_assistance"]) == (True, True)
    assert not row["has_any_condition"]


@worked
def test_any_of_four_boxes_is_diabetes_and_diabetes_is_a_condition() -> Worked:
    row = yield start({"has_diabetic_retinopathy": True})
    assert (row["has_diabetes"], row["has_any_condition"]) == (True, True)


@worked
def test_the_first_form_counts() -> Worked:
    row = yield start(
        {"dialysis_began_date": day("2020-01-01"), "has_tobacco_use": True},
        {"dialysis_began_date": day("2023-01-01"), "has_drug_dependence": True},
    )
    assert (row["has_tobacco_use"], row["has_drug_dependence"]) == (True, False)


@worked
def test_diabetes_as_the_cause_is_read_off_the_code_and_a_missing_cause_is_marked() -> Worked:
    causes = ("E0822", "E0922", "E1022", "E1122", "E1322", "I120", "E14", None)
    rows = yield {cause: start({}, cause=cause) for cause in causes}
    assert [cause for cause, row in rows.items() if row["is_diabetes_cause"]] == [
        "E0822",
        "E0922",
        "E1022",
        "E1122",
        "E1322",
    ]
    assert rows[None]["is_cause_missing"]
