"""Dagster's own webserver and daemon over the project: a backfill launched as the UI does it.

No server of theirs can be reached from another machine.
"""

import contextlib
import ipaddress
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from esrd_pipeline.orchestration.launch import LAYERS
from esrd_pipeline.tables import program
from esrd_pipeline.tables.catalog import COMPUTED_TABLES, TABLES
from esrd_pipeline.tables.site import SITE
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.orchestration.commands import PATIENCE_SECONDS, start

pytestmark = pytest.mark.slow

LAUNCH = """
mutation($keys: [AssetKeyInput!]!, $years: [String!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: $keys, partitionNames: $years}) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
STATUS = """
query($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill { status error { message } }
  }
}"""
RUNS = """
query($job: String!) {
  runsOrError(filter: {pipelineName: $job}) {
    ... on Runs { results { runId status canTerminate } }
  }
}"""
TERMINATE = """
mutation($id: String!, $policy: TerminateRunPolicy!) {
  terminateRun(runId: $id, terminatePolicy: $policy) {
    __typename
    ... on TerminateRunFailure { message }
  }
}"""
GRAPH = "{ assetNodes { assetKey { path } groupName isPartitioned hasAssetChecks } }"


class Ui:
    """A running `esrd ui`, asked over GraphQL like the pages do."""

    def __init__(self, port: int, group: int) -> None:
        self.port = port
        self.group = group
        self.address = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Send one query and return its data."""
        request = urllib.request.Request(
            self.address,
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def wait_until_ready(self) -> None:
        """Return once the assets are loaded."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                if self.ask(GRAPH)["assetNodes"]:
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(1)
        pytest.fail("the UI did not answer")


def list_listening(group: int) -> dict[int, str]:
    """Return the ports that the processes of a group listen on, and each one's address."""
    inodes = set[str]()
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        # A process may have ended meanwhile, or closed its file.
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            if os.getpgid(int(opened.parts[2])) == group:
                inodes.add(str(opened.readlink()))
    ports: dict[int, str] = {}
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text(encoding="utf-8").splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in inodes:
                address, _, port = local.partition(":")
                # Four bytes at a time, each group in this machine's order.
                words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
                ports[int(port, 16)] = str(ipaddress.ip_address(b"".join(words)))
    return ports


@pytest.fixture
def ui(published: Path, tmp_path: Path) -> Iterator[Ui]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "ui.log").open("w", encoding="utf-8") as log:
        process = start(tmp_path, published, "ui", "--port", str(port), output=log)
        running = Ui(port, process.pid)
        try:
            running.wait_until_ready()
            yield running
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                # A server that is left behind would disturb the tests after this one.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=60)
                raise


def test_a_backfill_of_published_years_runs_through_the_daemon(ui: Ui, tmp_path: Path) -> None:
    nodes = ui.ask(GRAPH)["assetNodes"]
    assert all(node["isPartitioned"] and node["hasAssetChecks"] for node in nodes)
    assert {node["groupName"] for node in nodes} == {*LAYERS, "explain", "emergency"}
    listening = list_listening(ui.group)
    assert ui.port in listening
    assert all(ipaddress.ip_address(address).is_loopback for address in listening.values()), (
        listening
    )
    # A star baseline is made by its own jobs only; these years have no patient-level files.
    left_out = (program.STAR_BASELINE, SITE, *COMPUTED_TABLES)
    tables = [table for table in TABLES if table not in left_out]
    launched = ui.ask(
        LAUNCH, keys=[{"path": list(table.path)} for table in tables], years=["2024", "2025"]
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    until = time.monotonic() + PATIENCE_SECONDS
    status = None
    while status not in {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}:
        assert time.monotonic() < until, f"the backfill is still {status}"
        time.sleep(1)
        backfill = ui.ask(STATUS, id=launched["backfillId"])["partitionBackfillOrError"]
        status = backfill["status"]
    assert status == "COMPLETED_SUCCESS", backfill
    warehouse = Warehouse(tmp_path / "warehouse")
    for table in tables:
        assert warehouse.years(table) == [2024, 2025]
    assert (tmp_path / "dagster_home" / "dagster.yaml").is_file()


@pytest.mark.parametrize("policy", ["SAFE_TERMINATE", "MARK_AS_CANCELED_IMMEDIATELY"])
def test_terminate_ends_a_run_that_the_command_started(
    ui: Ui, published: Path, tmp_path: Path, policy: str
) -> None:
    process = start(tmp_path, published, "refresh", "--year", "2024")
    run = wait_for_run(ui, "STARTED")
    assert run["canTerminate"]
    stored = tmp_path / "warehouse"
    while not list(stored.glob("raw/*/*/data.parquet")):
        assert process.poll() is None
        time.sleep(0.2)
    answer = ui.ask(TERMINATE, id=run["runId"], policy=policy)["terminateRun"]
    assert answer == {"__typename": "TerminateRunSuccess"}
    text, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode != 0
    assert "was stopped. What it had stored is whole" in text
    assert wait_for_run(ui, "CANCELED")["runId"] == run["runId"]
    assert not list(stored.glob("report/catalog/*/data.parquet"))
    assert not list(stored.glob("*/*/*/*.staged*"))
    assert not (tmp_path / "logs" / "failures.log").exists()


def wait_for_run(ui: Ui, status: str) -> dict[str, Any]:
    """Return the only run of the refresh once it has this status."""
    until = time.monotonic() + PATIENCE_SECONDS
    runs: list[dict[str, Any]] = []
    while time.monotonic() < until:
        runs = ui.ask(RUNS, job="refresh_published")["runsOrError"]["results"]
        if [run["status"] for run in runs] == [status]:
            return runs[0]
        time.sleep(0.5)
    pytest.fail(f"there is no run that is {status}: {runs}")
