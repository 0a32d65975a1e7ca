"""Patients counted once a year: depression, needs, equity, infections (2.9, 2.18 to 2.24)."""

from collections.abc import Sequence

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.histories import spell
from esrd_pipeline_tests.sql.months import (
    CENTER,
    HOME,
    PERITONEAL,
    A,
    B,
    Known,
    care,
    excepted,
    know,
)
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

ALL_YEAR = spell(A, "2023-05-01")
NEEDS = ("food", "housing", "transportation", "utilities", "safety")


def depression(condition: int, on: str | None = "2024-06-01", facility: int = A) -> Row:
    return {
        "patient_id": 1,
        "facilityid": facility,
        "record_number": 1,
        "assessment_date": day(on) if on else None,
        "condition": condition,
    }


def social(
    screened: Sequence[str] = NEEDS,
    answered: Sequence[str] = NEEDS,
    *,
    on: str = "2024-06-01",
    **other: object,
) -> Row:
    return {
        "patient_id": 1,
        "facilityid": A,
        "record_number": 1,
        "screening_date": day(on),
        "is_opted_out": False,
        "is_unable": False,
        **{f"is_screened_{need}": need in screened for need in NEEDS},
        **{f"result_{need}": "no" if need in answered else None for need in NEEDS},
        **other,
    }


def judge(
    *admissions: Row,
    known: Known | None = None,
    depressions: Sequence[Row] = (),
    socials: Sequence[Row] = (),
    cared: Sequence[Row] = (),
    billed: Sequence[Row] = (),
) -> Case:
    return case(
        "history.admitted",
        "cohort.patient_year",
        tables={
            **know(),
            **(known or {}),
            "raw.eqrs_admission": list(admissions),
            "raw.eqrs_depression_screening": list(depressions),
            "raw.eqrs_social_screening": list(socials),
            "history.care_month": list(cared),
            "history.claims_modality": list(billed),
        },
    )


def verdict(rows: pd.DataFrame, measure: str, ccn: str = "A") -> object:
    """Why the patient is not counted, or whether the measure is met."""
    (row,) = rows[(rows["measure"] == measure) & (rows["ccn"] == ccn)].to_dict("records")
    return bool(row["numerator"]) if pd.isna(row["reason"]) else row["reason"]


@pytest.mark.manual("2.9.6", "2.23.6", "2.24.6")
@worked
def test_a_patient_of_all_year_has_a_row_in_each_measure_of_the_qip() -> Worked:
    rows = yield judge(ALL_YEAR)
    assert set(rows["program"]) == {"qip"}
    assert rows["days"].tolist() == [366] * 5
    assert len(rows) == 5


@pytest.mark.manual("2.9.5", "2.9.8")
@pytest.mark.parametrize(
    ("condition", "is_met"), [(1, True), (2, True), (3, False), (4, True), (5, True), (6, False)]
)
@worked
def test_conditions_1_2_4_and_5_are_successful_reports(condition: int, is_met: object) -> Worked:
    rows = yield judge(ALL_YEAR, depressions=[depression(condition)])
    assert verdict(rows, "clinical_depression") is is_met


@pytest.mark.manual("2.9.8")
@worked
def test_without_a_report_depression_screening_is_not_met() -> Worked:
    rows = yield judge(ALL_YEAR)
    assert verdict(rows, "clinical_depression") is False


@pytest.mark.manual("2.9.8")
@worked
def test_one_successful_report_of_the_year_is_enough() -> Worked:
    reports = [depression(1, "2024-02-01"), {**depression(6, "2024-09-01"), "record_number": 2}]
    rows = yield judge(ALL_YEAR, depressions=reports)
    assert verdict(rows, "clinical_depression") is True


@pytest.mark.manual("2.9.8")
@pytest.mark.parametrize(
    ("on", "is_met"),
    [
        ("2023-12-31", False),
        ("2024-01-01", True),
        ("2024-12-31", True),
        ("2025-01-01", False),
        (None, True),
    ],
)
@worked
def test_the_assessment_lies_in_the_year(on: str | None, is_met: object) -> Worked:
    rows = yield judge(ALL_YEAR, depressions=[depression(4, on)])
    assert verdict(rows, "clinical_depression") is is_met


@worked
def test_each_facility_reports_for_its_own() -> Worked:
    stays = (spell(A, "2023-05-01", "2024-06-30", "Transfer Out"), spell(B, "2024-07-01"))
    rows = yield judge(*stays, depressions=[depression(4, "2024-03-01")])
    assert verdict(rows, "clinical_depression") is True
    assert verdict(rows, "clinical_depression", "B") is False


@pytest.mark.manual("2.9.6", "2.9.7")
@pytest.mark.parametrize(
    ("born", "expected"), [("2012-10-31", False), ("2012-11-01", "under_12_years")]
)
@worked
def test_depression_takes_those_who_are_12_on_october_31(born: str, expected: object) -> Worked:
    rows = yield judge(ALL_YEAR, known=know(born=born))
    assert verdict(rows, "clinical_depression") == expected


@pytest.mark.manual("2.23.7", "2.23.9", "2.24.7", "2.24.9", "3.1.3")
@pytest.mark.parametrize(
    ("born", "expected"), [("2006-01-01", False), ("2006-01-02", "under_18_years")]
)
@worked
def test_social_screening_takes_those_who_are_18_on_january_1(
    born: str, expected: object
) -> Worked:
    rows = yield judge(ALL_YEAR, known=know(born=born))
    assert verdict(rows, "sdoh_screening") == expected


@pytest.mark.manual("2.9.7", "2.23.7")
@worked
def test_without_a_date_of_birth_age_measures_leave_the_patient_out() -> Worked:
    known = {**know(), "linkage.patient": [{"patient_id": 1, "date_of_birth": None}]}
    rows = yield judge(ALL_YEAR, known=known)
    assert verdict(rows, "clinical_depression") == "date_of_birth_unknown"
    assert verdict(rows, "sdoh_screening") == "date_of_birth_unknown"
    assert verdict(rows, "health_equity") is True


@pytest.mark.manual("2.9.7", "2.22.7", "2.23.7", "3.1.5")
@pytest.mark.parametrize(
    ("until", "days", "expected"),
    [("2024-03-30", 90, True), ("2024-03-29", 89, "under_90_days_at_facility")],
)
@worked
def test_90_days_at_the_facility_are_asked_for(until: str, days: int, expected: object) -> Worked:
    rows = yield judge(spell(A, "2023-05-01", until, "Transfer Out"))
    assert rows["days"].unique().tolist() == [days]
    assert verdict(rows, "health_equity") == expected


@pytest.mark.manual("3.1.5")
@worked
def test_the_90_days_need_not_be_consecutive() -> Worked:
    rows = yield judge(
        spell(A, "2024-01-01", "2024-02-14", "Transfer Out"),
        spell(A, "2024-08-01", "2024-09-14", "Transfer Out"),
    )
    assert rows["days"].unique().tolist() == [90]
    assert verdict(rows, "health_equity") is True


@worked
def test_days_end_with_death_where_no_discharge_was_entered() -> Worked:
    rows = yield judge(ALL_YEAR, known=know(died="2024-02-10"))
    assert rows["days"].unique().tolist() == [41]


@worked
def test_an_admission_for_acute_care_gives_no_days() -> Worked:
    rows = yield judge(spell(A, "2024-01-01", "2024-06-30", "Acute"))
    assert rows.empty


@pytest.mark.manual("3.4")
@worked
def test_days_of_an_exception_do_not_count() -> Worked:
    rows = yield judge(ALL_YEAR, known=excepted("A", "2024-02", "2024-03"))
    assert rows["days"].unique().tolist() == [366 - 29 - 31]


@worked
def test_moving_a_month_of_an_exception_moves_exactly_its_days() -> Worked:
    stay = spell(A, "2023-05-01", "2024-04-15", "Transfer Out")
    rows = yield [
        judge(stay, known=excepted("A", month))
        for month in ("2024-01", "2024-02", "2024-04", "2024-05")
    ]
    assert [one["days"].iloc[0] for one in rows] == [106 - 31, 106 - 29, 106 - 15, 106]


@worked
def test_a_month_under_two_exceptions_is_left_out_once() -> Worked:
    grants = [
        {"ccn": "A", "first_month": day(f"2024-{first}-01"), "last_month": day(f"2024-{last}-01")}
        for first, last in (("02", "03"), ("03", "04"))
    ]
    rows = yield judge(ALL_YEAR, known={"raw.ece_grant": grants})
    assert rows["days"].unique().tolist() == [366 - 29 - 31 - 30]


@worked
def test_reports_of_a_month_of_an_exception_are_not_used() -> Worked:
    known = excepted("A", "2024-06")
    rows = yield judge(ALL_YEAR, known=known, depressions=[depression(1)], socials=[social()])
    assert verdict(rows, "clinical_depression") is False
    assert verdict(rows, "sdoh_screening") is False


@pytest.mark.manual("2.9.7")
@worked
def test_another_modality_is_left_out_of_depression_screening_alone() -> Worked:
    rows, back = yield (
        judge(ALL_YEAR, cared=[*care("2024-03"), *care("2024-05", modality="other")]),
        judge(ALL_YEAR, cared=[*care("2024-03", modality="other"), *care("2024-05")]),
    )
    assert verdict(rows, "clinical_depression") == "other_modality"
    assert verdict(rows, "sdoh_screening") is False
    assert verdict(back, "clinical_depression") is False


@pytest.mark.manual("2.22.7", "2.18.8")
@worked
def test_without_esrd_nobody_is_counted() -> Worked:
    rows = yield judge(ALL_YEAR, known={**know(), "linkage.first_service": []})
    for measure in ("clinical_depression", "sdoh_screening", "health_equity", "nhsn_bsi"):
        assert verdict(rows, measure) == "not_on_esrd_treatment"


@worked
def test_esrd_that_begins_after_the_year_is_none_in_it() -> Worked:
    rows = yield judge(ALL_YEAR, known=know(since="2025-01-01"), cared=care("2024-03"))
    for measure in ("clinical_depression", "sdoh_screening", "health_equity", "nhsn_bsi"):
        assert verdict(rows, measure) == "not_on_esrd_treatment"


@pytest.mark.manual("2.23.5")
@worked
def test_screening_for_all_five_needs_is_asked_for() -> Worked:
    first, second = yield (
        judge(ALL_YEAR, socials=[social()]),
        judge(ALL_YEAR, socials=[social(NEEDS[:4])]),
    )
    assert verdict(first, "sdoh_screening") is True
    assert verdict(second, "sdoh_screening") is False


@pytest.mark.manual("2.23.5")
@worked
def test_answers_of_several_reports_add_up() -> Worked:
    reports = [
        social(NEEDS[:3], NEEDS[:3], on="2024-02-01"),
        {**social(NEEDS[3:], NEEDS[3:], on="2024-09-01"), "record_number": 2},
    ]
    rows = yield judge(ALL_YEAR, socials=reports)
    assert verdict(rows, "sdoh_screening") is True
    assert verdict(rows, "sdoh_positive") is True


@pytest.mark.manual("2.23.7", "2.24.7")
@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("is_opted_out", "opted_out_of_screening"),
        ("is_unable", "unable_to_complete_screening"),
    ],
)
@worked
def test_who_opts_out_or_is_unable_is_left_out(flag: str, expected: str) -> Worked:
    rows = yield judge(ALL_YEAR, socials=[social((), (), **{flag: True})])
    assert verdict(rows, "sdoh_screening") == expected
    assert verdict(rows, "sdoh_positive") == expected


@worked
def test_who_opted_out_and_was_screened_later_is_counted() -> Worked:
    refused = social((), (), on="2024-02-01", is_opted_out=True)
    rows = yield judge(ALL_YEAR, socials=[refused, {**social(), "record_number": 2}])
    assert verdict(rows, "sdoh_screening") is True


@pytest.mark.manual("2.24.5", "2.24.6")
@worked
def test_the_positive_rate_looks_at_those_screened_alone() -> Worked:
    rows = yield judge(ALL_YEAR, socials=[social(NEEDS[:4])])
    assert verdict(rows, "sdoh_positive") == "not_screened_for_all_needs"


@pytest.mark.manual("2.24.5")
@worked
def test_the_positive_rate_asks_for_an_answer_to_each_need_be_it_yes_or_no() -> Worked:
    yes = {**social(), **{f"result_{need}": "yes" for need in NEEDS}}
    first, second, rows = yield (
        judge(ALL_YEAR, socials=[social()]),
        judge(ALL_YEAR, socials=[yes]),
        judge(ALL_YEAR, socials=[social(answered=NEEDS[:4])]),
    )
    assert verdict(first, "sdoh_positive") is True
    assert verdict(second, "sdoh_positive") is True
    assert verdict(rows, "sdoh_positive") is False


@pytest.mark.manual("2.18.6", "2.18.8")
@pytest.mark.parametrize(
    ("modality", "expected"),
    [
        (CENTER, True),
        (HOME, "not_on_in_center_hemodialysis"),
        (PERITONEAL, "not_on_in_center_hemodialysis"),
    ],
)
@worked
def test_infections_count_in_center_patients(modality: str, expected: object) -> Worked:
    rows = yield judge(ALL_YEAR, cared=care("2024-03", modality=modality))
    assert verdict(rows, "nhsn_bsi") == expected


@pytest.mark.manual("2.18.6")
@worked
def test_a_month_in_which_another_facility_treats_makes_no_in_center_patient() -> Worked:
    rows = yield judge(ALL_YEAR, cared=care("2024-03", days=0, is_whole=False))
    assert verdict(rows, "nhsn_bsi") == "not_on_in_center_hemodialysis"


@worked
def test_infections_ask_for_no_90_days() -> Worked:
    stay = spell(A, "2024-03-01", "2024-03-31", "Transfer Out")
    rows = yield judge(stay, cared=care("2024-03"))
    assert verdict(rows, "nhsn_bsi") is True


BILLED = {
    "program": "qip",
    "patient_id": 1,
    "ccn": "A",
    "month": day("2024-03-01"),
    "modality": "in-center hemodialysis",
}


@pytest.mark.manual("2.18.6")
@worked
def test_a_claim_of_the_facility_makes_an_in_center_patient() -> Worked:
    rows = yield judge(ALL_YEAR, billed=[BILLED])
    assert verdict(rows, "nhsn_bsi") is True


@worked
def test_whom_a_facility_billed_and_eqrs_never_had_there_is_counted_for_infections_alone() -> (
    Worked
):
    rows, elsewhere = yield judge(billed=[BILLED]), judge(ALL_YEAR, billed=[{**BILLED, "ccn": "B"}])
    assert rows["measure"].tolist() == ["nhsn_bsi"]
    assert verdict(rows, "nhsn_bsi") is True
    assert rows["days"].tolist() == [0]
    assert verdict(elsewhere, "nhsn_bsi", "B") is True
    assert len(elsewhere) == 6


@pytest.mark.manual("2.18.8")
@worked
def test_whom_a_facility_billed_for_treatment_at_home_is_no_in_center_patient() -> Worked:
    home = {**BILLED, "modality": "home hemodialysis"}
    rows = yield judge(billed=[home])
    assert rows.empty


@worked
def test_a_patient_transplanted_while_the_admission_stays_open_is_not_there_any_more() -> Worked:
    transplanted: Row = {
        "program": "qip",
        "patient_id": 1,
        "start_date": day("2024-01-10"),
        "end_date": day("2024-12-31"),
        "state": "transplant",
        "source": "transplant",
    }
    rows = yield judge(ALL_YEAR, known={**know(), "history.treatment": [transplanted]})
    for measure in ("clinical_depression", "sdoh_screening", "health_equity"):
        assert verdict(rows, measure) == "under_90_days_at_facility"
    assert verdict(rows, "nhsn_bsi") == "not_on_in_center_hemodialysis"
    assert rows["days"].unique().tolist() == [10]
