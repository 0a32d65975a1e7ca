"""SFR month by month, rule by rule: manual 2.2.7 to 2.2.14, Figure 2."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pytest

from esrd_pipeline.measures import sfr
from esrd_pipeline_tests.sql.design_columns import add_columns
from esrd_pipeline_tests.sql.months import CENTER, HOME, PERITONEAL, care, clinic, excepted, know
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.2.9", "2.2.16")

MARCH = "2024-03"
Month = dict[str, Any]
FISTULA, CATHETER = "AV Fistula Only", "Catheter Only"
HOSPICE: Row = {"patient_id": 1, "month": day("2024-03-01"), "is_hospice": True}


def judge(
    access: str | None = FISTULA,
    *,
    cared: Sequence[Row] | None = None,
    reported: Sequence[Row] | None = None,
    known: dict[str, Sequence[Row]] | None = None,
    limited: Sequence[Row] = (),
) -> Case:
    """The patient's March, the only month, at facility A."""
    if reported is None:
        reported = clinic(MARCH, access_type=access) if access else clinic(MARCH)
    return case(
        "history.month_modality",
        "history.ktv_month",
        "history.reported_month",
        "history.catheter_month",
        "cohort.patient_months",
        "cohort.sfr",
        tables={
            **know(),
            **(known or {}),
            "history.care_month": care(MARCH) if cared is None else cared,
            "history.clinical_month": reported,
            "history.limited_life": limited,
        },
    ).read(lambda rows: only(with_columns(rows, known)))


def only(rows: pd.DataFrame) -> Month:
    """The one month that there is."""
    assert rows["program"].tolist() == ["dfc"]
    (row,) = rows.to_dict("records")
    return {str(name): value for name, value in row.items()}


def verdict(row: Month) -> object:
    return int(row["is_event"]) if pd.isna(row["reason"]) else row["reason"]


@pytest.mark.manual("2.2.7", "2.2.13")
@pytest.mark.parametrize(
    "access",
    [
        "AV Fistula Only",
        "AV Fistula Only (with 2 Needles)",
        "AVFONLY",
        "AV Fistula single needle device",
        "AVFSINGLE",
    ],
)
@worked
def test_a_fistula_alone_is_in_the_numerator(access: str) -> Worked:
    row = yield judge(access)
    assert verdict(row) == 1


@pytest.mark.manual("2.2.13")
@pytest.mark.parametrize(
    "access",
    [
        "AV Fistula Combined with a Catheter",
        "AVFWCATHETER",
        "AV Graft Only",
        CATHETER,
        "Port Access Only",
        "Other/Unknown",
        None,
    ],
)
@worked
def test_every_other_access_and_none_are_in_the_denominator_alone(access: str | None) -> Worked:
    row = yield judge(access)
    assert verdict(row) == 0


@pytest.mark.manual("2.2.13")
@worked
def test_the_last_access_of_the_facility_itself_counts() -> Worked:
    own = clinic(MARCH, access_type=CATHETER)
    other = clinic(MARCH, "B", access_type=FISTULA, access_date=day("2024-03-28"))
    row = yield judge(reported=[*own, *other])
    assert verdict(row) == 0


@worked
def test_without_its_own_the_last_of_other_facilities_counts() -> Worked:
    row = yield judge(reported=clinic(MARCH, "B", access_type=FISTULA))
    assert verdict(row) == 1


@pytest.mark.manual("3.1.3")
@pytest.mark.parametrize(
    ("born", "expected"), [("2006-03-01", 1), ("2006-03-02", "under_18_years")]
)
@worked
def test_patients_are_18_on_the_months_first_day(born: str, expected: object) -> Worked:
    row = yield judge(known=know(born=born))
    assert verdict(row) == expected


@pytest.mark.manual("2.2.10", "2.2.12")
@worked
def test_a_month_in_part_at_the_facility_is_left_out() -> Worked:
    row = yield judge(cared=care(MARCH, is_whole=False))
    assert verdict(row) == "not_at_facility_all_month"


@pytest.mark.parametrize(
    ("modality", "expected"),
    [(CENTER, 1), (HOME, 1), (PERITONEAL, "not_on_hemodialysis_all_month"), (None, None)],
)
@worked
def test_hemodialysis_counts_in_center_and_at_home(
    modality: str | None, expected: object
) -> Worked:
    row = yield judge(cared=care(MARCH, modality=modality))
    assert verdict(row) == (expected or "modality_unknown")


@pytest.mark.manual("2.2.10")
@worked
def test_a_month_before_esrd_treatment_is_left_out() -> Worked:
    first, second = yield (
        judge(known=know(since="2024-03-02")),
        judge(known=know(since="2024-03-01")),
    )
    assert verdict(first) == "not_on_esrd_treatment"
    assert verdict(second) == 1


@pytest.mark.manual("2.2.10")
@pytest.mark.parametrize("access", [CATHETER, "AVFWCATHETER", "Port Access Only", None])
@worked
def test_limited_life_with_a_catheter_is_left_out(access: str | None) -> Worked:
    found = "catheter_with_limited_life_expectancy"
    row = yield judge(access, limited=[HOSPICE])
    assert verdict(row) == found


@pytest.mark.parametrize(("access", "expected"), [(FISTULA, 1), ("AVFSINGLE", 1), ("AVGONLY", 0)])
@worked
def test_limited_life_without_a_catheter_stays(access: str, expected: int) -> Worked:
    row = yield judge(access, limited=[HOSPICE])
    assert verdict(row) == expected


@pytest.mark.manual("2.2.8")
@worked
def test_dialysis_facility_measures_know_no_exceptions() -> Worked:
    row = yield judge(known=excepted("A", MARCH))
    assert verdict(row) == 1


def describe(
    known: Mapping[str, Sequence[Row]] | None = None,
    *,
    age: int = 50,
    since: str = "2023-06-01",
    **month: object,
) -> Case:
    """The patient's March with its adjusters."""
    first = day("2024-03-01")
    row: Row = {
        "program": "dfc",
        "patient_id": 1,
        "month": first,
        "ccn": "A",
        "age": age,
        "esrd_day": (first - day(since)).days + 1,
        **month,
    }
    months = {"cohort.patient_months": [row], **(known or {})}
    return case("cohort.sfr", tables=months).read(lambda rows: only(with_columns(rows, known)))


def with_columns(
    rows: pd.DataFrame, known: Mapping[str, Sequence[Row]] | None = None
) -> pd.DataFrame:
    """The months with the columns of the design, from the months' and the patient's facts."""
    patients = (known or {}).get("history.patient_characteristics", ())
    return add_columns(rows, sfr.TERMS, patients=patients)


def take(row: Month, *names: str) -> tuple[int, ...]:
    return tuple(int(row[name]) for name in names)


@pytest.mark.manual("2.2.14")
@pytest.mark.parametrize(
    ("age", "classes"),
    [
        (18, (1, 0, 0)),
        (24, (1, 0, 0)),
        (25, (0, 0, 0)),
        (59, (0, 0, 0)),
        (60, (0, 1, 0)),
        (74, (0, 1, 0)),
        (75, (0, 0, 1)),
    ],
)
@worked
def test_age_has_four_classes(age: int, classes: tuple[int, ...]) -> Worked:
    names = ("is_age_under_25", "is_age_60_to_74", "is_age_over_74")
    rows = yield describe(age=age)
    assert take(rows, *names) == classes


@worked
def test_age_is_that_of_the_months_first_day() -> Worked:
    names = ("is_age_60_to_74", "is_age_over_74")
    first, second = yield judge(known=know(born="1949-03-02")), judge(known=know(born="1949-03-01"))
    assert take(first, *names) == (1, 0)
    assert take(second, *names) == (0, 1)


@pytest.mark.manual("2.2.14")
@pytest.mark.parametrize(
    ("since", "classes"),
    [
        ("2023-03-01", (0, 0, 0)),
        ("2023-02-28", (1, 0, 0)),
        ("2019-03-01", (1, 0, 0)),
        ("2019-02-28", (0, 1, 0)),
        ("2015-03-01", (0, 1, 0)),
        ("2015-02-28", (0, 0, 1)),
    ],
)
@worked
def test_duration_of_esrd_changes_after_1_5_and_9_years(
    since: str, classes: tuple[int, ...]
) -> Worked:
    names = ("is_esrd_1_to_5_years", "is_esrd_5_to_9_years", "is_esrd_over_9_years")
    rows = yield describe(since=since)
    assert take(rows, *names) == classes


@pytest.mark.manual("2.2.14")
@pytest.mark.parametrize(
    ("start", "end", "classes"),
    [
        ("2024-02-29", "2024-03-20", (1, 0)),
        ("2024-03-01", "2024-03-20", (0, 0)),
        ("2023-01-01", "2023-03-02", (1, 0)),
        ("2023-01-01", "2023-03-01", (0, 0)),
        ("2023-12-04", "2024-02-29", (1, 0)),
        ("2023-12-03", "2024-02-29", (1, 0)),
        ("2023-12-02", "2024-02-29", (0, 1)),
    ],
)
@worked
def test_nursing_homes_count_the_365_days_before_the_month(
    start: str, end: str, classes: tuple[int, int]
) -> Worked:
    # 2 March 2023 is 365 days before 1 March 2024; from 2 December to 29 February are 90 days.
    home: Row = {"patient_id": 1, "start_date": day(start), "end_date": day(end)}
    row = yield describe({"history.nursing_home": [home]})
    assert take(row, "is_nursing_home_short", "is_nursing_home_long") == classes


def incident(**flags: object) -> dict[str, Sequence[Row]]:
    """What the first CMS-2728 says."""
    form: Row = {"patient_id": 1, "has_form": True, "bmi_class": ">=30", **flags}
    return {"history.patient_characteristics": [form]}


def claims(month: str = MARCH, **flags: bool) -> dict[str, Sequence[Row]]:
    """What claims of the year before the month say."""
    return {"history.access_condition": [{"patient_id": 1, "month": day(f"{month}-01"), **flags}]}


@pytest.mark.manual("2.2.14")
@worked
def test_the_form_tells_care_mobility_and_body_mass() -> Worked:
    row = yield describe(
        incident(has_nephrologist_care=True, has_inability_to_transfer=True, bmi_class="18.5-25")
    )
    found = ("has_nephrologist_care", "is_immobile", "is_bmi_18_to_25", "is_form_missing")
    assert take(row, *found, "has_any_condition") == (1, 1, 1, 0, 0)


@worked
def test_without_a_form_the_month_says_so() -> Worked:
    rows = yield describe()
    assert rows["is_form_missing"] == 1


@pytest.mark.manual("2.2.14")
@worked
def test_diabetes_is_a_condition_where_it_is_not_the_cause() -> Worked:
    names = ("is_diabetes_cause", "has_other_diabetes", "has_any_condition")
    other, cause = yield (
        describe(incident(is_diabetes_cause=False, has_diabetes=True)),
        describe({**incident(is_diabetes_cause=True), **claims(has_diabetes=True)}),
    )
    assert take(other, *names) == (0, 1, 1)
    assert take(cause, *names) == (1, 0, 0)


@pytest.mark.manual("2.2.15")
@worked
def test_a_condition_is_of_the_form_or_of_claims() -> Worked:
    form = incident(has_congestive_heart_failure=True)
    billed = {**incident(), **claims(has_heart_failure=True)}
    for rows in (yield describe(form), describe(billed)):
        assert take(rows, "has_heart_failure", "has_any_condition") == (1, 1)


@pytest.mark.parametrize("flag", ["has_atherosclerotic_heart_disease", "has_other_cardiac_disease"])
@worked
def test_other_heart_disease_has_two_boxes_on_the_form(flag: str) -> Worked:
    rows = yield describe(incident(**{flag: True}))
    assert rows["has_other_heart_disease"] == 1


@worked
def test_claims_of_another_month_do_not_count() -> Worked:
    rows = yield describe(claims("2024-04", has_infection=True))
    assert rows["has_infection"] == 0


def medicare(*months: str, kind: str) -> dict[str, Sequence[Row]]:
    rows = [
        {"patient_id": 1, "month": day(f"{month}-01"), kind: True, "is_observable": True}
        for month in months
    ]
    return {"history.medicare_month": rows}


SIX = ("2023-03", "2023-05", "2023-07", "2023-09", "2023-11", "2024-02")


@pytest.mark.manual("2.2.14")
@pytest.mark.parametrize(
    ("months", "kind", "is_seen"),
    [
        (SIX, "is_covered", 1),
        (SIX[:5], "is_covered", 0),
        (("2023-02", *SIX[1:]), "is_covered", 0),
        ((*SIX[:5], MARCH), "is_covered", 0),
        (("2023-03",), "is_ma", 1),
        (("2023-02",), "is_ma", 0),
        ((MARCH,), "is_ma", 0),
        ((), "is_ma", 0),
    ],
)
@worked
def test_six_covered_months_or_one_of_medicare_advantage_in_the_twelve_before(
    months: tuple[str, ...], kind: str, is_seen: int
) -> Worked:
    rows = yield describe(medicare(*months, kind=kind))
    assert rows["is_medicare_covered"] == is_seen


@worked
def test_a_month_left_out_keeps_its_adjusters() -> Worked:
    row = yield describe(incident(has_drug_dependence=True), ltc_reason="under_18_years")
    assert pd.isna(row["is_event"])
    assert take(row, "has_drug_dependence", "has_any_condition") == (1, 1)
