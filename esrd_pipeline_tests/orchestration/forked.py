"""Processes of `esrd` that are forked from one that has imported everything.

Each is a process with a group of its own, which can be killed. Only its imports are not its own:
they are the greater part of what a process takes that is killed early.
"""

import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from esrd_pipeline.cli import main
from esrd_pipeline_tests.orchestration import commands

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["esrd_pipeline_tests.orchestration.ready"])


class Forked:
    """A started process: what `faults.py` needs of `subprocess.Popen`."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start `esrd` with the command's arguments; other commands are refused."""
        program, *arguments = command
        if program != str(commands.ESRD):
            raise ValueError(f"only esrd can be forked, not {program}")
        handle, name = tempfile.mkstemp(prefix="esrd-output-")
        os.close(handle)
        self._output = Path(name)
        self._process = _CONTEXT.Process(
            target=_be_esrd, args=(arguments, dict(environment), name), daemon=True
        )
        self._process.start()
        # Its group has its number as soon as it has left ours.
        with suppress(ProcessLookupError):
            while os.getpgid(self.pid) != self.pid:
                time.sleep(0.001)

    @property
    def pid(self) -> int:
        """The number of the process, and of its group."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, or None before the end."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code, or None before the end."""
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """Wait for the end and return what was printed."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("esrd", timeout or 0.0)
        text = self._output.read_text(encoding="utf-8")
        self._output.unlink()
        return text, None


def _be_esrd(arguments: Sequence[str], environment: Mapping[str, str], output: str) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    with open(output, "wb") as file:  # noqa: PTH123 - a descriptor is wanted
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    main(list(arguments), prog_name="esrd")
