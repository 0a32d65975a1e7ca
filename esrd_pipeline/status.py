"""What is stored, what of it is stale and why, and the last run: read from files alone.

It is asked often, so it imports neither Dagster nor pandas: what made a table is a note in its
file, and the code versions of the package as it is now are kept by whoever last loaded them.
"""

import json
import os
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from esrd_pipeline.notes import MADE_BY, MADE_FROM
from esrd_pipeline.settings import Settings

_FOLDER = "performance_year="
_FILE = "data.parquet"
_BASELINE = "program.star_baseline"
_NOT_COMPARED = ("explain.",)
"""Tables made for one facility when somebody asks."""
OTHER_CODE = "other code or parameters now"
STORED_AFTER = "{} was stored after it"
MADE_ANEW = "{} was made anew by other code"
NO_NOTE = "has no note of what made it"


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored file: its table, year, size in bytes, time, and the digests that made it.

    `made_from` are the tables of its year that it reads itself; None where no note says.
    """

    table: str
    year: int
    size: int
    time: float
    made_by: Mapping[str, Sequence[str]]
    made_from: frozenset[str] | None = None

    @property
    def own(self) -> Sequence[str]:
        """The digests of its own computation."""
        return self.made_by.get(self.table, ())


@dataclass(frozen=True, slots=True)
class LastRun:
    """Dagster's last run: job, performance year, status, when it started and seconds it took."""

    job: str
    year: str
    status: str
    started: datetime | None
    seconds: float | None


def list_stored(warehouse: Path) -> list[Stored]:
    """Return every stored file, by year and table."""
    import pyarrow.parquet as pq

    found = []
    for path in sorted(warehouse.glob(f"*/*/{_FOLDER}*/{_FILE}")):
        table = f"{path.parts[-4]}.{path.parts[-3]}"
        year = path.parent.name.removeprefix(_FOLDER)
        status = path.stat()
        try:
            metadata = pq.read_metadata(path).metadata or {}
        except (OSError, ValueError):
            metadata = {}
        note = json.loads(json.loads(metadata.get(MADE_BY.encode(), b'"{}"')))
        read = metadata.get(MADE_FROM.encode())
        made_from = None if read is None else frozenset(json.loads(json.loads(read)))
        found.append(Stored(table, int(year), status.st_size, status.st_mtime, note, made_from))
    return sorted(found, key=lambda one: (one.year, one.table))


def find_stale(
    stored: Sequence[Stored], versions: Mapping[str, str] | None
) -> dict[tuple[int, str], list[str]]:
    """Return the stale tables by year and reason, each with the first reason that holds.

    A table is stale if its code or its parameters are others now, or if what it was made from in
    its year was made by other code, or stored, after it. `versions` are the digests of the code as
    it is now, by table; without them code is not compared.
    """
    by_year: dict[int, dict[str, Stored]] = defaultdict(dict)
    for one in stored:
        by_year[one.year][one.table] = one
    stale = defaultdict[tuple[int, str], list[str]](list)
    for year, tables in by_year.items():
        for one in tables.values():
            if one.table.startswith(_NOT_COMPARED):
                continue
            reason = _find_reason(one, tables, versions)
            if reason is not None:
                stale[year, reason].append(one.table)
    return dict(stale)


def _find_reason(
    one: Stored, tables: Mapping[str, Stored], versions: Mapping[str, str] | None
) -> str | None:
    if not one.made_by:
        return NO_NOTE
    if versions is not None and one.table in versions and versions[one.table] not in one.own:
        return OTHER_CODE
    for name, digests in one.made_by.items():
        read = tables.get(name)
        # Tables of one computation have the same digests, and are stored one after another.
        if read is None or read is one or digests == one.own:
            continue
        if read.made_by and not set(read.own) <= set(digests):
            return MADE_ANEW.format(name)
        # What came through a table of an earlier year may well be stored later in this one.
        if read.time > one.time and (one.made_from is None or name in one.made_from):
            return STORED_AFTER.format(name)
    return None


def find_baseline(stored: Sequence[Stored]) -> int | None:
    """Return the year of the star baseline that later years are rated by; None without one."""
    return max((one.year for one in stored if one.table == _BASELINE), default=None)


def find_last_run(home: Path) -> LastRun | None:
    """Return Dagster's last run from its database; None where there is none to read."""
    database = home / "history" / "runs.db"
    if not database.is_file():
        return None
    asked = (
        "SELECT pipeline_name, partition, status, start_time, end_time FROM runs"
        " ORDER BY id DESC LIMIT 1"
    )
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
            row = opened.execute(asked).fetchone()
    except sqlite3.Error:
        return None
    if row is None:
        return None
    job, year, status, start, end = row
    started = None if start is None else datetime.fromtimestamp(start, UTC)
    seconds = None if start is None or end is None else end - start
    return LastRun(job, year or "", status, started, seconds)


def find_failed_checks(home: Path) -> dict[tuple[int, str], list[str]]:
    """Return the tables whose newest evaluation of a check failed, by year and check.

    Dagster's page of checks shows one mark for all years, the worst of them.
    """
    database = home / "history" / "runs" / "index.db"
    if not database.is_file():
        return {}
    asked = (
        "SELECT asset_key, check_name, partition, execution_status FROM asset_check_executions"
        " WHERE id IN (SELECT max(id) FROM asset_check_executions"
        " WHERE execution_status IN ('SUCCEEDED', 'FAILED') AND partition IS NOT NULL"
        " GROUP BY asset_key, check_name, partition)"
    )
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
            rows = opened.execute(asked).fetchall()
    except sqlite3.Error:
        return {}
    failed = defaultdict[tuple[int, str], list[str]](list)
    for key, check, year, outcome in sorted(rows):
        if outcome == "FAILED":
            failed[int(year), check].append(".".join(json.loads(key)))
    return dict(failed)


def list_sizes(settings: Settings) -> Iterator[tuple[str, int]]:
    """Yield the folders of the installation that are there, and the bytes in each."""
    folders = {
        "stored tables": settings.warehouse_dir,
        "pages": settings.site_dir,
        "releases": settings.data_dir / "releases",
        "Dagster's runs": settings.dagster_home,
    }
    for name, folder in folders.items():
        if folder.is_dir():
            yield name, _measure(folder)


def find_free(folder: Path) -> int:
    """Return the free bytes of the disk that has the folder, or will have it."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _measure(folder: Path) -> int:
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            try:
                total += Path(root, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
