"""A refresh of published files that is killed, or run twice at once; `faults.py` has the others."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from esrd_pipeline_tests.faults import World, kill_again_and_again, kill_when, run_twice_at_once
from esrd_pipeline_tests.orchestration.commands import ESRD, digests
from esrd_pipeline_tests.orchestration.conftest import Refreshed
from esrd_pipeline_tests.orchestration.forked import Forked

pytestmark = pytest.mark.slow


def is_published(name: str) -> Callable[[Path], bool]:
    """Between steps: the table has just become visible."""
    return lambda warehouse: (warehouse / name / "performance_year=2025/data.parquet").exists()


def is_being_computed(name: str) -> Callable[[Path], bool]:
    """Inside a step, before anything is written: its lock is held and nothing is staged."""
    return lambda warehouse: (warehouse / name / "performance_year=2025/.lock").exists()


def is_staged(name: str) -> Callable[[Path], bool]:
    """Inside a step, between writing and publishing."""
    folder = f"{name}/performance_year=2025"
    return lambda warehouse: any((warehouse / folder).glob("data.parquet.staging-*"))


def test_killed_anywhere_and_run_again(
    refreshed: Refreshed, published: Path, tmp_path: Path
) -> None:
    """The last of four years is made anew, with the kills between; then again, with others."""
    command = [str(ESRD), "refresh", "--year", "2025"]
    stored = digests(refreshed.data / "warehouse")
    world = World(command, {"ESRD_PUBLISHED_DIR": str(published)}, None, stored, 0.0, Forked)
    data = refreshed.copy_to(tmp_path / "disturbed")
    for partition in (data / "warehouse").glob("*/*/performance_year=2025"):
        shutil.rmtree(partition)
    for reached in (
        is_being_computed("raw/release"),
        is_staged("raw/qip_complete"),
        is_published("facility/national"),
        is_staged("program/qip_measure_score"),
        is_being_computed("program/stars"),
    ):
        kill_when(world, data, lambda reached=reached: reached(data / "warehouse"))
        assert world.check_visible(data) < len(stored)
    began = time.monotonic()
    world.check_again(data)
    world = replace(world, seconds=time.monotonic() - began)
    # From here on every kill meets a partition that is there already.
    kill_again_and_again(world, data, kills=2, seed=1)
    run_twice_at_once(world, data)
