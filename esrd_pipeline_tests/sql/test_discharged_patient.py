"""The patient on the day of discharge: facility, age, nursing home; BMI and its imputation."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.discharges import OTHER_ACUTE, claim, stay
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, run, worked

DISCHARGE = "2024-03-05"


def describe(
    *,
    born: str | None = "1954-06-15",
    spells: tuple[tuple[str, str, str, str | None], ...] = (),
    homes: tuple[tuple[str, str], ...] = (),
    failed: str | None = None,
    category: int = 158,
    ma_months: tuple[str, ...] = (),
    first_service: str = "2020-01-01",
) -> Case:
    """Patient 1 on 5 March 2024, as DFC knows them."""
    whose = {"program": "dfc", "patient_id": 1}

    def read_rows(rows: pd.DataFrame) -> dict[str, object]:
        (row,) = rows.astype(object).where(rows.notna(), None).to_dict("records")
        return row

    return case(
        "history.discharged_patient",
        tables={
            "history.inpatient_discharge": [
                stay(1, "2024-03-01", DISCHARGE, principal_category=category)
            ],
            "linkage.first_service": [{**whose, "first_service_date": day(first_service)}],
            "linkage.patient": [
                {"patient_id": 1, "sex": "F", "date_of_birth": day(born) if born else None}
            ],
            "history.treatment": [
                {**whose, "state": state, "ccn": ccn, "start_date": day(a), "end_date": day(b)}
                for state, a, b, ccn in spells
            ],
            "history.nursing_home": [
                {"patient_id": 1, "start_date": day(a), "end_date": day(b)} for a, b in homes
            ],
            "linkage.transplant": [
                {**whose, "transplant_date": day("2021-01-01"), "failure_date": day(failed)}
            ]
            if failed
            else [],
            "history.medicare_month": [
                {"patient_id": 1, "month": day(month), "is_ma": True} for month in ma_months
            ],
            "history.patient_characteristics": [
                {"patient_id": 1, "is_diabetes_cause": True, "bmi": 22.5, "imputed_bmi": 22.5}
            ],
        },
    ).read(read_rows)


@pytest.mark.manual("2.10.9", "2.11.10", "2.26.9")
@worked
def test_the_facility_is_the_one_that_treats_on_the_day_of_discharge() -> Worked:
    row = yield describe(
        spells=(
            ("dialysis", "2024-01-01", "2024-03-04", "A"),
            ("dialysis", "2024-03-05", "2024-12-31", "B"),
        )
    )
    assert (row["ccn"], row["state"]) == ("B", "dialysis")


@pytest.mark.manual("2.10.9", "2.11.10", "2.26.9")
@worked
def test_a_facility_that_admits_on_the_day_after_discharge_is_not_the_one_of_the_day() -> Worked:
    # 2.11.10: "as of date of discharge"; 2.26.9: "of record on the day of discharge".
    moved, away = yield (
        describe(
            spells=(
                ("dialysis", "2024-01-01", DISCHARGE, "A"),
                ("dialysis", "2024-03-06", "2024-12-31", "B"),
            )
        ),
        describe(
            spells=(
                ("dialysis", "2024-01-01", "2024-03-01", "A"),
                ("untreated", "2024-03-02", DISCHARGE, None),
                ("dialysis", "2024-03-06", "2024-12-31", "B"),
            )
        ),
    )
    assert (moved["ccn"], moved["state"]) == ("A", "dialysis")
    assert (away["ccn"], away["state"]) == (None, "untreated")


@pytest.mark.manual("2.10.9", "2.10.11")
@pytest.mark.parametrize(
    ("admitted", "ccns"), [("2024-03-06", {2: "B"}), ("2024-03-07", {1: "A", 2: "B"})]
)
@worked
def test_where_another_hospital_admits_a_day_later_the_facility_is_that_of_the_last_discharge(
    admitted: str, ccns: dict[int, str]
) -> Worked:
    # A treats until the day of the first discharge, B afterwards. One day later: one episode.
    whose = {"program": "dfc", "patient_id": 1}
    rows, stays = yield [
        case(
            *made,
            tables={
                "linkage.beneficiary": [{"bene_id": 900, "patient_id": 1}],
                "raw.claim": [
                    claim("2024-03-01", DISCHARGE),
                    claim(admitted, "2024-03-20", hospital=OTHER_ACUTE, clm_id=2),
                ],
                "linkage.first_service": [{**whose, "first_service_date": day("2020-01-01")}],
                "history.treatment": [
                    {
                        **whose,
                        "state": "dialysis",
                        "ccn": ccn,
                        "start_date": day(first),
                        "end_date": day(last),
                    }
                    for ccn, first, last in (
                        ("A", "2024-01-01", DISCHARGE),
                        ("B", "2024-03-06", "2024-12-31"),
                    )
                ],
            },
        )
        for made in (
            ("history.inpatient_discharge", "history.discharged_patient"),
            ("history.inpatient_discharge",),
        )
    ]
    last = stays["stay"][~stays["is_transferred"]]
    found = rows[rows["stay"].isin(last)].set_index("stay")["ccn"].to_dict()
    assert found == ccns
    assert stays["hospital_ccn"][~stays["is_transferred"]].tolist()[-1] == OTHER_ACUTE


@pytest.mark.manual("2.10.9", "2.11.10", "2.26.9")
@worked
def test_a_day_without_treatment_has_its_state_and_no_facility() -> Worked:
    row, second = yield (
        describe(spells=(("untreated", "2024-01-01", "2024-12-31", None),)),
        describe(),
    )
    assert (row["ccn"], row["state"]) == (None, "untreated")
    assert second["state"] is None


@pytest.mark.parametrize(
    ("failed", "grafted"), [("2024-03-04", False), ("2024-03-05", True), ("2024-03-06", False)]
)
@worked
def test_a_graft_that_fails_on_the_day_still_functions_on_it(
    failed: str, *, grafted: bool
) -> Worked:
    row = yield describe(failed=failed)
    assert row["is_grafted"] is grafted


@worked
def test_a_spell_of_transplant_is_a_functioning_graft() -> Worked:
    row = yield describe(spells=(("transplant", "2024-01-01", "2024-12-31", None),))
    assert row["is_grafted"]


@pytest.mark.manual("2.10.11", "2.11.13", "2.26.12")
@pytest.mark.parametrize(
    ("born", "age"),
    [("2006-03-05", 18), ("2006-03-06", 17), ("1949-03-05", 75), ("1949-03-06", 74), (None, None)],
)
@worked
def test_age_is_in_completed_years(born: str | None, age: int | None) -> Worked:
    row = yield describe(born=born)
    assert row["age"] == age


@pytest.mark.manual("2.10.11")
@pytest.mark.parametrize(
    ("homes", "days"),
    [
        ((("2024-03-04", "2024-03-04"),), 1),
        ((("2024-03-05", "2024-03-20"),), 0),
        ((("2022-01-01", "2023-03-06"),), 1),
        ((("2022-01-01", "2023-03-05"),), 0),
        ((("2023-05-01", "2023-05-30"), ("2023-08-01", "2023-09-29")), 90),
    ],
)
@worked
def test_nursing_home_days_are_those_of_the_365_before(
    homes: tuple[tuple[str, str], ...], days: int
) -> Worked:
    row = yield describe(homes=homes)
    assert row["home_days"] == days


@pytest.mark.manual("2.10.11")
@pytest.mark.parametrize(("month", "is_ma"), [("2024-03-01", True), ("2024-02-01", False)])
@worked
def test_medicare_advantage_is_that_of_the_month(month: str, *, is_ma: bool) -> Worked:
    row = yield describe(ma_months=(month,))
    assert row["is_ma"] is is_ma


@pytest.mark.manual("2.10.11", "2.11.13")
@pytest.mark.parametrize(
    ("category", "is_high_risk"), [(5, True), (151, True), (243, True), (158, False)]
)
@worked
def test_principal_diagnoses_of_high_risk(category: int, *, is_high_risk: bool) -> Worked:
    row = yield describe(category=category)
    assert row["is_high_risk"] is is_high_risk


@pytest.mark.parametrize(
    ("first_service", "esrd_day"),
    [("2024-03-05", 1), ("2023-12-07", 90), ("2023-12-06", 91), ("2024-03-07", -1)],
)
@worked
def test_days_of_esrd_count_from_one(first_service: str, esrd_day: int) -> Worked:
    row = yield describe(first_service=first_service)
    assert row["esrd_day"] == esrd_day


def somebody(patient: int, **other: object) -> Row:
    """An old man whose cause of ESRD is diabetes."""
    return {
        "patient_id": patient,
        "date_of_birth": day("1950-01-01"),
        "sex": "M",
        "race": "white",
        "primary_cause": "E1122",
        **other,
    }


def measured(patient: int, kilograms: float, **other: object) -> Row:
    """A CMS-2728 of somebody one metre tall, whose weight is their BMI."""
    return {
        "patient_id": patient,
        "form_number": 1,
        "dialysis_began_date": day("2020-01-01"),
        "height_cm": 100,
        "dry_weight_kg": kilograms,
        **other,
    }


def find_bmi(people: list[Row], forms: list[Row]) -> dict[int, tuple[float | None, float | None]]:
    """BMI and imputed BMI by patient."""
    rows = run(
        "history.patient_characteristics",
        tables={"linkage.patient": people, "raw.cms_2728": forms},
        alone=True,
    )
    filled = rows.astype(object).where(rows.notna(), None)
    return {
        row["patient_id"]: (row["bmi"], row["imputed_bmi"]) for row in filled.to_dict("records")
    }


@pytest.mark.manual("2.10.11", "2.11.13", "2.26.12")
@pytest.mark.parametrize(
    ("kilograms", "born", "bmi"),
    [
        (9.9, "1950-01-01", None),
        (10, "1950-01-01", 10.0),
        (70, "1950-01-01", 70.0),
        (70.1, "1950-01-01", None),
        (4.9, "2010-01-01", None),
        (5, "2010-01-01", 5.0),
        # On the day dialysis began: 18 years old, or a day younger.
        (9, "2002-01-01", None),
        (9, "2002-01-02", 9.0),
    ],
)
def test_the_range_of_a_bmi_depends_on_the_age_when_dialysis_began(
    kilograms: float, born: str, bmi: float | None
) -> None:
    people = [somebody(1, date_of_birth=day(born))]
    assert find_bmi(people, [measured(1, kilograms)])[1][0] == bmi


@pytest.mark.manual("2.10.11", "2.11.13", "2.26.12")
@pytest.mark.parametrize(("began", "bmi"), [("2022-02-28", 9.0), ("2022-03-01", None)])
def test_who_was_born_on_a_leap_day_is_18_on_1_march(began: str, bmi: float | None) -> None:
    people = [somebody(1, date_of_birth=day("2004-02-29"))]
    assert find_bmi(people, [measured(1, 9, dialysis_began_date=day(began))])[1][0] == bmi


@pytest.mark.manual("2.11.13")
def test_a_missing_bmi_is_the_mean_of_patients_alike() -> None:
    people = [
        somebody(1),
        somebody(2),
        somebody(3),
        somebody(4, sex="F"),
        somebody(5, primary_cause="I129"),
    ]
    forms = [measured(1, 20), measured(2, 30), measured(4, 60), measured(5, 60)]
    assert find_bmi(people, forms)[3] == (None, 25.0)


def test_failing_patients_alike_age_and_race_are_enough_and_failing_these_all_count() -> None:
    people = [
        somebody(1),
        somebody(2, sex="F"),
        somebody(3, race="black"),
        somebody(4, date_of_birth=day("1980-01-01"), race="asian"),
    ]
    bmi = find_bmi(people, [measured(1, 20), measured(3, 40)])
    assert bmi[2] == (None, 20.0)
    assert bmi[4] == (None, 30.0)


def test_where_nobody_has_a_bmi_nobody_has_an_imputed_one() -> None:
    assert find_bmi([somebody(1)], []) == {1: (None, None)}
