"""The sensors: of failed runs whose own process could not report it, and of a late refresh."""

import dagster as dg

from esrd_pipeline.orchestration.failure_messages import report_failed_run
from esrd_pipeline.orchestration.failures import format_failure
from esrd_pipeline.orchestration.late import report_late_refresh


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes a readable line to data/logs/failures.log for every failed run and posts"
    " it to ESRD_WEBHOOK_URL if that is set, unless the run has done so itself.",
)
def report_failure(context: dg.RunFailureSensorContext) -> None:
    """Report a failed run; a webhook that cannot be reached is reported in the log."""
    report_failed_run(
        context.instance,
        context.dagster_run.run_id,
        [format_failure(event) for event in context.get_step_failure_events()],
        context.failure_event.message or "the run process died",
    )


SENSORS = (report_failure, report_late_refresh)
