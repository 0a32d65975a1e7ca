"""Steps in threads: which run side by side, and what becomes of a run whose step fails."""

import threading
from collections.abc import Callable, Iterator

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator

from esrd_pipeline.orchestration.executor import ALONE, KIND, TAGS_OF_PYTHON, threads_executor

PATIENCE = 20.0
"""Seconds that one step waits for another that is to run beside it."""


@pytest.fixture(name="instance")
def make_instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def make_asset(
    name: str, compute: Callable[[], None], *, deps: tuple[str, ...] = (), python: bool = False
) -> dg.AssetsDefinition:
    @dg.asset(name=name, deps=deps, op_tags=TAGS_OF_PYTHON if python else {})
    def made() -> None:
        compute()

    return made


def run(
    instance: dg.DagsterInstance, *assets: dg.AssetsDefinition, max_concurrent: int = 2
) -> tuple[dg.DagsterRunStatus, list[dg.DagsterEvent]]:
    """Run all assets in one run; return how it ended and its events as they came."""
    job = dg.Definitions(
        assets=assets, jobs=[dg.define_asset_job("all")], executor=threads_executor
    ).resolve_job_def("all")
    config = {"execution": {"config": {"max_concurrent": max_concurrent}}}
    made = instance.create_run_for_job(job, run_config=config)
    events = list(execute_run_iterator(InMemoryJob(job), made, instance))
    ended = instance.get_run_by_id(made.run_id)
    assert ended is not None
    return ended.status, events


def list_steps(events: list[dg.DagsterEvent], kind: dg.DagsterEventType) -> list[str]:
    return sorted(str(event.step_key) for event in events if event.event_type == kind)


def test_two_steps_run_beside_each_other(instance: dg.DagsterInstance) -> None:
    # Neither ends before the other has begun.
    both = threading.Barrier(2, timeout=PATIENCE)
    assets = [make_asset(name, lambda: void(both.wait())) for name in ("a", "b")]
    status, events = run(instance, *assets)
    assert status == dg.DagsterRunStatus.SUCCESS
    assert list_steps(events, dg.DagsterEventType.STEP_SUCCESS) == ["a", "b"]


def test_a_step_in_python_runs_beside_duckdb_and_never_beside_another(
    instance: dg.DagsterInstance,
) -> None:
    computing, most = list[str](), list[int]()
    beside = threading.Barrier(2, timeout=PATIENCE)

    def compute(name: str) -> None:
        computing.append(name)
        most.append(sum(one.startswith("python") for one in computing))
        if name in ("python_a", "duckdb"):
            beside.wait()
        computing.remove(name)

    names = ("duckdb", "python_a", "python_b", "python_c")
    assets = [
        make_asset(name, lambda name=name: compute(name), python=name.startswith("python"))
        for name in names
    ]
    status, events = run(instance, *assets, max_concurrent=3)
    assert status == dg.DagsterRunStatus.SUCCESS
    assert list_steps(events, dg.DagsterEventType.STEP_SUCCESS) == sorted(names)
    assert max(most) == 1


def test_one_after_the_other_if_asked(instance: dg.DagsterInstance) -> None:
    computing, most = list[str](), list[int]()

    def compute(name: str) -> None:
        computing.append(name)
        most.append(len(computing))
        computing.remove(name)

    assets = [make_asset(name, lambda name=name: compute(name)) for name in "abcd"]
    status, events = run(instance, *assets, max_concurrent=1)
    assert status == dg.DagsterRunStatus.SUCCESS
    starts = [e.step_key for e in events if e.event_type == dg.DagsterEventType.STEP_START]
    ends = [e.step_key for e in events if e.event_type == dg.DagsterEventType.STEP_SUCCESS]
    assert starts == ends == ["a", "b", "c", "d"]
    assert max(most) == 1


def test_a_step_waits_for_what_it_reads(instance: dg.DagsterInstance) -> None:
    made = list[str]()
    chain = [
        make_asset("last", lambda: made.append("last"), deps=("middle", "beside")),
        make_asset("middle", lambda: made.append("middle"), deps=("first",)),
        make_asset("beside", lambda: made.append("beside")),
        make_asset("first", lambda: made.append("first")),
    ]
    status, _ = run(instance, *chain)
    assert status == dg.DagsterRunStatus.SUCCESS
    assert made[-1] == "last"
    assert made.index("first") < made.index("middle")


def test_nothing_runs_beside_a_step_that_forks(instance: dg.DagsterInstance) -> None:
    computing, beside = set[str](), dict[str, set[str]]()
    others = threading.Barrier(2, timeout=PATIENCE)

    def compute(name: str) -> None:
        computing.add(name)
        if name in ("a", "b"):
            others.wait()  # the other two do run beside each other
        beside[name] = computing - {name}
        computing.remove(name)

    @dg.asset(op_tags={KIND: ALONE})
    def alone() -> None:
        compute("alone")

    rest = [make_asset(name, lambda name=name: compute(name)) for name in ("a", "b", "c", "d")]
    status, _ = run(instance, rest[0], alone, *rest[1:], max_concurrent=3)
    assert status == dg.DagsterRunStatus.SUCCESS
    assert beside["alone"] == set()
    assert not any("alone" in seen for seen in beside.values())


def test_a_step_in_python_goes_first(instance: dg.DagsterInstance) -> None:
    made = list[str]()
    assets = [
        make_asset(name, lambda name=name: made.append(name), python=name == "z") for name in "abz"
    ]
    run(instance, *assets, max_concurrent=1)
    assert made == ["z", "a", "b"]


def test_a_failed_step_stops_only_what_reads_it(instance: dg.DagsterInstance) -> None:
    def refuse() -> None:
        raise dg.Failure("no row", allow_retries=False)

    status, events = run(
        instance,
        make_asset("first", refuse),
        make_asset("reads_it", lambda: None, deps=("first",)),
        make_asset("other", lambda: None),
        make_asset("reads_other", lambda: None, deps=("other",)),
    )
    assert status == dg.DagsterRunStatus.FAILURE
    assert list_steps(events, dg.DagsterEventType.STEP_FAILURE) == ["first"]
    assert list_steps(events, dg.DagsterEventType.STEP_SUCCESS) == ["other", "reads_other"]


def test_a_step_that_asks_for_it_is_tried_again(instance: dg.DagsterInstance) -> None:
    tries = list[int]()

    def fail_once() -> None:
        tries.append(len(tries))
        if len(tries) == 1:
            raise dg.RetryRequested(max_retries=1, seconds_to_wait=0.1)

    status, events = run(instance, make_asset("once", fail_once))
    assert status == dg.DagsterRunStatus.SUCCESS
    assert tries == [0, 1]
    assert list_steps(events, dg.DagsterEventType.STEP_RESTARTED) == ["once"]


def test_a_step_to_be_tried_again_waits_for_a_free_place(instance: dg.DagsterInstance) -> None:
    made, is_due = list[str](), threading.Event()

    def fail_once() -> None:
        made.append("once")
        if len(made) == 1:
            raise dg.RetryRequested(max_retries=1, seconds_to_wait=0.05)

    def compute_longer_than_that() -> None:
        is_due.wait(0.5)
        made.append("other")

    assets = [make_asset("once", fail_once), make_asset("other", compute_longer_than_that)]
    status, _ = run(instance, *assets, max_concurrent=1)
    assert status == dg.DagsterRunStatus.SUCCESS
    assert made == ["once", "other", "once"]


def test_every_event_is_stored(instance: dg.DagsterInstance) -> None:
    _, events = run(instance, *(make_asset(name, lambda: None) for name in "abcdef"))
    run_id = instance.get_runs()[0].run_id
    stored = [log.dagster_event for log in instance.all_logs(run_id) if log.dagster_event]
    kinds = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.ASSET_MATERIALIZATION}
    for kind in kinds:
        assert list_steps(events, kind) == list("abcdef")
        assert list_steps(stored, kind) == list("abcdef")


def void(_: object) -> None:
    """Return nothing, as an asset without a value does."""
