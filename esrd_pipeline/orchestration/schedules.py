"""The quarterly refresh of the current performance year, and the candidate that follows it."""

import dagster as dg

from esrd_pipeline.orchestration.jobs import refresh, refresh_published, release
from esrd_pipeline.orchestration.partitions import current_performance_year
from esrd_pipeline.orchestration.release_assets import QUARTER_TAG
from esrd_pipeline.orchestration.release_assets import STEP as RELEASE_STEP
from esrd_pipeline.orchestration.table_asset import CUTOFF_TAG
from esrd_pipeline.releases.quarter import quarter_of

SCHEDULE = "the quarterly schedule"
"""Who asks for a candidate that no person asks for."""


@dg.schedule(
    cron_schedule="0 6 15 1,4,7,10 *",
    job=refresh,
    execution_timezone="America/New_York",
    description="On the 15th of January, April, July and October: refresh the current"
    " performance year with the newest files released by that day.",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
def quarterly_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request one run per quarter and year, with the data cut-off as a tag."""
    day = context.scheduled_execution_time.date()
    year = current_performance_year(day)
    return dg.RunRequest(
        run_key=f"{quarter_of(day)}:{year}",
        partition_key=str(year),
        tags={CUTOFF_TAG: day.isoformat(), QUARTER_TAG: quarter_of(day)},
    )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[refresh, refresh_published],
    request_job=release,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="When a quarter's refresh has succeeded: make the candidate of its release. A"
    " refresh without the tag esrd/quarter makes none.",
)
def make_candidate(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """Request a candidate of the quarter of a refresh, once for each."""
    run = context.dagster_run
    quarter, year = run.tags.get(QUARTER_TAG), run.tags.get("dagster/partition")
    if quarter is None or year is None:
        return dg.SkipReason("the refresh was of no quarter")
    config = {
        "operation": "candidate",
        "quarter": quarter,
        "cutoff": run.tags.get(CUTOFF_TAG, ""),
        "person": SCHEDULE,
    }
    return dg.RunRequest(
        run_key=f"candidate of {run.run_id}",
        partition_key=year,
        run_config={"ops": {RELEASE_STEP: {"config": config}}},
        tags={QUARTER_TAG: quarter},
    )
