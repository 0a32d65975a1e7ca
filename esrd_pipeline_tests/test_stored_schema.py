"""Stored years against their table's definition: never cast, and told by name."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.sql import parse_select
from esrd_pipeline.stored_schema import OutdatedPartitionError
from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Warehouse

VISIT = Table(
    name="raw.visit",
    grain="one visit",
    source="test",
    key=("visit_id",),
    columns=(
        Column("visit_id", "integer", "Visit", required=True),
        YEAR,
        Column("paid", "number", "Paid"),
    ),
)
TOTAL = Table(
    name="cohort.total",
    grain="one year",
    source="test",
    key=("performance_year",),
    columns=(YEAR, Column("paid", "number", "Paid")),
)
SELECT = parse_select(
    TOTAL.name,
    "sql/cohort/total.sql",
    """-- one row
SELECT $performance_year AS performance_year, sum(paid) AS paid
FROM raw.visit
WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
""",
)


def with_paid(*columns: Column) -> Table:
    return replace(VISIT, columns=(*VISIT.columns[:2], *columns))


def store(warehouse: Warehouse, year: int, paid: float, table: Table = VISIT) -> Path:
    frame = pd.DataFrame({"visit_id": [1], "performance_year": year})
    for column in table.columns[2:]:
        frame[column.name] = str(paid) if column.type == "text" else paid
    return warehouse.publish(warehouse.stage(table, year, frame))


def add_up(warehouse: Warehouse) -> float:
    staged = warehouse.stage_select(TOTAL, 2024, SELECT, tables={VISIT.name: VISIT})
    return float(pd.read_parquet(staged.path)["paid"].iloc[0])


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ((Column("paid", "integer", ""),), "column paid is stored as integer, defined as number"),
        ((Column("paid", "text", ""),), "column paid is stored as text, defined as number"),
        ((), "column paid is not stored, defined as number"),
        (
            (VISIT.columns[2], Column("note", "text", "")),
            "column note is stored, but not defined",
        ),
    ],
    ids=["whole", "text", "missing", "unknown"],
)
def test_a_year_before_of_another_schema_is_to_be_made_again(
    tmp_path: Path, stored: tuple[Column, ...], expected: str
) -> None:
    warehouse = Warehouse(tmp_path)
    store(warehouse, 2024, 1.5)
    store(warehouse, 2023, 1.0, with_paid(*stored))
    sentence = f"raw.visit 2023: {expected}. Make the year again: esrd refresh --year 2023"
    with pytest.raises(OutdatedPartitionError) as select:
        add_up(warehouse)
    assert str(select.value) == sentence
    with pytest.raises(OutdatedPartitionError) as frame:
        warehouse.read(VISIT, 2023, columns=["visit_id"])
    assert str(frame.value) == sentence
    store(warehouse, 2023, 1.0)
    assert add_up(warehouse) == 2.5, "a year that is made again is looked at again"


def test_many_differences_are_counted(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    others = [Column(f"c{i}", "text", "") for i in range(5)]
    store(warehouse, 2023, 1.0, with_paid(VISIT.columns[2], *others))
    with pytest.raises(OutdatedPartitionError, match=r"c2 is stored, but not defined and 2 more"):
        warehouse.read(VISIT, 2023)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    store(warehouse, 2024, 1.5)
    torn = store(warehouse, 2023, 1.0)
    torn.write_bytes(torn.read_bytes()[:-9])
    with pytest.raises(
        OutdatedPartitionError, match=r"raw\.visit 2023: the stored file is damaged\. Make .* 2023"
    ):
        add_up(warehouse)


def test_years_are_read_by_name_not_by_place(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    store(warehouse, 2024, 1.5)
    turned = replace(VISIT, columns=(VISIT.columns[2], *VISIT.columns[:2]))
    frame = pd.DataFrame({"paid": [1.0], "visit_id": [7], "performance_year": [2023]})
    warehouse.publish(warehouse.stage(turned, 2023, frame))
    assert add_up(warehouse) == 2.5


def test_a_folder_whose_name_is_a_pattern_or_names_a_column(tmp_path: Path) -> None:
    for name in ("a[1]?*'b", "a**b", "paid=100", "x[!y]"):
        warehouse = Warehouse(tmp_path / name)
        store(warehouse, 2024, 1.5)
        store(warehouse, 2023, 1.0)
        assert add_up(warehouse) == 2.5, name
    # What the first pattern would also match is not read.
    shutil.copytree(tmp_path / "a[1]?*'b", tmp_path / "a1xyz'b")
    shutil.copytree(tmp_path / "a[1]?*'b", tmp_path / "a[1]xy'b")
    assert add_up(Warehouse(tmp_path / "a[1]?*'b")) == 2.5
