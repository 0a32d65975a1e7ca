"""Strata of a facility's patients: those of whom a day of the year counts for it."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.test_stratum import ANN, BEN, FACTS
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.13.10")


def attributed(patient: int, ccn: str | None, start: str, end: str, **other: object) -> Row:
    return {
        "patient_id": patient,
        "ccn": ccn,
        "start_date": day(start),
        "end_date": day(end),
        "rule": "standard",
        "program": "qip",
        **other,
    }


def read(rows: pd.DataFrame) -> dict[tuple[str, str, str], int]:
    keys = zip(rows["ccn"], rows["dimension"], rows["stratum"], strict=True)
    return dict(zip(keys, rows["patients"], strict=True))


def divide(*days: Row) -> Case:
    tables = {
        "linkage.patient": (ANN, BEN),
        "history.patient_characteristics": FACTS,
        "history.attribution": days,
    }
    return case("report.facility_stratum", tables=tables, alone=True).read(read)


@worked
def test_a_patient_counts_once_at_each_facility() -> Worked:
    """Ann is at A twice and at B once; Ben at A, and by other rules at C and D."""
    counts = yield divide(
        attributed(1, "A", "2024-01-01", "2024-03-31"),
        attributed(1, "A", "2024-05-01", "2024-06-30"),
        attributed(1, "B", "2024-07-01", "2024-12-31"),
        attributed(2, "A", "2024-01-01", "2024-12-31"),
        attributed(2, "C", "2024-01-01", "2024-12-31", program="dfc"),
        attributed(2, "D", "2024-01-01", "2024-12-31", rule="smr"),
    )
    assert {key: n for key, n in counts.items() if key[1] in {"all", "sex", "age"}} == {
        ("A", "all", "all"): 2,
        ("A", "sex", "female"): 1,
        ("A", "sex", "male"): 1,
        ("A", "age", "18-44"): 1,
        ("A", "age", "75 and over"): 1,
        ("B", "all", "all"): 1,
        ("B", "sex", "female"): 1,
        ("B", "age", "18-44"): 1,
    }
    assert ("A", "race", "white") in counts


@worked
def test_days_of_another_year_do_not_count() -> Worked:
    counts = yield divide(
        attributed(1, "A", "2023-01-01", "2023-12-31"),
        attributed(2, "A", "2024-12-31", "2024-12-31"),
    )
    assert counts["A", "all", "all"] == 1
    assert counts["A", "sex", "male"] == 1
