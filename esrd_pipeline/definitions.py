"""Dagster's code location: all definitions of the orchestration package."""

import dagster as dg

from esrd_pipeline.orchestration.assets import ASSETS
from esrd_pipeline.orchestration.executor import threads_executor
from esrd_pipeline.orchestration.jobs import JOBS
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.orchestration.schedules import make_candidate, quarterly_refresh
from esrd_pipeline.orchestration.sensors import SENSORS

defs = dg.Definitions(
    assets=ASSETS,
    jobs=list(JOBS),
    schedules=[quarterly_refresh],
    sensors=[*SENSORS, make_candidate],
    resources={"storage": make_storage()},
    executor=threads_executor,
)
