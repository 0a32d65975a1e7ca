"""What the workers of one session share: a folder that whoever needs it first makes, once."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the session's folder of this name; the first worker that asks for it makes it.

    The others wait for it. Where making it failed, they fail at once and do not try again.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, failed = base / name, base / f"{name}.failed"
    with (base / f"{name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if failed.exists():
            raise RuntimeError(f"{name}: {failed.read_text(encoding='utf-8')}")
        if not folder.exists():
            failed.write_text("another worker could not make it", encoding="utf-8")
            folder.mkdir()
            make(folder)
            failed.unlink()
    return folder


def keep_events_in_memory(patch: pytest.MonkeyPatch) -> None:
    """Let jobs of this process keep Dagster's many events in memory, where no test reads them."""
    patch.setattr(dg.DagsterInstance, "get", dg.DagsterInstance.ephemeral)
