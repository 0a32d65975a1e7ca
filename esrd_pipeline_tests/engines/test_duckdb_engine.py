"""What is asked of DuckDB: joins as written, rows in order, an end of errors of its threads."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.duckdb_session import set_for_selects
from esrd_pipeline.engines.duckdb_engine import DuckdbEngine, run_sturdily
from esrd_pipeline.tables.model import Column, Table


def count_threads(connection: duckdb.DuckDBPyConnection) -> int:
    (threads,) = connection.sql("SELECT current_setting('threads')").fetchall()[0]
    return int(threads)


def open_on_two() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 2})


def test_work_that_an_internal_error_ends_is_done_again_on_one_thread() -> None:
    tried: list[int] = []

    def work(connection: duckdb.DuckDBPyConnection) -> str:
        tried.append(count_threads(connection))
        if tried[-1] > 1:
            raise duckdb.InternalException("dict-surviving cache")
        return "made"

    assert run_sturdily(open_on_two, work) == "made"
    assert tried == [2, 1]


def test_the_threads_are_given_back(caplog: pytest.LogCaptureFixture) -> None:
    tried: list[int] = []
    with open_on_two() as shared:

        def work(connection: duckdb.DuckDBPyConnection) -> None:
            tried.append(count_threads(connection))
            if tried[-1] > 1:
                raise duckdb.InternalException("dict-surviving cache")

        run_sturdily(shared.cursor, work)
        assert tried == [2, 1]
        assert count_threads(shared) == 2
    assert "run again on one thread" in caplog.text


@pytest.mark.parametrize(
    ("error", "times"), [(duckdb.InternalException, 2), (duckdb.BinderException, 1)]
)
def test_an_error_that_stays_is_told(error: type[duckdb.Error], times: int) -> None:
    tried: list[int] = []

    def work(connection: duckdb.DuckDBPyConnection) -> None:
        tried.append(count_threads(connection))
        raise error("no")

    with pytest.raises(error):
        run_sturdily(open_on_two, work)
    assert len(tried) == times


def test_the_side_written_last_is_the_one_that_a_join_holds() -> None:
    """Without estimates DuckDB held the day of every patient to look up a hundred deaths."""
    with duckdb.connect() as connection:
        set_for_selects(connection)
        connection.execute(
            "CREATE TABLE day AS SELECT range // 9 AS patient, range % 9 AS day FROM range(90000)"
        )
        connection.execute("CREATE TABLE death AS SELECT range * 99 AS patient FROM range(99)")
        ((_, plan),) = connection.execute(
            """
            EXPLAIN
            WITH
            at_risk AS (SELECT * FROM day),
            dead AS (SELECT patient, count(*) AS deaths FROM death GROUP BY patient)
            SELECT a.*, d.deaths
            FROM at_risk AS a
            LEFT JOIN dead AS d ON d.patient = a.patient
            WHERE (SELECT count(*) FROM at_risk) > 0
            """
        ).fetchall()
    assert "Join Type: LEFT" in plan
    assert "Join Type: RIGHT" not in plan


def test_texts_of_a_list_are_sorted_and_audited_as_texts(tmp_path: Path) -> None:
    """They are collected as places in a list: neither their order nor a fault may show it."""
    table = Table(
        "facility.example",
        "one reason",
        key=("reason",),
        source="-",
        columns=(Column("reason", "text", "Reason", allowed=("later", "earlier", "É", "Z")),),
    )

    engine = DuckdbEngine(duckdb.connect, tmp_path / "spill")
    part, path = tmp_path / "part.parquet", tmp_path / "data.parquet"

    def write(*texts: str) -> list[str]:
        pq.write_table(pa.table({"reason": texts}), part)
        engine.gather([part], table, path, {})
        return pq.read_table(path)["reason"].to_pylist()

    assert write("É", "later", "Z", "earlier") == ["Z", "earlier", "later", "É"]
    # What is not allowed is written all the same: the audit says which column and how many rows.
    assert write("later", "never", "earlier") == ["earlier", "later", "never"]
