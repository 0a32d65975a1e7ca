"""A SELECT over stored tables, written beside its partition: real DuckDB, real files."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.arrow import SchemaError, make_schema
from esrd_pipeline.duckdb_session import own_spill, share_duckdb
from esrd_pipeline.engines import ROW_GROUP
from esrd_pipeline.engines.duckdb_engine import NotEnoughMemoryError, cut_groups
from esrd_pipeline.sql import Select, parse_select
from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.tables.release import EXTRACT
from esrd_pipeline.warehouse import MissingPartitionError, Warehouse

VISIT = Table(
    name="raw.visit",
    grain="one visit",
    source="test",
    key=("visit_id",),
    columns=(
        Column("visit_id", "integer", "Visit", required=True),
        YEAR,
        Column("ccn", "text", "Facility"),
        Column("paid", "number", "Paid"),
    ),
)
TOTAL = Table(
    name="cohort.total",
    grain="one facility",
    source="test",
    key=("ccn",),
    columns=(
        Column("ccn", "text", "Facility", required=True),
        YEAR,
        Column("visits", "integer", "Visits"),
        Column("paid", "number", "Paid"),
    ),
)
TABLES = {VISIT.name: VISIT}
TEXT = """-- one row a facility
SELECT ccn, $performance_year AS performance_year, count(*) AS visits,
    sum(CAST(paid AS DECIMAL(12, 2))) AS paid
FROM raw.visit
WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year AND paid >= $least
GROUP BY ccn
"""


def select(text: str = TEXT) -> Select:
    return parse_select(TOTAL.name, "sql/cohort/total.sql", text)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    stored = Warehouse(tmp_path)
    for year in (2023, 2024):
        visits = pd.DataFrame(
            {
                "visit_id": range(1, 7),
                "performance_year": year,
                "ccn": ["b", "a", "a", "c", "b", "a"],
                "paid": [10.1, 20.2, 30.3, 0.0, 50.5, 60.6],
            }
        )
        stored.publish(stored.stage(VISIT, year, visits))
    return stored


def test_a_table_of_another_measure_is_not_needed(warehouse: Warehouse) -> None:
    other = replace(VISIT, name="raw.other_visit")
    text = TEXT.replace("AND paid >= $least", "AND $measure = 'visits'")
    text += f"UNION ALL {text[text.index('SELECT') :]}".replace("raw.visit", other.name).replace(
        "'visits'", "'others'"
    )
    tables = {**TABLES, other.name: other}

    def stage(measure: str) -> int:
        parameters = {"measure": measure}
        made = warehouse.stage_select(
            TOTAL, 2024, select(text), tables=tables, parameters=parameters
        )
        return made.row_count

    assert stage("visits") == 3
    with pytest.raises(MissingPartitionError, match=r"raw\.other_visit"):
        stage("others")


def test_rows_are_stored_typed_and_in_the_order_of_the_key(warehouse: Warehouse) -> None:
    staged = warehouse.stage_select(
        TOTAL, 2024, select(), tables=TABLES, parameters={"least": 1}, notes={"esrd.origin": "x"}
    )
    assert staged.row_count == 2
    warehouse.publish(staged)
    stored = warehouse.read(TOTAL, 2024)
    assert stored["ccn"].tolist() == ["a", "b"]
    assert stored["visits"].tolist() == [6, 4]
    assert stored["paid"].tolist() == [222.2, 121.2]
    schema = pq.read_schema(staged.target)
    assert schema.metadata[b"esrd.table"] == b'"cohort.total"'
    assert schema.metadata[b"esrd.origin"] == b'"x"'
    assert schema.types == make_schema(TOTAL).types
    assert [schema.field(column.name).metadata[b"description"] for column in TOTAL.columns] == [
        column.description.encode() for column in TOTAL.columns
    ]


def test_frames_and_selects_say_the_same_of_their_fields(warehouse: Warehouse) -> None:
    staged = warehouse.stage_select(TOTAL, 2024, select(), tables=TABLES, parameters={"least": 1})
    of_select = pq.read_schema(staged.path)
    of_frame = pq.read_schema(warehouse.stage(TOTAL, 2023, pd.read_parquet(staged.path)).path)
    for column in TOTAL.columns:
        found = [schema.field(column.name).metadata for schema in (of_select, of_frame)]
        assert found[0] == found[1], column.name


def test_a_year_before_that_is_not_stored_holds_no_rows(warehouse: Warehouse) -> None:
    staged = warehouse.stage_select(TOTAL, 2023, select(), tables=TABLES, parameters={"least": 1})
    assert pd.read_parquet(staged.path)["visits"].tolist() == [3, 2]


def test_a_year_before_that_is_stored_in_part_is_refused(warehouse: Warehouse) -> None:
    beside = warehouse.partition_path(EXTRACT, 2022)
    beside.parent.mkdir(parents=True)
    beside.touch()
    text = "raw.visit has no partition 2022, and other tables of raw have: refresh 2022 again"
    with pytest.raises(MissingPartitionError, match=text):
        warehouse.stage_select(TOTAL, 2023, select(), tables=TABLES, parameters={"least": 1})


def test_its_own_year_must_be_there(warehouse: Warehouse) -> None:
    with pytest.raises(MissingPartitionError, match=r"raw.visit has no partition 2025"):
        warehouse.stage_select(TOTAL, 2025, select(), tables=TABLES, parameters={"least": 1})


def test_columns_that_are_not_the_tables_are_named(warehouse: Warehouse) -> None:
    text = TEXT.replace("AS visits", "AS visit_count")
    with pytest.raises(SchemaError, match=r"cohort.total: sql/cohort/total.sql: .*visits"):
        warehouse.stage_select(TOTAL, 2024, select(text), tables=TABLES, parameters={"least": 1})


def test_a_value_that_does_not_fit_is_not_quoted_and_leaves_no_file(warehouse: Warehouse) -> None:
    text = TEXT.replace("count(*) AS visits", "min('secret') AS visits")
    with pytest.raises(SchemaError) as caught:
        warehouse.stage_select(TOTAL, 2024, select(text), tables=TABLES, parameters={"least": 1})
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    folder = warehouse.partition_path(TOTAL, 2024).parent
    assert list(folder.glob("*.parquet*")) == []


def test_too_little_memory_is_told_with_what_to_do(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path, memory_limit="2MB")
    text = (
        "-- Every number in one list.\n"
        "SELECT list(i) AS everything FROM range(10000000) AS t (i) WHERE i < $performance_year * i"
    )
    many = parse_select("facility.many", "sql/facility/many.sql", text)
    message = r"DuckDB may use 2MB of memory, spills to .*\.spill and needs more: make room"
    with pytest.raises(NotEnoughMemoryError, match=message):
        warehouse.read_select(2024, many, tables={})


def test_the_same_rows_give_the_same_bytes_whatever_the_threads(tmp_path: Path) -> None:
    stored = Warehouse(tmp_path)
    count = 300_000
    visits = pd.DataFrame(
        {
            "visit_id": range(count),
            "performance_year": 2024,
            "ccn": [f"{number % 140_001:06d}" for number in range(count)],
            "paid": [number % 97 + 0.25 for number in range(count)],
        }
    )
    stored.publish(stored.stage(VISIT, 2024, visits))
    written = []
    for threads in (1, 2, 4):

        def connect(threads: int = threads) -> duckdb.DuckDBPyConnection:
            return duckdb.connect(config={"threads": threads})

        staged = Warehouse(tmp_path, open_for_selects=connect).stage_select(
            TOTAL, 2024, select(), tables=TABLES, parameters={"least": 0}
        )
        assert pq.ParquetFile(staged.path).num_row_groups == 2  # 140,001 rows of ccn
        written.append(staged.path.read_bytes())
    assert written[0] == written[1] == written[2]


@pytest.mark.parametrize("sizes", [(1703, ROW_GROUP, 5, ROW_GROUP), (ROW_GROUP, ROW_GROUP, 1708)])
def test_groups_have_their_size_wherever_batches_end(sizes: Sequence[int]) -> None:
    ends = itertools.accumulate(sizes)
    numbers = pa.array(range(sum(sizes)))
    batches = (
        pa.record_batch([numbers.slice(end - size, size)], names=["visit_id"])
        for end, size in zip(ends, sizes, strict=True)
    )
    groups = list(cut_groups(batches))
    assert [group.num_rows for group in groups] == [ROW_GROUP, ROW_GROUP, 1708]
    assert [group.column(0).num_chunks for group in groups] == [1, 1, 1]
    assert pa.concat_tables(groups).column(0).to_pylist() == numbers.to_pylist()


def test_a_process_keeps_one_duckdb_and_no_query_sees_another(tmp_path: Path) -> None:
    opened: list[int] = []

    def open_connection() -> duckdb.DuckDBPyConnection:
        opened.append(1)
        return duckdb.connect()

    def connect() -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return share_duckdb(tmp_path, tmp_path / ".spill", open_connection)

    with connect() as one, connect() as other:
        one.execute("CREATE SCHEMA history")
        one.execute("CREATE VIEW history.stay AS SELECT 1 AS n")
        with pytest.raises(duckdb.CatalogException):
            other.execute("FROM history.stay")
        assert one.execute("FROM history.stay").fetchall() == [(1,)]
    with connect() as later, pytest.raises(duckdb.CatalogException):
        later.execute("FROM history.stay")
    assert len(opened) == 1
    # What failed may have left something behind in it.
    with pytest.raises(duckdb.CatalogException), connect() as failing:
        failing.execute("FROM nothing")
    with connect() as anew:
        assert anew.execute("SHOW DATABASES").fetchall() != []
    assert len(opened) == 2

    # Two fail in one DuckDB, the later while the next is open, which stays.
    def fail_after(meanwhile: Callable[[], None]) -> None:
        with connect() as failing:
            meanwhile()
            failing.execute("FROM nothing")

    def fail_and_open() -> None:
        with pytest.raises(duckdb.CatalogException):
            fail_after(lambda: None)
        with connect():
            assert len(opened) == 3

    with pytest.raises(duckdb.CatalogException):
        fail_after(fail_and_open)
    with connect():
        assert len(opened) == 3


def test_a_process_spills_apart_and_empties_what_the_dead_left(warehouse: Warehouse) -> None:
    spill = warehouse.root / ".spill"
    program = f"""
import os, pathlib
from esrd_pipeline.duckdb_session import own_spill
own_spill(pathlib.Path({str(spill)!r})).mkdir()
os.kill(os.getpid(), 9)
"""
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program], check=False)
        # The killed one's is removed by the next.
        (left,) = (path for path in spill.iterdir() if path.is_dir())
    ours = own_spill(spill)
    assert ours == own_spill(spill) != left
    ours.mkdir()
    assert [path.name for path in sorted(spill.iterdir())] == [ours.name, f"{ours.name}.lock"]
    # What has spilled nothing leaves nothing.
    subprocess.run([sys.executable, "-c", program.partition(".mkdir")[0]], check=True)
    assert [path.name for path in sorted(spill.iterdir())] == [ours.name, f"{ours.name}.lock"]


def test_the_folder_of_a_warehouse_is_its_owners_whoever_makes_it(tmp_path: Path) -> None:
    root = tmp_path / "warehouse"
    own_spill(root / ".spill")
    assert root.stat().st_mode & 0o777 == 0o700
