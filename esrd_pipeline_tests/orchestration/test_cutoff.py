"""A year is made again to the byte: patient-level files released later are not read."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.launch import LAYERS, list_assets
from esrd_pipeline.orchestration.table_asset import CUTOFF_TAG
from esrd_pipeline.settings import Settings
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.run import Order, synthesize_nation
from esrd_pipeline.tables.linkage import DEATH
from esrd_pipeline.tables.release import EXTRACT
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration.commands import digests

pytestmark = pytest.mark.slow

YEAR = 2024
JULY, OCTOBER = date(2025, 7, 15), date(2025, 10, 15)


def refresh(instance: dg.DagsterInstance, cutoff: date | None, *tables: str) -> None:
    """Refresh raw tables and what links them, or single tables."""
    job = defs.resolve_job_def("refresh")
    keys = [dg.AssetKey(name.split(".")) for name in tables] or list_assets(job, LAYERS[:2])
    made = job.execute_in_process(
        partition_key=str(YEAR),
        asset_selection=keys,
        instance=instance,
        tags={CUTOFF_TAG: cutoff.isoformat()} if cutoff else {},
    )
    assert made.success


def leave_half(source: Path, target: Path) -> None:
    """Write a file's first half of rows under another name."""
    rows = pq.read_table(source)
    target.parent.mkdir(exist_ok=True)
    pq.write_table(rows.slice(0, rows.num_rows // 2), target)


@pytest.fixture
def in_memory() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance whose many events are kept in memory: no test here reads them."""
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


def test_last_quarter_is_made_again_to_the_byte(
    world: Settings, in_memory: dg.DagsterInstance, tmp_path: Path
) -> None:
    span = Span(seed=11, first_year=YEAR, last_year=YEAR)
    synthesize_nation(Order(4, span, tmp_path / "nation", kind="parquet", workers=1))
    year = world.agency_dir / str(YEAR)
    first = year / "2025-07-10"
    shutil.copytree(tmp_path / "nation" / str(YEAR), first)
    warehouse = Warehouse(world.data_dir / "warehouse")
    refresh(in_memory, JULY)
    in_july = digests(warehouse.root)
    assert f"linkage/death/performance_year={YEAR}/data.parquet" in in_july
    # Deaths come late: one file in a folder of its day, one with the day in its name.
    leave_half(first / "cms_2746.parquet", year / "2025-10-10" / "cms_2746.parquet")
    leave_half(first / "ssa_death.parquet", year / f"ssa_death_{YEAR}_2025-10-11.parquet")
    refresh(in_memory, OCTOBER)
    in_october = digests(warehouse.root)
    names = set(warehouse.read(EXTRACT, YEAR)["file_name"])
    assert {"2025-10-10/cms_2746.parquet", f"ssa_death_{YEAR}_2025-10-11.parquet"} <= names
    assert "2025-07-10/cms_2728.parquet" in names
    assert "2025-07-10/cms_2746.parquet" not in names
    schema, name = DEATH.path
    death = f"{schema}/{name}/performance_year={YEAR}/data.parquet"
    assert in_october[death] != in_july[death]
    refresh(in_memory, JULY)
    assert digests(warehouse.root) == in_july
    # A single table is made from the files that raw.extract names, by its cut-off.
    refresh(in_memory, None, "raw.cms_2746", "raw.ssa_death")
    assert digests(warehouse.root) == in_july
