"""The sensor of failed runs: a line in a log file, and a message to a webhook if one is set."""

import json
import os
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from esrd_pipeline.orchestration.launch import format_failure
from esrd_pipeline.settings import load_settings

WEBHOOK_VARIABLE = "ESRD_WEBHOOK_URL"
WEBHOOK_TIMEOUT_SECONDS = 10


def describe_failure(context: dg.RunFailureSensorContext) -> str:
    """Return one line with the time, job, partition and the error messages of the steps."""
    run = context.dagster_run
    partition = run.tags.get("dagster/partition", "no partition")
    steps = [format_failure(event) for event in context.get_step_failure_events()]
    happened = "; ".join(steps) or context.failure_event.message or "the run process died"
    when = datetime.now(tz=UTC).isoformat(timespec="seconds")
    return f"{when} {run.job_name} {partition} run {run.run_id} failed: {happened}"


def append_line(path: Path, line: str) -> None:
    """Append one line in one write, so that two failures are never mixed in one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(" ".join(line.split()) + "\n")


def post_to_webhook(url: str, text: str) -> str | None:
    """Post `{"text": ...}`; return the error, or None."""
    if not url.startswith(("http://", "https://")):
        return f"{WEBHOOK_VARIABLE} is not an http(s) address"
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url,
        data=json.dumps({"text": text}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(  # noqa: S310 - as above
            request, timeout=WEBHOOK_TIMEOUT_SECONDS
        ):
            return None
    except (urllib.error.URLError, TimeoutError) as error:
        return str(error)


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes a readable line to data/logs/failures.log for every failed run and posts"
    " it to ESRD_WEBHOOK_URL if that is set.",
)
def report_failure(context: dg.RunFailureSensorContext) -> None:
    """Report a failed run; a webhook that cannot be reached is reported in the log."""
    line = describe_failure(context)
    log = load_settings().failure_log
    append_line(log, line)
    url = os.environ.get(WEBHOOK_VARIABLE)
    if url and (problem := post_to_webhook(url, line)):
        append_line(log, f"the webhook did not take the last line: {problem}")
