"""A SELECT on a real Spark of this machine: the rows, types, order and layout of DuckDB."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from esrd_pipeline.arrow import SchemaError, make_schema
from esrd_pipeline.engines import EngineError
from esrd_pipeline.engines.spark_engine import SparkEngine, open_spark
from esrd_pipeline.warehouse import MissingPartitionError, Warehouse
from esrd_pipeline_tests.engines.visits import TEXT, TOTAL, stage, store_visits

pytestmark = pytest.mark.slow
MASTER = "local[2]"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> SparkEngine:
    return SparkEngine(MASTER, tmp_path_factory.mktemp("spill"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    # What Spark would take for a pattern.
    folder = tmp_path / "a [x] {1,2} *?"
    store_visits(folder)
    return folder


def list_folder(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "cohort/total/performance_year=2024").iterdir())


def test_both_engines_store_the_same(root: Path, engine: SparkEngine) -> None:
    by_spark = stage(root, engine)
    assert list_folder(root) == [by_spark.path.name]
    written = by_spark.path.read_bytes()
    by_duckdb = stage(root, None)
    assert written == by_duckdb.path.read_bytes()
    rows = pq.read_table(by_duckdb.path, partitioning=None)
    assert rows.schema.types == make_schema(TOTAL).types
    # 0.25 and 3.25, 1.25 and 4.25 are paid in both years; visits 2 and 5 have no facility.
    assert rows["ccn"].to_pylist() == [None, "000000", "000001"]
    assert rows["paid"].to_pylist() == [15.0, 7.0, 11.0]


def test_what_is_read_twice_is_made_once_and_not_left_behind(
    root: Path, engine: SparkEngine
) -> None:
    last = ") SELECT a.* FROM total AS a JOIN total AS b ON b.paid = a.paid + 4"
    twice = TEXT.replace("SELECT", "WITH total AS (SELECT", 1) + last
    rows = pq.read_table(stage(root, engine, twice).path, partitioning=None)
    # 15, 7 and 11 are paid: to 7 and 11 there is one with 4 more.
    assert rows["paid"].to_pylist() == [7.0, 11.0]
    session = open_spark(MASTER, engine.spill)
    assert session.catalog.listTables() == []
    assert session.sparkContext._jsc.getPersistentRDDs().isEmpty()  # noqa: SLF001 - no public name


def test_no_rows_are_a_file_of_the_same_columns(root: Path, engine: SparkEngine) -> None:
    staged = stage(root, engine, least=1000)
    assert staged.row_count == 0
    assert pq.read_schema(staged.path).types == make_schema(TOTAL).types


def test_a_year_before_that_is_not_stored_holds_no_rows(root: Path, engine: SparkEngine) -> None:
    assert pq.read_table(stage(root, engine, year=2023).path)["visits"].to_pylist() == [2, 2, 2]
    with pytest.raises(MissingPartitionError, match=r"raw.visit has no partition 2025"):
        stage(root, engine, year=2025)


def test_the_same_rows_give_the_same_bytes_however_many_parts(
    tmp_path: Path, engine: SparkEngine
) -> None:
    store_visits(tmp_path, count=300_000, facilities=200_001)
    session = open_spark(MASTER, engine.spill)
    names = ("spark.sql.shuffle.partitions", "spark.sql.adaptive.enabled")
    usual = {name: str(session.conf.get(name)) for name in names}
    written = []
    for settings in (("1", "false"), ("7", "false"), ("7", "true")):
        for name, value in zip(names, settings, strict=True):
            session.conf.set(name, value)
        staged = stage(tmp_path, engine)
        groups = pq.ParquetFile(staged.path).metadata
        assert groups.num_row_groups == 2
        assert groups.row_group(0).num_rows == 122_880
        written.append(staged.path.read_bytes())
    for name, value in usual.items():
        session.conf.set(name, value)
    assert written[0] == written[1] == written[2]


def test_a_value_that_does_not_fit_is_not_quoted_anywhere(
    root: Path, engine: SparkEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    text = TEXT.replace("count(*) AS visits", "min(concat('sec', 'ret')) AS visits")
    said = "^cohort.total: sql/cohort/total.sql makes values that do not fit their columns$"
    with pytest.raises(SchemaError, match=said) as caught:
        stage(root, engine, text)
    assert caught.value.__cause__ is None
    assert "secret" not in "".join(capfd.readouterr())


def test_columns_that_are_not_the_tables_are_named(root: Path, engine: SparkEngine) -> None:
    text = TEXT.replace("AS visits", "AS visit_count")
    with pytest.raises(SchemaError, match=r"cohort.total: sql/cohort/total.sql: .*visits"):
        stage(root, engine, text)


def test_a_job_that_fails_in_the_middle_leaves_what_was_stored(
    root: Path, engine: SparkEngine
) -> None:
    stored = Warehouse(root)
    before = stored.publish(stage(root, engine)).read_bytes()
    # The last visit's facility alone fails: other tasks have written their rows by then.
    failure = "CASE WHEN max(visit_id) = 5 THEN CAST(error('x') AS BOOLEAN) ELSE true END"
    failing = TEXT.replace("count(*) > 2", failure)
    with pytest.raises((EngineError, SchemaError)):
        stage(root, engine, failing)
    assert list_folder(root) == ["data.parquet"]
    assert stage(root, engine).path.read_bytes() == before


def test_a_process_has_one_spark(engine: SparkEngine, tmp_path: Path) -> None:
    open_spark(MASTER, engine.spill)
    with pytest.raises(EngineError, match=r"uses the Spark at local\[2\], and not local\[1\]"):
        open_spark("local[1]", tmp_path)
