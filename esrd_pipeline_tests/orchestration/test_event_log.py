"""The event log with open connections keeps what Dagster's own keeps, and either reads both."""

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log import SqliteEventLogStorage

from esrd_pipeline.orchestration.event_log import OpenEventLogStorage
from esrd_pipeline.orchestration.instance import prepare_dagster_home


@dg.asset(check_specs=[dg.AssetCheckSpec("holds", asset="rows")])
def rows(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
    context.log.info("made")
    yield dg.MaterializeResult(
        metadata={"dagster/row_count": 3}, check_results=[dg.AssetCheckResult(passed=True)]
    )


DEFINITIONS = dg.Definitions(assets=[rows], jobs=[dg.define_asset_job("make", ["rows"])])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = prepare_dagster_home(tmp_path / "home")
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


def _run(instance: dg.DagsterInstance) -> str:
    return DEFINITIONS.resolve_job_def("make").execute_in_process(instance=instance).run_id


def _list_events(instance: dg.DagsterInstance, run: str) -> list[str]:
    return [
        entry.dagster_event.event_type_value if entry.dagster_event else "LOG"
        for entry in instance.all_logs(run)
    ]


def _use_dagsters_own(home: Path) -> None:
    path = home / "dagster.yaml"
    settings = yaml.safe_load(path.read_text())
    del settings["event_log_storage"]
    path.write_text(yaml.safe_dump(settings))


def test_the_same_events_are_kept_and_dagsters_own_storage_reads_them(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, OpenEventLogStorage)
        ours = _run(instance)
        text = _list_events(instance, ours)
        checked = instance.event_log_storage.get_asset_check_summary_records(
            [dg.AssetCheckKey(dg.AssetKey("rows"), "holds")]
        )
        executions = [one.last_check_execution_record for one in checked.values()]
        assert [one and one.status.value for one in executions] == ["SUCCEEDED"]
    _use_dagsters_own(home)
    with dg.DagsterInstance.get() as instance:
        theirs = _run(instance)
        assert _list_events(instance, theirs) == text
        assert _list_events(instance, ours) == text
        latest = instance.get_latest_materialization_event(dg.AssetKey("rows"))
        assert latest is not None
        assert latest.run_id == theirs
    assert text.count("ASSET_MATERIALIZATION_PLANNED") == 1
    assert text.count("ASSET_CHECK_EVALUATION") == 1


def test_many_runs_keep_few_databases_open(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        runs = [_run(instance) for _ in range(18)]
        storage = instance.event_log_storage
        assert isinstance(storage, OpenEventLogStorage)
        assert len(storage.open_shards) == 16
        assert len({tuple(_list_events(instance, run)) for run in runs}) == 1
        held = list(Path("/proc/self/fd").iterdir())
        instance.event_log_storage.dispose()
        assert len(list(Path("/proc/self/fd").iterdir())) < len(held)
    assert not list(home.rglob("*.db-wal")), "a closed database has no journal left"


@pytest.mark.usefixtures("home")
def test_a_fork_opens_connections_of_its_own() -> None:
    with dg.DagsterInstance.get() as instance:
        run = _run(instance)
        before = _list_events(instance, run)
        child = multiprocessing.get_context("fork").Process(
            target=_count_and_leave, args=(instance, run, len(before))
        )
        child.start()
        child.join()
        assert child.exitcode == 0
        assert _list_events(instance, run) == before


def _count_and_leave(instance: dg.DagsterInstance, run: str, expected: int) -> None:
    os._exit(0 if len(_list_events(instance, run)) == expected else 1)


@pytest.mark.usefixtures("home")
def test_a_wiped_database_is_made_again() -> None:
    with dg.DagsterInstance.get() as instance:
        run = _run(instance)
        instance.delete_run(run)
        assert _list_events(instance, run) == []
        assert _list_events(instance, _run(instance))


@pytest.mark.usefixtures("home")
def test_a_table_that_exists_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.get() as instance:
        log = instance.event_log_storage
        assert isinstance(log, OpenEventLogStorage)
        assert not log.has_table("none")
        asked: list[str] = []
        monkeypatch.setattr(
            SqliteEventLogStorage, "has_table", lambda _, name: asked.append(name) or True
        )
        assert all(log.has_table(name) for name in ("none", "event_tags", "none", "event_tags"))
        assert asked == ["none", "event_tags"]
