"""Whether this machine and installation can run the project: one sentence for each question."""

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from esrd_pipeline.settings import Settings
from esrd_pipeline.status import list_disks

GIGABYTE = 1_000_000_000
LEAST_MEMORY = 4 * GIGABYTE
"""DuckDB may use 6 GB before it spills to disk; a model's design is held beside it."""
LEAST_FREE = 5 * GIGABYTE
"""The demonstration's data and what it spills."""
_OTHERS = 0o007
_GROUP_AND_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question: all well or not, in a sentence."""

    is_well: bool
    text: str


def ask_python(_: Settings) -> Answer:
    """Python's version."""
    found = f"Python {sys.version.split()[0]}"
    return Answer(sys.version_info >= (3, 11), f"{found}; 3.11 or newer is needed")


def ask_java(settings: Settings) -> Answer:
    """Java, which Spark alone uses."""
    if settings.engine != "spark":
        return Answer(
            is_well=True, text="not needed: Spark alone runs on it, with ESRD_ENGINE=spark"
        )
    from esrd_pipeline.engines import EngineError
    from esrd_pipeline.engines.spark_engine import find_needed

    try:
        return Answer(is_well=True, text=find_needed(settings.spark_master))
    except EngineError as missing:
        return Answer(is_well=False, text=str(missing))


def ask_memory(_: Settings) -> Answer:
    """Memory that this process may have."""
    size = find_memory()
    found = f"{size / GIGABYTE:.1f} GB of memory"
    if size < LEAST_MEMORY:
        return Answer(
            is_well=False,
            text=f"{found}; a refresh needs {LEAST_MEMORY // GIGABYTE} GB or more: end what else"
            " runs, or use a larger machine",
        )
    return Answer(is_well=True, text=found)


def ask_folders(settings: Settings) -> Answer:
    """Folders that are named, and whether Dagster can use its own."""
    if set(str(settings.dagster_home)) & set("?%"):
        return Answer(
            is_well=False,
            text=f"Dagster cannot keep its runs in {settings.dagster_home}, because of the ? or %"
            " in its name: set DAGSTER_HOME to another folder",
        )
    named = {
        "ESRD_PUBLISHED_DIR": settings.published_dir,
        "ESRD_PATIENT_DIR": settings.agency_dir,
        "ESRD_NETWORK_DIR": settings.network_dir,
    }
    for variable, folder in named.items():
        if os.environ.get(variable) and not folder.is_dir():
            return Answer(is_well=False, text=f"{variable} names {folder}, which is no folder")
    if settings.origin == "embedded":
        return Answer(
            is_well=True, text=f"no real files: those of {settings.embedded_dir} are made"
        )
    return Answer(
        is_well=True,
        text=f"published files are read from {settings.published_dir}, patient-level files from"
        f" {settings.agency_dir}, a Network's own from {settings.network_dir}",
    )


def ask_permissions(settings: Settings) -> Answer:
    """Whether the data can be written, and whether others can read patients."""
    there = settings.data_dir
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK | os.X_OK):
        return Answer(is_well=False, text=f"{there} cannot be written by this account")
    closed = {settings.warehouse_dir: _OTHERS, settings.explanations_dir: _GROUP_AND_OTHERS}
    for folder, forbidden in closed.items():
        if folder.is_dir() and folder.stat().st_mode & forbidden:
            return Answer(
                is_well=False,
                text=f"{folder} holds patients' data and is open to others: chmod 700 {folder}",
            )
    return Answer(
        is_well=True, text=f"{settings.data_dir} can be written, patients' data are closed"
    )


def ask_instance(settings: Settings) -> Answer:
    """Dagster's instance: its folder, configuration and database of runs."""
    home = settings.dagster_home
    if not (home / "dagster.yaml").is_file():
        return Answer(is_well=True, text=f"{home} is made on first use")
    database = home / "history" / "runs.db"
    if not database.is_file():
        return Answer(is_well=True, text=f"{home} has no run yet")
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
            (runs,) = opened.execute("SELECT count(*) FROM runs").fetchone()
    except sqlite3.Error as error:
        return Answer(
            is_well=False,
            text=f"{database} cannot be read ({error}): set DAGSTER_HOME to a new folder, or move"
            " this one away; stored tables do not depend on it",
        )
    return Answer(is_well=True, text=f"{home} has {runs:,} runs")


def ask_disk(settings: Settings) -> Answer:
    """Free room on the disks of the data folder, of stored tables and of Dagster's runs."""
    disks = list(list_disks(settings))
    found = ", ".join(f"{free / GIGABYTE:.1f} GB are free for {at}" for _, at, free in disks)
    if any(free < LEAST_FREE for _, _, free in disks):
        return Answer(
            is_well=False,
            text=f"{found}; {LEAST_FREE // GIGABYTE} GB are the least: make room, or set"
            " ESRD_DATA_DIR, ESRD_WAREHOUSE or DAGSTER_HOME to a folder on another disk",
        )
    return Answer(is_well=True, text=found)


def ask_store(settings: Settings) -> Answer:
    """Where the stored tables are, and whether an object store can keep them."""
    if settings.bucket is None:
        return Answer(is_well=True, text=f"tables are stored in {settings.warehouse_dir}")
    from esrd_pipeline.stores.objects import ObjectStore
    from esrd_pipeline.stores.store import StoreError

    address = settings.warehouse_address
    try:
        is_safe = ObjectStore(settings.bucket, settings.warehouse_dir).writes_on_condition()
    except StoreError as error:
        return Answer(is_well=False, text=str(error))
    if not is_safe:
        return Answer(
            is_well=False,
            text=f"{address} answers, but writes without regard to If-Match and If-None-Match, so"
            " two machines could write over each other: use a store that knows them",
        )
    return Answer(is_well=True, text=f"tables are stored in {address}, which answers")


def find_memory() -> int:
    """Return the bytes of memory of the machine, or of the container if it has less."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(limit).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            size = min(size, int(text))
    return size


QUESTIONS: dict[str, tuple[int, Callable[[Settings], Answer]]] = {
    "python": (10, ask_python),
    "java": (11, ask_java),
    "memory": (12, ask_memory),
    "folders": (13, ask_folders),
    "permissions": (14, ask_permissions),
    "instance": (15, ask_instance),
    "disk": (16, ask_disk),
    "store": (17, ask_store),
}
"""By name: the exit code of the command where the answer is not well, and the question."""
