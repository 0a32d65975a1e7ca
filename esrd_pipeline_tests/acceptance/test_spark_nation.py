"""A small nation's tables on Spark, from linkage to cohort: every stored value is DuckDB's."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.engines.spark_engine import SparkEngine
from esrd_pipeline.orchestration.launch import run_job
from esrd_pipeline.sql import list_selects, load_select
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.run import Order, synthesize_nation
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.acceptance.raw_jobs import read_from
from esrd_pipeline_tests.both_engines import Difference, compare_tables
from esrd_pipeline_tests.engines.cluster import make_environment, write_defaults

pytestmark = pytest.mark.slow
YEAR, FACILITIES, SEED = 2024, 12, 5
LAYERS = ("linkage", "history", "cohort")
MADE = [name for name in list_selects() if name.startswith(LAYERS)]


def refresh(year: int, tables: Sequence[str] | None = None, layers: Sequence[str] = ()) -> None:
    run_job(defs, "refresh", year, tags={}, run_config={}, layers=layers or None, tables=tables)


@pytest.fixture(scope="module")
def by_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of two years, the later one's cohorts included."""
    folder = tmp_path_factory.mktemp("duckdb")
    raw = folder / "raw"
    synthesize_nation(Order(FACILITIES, Span(SEED, YEAR - 1, YEAR), raw, "parquet", 1))
    with pytest.MonkeyPatch.context() as patch:
        read_from(raw, folder, patch)
        patch.delenv("ESRD_ENGINE", raising=False)
        refresh(YEAR - 1, layers=("raw", "linkage", "history"))
        refresh(YEAR, layers=("raw",))
        refresh(YEAR, MADE)
    return folder / "warehouse"


@pytest.fixture
def spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SparkEngine:
    """Spark on this machine, with settings for few rows."""
    write_defaults(tmp_path)
    for name, value in make_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return SparkEngine("local[2]", tmp_path)


def test_every_table_of_the_nation_is_the_same_on_spark(
    by_duckdb: Path, spark: SparkEngine
) -> None:
    """Each from the stored tables that it reads, which are the same by then."""
    warehouse = Warehouse(by_duckdb, engine=spark)
    different, rows = dict[str, tuple[Difference, ...]](), 0
    for name in MADE:
        table, select = TABLES_BY_NAME[name], load_select(name)
        staged = warehouse.stage_select(
            table, YEAR, select, tables=TABLES_BY_NAME, parameters={"is_chosen": False}
        )
        ours, theirs = (
            pq.read_table(path, partitioning=None) for path in (staged.path, staged.target)
        )
        warehouse.discard(staged)
        compared = compare_tables(name, ours, theirs)
        rows += compared.rows
        if compared.differences:
            different[name] = compared.differences
    assert not different
    assert len(MADE) > 70
    assert rows > 300_000
