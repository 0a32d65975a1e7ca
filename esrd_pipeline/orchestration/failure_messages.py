"""Report a failure once: a line in a log file at the step's end, a message at the run's.

Both a run's own process and the sensor of failed runs call this: the process because no daemon may
be running, the sensor because the process may have died. The first takes the run's tag under a
lock, and the other finds it.
"""

import contextlib
import fcntl
import json
import os
import urllib.error
import urllib.request
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from esrd_pipeline.orchestration.alerts import send_alerts
from esrd_pipeline.settings import load_settings

REPORTED_TAG = "esrd/failure_reported"
WEBHOOK_VARIABLE = "ESRD_WEBHOOK_URL"
WEBHOOK_TIMEOUT_SECONDS = 10


def describe(run: dg.DagsterRun, happened: str) -> str:
    """Return one line with the time, job, partition and run of a failure, and what happened."""
    partition = run.tags.get("dagster/partition", "no partition")
    when = datetime.now(tz=UTC).isoformat(timespec="seconds")
    line = f"{when} {run.job_name} {partition} run {run.run_id} failed: {happened}"
    return " ".join(line.split())


def log_step(run: dg.DagsterRun, happened: str) -> None:
    """Write a line for a step that failed: its run may go on with others for an hour."""
    append_line(load_settings().failure_log, describe(run, happened))


def report_failed_run(
    instance: dg.DagsterInstance, run_id: str, steps: Sequence[str], otherwise: str
) -> bool:
    """Log what the steps have not logged and send one message, unless that was done before.

    Args:
        instance: Dagster's.
        run_id: the failed run.
        steps: what happened in each of its failed steps.
        otherwise: what happened if no step failed.

    Returns:
        Whether this call reported it.
    """
    log = load_settings().failure_log
    with _one_at_a_time(log):
        run = instance.get_run_by_id(run_id)
        if run is None or REPORTED_TAG in run.tags:
            return False
        known = _read_lines(log, run_id)
        line = describe(run, "; ".join(steps) or otherwise)
        unlogged = [
            step for step in steps if not any(" ".join(step.split()) in line for line in known)
        ]
        if len(unlogged) == len(steps):
            append_line(log, line)
        elif unlogged:
            append_line(log, describe(run, "; ".join(unlogged)))
        instance.add_run_tags(run_id, {REPORTED_TAG: datetime.now(tz=UTC).isoformat()})
    send(line)
    return True


def send(text: str) -> None:
    """Send a message to whom it concerns; one that does not arrive is noted in the log."""
    log = load_settings().failure_log
    url = os.environ.get(WEBHOOK_VARIABLE)
    if url and (problem := post_to_webhook(url, text)):
        append_line(log, f"the webhook did not take the last line: {problem}")
    for problem in send_alerts(text):
        append_line(log, problem)


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


@contextlib.contextmanager
def _one_at_a_time(log: Path) -> Generator[None]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with (log.parent / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _read_lines(log: Path, run_id: str) -> list[str]:
    if not log.is_file():
        return []
    mark = f" run {run_id} failed: "
    return [line for line in log.read_text(encoding="utf-8").splitlines() if mark in line]
