"""What others are shown of the Networks' months: no small count, and none to be computed."""

from datetime import date
from typing import Any

import pandas as pd

from esrd_pipeline.reports.suppression import suppress
from esrd_pipeline.tables.network import INDICATORS


def row(level: str, group: str, numerator: int, denominator: float, **other: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "level": level,
        "group_name": group,
        "month": date(2024, 4, 1),
        "indicator": "admission",
        "performance_year": 2024,
        "facility_count": 2,
        "numerator": numerator,
        "denominator": denominator,
        "value": numerator / denominator,
        "unit": "share",
        "counted": "patients",
        **other,
    }


def show(*rows: dict[str, Any]) -> pd.DataFrame:
    return suppress(INDICATORS, pd.DataFrame(rows)).set_index("group_name")


def test_a_network_of_few_is_hidden_with_another_that_would_tell_of_it() -> None:
    shown = show(
        row("nation", "nation", 69, 300),
        row("network", "1", 4, 100),
        row("network", "2", 25, 100),
        row("network", "3", 40, 100),
    )
    assert list(shown.index[shown["value"].isna()]) == ["1", "2"]
    assert shown.loc["3", "numerator"] == 40


def test_all_but_a_few_are_few() -> None:
    shown = show(row("nation", "nation", 195, 200))
    assert shown["value"].isna().all()


def test_personnel_and_months_reported_are_no_patients() -> None:
    shown = show(
        row("network", "1", 3, 6, counted="months"), row("network", "2", 4, 9, counted="personnel")
    )
    assert list(shown["numerator"]) == [3, 4]
