"""Disturb a refresh in every way an operator may meet, and compare with an undisturbed one.

    python -m esrd_pipeline_tests.faults [--kills 50] [--seed 1] [--only kills --only disk ...]

A small nation's year is refreshed from raw files to its histories, and meanwhile killed at random
moments, put on a full disk, given too little memory, run twice at once, with a torn or missing
partition of the year before, with the clock set back, and read. After each: what is visible is
whole, nothing stored before is lost, and running it again gives the bytes of the undisturbed one.
Prints a line for each fault; a fault whose tool is missing here (mount, faketime) is told. Exits 1
if one of them did harm, after all have been tried.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import click
import duckdb
import numpy as np
import pyarrow.parquet as pq

from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.run import Order, synthesize_nation
from esrd_pipeline_tests.orchestration.commands import PATIENCE_SECONDS, digests

YEAR, BEFORE = 2023, 2022
FACILITIES = 12
LAYERS = ("raw", "linkage", "history")
UPSTREAM = "raw/claim"
"""A table whose year before a refresh reads."""
SPARE_MEGABYTES, SMALL_MEMORY = 4, "12MB"
"""What a small disk has beyond what is on it, and what DuckDB is given when starved."""


class Process(Protocol):
    """A started process, whose number is that of its group too."""

    @property
    def pid(self) -> int: ...  # noqa: D102
    @property
    def returncode(self) -> int | None: ...  # noqa: D102
    def poll(self) -> int | None: ...  # noqa: D102
    def communicate(self, *, timeout: float | None = None) -> tuple[str, str | None]: ...  # noqa: D102


def start_anew(command: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Start a command in a process group of its own."""
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@dataclass(frozen=True)
class World:
    """A command that refreshes a year, its input folders, and what it stores if undisturbed.

    `before` is the data folder that it begins with; None if that is empty.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    before: Path | None
    stored: Mapping[str, str]
    seconds: float
    launch: Callable[[Sequence[str], Mapping[str, str]], Process] = start_anew

    def begin(self, data: Path) -> None:
        """Put what the command begins with into a data folder."""
        if self.before is not None:
            shutil.copytree(self.before, data, dirs_exist_ok=True)

    def start(self, data: Path, *arguments: str, before: Sequence[str] = ()) -> Process:
        """Start the command on a data folder."""
        return self.launch(
            [*before, *self.command, *arguments],
            {**os.environ, **self.environment, **_places(data)},
        )

    def run(
        self, data: Path, *arguments: str, before: Sequence[str] = ()
    ) -> tuple[int | None, str]:
        """Run the command to its end: exit code and what it printed."""
        process = self.start(data, *arguments, before=before)
        try:
            text, _ = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"no end within {PATIENCE_SECONDS} s") from None
        return process.returncode, text

    def check_visible(self, data: Path) -> int:
        """Check that each visible partition is as in the undisturbed world, and count them."""
        visible = digests(data / "warehouse")
        for path, digest in visible.items():
            assert digest == self.stored[path], f"{path} differs from the undisturbed one"
            pq.ParquetFile(data / "warehouse" / path)
        return len(visible)

    def check_again(self, data: Path) -> None:
        """Run once more, undisturbed, and check that every byte is there and nothing else."""
        code, text = self.run(data)
        assert code == 0, text
        assert digests(data / "warehouse") == self.stored
        assert not list((data / "warehouse").rglob("*staging*"))


def _places(data: Path) -> dict[str, str]:
    return {
        "ESRD_DATA_DIR": str(data),
        "DAGSTER_HOME": str(data / "dagster_home"),
        "PYTHONWARNINGS": "ignore",
    }


def make_world(
    command: Sequence[str],
    environment: Mapping[str, str],
    data: Path,
    *,
    before: Path | None = None,
) -> World:
    """Run the command undisturbed in `data` and keep what it stores."""
    world = World(command, environment, before, {}, 0.0)
    world.begin(data)
    began = time.monotonic()
    code, text = world.run(data)
    assert code == 0, text
    return replace(world, stored=digests(data / "warehouse"), seconds=time.monotonic() - began)


def kill_when(world: World, data: Path, reached: Callable[[], bool]) -> None:
    """Start the command and kill its whole process group as soon as `reached` holds."""
    process = world.start(data)
    until = time.monotonic() + PATIENCE_SECONDS
    while not reached() and process.poll() is None:
        assert time.monotonic() < until, "the moment never came"
        time.sleep(0.001)
    assert process.poll() is None, f"ended before it could be killed: {process.communicate()[0]}"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def kill_at_random(world: World, data: Path, *, kills: int, seed: int) -> str:
    """Kill the command at random moments of its time, then let it end."""
    text = kill_again_and_again(world, data, kills=kills, seed=seed)
    world.check_again(data)
    return text


def kill_again_and_again(world: World, data: Path, *, kills: int, seed: int) -> str:
    """Kill the command at random moments of its time, again and again in the same folder."""
    draw = np.random.default_rng(seed)
    counts = []
    for _ in range(kills):
        moment = time.monotonic() + draw.uniform(0.05, 0.95) * world.seconds
        process = world.start(data)
        while time.monotonic() < moment and process.poll() is None:
            time.sleep(0.01)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        counts.append(world.check_visible(data))
    return f"{kills} kills, with {min(counts)} to {max(counts)} partitions visible after them"


def fill_disk(world: World, data: Path) -> str:
    """Give the folder a disk that is too small, then a larger one."""
    data.mkdir(exist_ok=True)
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if mount is None or unmount is None or os.geteuid() != 0:
        return "not run: mounting a small disk needs root"
    taken = sum(path.stat().st_blocks * 512 for path in data.rglob("*"))
    size = f"size={taken + SPARE_MEGABYTES * 1_000_000}"
    subprocess.run([mount, "-t", "tmpfs", "-o", size, "tmpfs", str(data)], check=True)
    try:
        world.begin(data)
        code, text = world.run(data)
        assert code != 0, "the disk was large enough"
        # Whichever comes first: a table of ours, or Dagster's record of the run.
        assert re.search(r"No space left on device|record of runs .* cannot be used", text), text
        visible = world.check_visible(data)
        subprocess.run([mount, "-o", "remount,size=2g", str(data)], check=True)
        world.check_again(data)
    finally:
        subprocess.run([unmount, str(data)], check=True)
    return f"stopped with {visible} partitions visible: {_sentence(text)}"


def starve(world: World, data: Path) -> str:
    """Give DuckDB too little memory."""
    code, text = world.run(data, before=["env", f"ESRD_MEMORY_LIMIT={SMALL_MEMORY}"])
    assert code != 0, "the memory was enough"
    assert re.search(r"DuckDB may use .* of memory", text), text
    visible = world.check_visible(data)
    world.check_again(data)
    return f"stopped with {visible} partitions visible: {_sentence(text)}"


def tear_upstream(world: World, data: Path) -> str:
    """Cut a partition of the year before in half, then take it away; then put it back."""
    world.check_again(data)
    path = data / "warehouse" / UPSTREAM / f"performance_year={BEFORE}" / "data.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    code, text = world.run(data)
    assert code != 0, "a torn partition was read"
    assert re.search(rf"{UPSTREAM.replace('/', '.')}.* {BEFORE}", text), text
    path.unlink()
    code, missing = world.run(data)
    assert code != 0, "a missing partition was passed over"
    assert re.search(rf"{UPSTREAM.replace('/', '.')} has no partition {BEFORE}", missing), missing
    path.write_bytes(whole)
    world.check_visible(data)
    world.check_again(data)
    return f"{_sentence(text)}; {_sentence(missing)}"


def run_twice_at_once(world: World, data: Path) -> str:
    """Let two processes refresh the same year."""
    processes = [world.start(data) for _ in range(2)]
    ends = [process.communicate(timeout=2 * PATIENCE_SECONDS)[0] for process in processes]
    codes = [process.returncode for process in processes]
    for code, text in zip(codes, ends, strict=True):
        assert code == 0 or "is being written by another run" in text, text
    world.check_visible(data)
    world.check_again(data)
    return f"exit codes {codes}"


def set_clock_back(world: World, data: Path) -> str:
    """Refresh again with a clock that is behind the files, and with one before all years."""
    if shutil.which("faketime") is None:
        return "not run: faketime is not installed"
    world.check_again(data)
    code, text = world.run(data, before=["faketime", "-f", "@2024-02-01 00:00:00"])
    assert code == 0, text
    assert digests(data / "warehouse") == world.stored
    code, text = world.run(data, before=["faketime", "-f", "@2015-01-01 00:00:00"])
    assert code != 0, "no year is known in 2015"
    assert "by the clock of this machine, which says 2015-01-01" in text, text
    assert digests(data / "warehouse") == world.stored
    return f"the same bytes; {_sentence(text)}"


def read_meanwhile(world: World, data: Path) -> str:
    """Read every partition over and over while a refresh replaces them."""
    world.check_again(data)
    done = threading.Event()
    reads, faults = [0], []

    def read() -> None:
        with duckdb.connect() as connection:
            while not done.is_set():
                for path in world.stored:
                    file = str(data / "warehouse" / path)
                    try:
                        connection.execute(
                            "SELECT count(*) FROM read_parquet(?)", [file]
                        ).fetchall()
                    except duckdb.Error as error:
                        faults.append(f"{path}: {error}")
                    reads[0] += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        world.check_again(data)
    finally:
        done.set()
        reader.join()
    assert not faults, faults[:3]
    return f"{reads[0]:,} reads, each of a whole partition"


def _sentence(message: str) -> str:
    """Return the first line of what a failed run printed that names the reason."""
    lines = [line for line in message.splitlines() if ": " in line and "Traceback" not in line]
    return (lines or ["no sentence"])[0][:200]


FAULTS: Mapping[str, Callable[[World, Path], str]] = {
    "disk": fill_disk,
    "memory": starve,
    "torn": tear_upstream,
    "twice": run_twice_at_once,
    "clock": set_clock_back,
    "reader": read_meanwhile,
}


def main() -> None:
    """Make the nation, and run the faults one after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=[*FAULTS, "kills"])
    options = parser.parse_args()
    wanted = options.only or [*FAULTS, "kills"]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        world = _make_raw_world(folder)
        click.echo(f"undisturbed: {len(world.stored)} partitions in {world.seconds:.0f} s")
        kill = partial(kill_at_random, kills=options.kills, seed=options.seed)
        faults = {**FAULTS, "kills": kill}
        harmful = [name for name in wanted if not _try(name, faults[name], world, folder / name)]
    raise SystemExit(1 if harmful else 0)


def _try(name: str, fault: Callable[[World, Path], str], world: World, data: Path) -> bool:
    """Print what came of a fault, and return whether it did no harm."""
    world.begin(data)
    try:
        line, is_harmless = fault(world, data), True
    except AssertionError as harm:
        line, is_harmless = f"HARM: {harm}", False
    click.echo(f"{name}: {line}")
    shutil.rmtree(data, ignore_errors=True)
    return is_harmless


def _make_raw_world(folder: Path) -> World:
    raw = folder / "raw"
    synthesize_nation(Order(FACILITIES, Span(5, BEFORE, YEAR), raw, "parquet", 1))
    environment = {"ESRD_PATIENT_DIR": str(raw), "ESRD_PUBLISHED_DIR": str(raw)}
    command = [sys.executable, "-m", "esrd_pipeline_tests.refresh_layers", "--years"]
    before = folder / "before"
    make_world([*command, str(BEFORE)], environment, before)
    return make_world([*command, str(YEAR)], environment, folder / "undisturbed", before=before)


if __name__ == "__main__":
    main()
