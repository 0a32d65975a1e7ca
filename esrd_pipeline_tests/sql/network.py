"""Rows of the worked patients of the network layer, and how its counts are told."""

from typing import Any

import pandas as pd

from esrd_pipeline_tests.sql.worked import Case, Row, Tables, case, day


def listed(ccn: str, **other: object) -> Row:
    return {"program": "dfc", "ccn": ccn, "is_eligible": True, **other}


def began(patient: int, first: str) -> Row:
    return {"program": "dfc", "patient_id": patient, "first_service_date": day(first)}


def treated(patient: int, start: str, end: str, ccn: str, setting: str = "in center") -> Row:
    return {
        "program": "dfc",
        "patient_id": patient,
        "start_date": day(start),
        "end_date": day(end),
        "state": "dialysis",
        "ccn": ccn,
        "setting": setting,
    }


def medicare(patient: int, month: str, *, is_ma: bool = False, is_seen: bool = True) -> Row:
    return {
        "patient_id": patient,
        "month": day(month),
        "is_ma": is_ma,
        "is_covered": is_seen,
        "is_observable": is_seen or is_ma,
    }


def count(table: str, tables: Tables) -> Case:
    """Numerator and denominator by facility, indicator and month, of `table` on worked rows."""
    return case("network.patient_month", f"network.{table}", tables=tables).read(_tell)


def _tell(rows: pd.DataFrame) -> dict[Any, tuple[int, int]]:
    return {
        (row["ccn"], row["indicator"], row["month"].month): (row["numerator"], row["denominator"])
        for row in rows.to_dict("records")
    }


def present(patient: int, month: str, *, is_whole: bool = True) -> Row:
    return {
        "program": "dfc",
        "patient_id": patient,
        "month": day(month),
        "ccn": "A",
        "is_whole": is_whole,
        "modality": "in-center hemodialysis",
    }
