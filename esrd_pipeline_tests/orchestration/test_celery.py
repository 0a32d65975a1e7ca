"""Steps run by Celery's workers store what the in-process executor does, and end as it does."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration.celery_workers import Place
from esrd_pipeline_tests.orchestration.commands import PATIENCE_SECONDS, digests, environment
from esrd_pipeline_tests.orchestration.conftest import Refreshed
from esrd_pipeline_tests.orchestration.small_job import FIRST, SECOND

pytestmark = pytest.mark.slow
YEAR = 2023
PUBLISHED = (
    "raw/release",
    "raw/dfc_facility",
    "raw/dfc_national",
    "raw/ich_cahps_facility",
    "raw/qip_complete",
    "facility/national",
    "facility/published",
)
"""Tables of published files and what is made of them, in six steps."""
SMALL_JOB = Path(__file__).with_name("celery_small_job.py")
TABLES = tuple("/".join(table.path) for table in (FIRST, SECOND))


def test_the_example_stores_the_bytes_of_the_in_process_executor(
    tmp_path: Path, published: Path, refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    home = prepare_dagster_home(data / "dagster_home")
    place = Place.make(tmp_path / "celery", environment(data, published))
    with place.work():
        run = place.materialise(YEAR, *PUBLISHED)
        assert run.wait(PATIENCE_SECONDS) == 0, place.read("run.log")
    stored, expected = digests(data / "warehouse"), digests(refreshed.data / "warehouse")
    paths = {f"{name}/performance_year={YEAR}/data.parquet" for name in PUBLISHED}
    assert stored == {path: expected[path] for path in paths}
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.get() as instance:
        (one,) = instance.get_runs()
        starts = instance.all_logs(one.run_id, of_type=dg.DagsterEventType.STEP_START)
        assert len(starts) == 6
        assert run.pid not in {start.get_dagster_event().pid for start in starts}


class Small:
    """The job of two tables and a worker; both are stored once, while another held the first."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.home = prepare_dagster_home(self.data / "dagster_home")
        published = folder / "published"
        published.mkdir()
        variables = environment(self.data, published)
        self.place = Place.make(folder / "celery", variables, SMALL_JOB)
        self.warehouse = Warehouse(self.data / "embedded/warehouse")

    def digests(self) -> dict[str, str]:
        """What is stored; nothing is left beside it."""
        assert not list(self.data.rglob("*staging*"))
        return digests(self.warehouse.root)

    def store_once(self) -> None:
        """Run the job; the first table is locked until a step has found it so."""
        with self.warehouse.lock(FIRST, YEAR):
            run = self.place.materialise(YEAR, *TABLES)
            self.place.wait_until(
                lambda: "STEP_UP_FOR_RETRY" in self.place.read("worker.log"), run, "run.log"
            )
        assert run.wait(PATIENCE_SECONDS) == 0, self.place.read("run.log")
        self.stored = self.digests()

    def run_long(
        self, instance: dg.DagsterInstance
    ) -> tuple[subprocess.Popen[bytes], dg.DagsterRun, int]:
        """Start the job; return it, and the worker's process, in a query of the first step."""
        (self.place.folder / "long").touch()
        before = {run.run_id for run in instance.get_runs()}
        process = self.place.materialise(YEAR, *TABLES)
        found: list[tuple[dg.DagsterRun, int]] = []

        def is_computing() -> bool:
            for run in instance.get_runs():
                if run.run_id not in before:
                    of_type = dg.DagsterEventType.STEP_START
                    starts = instance.all_logs(run.run_id, of_type=of_type)
                    found.extend((run, start.get_dagster_event().pid or 0) for start in starts)
            return bool(found)

        self.place.wait_until(is_computing, process, "run.log")
        return process, *found[0]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return Small(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def worker(small: Small) -> Iterator[subprocess.Popen[bytes]]:
    with small.place.work() as started:
        small.store_once()
        yield started


@pytest.fixture
def instance(small: Small, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(small.home))
    with dg.DagsterInstance.get() as opened:
        yield opened


def read_status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    return ended.status


@pytest.mark.usefixtures("worker")
def test_a_step_waits_for_a_partition_that_another_process_writes(small: Small) -> None:
    assert "is being written by another run" in small.place.read("worker.log")
    assert len(small.stored) == len(TABLES)


@pytest.mark.usefixtures("worker")
def test_a_step_whose_process_is_killed_fails_the_run(
    small: Small, instance: dg.DagsterInstance
) -> None:
    process, run, computing = small.run_long(instance)
    os.kill(computing, signal.SIGKILL)
    assert process.wait(PATIENCE_SECONDS) != 0
    assert read_status(instance, run) == dg.DagsterRunStatus.FAILURE
    assert small.digests() == small.stored


@pytest.mark.usefixtures("worker")
def test_a_cancelled_run_ends_in_the_worker_too(small: Small, instance: dg.DagsterInstance) -> None:
    process, run, _ = small.run_long(instance)
    # As the UI does.
    instance.report_run_canceling(run)
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE_SECONDS)
    assert read_status(instance, run) == dg.DagsterRunStatus.CANCELED
    assert small.digests() == small.stored


def test_a_worker_that_is_gone_takes_nothing_with_it(
    small: Small, worker: subprocess.Popen[bytes], instance: dg.DagsterInstance
) -> None:
    process, _, _ = small.run_long(instance)
    os.killpg(worker.pid, signal.SIGKILL)
    # Nobody answers any more: the run waits until it is ended.
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert small.digests() == small.stored
    (small.place.folder / "long").unlink()
    with small.place.work():
        run = small.place.materialise(YEAR, *TABLES)
        assert run.wait(PATIENCE_SECONDS) == 0, small.place.read("run.log")
    assert small.digests() == small.stored
