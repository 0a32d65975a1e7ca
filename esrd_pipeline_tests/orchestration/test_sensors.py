"""A failed run: one readable line in the log, and one message to the webhook."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest

from esrd_pipeline.orchestration.failure_messages import post_to_webhook
from esrd_pipeline.orchestration.sensors import report_failure
from esrd_pipeline.settings import Settings


class Listener(HTTPServer):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted: list[dict[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    """Takes every message."""

    def do_POST(self) -> None:
        """Keep the body and say yes."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Listener)
        self.server.posted.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@dg.op
def stumble() -> None:
    text = "DFC_FACILITY_2026-04.csv, row 7, column 'Network': 40 is above 18"
    # What an error was raised from is its own affair.
    raise ValueError(text) from KeyError("Network")


@dg.job
def doomed() -> None:
    stumble()


def fail_once(instance: dg.DagsterInstance) -> dg.RunFailureSensorContext:
    result = doomed.execute_in_process(
        instance=instance, raise_on_error=False, tags={"dagster/partition": "2024"}
    )
    event = next(e for e in result.all_events if e.event_type_value == "PIPELINE_FAILURE")
    context = dg.build_run_status_sensor_context(
        sensor_name="report_failure",
        dagster_event=event,
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    )
    return context.for_run_failure()


def test_a_failure_is_one_line_that_says_what_and_where(
    world: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Listener()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("ESRD_WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/hook")
    report_failure(fail_once(instance))
    server.shutdown()
    server.server_close()
    (line,) = world.failure_log.read_text(encoding="utf-8").splitlines()
    assert " doomed 2024 run " in line
    assert line.endswith(
        "stumble: ValueError: DFC_FACILITY_2026-04.csv, row 7, column 'Network': 40 is above 18"
    )
    assert [message["text"] for message in server.posted] == [line]


def test_a_webhook_that_does_not_answer_is_told_in_the_log(
    world: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESRD_WEBHOOK_URL", "http://127.0.0.1:9/hook")
    report_failure(fail_once(instance))
    lines = world.failure_log.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("the webhook did not take the last line:")
    assert post_to_webhook("file:///etc/hosts", "x") == "ESRD_WEBHOOK_URL is not an http(s) address"
