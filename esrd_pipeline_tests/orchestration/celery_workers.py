"""Celery's workers of this machine, with queues that are folders: no server, and real processes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import esrd_pipeline
from esrd_pipeline_tests.orchestration.commands import PATIENCE_SECONDS

BIN = Path(sys.executable).parent
EXAMPLE = Path(str(esrd_pipeline.__file__)).parents[1] / "docs/examples/celery_location.py"
CONFIG = """\
execution:
  config:
    broker: "filesystem://"
    backend: "file://{folder}/results"
    config_source:
      broker_transport_options:
        data_folder_in: {folder}/queue
        data_folder_out: {folder}/queue
        control_folder: {folder}/control
"""


@dataclass(frozen=True)
class Place:
    """A folder with a code location and the broker's folders, and the environment of processes."""

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def make(
        cls, folder: Path, environment: Mapping[str, str], location: Path = EXAMPLE
    ) -> "Place":
        """Copy a code location into the folder, beside settings of its own."""
        for name in ("queue", "control", "results"):
            (folder / name).mkdir(parents=True)
        shutil.copy(location, folder / "location.py")
        (folder / "celery.yaml").write_text(CONFIG.format(folder=folder), encoding="utf-8")
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return cls(folder, {**environment, "PATH": path, "PYTHONWARNINGS": "ignore"})

    def start(self, log: str, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own, which writes to a log."""
        with (self.folder / log).open("wb") as output:
            return subprocess.Popen(
                command,
                env={**self.environment, **environment},
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @contextlib.contextmanager
    def work(self, **environment: str) -> Generator[subprocess.Popen[bytes]]:
        """Run a worker of one process at a time until the end of the block."""
        start = ("dagster-celery", "worker", "start", "-A", "dagster_celery.app")
        options = ("-y", "celery.yaml", "--", "--concurrency", "1")
        process = self.start("worker.log", *start, *options, **environment)
        try:
            self.await_text("worker.log", "ready.", process)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def materialise(self, year: int, *assets: str) -> subprocess.Popen[bytes]:
        """Start a run of a year of the location's assets, which sends its steps to the worker."""
        wanted = ",".join(assets)
        command = ("asset", "materialize", "-f", "location.py", "--select", wanted)
        return self.start("run.log", str(BIN / "dagster"), *command, "--partition", str(year))

    def read(self, log: str) -> str:
        """Return what is in a log."""
        return (self.folder / log).read_text(encoding="utf-8")

    def await_text(self, log: str, text: str, process: subprocess.Popen[bytes]) -> None:
        """Wait until a process has written a text to a log."""
        self.wait_until(lambda: text in self.read(log), process, log)

    def wait_until(
        self, holds: Callable[[], bool], process: subprocess.Popen[bytes], log: str
    ) -> None:
        """Wait until something holds; fail if the process ends before."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert process.poll() is None, self.read(log)
            assert time.monotonic() < until, self.read(log)
            time.sleep(0.1)
