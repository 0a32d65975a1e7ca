"""Payments from an impact file."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.tables.what_if import REDUCTION_DOLLARS
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline.what_if.changes import ScenarioError
from esrd_pipeline.what_if.dollars import estimate_payment, read_impact

FILE = """Provider ID,Dialysis Treatments,Total Payment for  Step 1,Total Payment for Step 2
10001,"9,000","$2,500,000","$2,600,000"
552500,100,30000,none
"""


@pytest.fixture
def impact(tmp_path: Path) -> Path:
    path = tmp_path / "impact.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_the_last_step_is_the_payment(impact: Path) -> None:
    payment = read_impact(impact, "010001")
    assert payment.dollars == 2_600_000
    assert payment.reduce(0.5) == 13_000
    assert "impact.csv" in payment.label
    assert "Total Payment for Step 2" in payment.label


@pytest.mark.parametrize(
    ("ccn", "sentence"),
    [
        ("552500", "impact.csv, row of 552500, column 'Total Payment for Step 2': 'none' is no"),
        ("999999", "impact.csv: it has 0 rows of 999999, where one is needed"),
    ],
)
def test_no_amount_is_refused(impact: Path, ccn: str, sentence: str) -> None:
    with pytest.raises(ScenarioError, match=sentence):
        read_impact(impact, ccn)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("ccn,dollars\n010001,5\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="it needs the columns 'Provider ID' and"):
        read_impact(path, "010001")


def test_without_a_file_they_are_treatments_times_the_base_rate(tmp_path: Path) -> None:
    row = {"performance_year": 2025, "payment_year": 2027, "ccn": "010001", "patients": 2}
    row |= {"treatments": 25, "base_rate": 281.71, "rate_year": 2026}
    rows = pd.DataFrame(
        [
            {**row, "payment_reduction": percent, "dollars": 25 * 281.71 * percent / 100}
            for percent in (0.0, 2.0)
        ]
    )
    warehouse = Warehouse(tmp_path)
    warehouse.publish(warehouse.stage(REDUCTION_DOLLARS, 2025, rows))
    payment = estimate_payment(warehouse, 2025, "010001")
    assert payment is not None
    assert payment.dollars == pytest.approx(25 * 281.71)
    assert "an upper-level estimate, shares of 25 hemodialysis treatments" in payment.label
    assert "base rate of 2026" in payment.label
    assert estimate_payment(warehouse, 2025, "010002") is None
    assert estimate_payment(warehouse, 2024, "010001") is None
