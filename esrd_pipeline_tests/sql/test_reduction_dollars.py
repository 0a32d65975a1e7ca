"""What a payment reduction takes in dollars: treatments of the year x base rate x reduction."""

import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked


def month(patient: int, sessions: int | None, ccn: str = "A", program: str = "qip") -> Row:
    row = {"program": program, "patient_id": patient, "month": day("2024-01-01"), "ccn": ccn}
    return {**row, "sessions": sessions}


MONTHS = [
    month(1, 13),
    month(2, 12),
    # On peritoneal dialysis, and not treated: neither counts.
    month(3, None),
    month(4, 0),
    month(5, 10, "B"),
    month(1, 13, program="dfc"),
]


def reduce(performance_year: int) -> Case:
    tables = {"history.reported_month": MONTHS}
    return case(
        "report.reduction_dollars", tables=tables, performance_year=performance_year, alone=True
    )


@worked
def test_a_reduction_takes_its_share_of_treatments_times_the_base_rate() -> Worked:
    """25 treatments x 281.71 = 7,042.75 dollars, of which 2 percent are 140.855."""
    rows = yield reduce(2024)
    mine = rows[rows["ccn"] == "A"]
    assert mine["payment_reduction"].tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert mine["dollars"].tolist() == pytest.approx([0, 35.21375, 70.4275, 105.64125, 140.855])
    assert set(mine["payment_year"]) == {2026}
    assert set(zip(mine["patients"], mine["treatments"], strict=True)) == {(2, 25)}
    assert set(zip(mine["base_rate"], mine["rate_year"], strict=True)) == {(281.71, 2026)}
    assert rows["ccn"].tolist() == ["A"] * 5 + ["B"] * 5
