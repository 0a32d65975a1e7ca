"""The sensors: of failed runs, of a late refresh, and of a new file of facilities' statuses."""

from datetime import date

import dagster as dg

from esrd_pipeline.orchestration.emergency_assets import STEP
from esrd_pipeline.orchestration.failure_messages import report_failed_run
from esrd_pipeline.orchestration.failures import format_failure
from esrd_pipeline.orchestration.jobs import emergency
from esrd_pipeline.orchestration.late import report_late_refresh
from esrd_pipeline.orchestration.made_of import digest_file
from esrd_pipeline.settings import load_settings


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


@dg.sensor(
    job=emergency,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="When the file of facilities' statuses in the Network's folder is new or another"
    " one: makes the page of the states with a facility that is not open, for the day of the"
    " latest report.",
)
def refresh_emergency(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request a run for each content of the status file; the cursor holds the last one."""
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.sources.extract_files import list_extracts
    from esrd_pipeline.sources.network_check import read_files
    from esrd_pipeline.tables.network_inputs import FACILITY_STATUS
    from esrd_pipeline.warehouse import open_warehouse

    settings = load_settings()
    if settings.origin == "embedded" and settings.own_network_dir is None:
        return dg.SkipReason("the embedded default's statuses are made up: launch the job by hand")
    folder = settings.network_dir
    day = date.today().isoformat()  # noqa: DTZ011 - the day where the officer is
    try:
        files = [one.path for one in list_extracts(folder, FACILITY_STATUS)]
        content = " ".join(digest_file(path) for path in files)
        if content == (context.cursor or ""):
            return dg.SkipReason("no file of facilities' statuses, or no other than before")
        with open_warehouse(settings).connect() as query:
            reports = read_files(folder, [FACILITY_STATUS], query)[FACILITY_STATUS.name]
        if reports.empty:
            return dg.SkipReason("the file of facilities' statuses has no rows")
        day = str(reports["reported_at"].max())[:10]
    except SourceError as fault:
        # The run says it again, with file, row, column and rule, and fails, so that alerts go out.
        content = str(fault)
        if content == context.cursor:
            return dg.SkipReason(content)
    context.update_cursor(content)
    return dg.RunRequest(
        run_key=content,
        partition_key=day[:4],
        run_config={"ops": {STEP: {"config": {"day": day}}}},
    )


SENSORS = (report_failure, report_late_refresh, refresh_emergency)
