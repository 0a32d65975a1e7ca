"""The Networks' indicators are not stored unless each level adds up to the nation."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from esrd_pipeline.orchestration.reports_assets_network import find_unequal_levels

LEVELS = ("nation", "network", "state", "chain", "facility")


def write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "data.parquet"
    pd.DataFrame(rows).to_parquet(path)
    return path


def query(text: str) -> pd.DataFrame:
    return duckdb.connect().execute(text).df()


def indicator(level: str, group: str, numerator: int, denominator: float) -> dict[str, Any]:
    return {
        "level": level,
        "group_name": group,
        "month": date(2024, 4, 1),
        "indicator": "admission",
        "facility_count": 1 if level == "facility" else 2,
        "numerator": numerator,
        "denominator": denominator,
    }


def sound() -> list[dict[str, Any]]:
    whole = [indicator(level, "any", 5, 0.3) for level in LEVELS[:-1]]
    return [*whole, indicator("facility", "A", 2, 0.1), indicator("facility", "B", 3, 0.2)]


def test_levels_that_add_up_are_stored(tmp_path: Path) -> None:
    assert find_unequal_levels(query, write(tmp_path, sound())) == (None, None)


@pytest.mark.parametrize(
    ("column", "value"), [("numerator", 4), ("denominator", 0.21), ("facility_count", 2)]
)
def test_a_facility_that_is_counted_otherwise_stops_it(
    tmp_path: Path, column: str, value: float
) -> None:
    rows = sound()
    rows[-1][column] = value
    _, fault = find_unequal_levels(query, write(tmp_path, rows))
    assert fault == ("network.indicator: groups do not add up to the nation: facility (1 sums)")


def test_a_level_without_rows_stops_it(tmp_path: Path) -> None:
    rows = [row for row in sound() if row["level"] != "state"]
    _, fault = find_unequal_levels(query, write(tmp_path, rows))
    assert fault is not None
    assert "state" in fault
