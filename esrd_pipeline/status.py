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

from esrd_pipeline.notes import MADE_BY, MADE_FROM, RECORDS
from esrd_pipeline.processes import PROCESS_TAG, is_gone
from esrd_pipeline.settings import Settings
from esrd_pipeline.stores.store import Stat, Store, make_key, read_year

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

    `made_from` are the tables of its year that it reads itself; None where no note says. `version`
    is the digest of the file and `read` the versions of the tables that were read to make it, by
    table and year; None where no record of this file says.
    """

    table: str
    year: int
    size: int
    time: float
    made_by: Mapping[str, Sequence[str]]
    made_from: frozenset[str] | None = None
    version: str | None = None
    read: Mapping[str, str] | None = None

    @property
    def own(self) -> Sequence[str]:
        """The digests of its own computation."""
        return self.made_by.get(self.table, ())


@dataclass(frozen=True, slots=True)
class LastRun:
    """Dagster's last run: job, performance year, status, when it started and seconds it took.

    Of a run whose process was killed Dagster says that it has started, until a command fails it:
    `is_dead`.
    """

    job: str
    year: str
    status: str
    started: datetime | None
    seconds: float | None
    is_dead: bool = False


def list_stored(store: Store) -> list[Stored]:
    """Return every stored file, by year and table.

    Raises:
        StoreError: an object store does not answer.
    """
    import pyarrow.parquet as pq

    found = []
    records = {seen.key: seen for seen in store.look(f"{RECORDS}/*/*.json")}
    for seen in store.look(make_key("*", "*", "*")):
        schema, name, *_ = seen.key.split("/")
        table, year = f"{schema}.{name}", read_year(seen.key)
        file, digest = store.open_end(seen)
        try:
            metadata = pq.read_metadata(file).metadata or {}
        except (OSError, ValueError):
            metadata = {}
        note = json.loads(json.loads(metadata.get(MADE_BY.encode(), b'"{}"')))
        read = metadata.get(MADE_FROM.encode())
        made_from = None if read is None else frozenset(json.loads(json.loads(read)))
        record = records.get(f"{RECORDS}/{table}/{year}.json")
        version, versions = (
            (None, None)
            if record is None
            else _read_record(store.find_seen(record), digest or seen.mark)
        )
        found.append(Stored(table, year, seen.size, seen.time, note, made_from, version, versions))
    return sorted(found, key=lambda one: (one.year, one.table))


def _read_record(path: Path, stored: Stat | str) -> tuple[str | None, Mapping[str, str] | None]:
    """Return a stored file's version and those of what was read; None where it has no record.

    The file is known by its digest where its store has noted it, and else by its stat.
    """
    try:
        record = json.loads(path.read_bytes())
        is_of_file = stored in (record["version"], tuple(record["stat"]))
        return (record["version"], record["of"]["tables"]) if is_of_file else (None, None)
    except (OSError, ValueError, KeyError):
        return None, None


def find_stale(
    stored: Sequence[Stored], versions: Mapping[str, str] | None
) -> dict[tuple[int, str], list[str]]:
    """Return the stale tables by year and reason, each with the first reason that holds.

    A table is stale if its code or its parameters are others now, or if what it was made from in
    its year was made by other code, or stored with other bytes, after it. `versions` are the
    digests of the code as it is now, by table; without them code is not compared.
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
        is_later = read.time > one.time and (one.made_from is None or name in one.made_from)
        if is_later and not _is_as_read(read, one):
            return STORED_AFTER.format(name)
    return None


def _is_as_read(read: Stored, one: Stored) -> bool:
    """Whether a table that was stored again has the bytes that another was made of.

    A record names all that was read; a table of raw files reads of their list its own alone.
    """
    if one.read is None:
        return False
    return one.read.get(f"{read.table} {read.year}", read.version) == read.version


def find_baseline(stored: Sequence[Stored]) -> int | None:
    """Return the year of the star baseline that later years are rated by; None without one."""
    return max((one.year for one in stored if one.table == _BASELINE), default=None)


def find_last_run(home: Path) -> LastRun | None:
    """Return Dagster's last run from its database; None where there is none to read."""
    database = home / "history" / "runs.db"
    if not database.is_file():
        return None
    asked = (
        "SELECT pipeline_name, partition, status, start_time, end_time,"
        " (SELECT value FROM run_tags WHERE run_tags.run_id = runs.run_id AND key = ?)"
        " FROM runs ORDER BY id DESC LIMIT 1"
    )
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
            row = opened.execute(asked, (PROCESS_TAG,)).fetchone()
    except sqlite3.Error:
        return None
    if row is None:
        return None
    job, year, status, start, end, process = row
    started = None if start is None else datetime.fromtimestamp(start, UTC)
    seconds = None if start is None or end is None else end - start
    is_dead = end is None and process is not None and is_gone(process)
    return LastRun(job, year or "", status, started, seconds, is_dead)


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
        ("copies of tables" if settings.bucket else "stored tables"): settings.warehouse_dir,
        "pages": settings.site_dir,
        "releases": settings.data_dir / "releases",
        "Dagster's runs": settings.dagster_home,
    }
    for name, folder in folders.items():
        if folder.is_dir():
            yield name, _measure(folder)


def list_disks(settings: Settings) -> Iterator[tuple[str, Path, int]]:
    """Yield what is kept on each disk, its folder and the free bytes; each disk once."""
    seen = set[int]()
    for what, folder in (
        ("data", settings.data_dir),
        ("stored tables", settings.warehouse_dir),
        ("Dagster's runs", settings.dagster_home),
    ):
        there = _find_existing(folder)
        disk = there.stat().st_dev
        if disk not in seen:
            seen.add(disk)
            yield what, folder, find_free(there)


def _find_existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def find_free(folder: Path) -> int:
    """Return the free bytes of the disk that has the folder, or will have it."""
    return shutil.disk_usage(_find_existing(folder)).free


def _measure(folder: Path) -> int:
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            try:
                total += Path(root, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
