"""When a refresh is late: the freshness that the UI shows, and an alert.

The schedule refreshes every quarter. Dagster's freshness policy colours the assets people read; it
alerts nobody in the open-source edition, so a sensor does.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from esrd_pipeline.orchestration.failure_messages import append_line, send
from esrd_pipeline.settings import load_settings
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.program import QIP_TPS, STARS

QUARTER = timedelta(days=92)
LATE = timedelta(days=106)
"""A quarter and two weeks."""
_WATCHED = (QIP_TPS, STARS)
_RUNBOOK = "docs/runbook.md#a-refresh-is-late"


def find_freshness(table: Table) -> dg.FreshnessPolicy | None:
    """Return the freshness policy of the tables people read, or None."""
    if table.schema not in ("program", "report") or not table.is_compared:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=LATE, warn_window=QUARTER + timedelta(days=7))


@dg.sensor(
    minimum_interval_seconds=6 * 3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Notes once in data/logs/failures.log and wherever alerts go, when stars or Total"
    " Performance Scores were last made more than a quarter and two weeks ago.",
)
def report_late_refresh(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Report a late refresh once; the cursor holds the refresh that was reported."""
    made = [
        event.timestamp
        for table in _WATCHED
        if (event := context.instance.get_latest_materialization_event(dg.AssetKey(table.path)))
    ]
    if not made:
        return dg.SkipReason("nothing was refreshed yet")
    newest = max(made)
    age = datetime.now(tz=UTC) - datetime.fromtimestamp(newest, tz=UTC)
    if age <= LATE:
        return dg.SkipReason(f"refreshed {age.days} days ago")
    if context.cursor != str(newest):
        line = (
            f"{datetime.now(tz=UTC).isoformat(timespec='seconds')} the refresh is late: scores and"
            f" stars were last made {age.days} days ago ({_RUNBOOK})"
        )
        append_line(load_settings().failure_log, line)
        send(line)
        context.update_cursor(str(newest))
    return dg.SkipReason(f"late: refreshed {age.days} days ago")
