"""Months that do not add up to their facility are not stored, and what the picture shows."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from esrd_pipeline.orchestration.monitor_assets import find_open_facilities
from esrd_pipeline.orchestration.monitor_pictures import draw_signals


def write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "data.parquet"
    pd.DataFrame(rows).to_parquet(path)
    return path


def query(text: str) -> pd.DataFrame:
    return duckdb.connect().execute(text).df()


def sound() -> list[dict[str, Any]]:
    """A facility of 3 events where 0.75 are expected, in two months; another measure in one."""
    whole = {"ccn": "A", "measure": "shr", "facility_observed": 3.0, "facility_expected": 0.75}
    other = {"ccn": "A", "measure": "smr", "facility_observed": 0.0, "facility_expected": 0.5}
    return [
        {**whole, "month": date(2024, 4, 1), "observed": 1, "expected": 0.25},
        {**whole, "month": date(2024, 5, 1), "observed": 2, "expected": 0.5},
        {**other, "month": date(2024, 5, 1), "observed": 0, "expected": 0.5},
    ]


def test_months_that_add_up_are_stored(tmp_path: Path) -> None:
    assert find_open_facilities(query, write(tmp_path, sound())) == (None, None)


@pytest.mark.parametrize(("column", "value"), [("observed", 3), ("expected", 0.50000001)])
def test_a_month_that_is_counted_otherwise_stops_it(
    tmp_path: Path, column: str, value: float
) -> None:
    rows = sound()
    rows[1][column] = value
    _, fault = find_open_facilities(query, write(tmp_path, rows))
    assert fault == (
        "network.event_month: months do not add up to the facility: shr (1 facilities)"
    )


def test_the_picture_has_the_share_of_signals_by_month_and_side() -> None:
    """Of two facilities one signals more in May; none ever signals fewer events."""
    months = pd.to_datetime(["2024-04-01", "2024-05-01"] * 2)
    monitor = pd.DataFrame(
        {
            "measure": "shr",
            "month": months,
            "is_worse": [False, True, False, False],
            "is_better": False,
        }
    )
    axes = draw_signals(monitor).axes[0]
    assert axes.get_title() == "SHR: % with a signal"
    worse, better = ([bar.get_height() for bar in bars] for bars in axes.containers)
    assert worse == [0.0, 50.0]
    assert better == [0.0, 0.0]


def test_a_nation_without_charts_says_so() -> None:
    columns = ["measure", "month", "is_worse", "is_better"]
    (text,) = draw_signals(pd.DataFrame(columns=columns)).texts
    assert text.get_text() == "no facility has a chart"
