"""Starts the project's own command in a separate process, as a user would, or in this one."""

import hashlib
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TextIO

import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main

ESRD = Path(sys.executable).with_name("esrd")
PATIENCE_SECONDS = 600
"""How long a test waits for a process: many times what it takes where nothing runs beside it."""


def environment(data: Path, published: Path) -> dict[str, str]:
    """The environment of a world: data folder, published files, Dagster's home below the data."""
    return os.environ | {
        "ESRD_DATA_DIR": str(data),
        "ESRD_PUBLISHED_DIR": str(published),
        "DAGSTER_HOME": str(data / "dagster_home"),
        "PYTHONWARNINGS": "ignore",
    }


def start(
    data: Path, published: Path, *arguments: str, output: int | TextIO = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start `esrd` and return at once; a pipe that nobody reads would stop it when full."""
    return subprocess.Popen(
        [str(ESRD), *arguments],
        env=environment(data, published),
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(data: Path, published: Path, *arguments: str) -> tuple[int, str]:
    """Run `esrd` to its end: exit code and everything it printed."""
    process = start(data, published, *arguments)
    text, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, text


def run_here(data: Path, published: Path, *arguments: str) -> tuple[int, str]:
    """Run it in this process, where nothing depends on a process of its own: the half is imports.

    What would end such a process with a traceback is printed with it.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(data, published).items():
            patch.setenv(name, value)
        patch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
        ended = CliRunner().invoke(main, list(arguments))
    raised = ended.exception
    if raised is not None and not isinstance(raised, SystemExit):
        return ended.exit_code, ended.output + "".join(traceback.format_exception(raised))
    return ended.exit_code, ended.output


def digests(warehouse: Path) -> dict[str, str]:
    """Digest of every published partition, by its path in the warehouse."""
    return {
        str(path.relative_to(warehouse)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(warehouse.rglob("data.parquet"))
    }
