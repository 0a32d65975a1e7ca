"""The warehouse: a partition is whole or not there, and its bytes depend on its rows alone."""

import hashlib
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.arrow import SchemaError
from esrd_pipeline.stores.store import PartitionBusyError
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import (
    MissingPartitionError,
    Warehouse,
)

TABLE = Table(
    name="facility.example",
    grain="one facility",
    source="this test",
    key=("ccn",),
    columns=(
        Column("ccn", "text", "CCN", required=True),
        Column("stations", "integer", "Stations"),
        Column("rate", "number", "Rate"),
        Column("is_open", "boolean", "Open"),
        Column("certified", "date", "Date"),
        Column("codes", "texts", "Footnotes"),
        Column("missing", "labels", "What was printed"),
    ),
)


def example() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ccn": ["012306", "05A001", "000001"],
            "stations": pd.array([12, None, 7], dtype="Int64"),
            "rate": [1.5, None, 0.25],
            "is_open": pd.array([True, None, False], dtype="boolean"),
            "certified": [date(1977, 9, 1), None, date(2025, 10, 1)],
            "codes": [["4", "7"], [], ["1"]],
            "missing": [{"rate": "-", "a": "b"}, {}, {"stations": "<11"}],
        }
    )


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_type_comes_back_as_it_was_stored_in_key_order(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.publish(warehouse.stage(TABLE, 2025, example()))
    stored = warehouse.read(TABLE, 2025)
    assert stored["ccn"].tolist() == ["000001", "012306", "05A001"]
    assert stored["stations"].tolist()[:2] == [7, 12]
    assert stored["stations"].isna().tolist() == [False, False, True]
    assert stored["rate"].fillna(-1.0).tolist() == [0.25, 1.5, -1.0]
    assert stored["is_open"].tolist()[:2] == [False, True]
    assert stored["certified"].tolist()[0] == date(2025, 10, 1)
    assert [list(codes) for codes in stored["codes"]] == [["1"], ["4", "7"], []]
    assert stored["missing"].tolist()[1] == {"rate": "-", "a": "b"}


def test_the_order_of_rows_does_not_change_the_bytes(tmp_path: Path) -> None:
    first, second = Warehouse(tmp_path / "first"), Warehouse(tmp_path / "second")
    one = first.publish(first.stage(TABLE, 2025, example()))
    other = second.publish(second.stage(TABLE, 2025, example().iloc[::-1]))
    assert digest(one) == digest(other)


def test_what_is_staged_is_not_seen_and_what_is_discarded_is_gone(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    staged = warehouse.stage(TABLE, 2025, example())
    assert not warehouse.has(TABLE, 2025)
    with pytest.raises(MissingPartitionError, match=r"facility\.example has no partition 2025"):
        warehouse.read(TABLE, 2025)
    warehouse.discard(staged)
    assert [path.name for path in staged.target.parent.iterdir()] == []


def test_staging_sweeps_away_what_a_killed_step_left(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    left_over = warehouse.stage(TABLE, 2025, example())
    warehouse.publish(warehouse.stage(TABLE, 2025, example()))
    assert not left_over.path.exists()
    assert [path.name for path in left_over.target.parent.iterdir()] == ["data.parquet"]


def test_a_frame_that_does_not_fit_names_its_columns_and_no_value(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    with pytest.raises(
        SchemaError, match=r"missing columns \['rate'\], unknown columns \['ratio'\]"
    ):
        warehouse.stage(TABLE, 2025, example().rename(columns={"rate": "ratio"}))
    with pytest.raises(SchemaError) as wrong:
        warehouse.stage(TABLE, 2025, example().assign(stations=["twelve", "1", "2"]))
    assert str(wrong.value) == "facility.example: column stations does not hold integer"
    assert wrong.value.__cause__ is None


def test_a_partition_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    with warehouse.lock(TABLE, 2025):
        busy = pytest.raises(PartitionBusyError, match="2025 is being written by another run")
        with busy, warehouse.lock(TABLE, 2025):
            pass
        with warehouse.lock(TABLE, 2024):
            pass
    with warehouse.lock(TABLE, 2025):
        pass


def test_no_row_is_lost_from_a_left_join_beside_a_row_of_constants(tmp_path: Path) -> None:
    """30 patients on 2 days, of whom 2 have died: 56 have no death. DuckDB 2.0 would lose them."""
    with Warehouse(tmp_path).connect() as query:
        query(
            "CREATE TABLE patient AS SELECT CAST(i AS BIGINT) AS id,"
            " DATE '2023-01-01' + CAST(i % 3 AS INTEGER) AS since,"
            " DATE '2024-12-31' - CAST(i % 4 AS INTEGER) AS until FROM range(30) AS numbers (i)"
        )
        query(
            "CREATE TABLE death AS SELECT CAST(id AS BIGINT) AS id, day"
            " FROM (VALUES (1, DATE '2024-10-05'), (2, DATE '2024-10-06')) AS deaths (id, day)"
        )
        found = query(
            """
            WITH
            rule AS (SELECT 30 AS days),
            anchor AS (SELECT DATE '2024-09-26' AS day UNION ALL SELECT DATE '2023-09-28' AS day)
            SELECT count(*) AS pairs
            FROM patient AS p
            CROSS JOIN rule AS r
            JOIN anchor AS a ON p.since <= a.day - r.days AND p.until >= a.day
            LEFT JOIN death AS d ON d.id = p.id
            WHERE d.day IS NULL
            """
        )
    assert found["pairs"].tolist() == [56]
