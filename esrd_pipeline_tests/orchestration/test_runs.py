"""Runs of the command among those of the UI: seen, told of once, and stopped at once."""

import os
import signal
import subprocess
import sys
import threading
import time

import dagster as dg
import duckdb
import pytest
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG

from esrd_pipeline.orchestration.failure_messages import REPORTED_TAG
from esrd_pipeline.orchestration.launch import LaunchError, StoppedError, fail_left_runs, run_job
from esrd_pipeline.orchestration.sensors import report_failure
from esrd_pipeline.orchestration.stopping import _is_cancelled, is_stopping, stopping
from esrd_pipeline.orchestration.turns import create_run, fail_dead_runs
from esrd_pipeline.processes import PROCESS_TAG, describe_process
from esrd_pipeline.settings import Settings
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration.commands import PATIENCE_SECONDS
from esrd_pipeline_tests.orchestration.small_job import FIRST, JOB, SECOND, YEAR, make_definitions
from esrd_pipeline_tests.orchestration.test_sensors import Listener

SENTENCE = (
    "claims.csv: 2 faults: row 4, column 'AGE': 'abc' is no number (2 rows: also 9); row 7, column"
    " 'BENE_ID': is empty"
)


def list_stored(settings: Settings) -> set[str]:
    return {path.parts[-3] for path in settings.warehouse_dir.glob("raw/*/*/data.parquet")}


def test_a_failed_run_of_the_command_is_seen_and_told_once(
    world: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Listener()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("ESRD_WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/hook")
    with pytest.raises(LaunchError, match=r"SourceError: claims\.csv: 2 faults") as raised:
        run_job(make_definitions("refuse"), JOB, YEAR, tags={}, run_config={})
    assert "\nWhat to do: docs/runbook.md#a-file-is-refused\n" in str(raised.value)
    (run,) = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.FAILURE
    # The Timeline and the job's tab of runs ask by these; the sensor compares the origin.
    label = {REPOSITORY_LABEL_TAG: "__repository__@esrd_pipeline.definitions"}
    assert instance.get_runs(dg.RunsFilter(job_name=JOB, tags=label))
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == "esrd_pipeline.definitions"
    assert instance.get_runs(dg.RunsFilter(job_name=JOB, tags={"dagster/partition": "2024"}))
    # The other raw table is made all the same.
    assert list_stored(world) == {SECOND.path[1]}
    (line,) = world.failure_log.read_text(encoding="utf-8").splitlines()
    assert line.endswith(f"failed: {FIRST.name}: SourceError: {SENTENCE}")

    failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    (failure,) = [entry.dagster_event for entry in failures if entry.dagster_event]
    found = failure.step_failure_data.user_failure_data
    assert failure.step_key == "raw_first"
    assert found is not None
    assert found.description == SENTENCE
    values = {name: value.value for name, value in found.metadata.items()}
    assert (values["file"], values["row"], values["column"]) == ("claims.csv", 4, "AGE")
    assert (values["table"], values["faults"]) == (FIRST.name, 2)
    assert values["what to do"] == "docs/runbook.md#a-file-is-refused"

    ended = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    (event,) = [entry.dagster_event for entry in ended if entry.dagster_event]
    context = dg.build_run_status_sensor_context(
        sensor_name="report_failure",
        dagster_event=event,
        dagster_instance=instance,
        dagster_run=run,
    )
    report_failure(context.for_run_failure())
    server.shutdown()
    server.server_close()
    assert world.failure_log.read_text(encoding="utf-8").splitlines() == [line]
    (message,) = server.posted
    assert message["text"].endswith(f"failed: {FIRST.name}: SourceError: {SENTENCE}")


def test_a_killed_run_is_failed_and_told_by_the_next_command(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    job = make_definitions("refuse").resolve_job_def(JOB)
    mine = create_run(instance, job, YEAR, tags={}, run_config={}, assets=None)
    gone = create_run(instance, job, YEAR, tags={}, run_config={}, assets=None)
    machine, number, _ = describe_process(os.getpid()).split()
    # The number is this process's, but not its start: it was another's before.
    instance.add_run_tags(gone.run_id, {PROCESS_TAG: f"{machine} {number} 1"})
    fail_dead_runs(instance)
    # As `--changed` does where nothing is left to make.
    fail_left_runs()
    (failed,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    assert failed.run_id == gone.run_id != mine.run_id
    assert REPORTED_TAG in failed.tags
    (line,) = world.failure_log.read_text(encoding="utf-8").splitlines()
    assert line.endswith(f"failed: its process on {machine} was killed")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_a_query_cancels_the_run(
    world: Settings, instance: dg.DagsterInstance, stop: signal.Signals
) -> None:
    module = "esrd_pipeline_tests.orchestration.small_job"
    process = subprocess.Popen(
        [sys.executable, "-m", module, "long"], stdout=subprocess.PIPE, text=True
    )
    until = time.monotonic() + PATIENCE_SECONDS
    lock = world.warehouse_dir / f"raw/first/performance_year={YEAR}/.lock"
    while not lock.exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(stop)
    # The query left alone would take far longer than anyone waits here.
    text, _ = process.communicate(timeout=PATIENCE_SECONDS)
    (run,) = instance.get_runs()
    assert (process.returncode, run.status) == (143, dg.DagsterRunStatus.CANCELED)
    assert "was stopped. What it had stored is whole" in text
    assert list_stored(world) == set()
    assert not world.failure_log.exists()


def test_a_stop_while_a_step_opens_its_connection_is_no_failure(
    world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: Warehouse) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while not is_stopping():
            time.sleep(0.01)
        raise duckdb.InterruptException("Interrupted!")

    monkeypatch.setattr(Warehouse, "connect", interrupt)
    with pytest.raises(StoppedError, match="What it had stored is whole"):
        run_job(make_definitions("long"), JOB, YEAR, tags={}, run_config={})
    assert not world.failure_log.exists()


def test_an_instance_in_memory_is_not_asked_by_another_thread() -> None:
    """Its database refuses the run's own write while another thread reads it."""
    asked: list[str] = []

    class Asked(dg.DagsterInstance):
        is_ephemeral = True

        def get_run_by_id(self, run_id: str) -> None:
            asked.append(run_id)

    with dg.DagsterInstance.ephemeral() as instance:
        instance.__class__ = Asked
        with stopping(instance, "run"):
            assert not _is_cancelled()
    assert asked == []


def test_the_thread_that_waits_for_signals_ends_before_python_does() -> None:
    """Otherwise DuckDB reports leaks at the end: see findings/duckdb_thread_at_exit.sh."""
    program = """
import atexit, threading
atexit.register(lambda: print([thread.name for thread in threading.enumerate()]))
from esrd_pipeline.orchestration.stopping import watch_signals
watch_signals()
print([thread.name for thread in threading.enumerate()])
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    assert ended.stdout.splitlines() == ["['MainThread', 'signals']", "['MainThread']"]
