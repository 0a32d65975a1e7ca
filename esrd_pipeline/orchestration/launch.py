"""Run a job of the definitions in this process, in Dagster's instance, and show its progress.

The run appears in the UI like any other, with its events; only the queue is passed by. A
partition that another run is writing at the same time is not touched: the warehouse's lock says
so.
"""

import uuid
from collections.abc import Mapping

import dagster as dg
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_LAYERS = ("raw", "facility", "program", "report")


class LaunchError(RuntimeError):
    """A run failed or could not be started; the message says at which step and why."""


def run_job(
    definitions: dg.Definitions,
    job: str,
    year: int,
    *,
    tags: Mapping[str, str],
    run_config: Mapping[str, object],
    only_through: str | None = None,
) -> str:
    """Run `job` for one performance year and return the run's id.

    Args:
        definitions: the project's.
        job: name of one of their jobs.
        year: performance year.
        tags: tags of the run.
        run_config: configuration of its steps.
        only_through: run the assets up to and including this layer only.

    Raises:
        LaunchError: there is no such year, or a step failed.
    """
    from esrd_pipeline.orchestration.jobs import STAR_OPERATIONS
    from esrd_pipeline.orchestration.partitions import performance_years

    known = performance_years.get_partition_keys()
    if str(year) not in known:
        raise LaunchError(f"{year} is not a performance year: {known[0]} to {known[-1]} are")
    resolved = definitions.resolve_job_def(job)
    run_id = str(uuid.uuid4())
    with dg.DagsterInstance.get() as instance, _progress() as progress:
        task = progress.add_task(f"{job} {year}", total=None, step="")

        def follow(entry: dg.EventLogEntry) -> None:
            event = entry.dagster_event
            if event is None:
                return
            if event.is_step_start:
                progress.update(task, step=(event.step_key or "").replace("_", ".", 1))
            elif event.is_step_success:
                progress.advance(task)
            elif event.event_type == dg.DagsterEventType.PIPELINE_START:
                plan = instance.get_run_by_id(run_id)
                keys = plan.step_keys_to_execute if plan else None
                progress.update(task, total=len(keys) if keys else len(resolved.nodes))

        instance.add_event_listener(run_id, follow)
        result = resolved.execute_in_process(
            run_config={**STAR_OPERATIONS.get(job, {}), **run_config, **_QUIET},
            instance=instance,
            partition_key=str(year),
            tags=dict(tags),
            run_id=run_id,
            raise_on_error=False,
            asset_selection=_assets_through(only_through) if only_through else None,
        )
    if not result.success:
        said = "\n".join(_failures(result)) or "the run failed"
        raise LaunchError(f"{job} {year} failed.\n{said}\nThe run in the UI: {run_id}")
    return run_id


def _progress() -> Progress:
    """A bar in a terminal; nothing where output goes to a file or pipe."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}"),
    )


def _failures(result: dg.ExecuteInProcessResult) -> list[str]:
    lines = []
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        error = event.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        said = short_message(error.message) if error else "no message"
        lines.append(f"{(event.step_key or '').replace('_', '.', 1)}: {said}")
    return lines


def short_message(message: str) -> str:
    """An error as people read it: `SourceError: ...`, without the module it is defined in."""
    kind, separator, said = message.strip().partition(": ")
    return f"{kind.rpartition('.')[2]}{separator}{said}"


def _assets_through(layer: str) -> list[dg.AssetKey]:
    from esrd_pipeline.tables.catalog import TABLES

    wanted = _LAYERS[: _LAYERS.index(layer) + 1]
    return [dg.AssetKey(table.path) for table in TABLES if table.schema in wanted]
