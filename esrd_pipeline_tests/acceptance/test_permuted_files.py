"""The order of the rows of the raw files says nothing: every table of a year is the same."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.orchestration.launch import run_job
from esrd_pipeline.settings import load_settings
from esrd_pipeline.synthetic.nation import run
from esrd_pipeline.synthetic.nation.block import Span

pytestmark = pytest.mark.slow

YEAR = 2024
FACILITIES = 50


def measure(folder: Path, nation: Path) -> dict[str, pa.Table]:
    """Run a year from its raw files to its facilities and return every table made of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESRD_DATA_DIR", str(folder))
        patch.setenv("ESRD_PATIENT_DIR", str(nation))
        patch.setenv("ESRD_PUBLISHED_DIR", str(nation))
        patch.setenv("DAGSTER_HOME", str(folder / "dagster_home"))
        prepare_dagster_home(load_settings().dagster_home)
        run_job(defs, "measure", YEAR, tags={}, run_config={})
        warehouse = load_settings().warehouse_dir
    return {
        f"{path.parents[2].name}.{path.parents[1].name}": pq.read_table(path, partitioning=None)
        for path in sorted(warehouse.rglob("data.parquet"))
        if path.parents[2].name != "raw"
    }


def permute(nation: Path, folder: Path) -> int:
    """Copy a nation with the rows of every file in another order; return how many files moved."""
    rng = np.random.default_rng(8)
    moved = 0
    for path in sorted(file for file in nation.rglob("*") if file.is_file()):
        target = folder / path.relative_to(nation)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            rows = pq.read_table(path, partitioning=None)
            order = rng.permutation(rows.num_rows)
            pq.write_table(rows.take(order), target)
        else:
            header, *lines = path.read_bytes().splitlines(keepends=True)
            order = rng.permutation(len(lines))
            target.write_bytes(header + b"".join(lines[place] for place in order))
        moved += bool(np.any(np.diff(order) < 0))
    return moved


def test_permuting_every_raw_file_changes_no_table(tmp_path: Path) -> None:
    nation, other = tmp_path / "nation", tmp_path / "other"
    span = Span(seed=11, first_year=YEAR, last_year=YEAR)
    run.synthesize_nation(run.Order(FACILITIES, span, nation, workers=1))
    assert permute(nation, other) > 20
    one, two = measure(tmp_path / "one", nation), measure(tmp_path / "two", other)
    assert list(one) == list(two)
    assert len(one) > 40
    assert sum(table.num_rows for table in one.values()) > 100_000
    differing = [name for name, table in one.items() if not table.equals(two[name])]
    assert differing == []
