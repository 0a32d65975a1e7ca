"""A SELECT that is by patient makes the stored rows of a nation from a few patients at a time."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.engines import Reading, Source
from esrd_pipeline.engines.duckdb_engine import DuckdbEngine
from esrd_pipeline.sql import YEAR, Select, is_by_patient, list_selects, load_select
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.acceptance.shr_nation import YEAR as STORED_YEAR
from esrd_pipeline_tests.acceptance.shr_nation import MeasuredNation

pytestmark = pytest.mark.slow


def _list_chosen() -> list[str]:
    """Return the tables whose SELECTs are by patient and have no parameter but their year."""
    of_patients = {name for name, one in TABLES_BY_NAME.items() if "patient_id" in one.column_names}
    selects = [load_select(name) for name in list_selects()]
    return [
        select.table
        for select in selects
        if select.parameters == (YEAR,)
        and is_by_patient(select, {source.table for source in select.sources} & of_patients)
    ]


def _find_sources(warehouse: Warehouse, select: Select) -> tuple[Source, ...]:
    def list_files(table: str, first: int, last: int) -> tuple[Path, ...]:
        years = range(STORED_YEAR - first, STORED_YEAR - last + 1)
        stored = [year for year in years if warehouse.has(TABLES_BY_NAME[table], year)]
        return tuple(warehouse.partition_path(TABLES_BY_NAME[table], year) for year in stored)

    return tuple(
        Source(TABLES_BY_NAME[one.table], list_files(one.table, one.first, one.last))
        for one in select.sources
    )


@pytest.mark.parametrize("name", _list_chosen())
def test_parts_of_the_patients_make_the_stored_rows(
    nation: MeasuredNation, tmp_path: Path, name: str
) -> None:
    table, warehouse = TABLES_BY_NAME[name], Warehouse(nation.warehouse)
    if not warehouse.has(table, STORED_YEAR):
        pytest.skip("the nation is measured without it")
    select = load_select(name)
    path = tmp_path / "data.parquet"
    reading = Reading(select, _find_sources(warehouse, select), {YEAR: STORED_YEAR})
    engine = DuckdbEngine(duckdb.connect, tmp_path / "spill", part_rows=1_000)
    engine.write(reading, table, path, {})
    stored = pq.read_table(warehouse.partition_path(table, STORED_YEAR))
    assert pq.read_table(path).equals(stored)
