"""A run of the command among the other runs: its record, its turn, and the dead it finds.

The daemon starts the runs of the UI, at most two and never two of one year. A run of the command is
started by its own process, so it keeps to the same limits here.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import create_execution_plan
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from esrd_pipeline.orchestration.failure_messages import report_failed_run
from esrd_pipeline.orchestration.stopping import check_stopped
from esrd_pipeline.processes import PROCESS_TAG, describe_process, is_gone
from esrd_pipeline.settings import load_settings

MODULE = "esrd_pipeline.definitions"
ORIGIN_TAG = "esrd/origin"
PARTITION_TAG = "dagster/partition"
_ASK_SECONDS = 2.0


def create_run(
    instance: dg.DagsterInstance,
    job: dg.JobDefinition,
    year: int,
    *,
    tags: Mapping[str, str],
    run_config: Mapping[str, object],
    assets: Sequence[dg.AssetKey] | None,
) -> dg.DagsterRun:
    """Record a run of a job of the code location that `esrd ui` serves."""
    selected = None if assets is None else frozenset(assets)
    part = job if selected is None else job.get_subset(asset_selection=selected)
    plan = create_execution_plan(InMemoryJob(part), run_config=run_config)
    return instance.create_run_for_job(
        job_def=part,
        execution_plan=plan,
        run_config=run_config,
        tags={
            **job.run_tags,
            **job.get_tags_for_partition_key(str(year), selected_asset_keys=selected),
            # Who started a command repeats it, or not; the daemon does so for the UI's runs.
            "dagster/max_retries": "0",
            PROCESS_TAG: describe_process(os.getpid()),
            ORIGIN_TAG: load_settings().origin,
            **tags,
        },
        asset_selection=selected,
        remote_job_origin=RemoteJobOrigin(
            repository_origin=RemoteRepositoryOrigin(
                code_location_origin=ManagedGrpcPythonEnvCodeLocationOrigin(
                    loadable_target_origin=LoadableTargetOrigin(module_name=MODULE),
                    location_name=MODULE,
                ),
                repository_name="__repository__",
            ),
            job_name=job.name,
        ),
    )


def await_turn(
    instance: dg.DagsterInstance, run: dg.DagsterRun, show: Callable[[str], None]
) -> None:
    """Wait while as many runs as may be are in progress, or one of the same year is.

    Only runs are waited for whose end somebody notices: those of living commands, and the UI's
    while its daemon lives.
    """
    while blocking := _find_blocking(instance, run):
        show(f"waits for the end of run {blocking.run_id[:8]}, {blocking.job_name}")
        time.sleep(_ASK_SECONDS)
        check_stopped()
        fail_dead_runs(instance)


def _find_blocking(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun | None:
    going = [
        other
        for other in instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS_RUN_STATUSES)))
        if other.run_id != run.run_id and _is_watched(instance, other)
    ]
    year = run.tags[PARTITION_TAG]
    same = [other for other in going if other.tags.get(PARTITION_TAG) == year]
    most = instance.get_concurrency_config().run_queue_config
    limit = most.max_concurrent_runs if most else 1
    if same:
        return same[0]
    return going[0] if len(going) >= limit >= 0 else None


def _is_watched(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    if PROCESS_TAG in run.tags:
        return True
    statuses = instance.get_daemon_statuses()
    return any(status.healthy for status in statuses.values())


def fail_dead_runs(instance: dg.DagsterInstance) -> None:
    """Fail the runs of commands whose process on this machine was killed, and report them."""
    unfinished = [*IN_PROGRESS_RUN_STATUSES, dg.DagsterRunStatus.NOT_STARTED]
    for run in instance.get_runs(dg.RunsFilter(statuses=unfinished)):
        process = run.tags.get(PROCESS_TAG)
        if process is not None and is_gone(process):
            message = f"its process on {process.partition(' ')[0]} was killed"
            instance.report_run_failed(run, message)
            report_failed_run(instance, run.run_id, [], message)
