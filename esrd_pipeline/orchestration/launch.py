"""Run a job of the definitions in this process, in Dagster's instance, and show its progress.

The run has the code location that `esrd ui` serves, so it appears in the UI like any other: in the
Timeline, in its job's runs, to the queue and to sensors. It waits for its turn by the queue's own
limits. It reports its failure itself, because no daemon may be running. The warehouse's lock
prevents it from changing a partition that another run is writing.
"""

import contextlib
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from sqlalchemy.exc import DBAPIError

from esrd_pipeline.orchestration.failure_messages import report_failed_run
from esrd_pipeline.orchestration.failures import format_failure, list_sections
from esrd_pipeline.orchestration.instance import take_turns
from esrd_pipeline.orchestration.stopping import is_stopping, stopping
from esrd_pipeline.orchestration.turns import await_turn, create_run, fail_dead_runs
from esrd_pipeline.settings import load_settings
from esrd_pipeline.tables.release import EXTRACT
from esrd_pipeline.tables.report import INTAKE

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
LAYERS = (
    "raw",
    "linkage",
    "history",
    "cohort",
    "fit",
    "facility",
    "program",
    "network",
    "report",
)
"""In the order data flows."""


class LaunchError(RuntimeError):
    """A run failed or could not be started; the message gives the step and the reason."""


class StoppedError(LaunchError):
    """A run was asked to stop, by a signal or in the UI, and did."""


def run_job(
    definitions: dg.Definitions,
    job: str,
    year: int,
    *,
    tags: Mapping[str, str],
    run_config: Mapping[str, object],
    layers: Sequence[str] | None = None,
    tables: Collection[str] | None = None,
) -> str:
    """Run `job` for one performance year and return the run's id.

    Args:
        definitions: the project's.
        job: name of one of their jobs.
        year: performance year.
        tags: tags of the run.
        run_config: configuration of its steps.
        layers: run the assets of these layers only.
        tables: run the assets of these tables only.

    Raises:
        LaunchError: there is no such year, a step failed, or Dagster cannot record the run.
    """
    from esrd_pipeline.orchestration.jobs import STAR_OPERATIONS

    resolved = find_job(definitions, job, year)
    home = load_settings().dagster_home
    with contextlib.ExitStack() as held:
        progress = held.enter_context(_progress())
        task = progress.add_task(f"{job} {year}", total=None, step="")
        try:
            with take_turns(home):
                instance = held.enter_context(dg.DagsterInstance.get())
            fail_dead_runs(instance)
            selected = list_assets(resolved, layers) if layers else None
            if tables is not None:
                selected = [key for key in _list_selected(resolved) if _name(key) in tables]
            run = create_run(
                instance,
                resolved,
                year,
                tags=tags,
                run_config={**STAR_OPERATIONS.get(job, {}), **run_config, **_QUIET},
                assets=selected,
            )
            progress.update(task, total=len(selected or _list_selected(resolved)) or None)
            instance.add_event_listener(run.run_id, _follow(progress, task))
            with stopping(instance, run.run_id):
                await_turn(instance, run, lambda why: progress.update(task, step=why))
                events = list(execute_run_iterator(InMemoryJob(resolved), run, instance))
            return _end(instance, run, events, f"{job} {year}")
        except DBAPIError as error:
            raise LaunchError(f"{job} {year} stopped.\n{_explain_home(home, error)}") from error


def fail_left_runs() -> None:
    """Fail the runs whose process was killed, as a run would that is not needed.

    Raises:
        LaunchError: Dagster cannot record it.
    """
    home = load_settings().dagster_home
    with contextlib.ExitStack() as held:
        try:
            with take_turns(home):
                instance = held.enter_context(dg.DagsterInstance.get())
            fail_dead_runs(instance)
        except DBAPIError as error:
            raise LaunchError(_explain_home(home, error)) from error


def find_job(definitions: dg.Definitions, job: str, year: int) -> dg.JobDefinition:
    """Return a job of the definitions, if it can be run for a performance year.

    Raises:
        LaunchError: there is no such year, or it is before the first of patient-level files.
    """
    from esrd_pipeline.orchestration.partitions import performance_years
    from esrd_pipeline.parameters.register import (
        FIRST_PATIENT_YEAR,
        FIRST_PUBLISHED_YEAR,
        describe_too_early,
    )

    known = performance_years.get_partition_keys()
    if year < FIRST_PUBLISHED_YEAR:
        raise LaunchError(
            f"{year} is before {FIRST_PUBLISHED_YEAR}, the first performance year of a published"
            " file whose columns are known"
        )
    if not known:
        today = datetime.now(tz=UTC).date()
        raise LaunchError(
            f"no performance year has begun by the clock of this machine, which says {today}: set"
            " it right"
        )
    if str(year) not in known:
        raise LaunchError(f"{year} is not a performance year: {known[0]} to {known[-1]} are known")
    resolved = definitions.resolve_job_def(job)
    reads_patients = dg.AssetKey(EXTRACT.path) in resolved.asset_layer.selected_asset_keys
    if year < FIRST_PATIENT_YEAR and reads_patients:
        raise LaunchError(describe_too_early(year))
    return resolved


def _end(
    instance: dg.DagsterInstance, run: dg.DagsterRun, events: Sequence[dg.DagsterEvent], title: str
) -> str:
    """Return the id of a run that succeeded; report one that did not."""
    ended = instance.get_run_by_id(run.run_id)
    status = ended.status if ended else dg.DagsterRunStatus.FAILURE
    if status == dg.DagsterRunStatus.SUCCESS:
        return run.run_id
    if ended and is_stopping() and status == dg.DagsterRunStatus.FAILURE:
        # Stopped between two steps, before Dagster was given the reason.
        instance.report_run_canceled(ended)
        status = dg.DagsterRunStatus.CANCELED
    if status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.CANCELING):
        raise StoppedError(
            f"{title} was stopped. What it had stored is whole: run it again, with --changed for"
            " the rest alone.\n"
            f"The run in the UI: {run.run_id}"
        )
    failures = [event for event in events if event.is_step_failure]
    steps = [format_failure(event) for event in failures]
    failed = [event.message for event in events if event.is_job_failure and event.message]
    otherwise = "; ".join(failed) or "the run failed"
    report_failed_run(instance, run.run_id, steps, otherwise)
    lines = [
        *(steps or [otherwise]),
        *(f"What to do: {place}" for place in list_sections(failures)),
    ]
    messages = "\n".join(lines)
    raise LaunchError(f"{title} failed.\n{messages}\nThe run in the UI: {run.run_id}")


def _follow(progress: Progress, task: TaskID) -> Callable[[dg.EventLogEntry], None]:
    """Return a listener that moves the bar with the run's events."""

    def follow(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event and event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            progress.update(task, advance=1, step=_name(event.asset_key))

    return follow


def _explain_home(home: Path, error: DBAPIError) -> str:
    """Say that Dagster cannot keep its record of runs, most often for want of space."""
    free = shutil.disk_usage(home).free / 1e6
    return (
        f"Dagster's record of runs in {home} cannot be used ({error.orig}); {free:,.1f} MB are"
        " free there. Make room, or set DAGSTER_HOME to another folder, and run it again: what is"
        " stored is whole"
    )


def _progress() -> Progress:
    """Return a progress bar: shown in a terminal, disabled where output goes to a file or pipe."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}"),
    )


def _name(key: dg.AssetKey | None) -> str:
    return ".".join(key.path) if key else ""


def _list_selected(job: dg.JobDefinition) -> list[dg.AssetKey]:
    return sorted(job.asset_layer.selected_asset_keys)


def list_assets(job: dg.JobDefinition, layers: Sequence[str]) -> list[dg.AssetKey]:
    """Return the assets of a job that are made with these layers."""
    return [key for key in _list_selected(job) if _layer_of(key) in layers]


def _layer_of(key: dg.AssetKey) -> str:
    """The layer an asset is made with: the report on raw tables with them."""
    return "raw" if tuple(key.path) == INTAKE.path else key.path[0]
