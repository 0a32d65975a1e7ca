"""The quarterly refresh of the current performance year."""

from datetime import date

import dagster as dg

from esrd_pipeline.orchestration.jobs import refresh
from esrd_pipeline.orchestration.partitions import current_performance_year
from esrd_pipeline.orchestration.table_asset import CUTOFF_TAG

MONTHS_A_QUARTER = 3


def quarter_of(day: date) -> str:
    """Return the calendar quarter of a day, e.g. 2026Q4."""
    return f"{day.year}Q{(day.month - 1) // MONTHS_A_QUARTER + 1}"


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
        tags={CUTOFF_TAG: day.isoformat(), "esrd/quarter": quarter_of(day)},
    )
