"""Run a job of the definitions in this process, in Dagster's instance, and show its progress.

The run appears in the UI like any other, with its events; only the queue is bypassed. The
warehouse's lock prevents it from changing a partition that another run is writing.
"""

import contextlib
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from sqlalchemy.exc import DBAPIError

from esrd_pipeline.orchestration.instance import take_turns
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


def run_job(
    definitions: dg.Definitions,
    job: str,
    year: int,
    *,
    tags: Mapping[str, str],
    run_config: Mapping[str, object],
    layers: Sequence[str] | None = None,
) -> str:
    """Run `job` for one performance year and return the run's id.

    Args:
        definitions: the project's.
        job: name of one of their jobs.
        year: performance year.
        tags: tags of the run.
        run_config: configuration of its steps.
        layers: run the assets of these layers only.

    Raises:
        LaunchError: there is no such year, a step failed, or Dagster cannot record the run.
    """
    from esrd_pipeline.orchestration.jobs import STAR_OPERATIONS
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
    run_id = str(uuid.uuid4())
    home = load_settings().dagster_home
    with contextlib.ExitStack() as held:
        progress = held.enter_context(_progress())
        task = progress.add_task(f"{job} {year}", total=None, step="")
        try:
            with take_turns(home):
                instance = held.enter_context(dg.DagsterInstance.get())
            instance.add_event_listener(run_id, _follow(progress, task))
            result = resolved.execute_in_process(
                run_config={**STAR_OPERATIONS.get(job, {}), **run_config, **_QUIET},
                instance=instance,
                partition_key=str(year),
                tags=dict(tags),
                run_id=run_id,
                raise_on_error=False,
                asset_selection=list_assets(resolved, layers) if layers else None,
            )
        except DBAPIError as error:
            raise LaunchError(f"{job} {year} stopped.\n{_tell_of_home(home, error)}") from error
    if not result.success:
        failed = [event for event in result.all_events if event.is_step_failure]
        messages = "\n".join(format_failure(event) for event in failed) or "the run failed"
        raise LaunchError(f"{job} {year} failed.\n{messages}\nThe run in the UI: {run_id}")
    return run_id


def _follow(progress: Progress, task: TaskID) -> Callable[[dg.EventLogEntry], None]:
    """Return a listener that moves the bar with the run's events."""
    planned: set[str] = set()

    def follow(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            return
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
            planned.add(_name(event.asset_key))
            progress.update(task, total=len(planned))
        elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            progress.update(task, advance=1, step=_name(event.asset_key))

    return follow


def _tell_of_home(home: Path, error: DBAPIError) -> str:
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


def format_failure(event: dg.DagsterEvent) -> str:
    """Return the error that a failed step's computation raised, without Dagster's error around it.

    The error it was raised from is left out: its own message covers it.
    """
    error = event.step_failure_data.error
    raised = error.cause or error if error else None
    return short_message(raised.message if raised else "no message", event.step_key)


def short_message(message: str, step: str | None) -> str:
    """Format an error for people: `raw.dfc_facility: SourceError: ...`.

    First come the tables being made, which Python appends as a note, or the step where there is no
    such note. The module that defines the error is left out.
    """
    text, _, tables = message.strip().rpartition("\nwhile making ")
    place = tables if text else step
    kind, separator, sentence = (text or tables).partition(": ")
    return f"{place}: {kind.rpartition('.')[2]}{separator}{sentence}"


def _name(key: dg.AssetKey | None) -> str:
    return ".".join(key.path) if key else ""


def list_assets(job: dg.JobDefinition, layers: Sequence[str]) -> list[dg.AssetKey]:
    """Return the assets of a job that are made with these layers."""
    return [key for key in sorted(job.asset_layer.selected_asset_keys) if _layer_of(key) in layers]


def _layer_of(key: dg.AssetKey) -> str:
    """The layer an asset is made with: the report on raw tables with them."""
    return "raw" if tuple(key.path) == INTAKE.path else key.path[0]
