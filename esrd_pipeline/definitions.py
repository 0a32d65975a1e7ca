"""Dagster's code location: all definitions of the orchestration package."""

import dagster as dg

from esrd_pipeline.orchestration.assets import ASSETS
from esrd_pipeline.orchestration.executor import threads_executor
from esrd_pipeline.orchestration.jobs import JOBS
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.orchestration.schedules import make_candidate, quarterly_refresh
from esrd_pipeline.orchestration.sensors import SENSORS


def make_definitions(executor: dg.ExecutorDefinition) -> dg.Definitions:
    """Make the code location whose runs have their steps run by `executor`.

    Where that is none of this process alone, a step refuses the embedded default: a worker that
    does not see the source files would make synthetic tables instead.
    """
    is_here = executor in (threads_executor, dg.in_process_executor)
    return dg.Definitions(
        assets=ASSETS,
        jobs=list(JOBS),
        schedules=[quarterly_refresh],
        sensors=[*SENSORS, make_candidate],
        resources={"storage": make_storage(needs_files=not is_here)},
        executor=executor,
    )


defs = make_definitions(threads_executor)
