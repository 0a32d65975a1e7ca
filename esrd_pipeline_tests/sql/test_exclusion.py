"""How many patients of a facility each measure leaves out, by reason."""

import pandas as pd
import pytest

from esrd_pipeline.reports.suppression import suppress
from esrd_pipeline.tables.exclusion import EXCLUSION
from esrd_pipeline_tests.sql.worked import Case, Row, Tables, Worked, case, day, worked


def treated(patient: int, start: str, end: str, ccn: str = "A", state: str = "dialysis") -> Row:
    return {
        "program": "dfc",
        "patient_id": patient,
        "start_date": day(start),
        "end_date": day(end),
        "ccn": ccn,
        "state": state,
    }


def segment(patient: int, start: str, end: str, ccn: str | None, reason: str | None) -> Row:
    return {
        "program": "dfc",
        "patient_id": patient,
        "start_date": day(start),
        "end_date": day(end),
        "ccn": ccn,
        "reason": reason,
    }


def left_out(tables: Tables, **other: int) -> Case:
    """Facility, measure, reason and patients; alone, since all patients of a facility count."""

    def read(rows: pd.DataFrame) -> list[tuple[object, ...]]:
        columns = ["ccn", "program", "measure", "reason", "patients"]
        return sorted(rows[columns].itertuples(index=False, name=None))

    return case("report.exclusion", tables=tables, alone=True, **other).read(read)


@pytest.mark.manual("2.13.10")
@worked
def test_a_patient_counts_once_for_each_reason() -> Worked:
    rows = yield left_out(
        {
            "history.treatment": [
                treated(1, "2024-01-01", "2024-12-31"),
                treated(2, "2024-01-01", "2024-12-31"),
            ],
            "cohort.shr_days": [
                segment(1, "2024-01-01", "2024-02-10", None, "esrd_under_90_days"),
                segment(1, "2024-02-11", "2024-05-31", "A", None),
                segment(1, "2024-06-01", "2024-06-30", None, "esrd_under_90_days"),
                segment(1, "2024-07-01", "2024-12-31", "A", "after_first_hospice_claim"),
                segment(2, "2024-01-01", "2024-12-31", None, "esrd_under_90_days"),
            ],
        }
    )
    assert rows == [
        ("A", "dfc", "shr", "after_first_hospice_claim", 1),
        ("A", "dfc", "shr", "esrd_under_90_days", 2),
    ]


@pytest.mark.manual("2.13.9")
@worked
def test_days_attributed_to_another_facility_are_left_out_where_the_patient_was_treated() -> Worked:
    rows = yield left_out(
        {
            "history.treatment": [
                treated(1, "2023-11-01", "2024-03-31"),
                treated(1, "2024-04-01", "2024-12-31", "B"),
                treated(2, "2024-01-01", "2024-12-31", state="transplant"),
            ],
            "cohort.sedr_days": [
                segment(1, "2024-01-01", "2024-05-31", "A", None),
                segment(1, "2024-06-01", "2024-12-31", "B", None),
                segment(2, "2024-01-01", "2024-12-31", None, "esrd_under_90_days"),
            ],
        }
    )
    assert rows == [("B", "dfc", "sedr", "attributed_to_another_facility", 1)]


@pytest.mark.manual("2.3")
@worked
def test_months_patients_and_discharges_are_the_facilitys_that_holds_them() -> Worked:
    month = {"program": "qip", "patient_id": 1, "ccn": "A"}
    rows = yield left_out(
        {
            "cohort.patient_months": [
                {
                    **month,
                    "month": day(f"2024-{number:02}-01"),
                    "ltc_reason": reason,
                    "npcr_reason": "not_a_measure_of_the_program",
                }
                for number, reason in ((1, "under_18_years"), (2, "under_18_years"), (3, None))
            ],
            "cohort.patient_year": [
                {**month, "measure": "clinical_depression", "reason": "date_of_birth_unknown"}
            ],
            "cohort.srr": [{**month, "stay": 1, "reason": "follow_up_incomplete"}],
            "cohort.sfr": [{**month, "month": day("2024-01-01"), "reason": "under_18_years"}],
            "cohort.pppw": [{**month, "month": day("2024-01-01"), "ccn": None, "reason": "dead"}],
        }
    )
    assert rows == [
        ("A", "qip", "clinical_depression", "date_of_birth_unknown", 1),
        ("A", "qip", "ltc", "under_18_years", 1),
        ("A", "qip", "sfr", "under_18_years", 1),
        ("A", "qip", "srr", "follow_up_incomplete", 1),
    ]


def test_few_patients_are_hidden_with_another_reason() -> None:
    rows = pd.DataFrame(
        {
            "ccn": "A",
            "program": "dfc",
            "measure": "clinical_depression",
            "performance_year": 2024,
            "reason": ["date_of_birth_unknown", "under_18_years", "hospice_in_month"],
            "patients": [4, 30, 50],
        }
    )
    shown = suppress(EXCLUSION, rows)["patients"]
    # What is left of a sum known from elsewhere would be the four.
    assert shown.isna().tolist() == [True, True, False]
