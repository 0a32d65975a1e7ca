"""One facility's explanation of SRR and ED30, discharge by discharge."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked


def discharge(number: int, **other: object) -> Row:
    """A discharge of patient 1, treated by facility A."""
    return {
        "program": "dfc",
        "patient_id": 1,
        "stay": number,
        "discharge_date": day("2024-03-05"),
        "ccn": "A",
        "hospital_ccn": "100001",
        "is_event": 0,
        **other,
    }


def explain(measure: str, *rows: Row) -> Case:
    """What facility A is told."""
    expected = [
        {"program": "dfc", "patient_id": 1, "stay": row["stay"], "expected": 0.25}
        for row in rows
        if row.get("reason") is None
    ]
    return case(
        "explain.discharges",
        alone=True,
        ccn="A",
        measure=measure,
        tables={f"cohort.{measure}": rows, f"cohort.{measure}_expected": expected},
    )


@pytest.mark.parametrize("measure", ["srr", "ed30"])
@worked
def test_counted_and_uncounted_discharges_of_the_facility_are_listed(measure: str) -> Worked:
    rows = yield explain(
        measure,
        discharge(1, is_event=1),
        discharge(2),
        discharge(3, reason="died_in_hospital"),
        discharge(4, ccn="B"),
    )
    assert rows["stay"].tolist() == [1, 2, 3]
    assert rows["is_in_numerator"].astype(object).where(
        rows["is_in_numerator"].notna(), None
    ).tolist() == [
        True,
        False,
        None,
    ]
    assert rows["expected"].tolist()[:2] == [0.25, 0.25]
    assert pd.isna(rows["expected"].iloc[2])


@worked
def test_the_other_measures_discharges_are_not_listed() -> Worked:
    rows = yield case(
        "explain.discharges",
        alone=True,
        ccn="A",
        measure="ed30",
        tables={"cohort.srr": [discharge(1)], "cohort.ed30": []},
    )
    assert rows.empty
