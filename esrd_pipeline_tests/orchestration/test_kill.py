"""A refresh killed at any moment and run again gives the same bytes as an uninterrupted one."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from esrd_pipeline_tests.orchestration.commands import PATIENCE_SECONDS, digests, run, start

pytestmark = pytest.mark.slow


def kill_when(data: Path, published: Path, reached: Callable[[Path], bool]) -> None:
    """Start a refresh and kill its whole process group as soon as `reached` holds."""
    process = start(data, published, "refresh", "--year", "2025")
    until = time.monotonic() + PATIENCE_SECONDS
    while not reached(data / "warehouse") and process.poll() is None:
        assert time.monotonic() < until, "the moment never came"
        time.sleep(0.001)
    assert process.poll() is None, f"ended before it could be killed: {process.communicate()[0]}"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


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
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    code, said = run(undisturbed, published, "refresh", "--year", "2025")
    assert code == 0, said
    for moment in (
        is_being_computed("raw/release"),
        is_staged("raw/qip_complete"),
        is_published("facility/national"),
        is_staged("program/qip_measure_score"),
        is_being_computed("program/stars"),
    ):
        kill_when(disturbed, published, moment)
        for partition in (disturbed / "warehouse").rglob("data.parquet"):
            # Whatever is visible is whole.
            assert pq.ParquetFile(partition).read().num_rows >= 0
    code, said = run(disturbed, published, "refresh", "--year", "2025")
    assert code == 0, said
    assert digests(disturbed / "warehouse") == digests(undisturbed / "warehouse")
    assert not list((disturbed / "warehouse").rglob("*staging*"))
