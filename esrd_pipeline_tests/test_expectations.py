"""Expectations: every kind of rule counts exactly the rows that break it."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.expectations import audit, find_drift
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.warehouse import Staged, Warehouse

TABLE = Table(
    name="facility.example",
    grain="one facility and measure",
    source="this test",
    key=("ccn", "measure"),
    columns=(
        Column("ccn", "text", "CCN", required=True),
        Column("measure", "text", "Measure", required=True, allowed=("shr", "smr's")),
        Column("lower", "number", "Lower limit", minimum=0),
        Column("upper", "number", "Upper limit", maximum=10),
    ),
    rules=(Rule("lower is not above upper", "lower <= upper"),),
    minimum_rows=2,
)


def good() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ccn": ["000001", "000001", "000002", "000003"],
            "measure": ["shr", "smr's", "shr", "shr"],
            "lower": [0.5, 0.0, None, 1.0],
            "upper": [1.5, 10.0, 2.0, None],
        }
    )


def stage(folder: Path, frame: pd.DataFrame, year: int = 2025) -> tuple[Warehouse, Staged]:
    warehouse = Warehouse(folder)
    return warehouse, warehouse.stage(TABLE, year, frame)


def broken(folder: Path, frame: pd.DataFrame) -> dict[str, int]:
    warehouse, staged = stage(folder, frame)
    judged = audit(table=TABLE, staged=staged.path, query=warehouse.query)
    return {result.name: result.broken_count for result in judged.broken}


def test_a_good_partition_meets_every_expectation(tmp_path: Path) -> None:
    warehouse, staged = stage(tmp_path, good())
    judged = audit(table=TABLE, staged=staged.path, query=warehouse.query)
    assert judged.broken == ()
    assert judged.row_count == 4
    assert [result.name for result in judged.results] == [
        "at least 2 rows",
        "key (ccn, measure) is unique",
        "ccn is there",
        "measure is there",
        "measure is one of 2 allowed texts",
        "lower is finite",
        "lower >= 0",
        "upper is finite",
        "upper <= 10",
        "lower is not above upper",
    ]


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("ccn", ["000001", None, "000002", "000003"], {"ccn is there": 1}),
        ("ccn", ["000001", "000001", "000003", "000003"], {"key (ccn, measure) is unique": 1}),
        ("measure", ["shr", "SMR", "shr", "shr"], {"measure is one of 2 allowed texts": 1}),
        ("lower", [-0.1, -5.0, None, 1.0], {"lower >= 0": 2}),
        (
            "upper",
            [1.5, 10.001, float("inf"), None],
            {"upper is finite": 1, "upper <= 10": 2},
        ),
        ("lower", [1.6, 0.0, None, 1.0], {"lower is not above upper": 1}),
    ],
)
def test_a_broken_rule_is_named_with_its_rows(
    tmp_path: Path, column: str, values: list[object], expected: dict[str, int]
) -> None:
    assert broken(tmp_path, good().assign(**{column: values})) == expected


def test_too_few_rows_break_the_partition(tmp_path: Path) -> None:
    assert broken(tmp_path, good().head(1)) == {"at least 2 rows": 1}
    assert broken(tmp_path, good().head(0)) == {"at least 2 rows": 2}


def test_drift_names_measure_column_and_both_values(tmp_path: Path) -> None:
    before = pd.DataFrame(
        {"ccn": [f"{i:06d}" for i in range(10)], "measure": "shr", "lower": 0.0, "upper": range(10)}
    )
    now = before.assign(upper=[value + 1.0 if value < 9 else None for value in range(10)])
    warehouse, staged = stage(tmp_path, before, 2024)
    previous = warehouse.publish(staged)
    same = warehouse.stage(TABLE, 2025, before)
    assert find_drift(table=TABLE, staged=same.path, previous=previous, query=warehouse.query) == []
    moved = warehouse.stage(TABLE, 2025, now.assign(upper=now["upper"] + 2))
    (drift,) = find_drift(table=TABLE, staged=moved.path, previous=previous, query=warehouse.query)
    # 4.5 before with a spread of 2.87; nine values of mean 7 now; one null in ten is no drift.
    assert (drift.measure, drift.column, drift.what) == ("shr", "upper", "mean")
    assert (drift.before, drift.now) == (4.5, 7.0)
    fewer = warehouse.stage(TABLE, 2025, before.head(7))
    (drop,) = [
        d
        for d in find_drift(
            table=TABLE, staged=fewer.path, previous=previous, query=warehouse.query
        )
        if d.what == "number of rows"
    ]
    assert (drop.before, drop.now) == (10, 7)
