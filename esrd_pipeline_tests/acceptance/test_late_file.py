"""After a late file, a refresh of what changed stores the bytes of a full refresh, and makes less.

A nation of twenty facilities. Its clinical months come without December, then again under another
day with the same bytes, then whole.
"""

import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.launch import run_job
from esrd_pipeline.orchestration.plan import Planned, list_made, make_plan
from esrd_pipeline.orchestration.unchanged import CHANGED_TAG
from esrd_pipeline.synthetic.nation import run
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline_tests.acceptance.raw_jobs import read_from
from esrd_pipeline_tests.benchmarks.late_file import EARLY, LATE, NAME, YEAR, deliver
from esrd_pipeline_tests.orchestration.commands import digests, start

pytestmark = pytest.mark.slow

AGAIN = "2025-04-01"
JOB = "refresh"


@dataclass(frozen=True)
class World:
    """A data folder over the raw files."""

    folder: Path
    raw: Path

    @property
    def warehouse(self) -> Path:
        """The stored tables."""
        return self.folder / "warehouse"

    def plan(self) -> list[Planned]:
        """Plan a refresh of what changed."""
        with pytest.MonkeyPatch.context() as patch:
            read_from(self.raw, self.folder, patch)
            return make_plan(defs.resolve_job_def(JOB), YEAR)

    def refresh(self, *, is_changed: bool) -> set[str]:
        """Make all, or what changed; return the tables that were stored anew."""
        before = self._list_files()
        tables = list_made(self.plan()) if is_changed else None
        if tables == []:
            return set()
        tags = {CHANGED_TAG: "yes"} if is_changed else {}
        with pytest.MonkeyPatch.context() as patch:
            read_from(self.raw, self.folder, patch)
            run_job(defs, JOB, YEAR, tags=tags, run_config={}, tables=tables)
        after = self._list_files()
        return {name for name, number in after.items() if before.get(name) != number}

    def _list_files(self) -> dict[str, int]:
        """Return the number of each stored file, which is another when it is stored again."""
        return {
            f"{path.parts[-4]}.{path.parts[-3]}": path.stat().st_ino
            for path in self.warehouse.glob("*/*/*/data.parquet")
        }


def tell(plan: list[Planned], *, certain: bool) -> dict[str, str]:
    return {
        name: one.reason
        for one in plan
        if one.reason is not None and one.is_certain == certain
        for name in one.tables
    }


def test_a_late_file_gives_the_bytes_of_a_full_refresh(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    span = Span(seed=11, first_year=YEAR, last_year=YEAR)
    run.synthesize_nation(run.Order(20, span, raw, workers=1))
    year = raw / str(YEAR)
    whole = (year / f"{NAME}.parquet").rename(tmp_path / "whole.parquet")
    first = deliver(year, whole, EARLY, through=11)
    world = World(tmp_path / "changed", raw)
    world.refresh(is_changed=False)
    count = len(digests(world.warehouse))

    # Some tables are stored after the database of views was made: they have none yet.
    assert set(tell(world.plan(), certain=True)) <= {"report.catalog"}
    world.refresh(is_changed=True)
    assert not list_made(world.plan())
    stored = digests(world.warehouse)

    # The same bytes under a new day: read, and no more. The tables that list the files are others.
    again = first.with_name(f"{NAME}_{YEAR}_{AGAIN}.parquet")
    shutil.copyfile(first, again)
    assert set(tell(world.plan(), certain=True)) == {"raw.extract", f"raw.{NAME}"}
    made = world.refresh(is_changed=True)
    assert {"raw.extract", f"raw.{NAME}", "report.intake"} <= made
    assert not {name for name in made if not name.startswith(("raw.", "report."))}
    after = digests(world.warehouse)
    path = f"raw/{NAME}/performance_year={YEAR}/data.parquet"
    assert after[path] == stored[path]

    # The whole file.
    deliver(year, whole, LATE, through=12)
    certain = tell(world.plan(), certain=True)
    assert certain[f"raw.{NAME}"].startswith(f"file {NAME}_{YEAR}_2025-04-")
    possible = tell(world.plan(), certain=False)
    assert possible["history.clinical_month"] == f"reads raw.{NAME}, which may change"
    assert not {"cohort.shr", "fit.smr", "linkage.claim"} & {*certain, *possible}
    made = world.refresh(is_changed=True)
    assert {"history.ktv_month", "facility.contract", "report.trend"} <= made
    assert len(made) < count / 2

    full = World(tmp_path / "full", raw)
    full.refresh(is_changed=False)
    changed, anew = digests(world.warehouse), digests(full.warehouse)
    assert len(anew) == count
    assert {name for name in anew if changed[name] != anew[name]} == set()
    assert changed.keys() == anew.keys()
    check_other_parameters(world, tmp_path / "official")


def check_other_parameters(world: World, official: Path) -> None:
    """A changed row makes its table run; the plan is printed in 80 columns and writes nothing."""
    stored = digests(world.warehouse)
    official.mkdir()
    text = resources.files("esrd_pipeline.parameters").joinpath("intake_limit.csv").read_text()
    row = "last_day_far_before,,,share,100,0,0.01"
    (official / "intake_limit.csv").write_text(text.replace(row, f"{row}5"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESRD_PATIENT_DIR", str(world.raw))
        # Parameters are read when a process begins.
        patch.setenv("ESRD_PARAMETER_DIR", str(official))
        process = start(world.folder, world.raw, "refresh", "--year", str(YEAR), "--dry-run")
        message, _ = process.communicate()
    assert process.returncode == 0, message
    assert "report.intake: parameters changed" in message
    assert max(map(len, message.splitlines())) <= 80
    assert digests(world.warehouse) == stored
