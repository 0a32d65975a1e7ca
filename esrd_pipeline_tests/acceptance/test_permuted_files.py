"""The order of the rows of the raw files has no effect: every table of a year is the same."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.launch import run_job
from esrd_pipeline_tests.acceptance.four_years import RAW, WAREHOUSE
from esrd_pipeline_tests.acceptance.raw_jobs import RESET, leave_out_pictures, read_from

OF_PATIENTS = {"linkage", "history", "cohort", "fit", "facility"}


def measure(folder: Path, raw: Path) -> None:
    """Run the first year from these raw files to its facilities."""
    with pytest.MonkeyPatch.context() as patch:
        read_from(raw, folder, patch)
        leave_out_pictures(patch)
        run_job(defs, "measure", RESET, tags={}, run_config={})


def list_tables(warehouse: Path) -> dict[str, Path]:
    """Return the first year's tables that are made of the raw ones, by name."""
    return {
        f"{path.parents[2].name}.{path.parents[1].name}": path
        for path in sorted(warehouse.glob(f"*/*/performance_year={RESET}/data.parquet"))
        if path.parents[2].name in OF_PATIENTS
    }


def permute(raw: Path, folder: Path) -> int:
    """Copy the files of a year with the rows in another order; return how many files moved."""
    rng = np.random.default_rng(8)
    moved = 0
    folder.mkdir(parents=True)
    for path in sorted(raw.iterdir()):
        target = folder / path.name
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


def read(path: Path) -> pa.Table:
    return pq.read_table(path, partitioning=None)


def test_permuting_every_raw_file_changes_no_table(four_years: Path, tmp_path: Path) -> None:
    other = tmp_path / RAW
    assert permute(four_years / RAW / str(RESET), other / str(RESET)) > 20
    measure(tmp_path, other)
    one, two = (list_tables(folder / WAREHOUSE) for folder in (four_years, tmp_path))
    assert two.keys() <= one.keys()
    assert len(two) > 40
    differing = [name for name, path in two.items() if not read(path).equals(read(one[name]))]
    assert differing == []
    assert sum(read(path).num_rows for path in two.values()) > 100_000
