"""A refresh of published files that is killed, or run twice at once; `faults.py` has the others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from esrd_pipeline_tests.faults import kill_at_random, kill_when, make_world, run_twice_at_once
from esrd_pipeline_tests.orchestration.commands import ESRD

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


def test_killed_anywhere_and_run_again(published: Path, tmp_path: Path) -> None:
    command = [str(ESRD), "refresh", "--year", "2025"]
    world = make_world(command, {"ESRD_PUBLISHED_DIR": str(published)}, tmp_path / "undisturbed")
    data = tmp_path / "disturbed"
    for reached in (
        is_being_computed("raw/release"),
        is_staged("raw/qip_complete"),
        is_published("facility/national"),
        is_staged("program/qip_measure_score"),
        is_being_computed("program/stars"),
    ):
        kill_when(world, data, lambda reached=reached: reached(data / "warehouse"))
        world.check_visible(data)
    world.check_again(data)
    kill_at_random(world, data, kills=2, seed=1)
    run_twice_at_once(world, tmp_path / "twice")
