"""A nation computed from its raw files alone, four years of it, once for all tests of the session.

2022 is a reset of the stars on the measures of 2018; 2024 is rebaselined when waitlisting comes in.
Reports are made of the first year and of the last, which reads the results of those between.
Sixty facilities: of fewer, an empirical null of SRR or ED30 has no ten z-scores in each quartile.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.launch import LAYERS, run_job
from esrd_pipeline.settings import load_settings
from esrd_pipeline.synthetic.nation import run
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.tables import program
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.acceptance.raw_jobs import RESET, leave_out_pictures, read_from

FACILITIES = 60
SEED = 11
SECOND, REBASELINED, LAST = 2023, 2024, 2025
BEFORE_WAITLISTING, WITH_WAITLISTING = "2018-10", "2023-10"
RAW, WAREHOUSE, STARS_BEFORE = "raw", "warehouse", "stars_before.parquet"
THROUGH_FACILITY = LAYERS[: LAYERS.index("facility") + 1]
AFTER_FACILITY = LAYERS[len(THROUGH_FACILITY) :]
THROUGH_PROGRAM = LAYERS[: LAYERS.index("program") + 1]
_STEP = "_".join(program.STAR_BASELINE.path)


@dataclass(frozen=True)
class Years:
    """What is stored of the four years, and the stars of one before its rebaselining."""

    warehouse: Warehouse
    stars_before: pd.DataFrame

    @classmethod
    def open(cls, folder: Path) -> "Years":
        """Read a folder that `measure_years` wrote."""
        return cls(Warehouse(folder / WAREHOUSE), pd.read_parquet(folder / STARS_BEFORE))

    def read(self, table: Table, year: int, of: str | None = None) -> pd.DataFrame:
        """Return a year of a table, of one program or all."""
        where = None if of is None else {"program": of}
        return self.warehouse.read(table, year, where=where)


def measure_years(folder: Path) -> None:
    """Write the raw files of the four years into `raw`, and measure them into `warehouse`."""
    raw = folder / RAW
    span = Span(seed=SEED, first_year=RESET, last_year=LAST)
    run.synthesize_nation(run.Order(FACILITIES, span, raw, workers=1))
    with pytest.MonkeyPatch.context() as patch:
        read_from(raw, folder, patch)
        leave_out_pictures(patch)
        _refresh(RESET, "reset_star_baseline", operation="reset", measures=BEFORE_WAITLISTING)
        _refresh(SECOND, layers=THROUGH_PROGRAM)
        _refresh(REBASELINED, layers=THROUGH_PROGRAM)
        stars = Warehouse(load_settings().warehouse_dir).read(program.STARS, REBASELINED)
        stars.to_parquet(folder / STARS_BEFORE)
        _launch("rebaseline_stars", REBASELINED, operation="rebaseline", measures=WITH_WAITLISTING)
        run_job(defs, "refresh", REBASELINED, tags={}, run_config={}, layers=("program",))
        _refresh(LAST)


def _refresh(
    year: int,
    job: str | None = None,
    *,
    operation: str = "",
    measures: str = "",
    layers: tuple[str, ...] = LAYERS,
) -> None:
    """Refresh a year, with a star operation between its facilities and its program."""
    if job is None:
        run_job(defs, "refresh", year, tags={}, run_config={}, layers=layers)
        return
    run_job(defs, "refresh", year, tags={}, run_config={}, layers=THROUGH_FACILITY)
    _launch(job, year, operation=operation, measures=measures)
    run_job(defs, "refresh", year, tags={}, run_config={}, layers=AFTER_FACILITY)


def _launch(job: str, year: int, *, operation: str, measures: str) -> None:
    config = {"operation": operation, "measure_set": measures}
    run_job(defs, job, year, tags={}, run_config={"ops": {_STEP: {"config": config}}})
