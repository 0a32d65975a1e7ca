"""Runs the steps of a run in threads of one process.

DuckDB leaves Python free while it computes, and seldom keeps both cores of a small machine busy; so
while it makes one table, another step is computed, audited and recorded. What runs in Python alone
(fits, scores, pictures) is tagged `PYTHON` and runs one at a time: a second one could not go
faster, and numerical libraries set warnings for the whole process.

Dagster has executors for one step at a time and for a process a step; a process would import the
project anew for each of some 250 steps.
"""

import os
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import dagster as dg
from dagster._core.events import EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.compute_logs import create_compute_log_file_key
from dagster._core.execution.context.system import (
    PlanExecutionContext,
    PlanOrchestrationContext,
    StepExecutionContext,
)
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.execute_plan import dagster_event_sequence_for_step
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode, get_retries_config
from dagster._core.storage.tags import PRIORITY_TAG
from dagster._utils.interrupts import check_captured_interrupt

from esrd_pipeline.orchestration.stopping import is_stopping, stopping

KIND = "esrd/step"
PYTHON = "python"
"""Value of the tag `KIND` of a step that computes in Python, not in DuckDB."""
ALONE = "alone"
"""Value of the tag `KIND` of a step beside which none runs: it forks, and a fork would keep the
locks that another thread holds."""
TAGS_OF_PYTHON = {KIND: PYTHON, PRIORITY_TAG: "1"}
"""It goes first: otherwise these steps would be left for the end, one after the other."""
MAX_CONCURRENT = 2
"""More would not go faster: DuckDB uses all cores for one SELECT of a large year."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """That a step's thread has no more events, and the error it ended with, if any."""

    key: str
    error: BaseException | None


_Queue = SimpleQueue[dg.DagsterEvent | _Ended]


@dataclass(frozen=True, slots=True)
class ThreadsExecutor(dg.Executor):
    """Runs at most `max_concurrent` steps at a time, at most one of them in Python."""

    retry_mode: RetryMode
    max_concurrent: int

    @property
    def retries(self) -> RetryMode:
        """Whether a step that asks for it is tried again."""
        return self.retry_mode

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Run the steps of a plan and yield their events, each as it occurs."""
        about = EngineEventData.in_process(os.getpid(), execution_plan.step_keys_to_execute)
        yield dg.DagsterEvent.engine_event(
            plan_context, f"Executing steps in threads of process {os.getpid()}", about
        )
        yield from ExecuteRunWithPlanIterable(
            execution_plan=plan_context.execution_plan,
            iterator=partial(_run_steps, self.max_concurrent),
            execution_context_manager=PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=plan_context.retry_mode,
                execution_plan=plan_context.execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=plan_context.raise_on_error,
                output_capture=plan_context.output_capture,
                step_dependency_config=self.step_dependency_config,
            ),
        )
        yield dg.DagsterEvent.engine_event(plan_context, "Finished steps", about)


@dg.executor(
    name="in_threads",
    config_schema={
        "retries": get_retries_config(),
        "max_concurrent": dg.Field(
            int,
            default_value=MAX_CONCURRENT,
            description="Most steps at a time; 1 for one after the other, with the least memory.",
        ),
    },
)
def threads_executor(context: dg.InitExecutorContext) -> ThreadsExecutor:
    """Make the executor from its run configuration."""
    config: Mapping[str, Any] = context.executor_config
    retries = RetryMode.from_config(config["retries"]) or RetryMode.ENABLED
    return ThreadsExecutor(retries, config["max_concurrent"])


def _run_steps(
    max_concurrent: int, job_context: PlanExecutionContext, execution_plan: ExecutionPlan
) -> Iterator[dg.DagsterEvent]:
    """Start each step when those it depends on have ended; yield the events of all."""
    context, events = job_context, _Queue()
    waiting, running = list[ExecutionStep](), dict[str, ExecutionStep]()
    with ExitStack() as held:
        limits = InstanceConcurrencyContext(context.instance, context.dagster_run)
        active = held.enter_context(
            execution_plan.start(
                retry_mode=context.retry_mode,
                max_concurrent=max_concurrent,
                tag_concurrency_limits=[{"key": KIND, "value": PYTHON, "limit": 1}],
                instance_concurrency_context=held.enter_context(limits),
                step_dependency_config=context.step_dependency_config,
            )
        )
        yield held.enter_context(_capture_logs(context, execution_plan))
        held.enter_context(stopping(context.instance, context.run_id))
        # Left first: what is stopped, or raises, waits for the steps that still run.
        pool = held.enter_context(ThreadPoolExecutor(max_concurrent, "step"))
        while not active.is_complete:
            # A signal interrupts the queries of the steps, not this thread.
            stopped = is_stopping() or check_captured_interrupt()
            if stopped and not running:
                active.mark_interrupted()
                break
            if not stopped and not any(map(_is_alone, (*running.values(), *waiting))):
                waiting.extend(active.get_steps_to_execute())
            for step in () if stopped else tuple(waiting):
                if not running or not _is_alone(step):
                    step_context = context.for_step(step, active.get_known_state())
                    pool.submit(copy_context().run, _run_step, step_context, events)
                    running[step.key] = step
                    waiting.remove(step)
            yield from active.concurrency_event_iterator(context)
            if not running:
                active.sleep_til_ready()
                continue
            until_retry = active.sleep_interval()
            try:
                event = events.get(timeout=until_retry if until_retry > 0 else None)
            except Empty:  # a step that is to be tried again is due
                continue
            if isinstance(event, dg.DagsterEvent):
                yield event
                active.handle_event(event)
                continue
            del running[event.key]
            if event.error is not None:
                raise event.error
            active.verify_complete(context, event.key)
            yield from active.plan_events_iterator(context)


def _is_alone(step: ExecutionStep) -> bool:
    return step.tags.get(KIND) == ALONE


def _run_step(context: StepExecutionContext, events: _Queue) -> None:
    """Run a step in this thread; whatever it raises is raised by the thread that asked for it."""
    error: BaseException | None = None
    try:
        for event in dagster_event_sequence_for_step(context):
            events.put(event)
    except BaseException as raised:  # noqa: BLE001 - carried to the other thread, not handled
        error = raised
    events.put(_Ended(context.step.key, error))


@contextmanager
def _capture_logs(context: PlanExecutionContext, plan: ExecutionPlan) -> Generator[dg.DagsterEvent]:
    """Keep what the process prints where the UI shows it, as Dagster's own executors do."""
    manager = context.instance.compute_log_manager
    log_key = manager.build_log_key_for_run(context.run_id, create_compute_log_file_key())
    keys = [step.key for step in plan.get_steps_to_execute_in_topo_order()]
    with manager.capture_logs(log_key) as captured:
        yield dg.DagsterEvent.capture_logs(context, keys, log_key, captured)
