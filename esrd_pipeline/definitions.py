"""Dagster's code location: all definitions of the orchestration package."""

import dagster as dg

from esrd_pipeline.orchestration import (
    access_assets,
    adjusters_assets,
    discharges_assets,
    facility_assets,
    measure_assets,
    patient_assets,
    patient_months_assets,
    program_assets,
    raw_assets,
    report_assets,
)
from esrd_pipeline.orchestration.jobs import JOBS
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.orchestration.schedules import make_candidate, quarterly_refresh
from esrd_pipeline.orchestration.sensors import SENSORS

defs = dg.Definitions(
    assets=[
        *raw_assets.ASSETS,
        *patient_assets.ASSETS,
        *facility_assets.ASSETS,
        *measure_assets.ASSETS,
        *discharges_assets.ASSETS,
        *patient_months_assets.ASSETS,
        *access_assets.ASSETS,
        *adjusters_assets.ASSETS,
        *program_assets.ASSETS,
        *report_assets.ASSETS,
    ],
    jobs=list(JOBS),
    schedules=[quarterly_refresh],
    sensors=[*SENSORS, make_candidate],
    resources={"storage": make_storage()},
    executor=dg.in_process_executor,
)
