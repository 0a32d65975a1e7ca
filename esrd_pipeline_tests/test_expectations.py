"""Expectations: every kind of rule counts exactly the rows that break it."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.expectations import audit
from esrd_pipeline.tables.model import Column, Reference, Rule, Table
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
        "ccn is there",
        "measure is there",
        "measure is one of 2 allowed texts",
        "lower is finite",
        "lower >= 0",
        "upper is finite",
        "upper <= 10",
        "lower is not above upper",
        "key (ccn, measure) is unique",
    ]


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("ccn", ["000001", None, "000002", "000003"], {"ccn is there": 1}),
        ("ccn", ["000001", "000001", "000003", "000003"], {"key (ccn, measure) is unique": 1}),
        ("measure", ["shr", "SMR", "shr", "shr"], {"measure is one of 2 allowed texts": 1}),
        ("measure", ["shr", "shr ", " shr", ""], {"measure is one of 2 allowed texts": 3}),
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


SPELL = Table(
    name="history.example",
    grain="one spell",
    source="this test",
    key=("patient_id", "start_date"),
    columns=(
        Column("patient_id", "integer", "Patient", required=True),
        Column("start_date", "date", "First day", required=True),
        Column("end_date", "date", "Last day", required=True),
        Column("ccn", "text", "Facility"),
        Column("measure", "text", "Measure"),
    ),
    segments_of=("patient_id",),
    references=(Reference(("ccn", "measure"), TABLE.name, ("ccn", "measure")),),
)


def judge_spells(folder: Path, *spells: tuple[int, str, str, str | None, str]) -> dict[str, int]:
    warehouse, other = stage(folder, good())
    rows = pd.DataFrame(spells, columns=SPELL.column_names)
    for column in ("start_date", "end_date"):
        rows[column] = pd.to_datetime(rows[column]).dt.date
    staged = warehouse.stage(SPELL, 2025, rows)
    judged = audit(
        table=SPELL,
        staged=staged.path,
        query=warehouse.query,
        referenced={TABLE.name: other.path},
    )
    return {result.name: result.broken_count for result in judged.broken}


def test_spans_that_touch_do_not_overlap(tmp_path: Path) -> None:
    first = (1, "2025-01-01", "2025-02-28", "000001", "shr")
    second = (1, "2025-03-01", "2025-03-31", None, "shr")
    other = (2, "2025-01-15", "2025-02-01", "000002", "shr")
    assert judge_spells(tmp_path, first, second, other) == {}


def test_spans_that_overlap_are_counted_even_past_a_short_one_between(tmp_path: Path) -> None:
    whole = (1, "2025-01-01", "2025-12-31", "000001", "shr")
    short = (1, "2025-02-01", "2025-02-03", "000001", "shr")
    late = (1, "2025-06-01", "2025-06-30", "000001", "shr")
    assert judge_spells(tmp_path, whole, short, late) == {
        "segments of one patient_id do not overlap": 2
    }


def test_rows_that_refer_to_none_are_counted_and_nulls_refer_to_nothing(tmp_path: Path) -> None:
    known = (1, "2025-01-01", "2025-01-31", "000001", "smr's")
    unknown = (2, "2025-01-01", "2025-01-31", "000002", "smr's")
    nobody = (3, "2025-01-01", "2025-01-31", None, "shr")
    assert judge_spells(tmp_path, known, unknown, nobody) == {
        "ccn, measure is in facility.example": 1
    }
