"""What a stored table was made of, and whether all of it is still the same.

Beside the tables, `.made_of/<table>/<year>.json` in the warehouse holds the version of the stored
file, which is the digest of its bytes, and a version of everything its computation read: code,
parameters, options, files, tables. A table is unchanged if its file is the one recorded, and every
version is today's. A table that was made anew with the same bytes has the same version, so what
reads it is unchanged.

Tables are noted as they are read, declared or not: the recorded warehouse below sees every path
that is asked for, those of missing tables as well.
"""

import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from esrd_pipeline.notes import RECORDS
from esrd_pipeline.orchestration.partitions import Years, list_years
from esrd_pipeline.stores.folder import read_stat
from esrd_pipeline.stores.store import Stat, make_key
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse, list_fields

PACKAGE = "esrd_pipeline"
MISSING, STORED = "none", "stored"
"""The version of a table that is not stored, and of one that was asked for only whether it is."""
STORING = (
    "arrow.py",
    "drift.py",
    "duckdb_session.py",
    "duckdb_text.py",
    "expectations.py",
    "judge.py",
    "makers.py",
    "notes.py",
    "stored_schema.py",
    "warehouse.py",
    "engines/__init__.py",
    "engines/duckdb_engine.py",
    "engines/spark_engine.py",
    "sql/__init__.py",
    "sql/by_patient.py",
    "sql/parsing.py",
    "sql/portable.py",
    "sql/relations.py",
    "sql/spark.py",
    "tables/dictionary.py",
    "tables/forms.py",
    "tables/model.py",
    "tables/units.py",
    "orchestration/check_results.py",
    "orchestration/context.py",
    "orchestration/makers.py",
    "orchestration/staging.py",
    "orchestration/table_asset.py",
)
"""The code that stores and judges tables, which no computation names."""
_BLOCK = 1 << 22
_NAME = re.compile(r"[A-Za-z0-9._-]+")
"""The name at the beginning of a requirement."""
Versions = Mapping[str, Mapping[str, str]]
"""Kind of what was read, one of `_KINDS` -> name -> version."""
_KINDS = ("files", "code", "options", "tables", "asked", "years")
_HASHED: dict[Path, tuple[Stat, str]] = {}
"""Digests of the files that this process has read, while their size, time and number stay."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is recorded of a stored table.

    Attributes:
        version: digest of the stored file.
        stat: the file as it was when its digest was taken.
        of: what it was made of.
        notes: notes of its computation, shown with it in the UI.
        checks: passed, severity and text of its checks, by name.
    """

    version: str
    stat: Stat
    of: Versions
    notes: Mapping[str, str | int | float] = field(default_factory=dict)
    checks: Mapping[str, tuple[bool, str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordedWarehouse(Warehouse):
    """A warehouse that notes the version of every table whose path was asked for, at that moment.

    `versions` are by table and year; `asked` whether a table's year is stored, where that alone was
    asked for; `listed` the stored years of a table.
    """

    versions: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)

    def partition_path(self, table: Table, performance_year: int) -> Path:
        """Return the path of the partition, and note its version before it is read."""
        path = super().partition_path(table, performance_year)
        name = f"{table.name} {performance_year}"
        if name not in self.versions:
            self.versions[name] = find_version(self, table, performance_year, path)
        return path

    def has(self, table: Table, performance_year: int) -> bool:
        """Return whether the partition has been published, and note that alone."""
        is_stored = super().has(table, performance_year)
        self.asked.setdefault(f"{table.name} {performance_year}", STORED if is_stored else MISSING)
        return is_stored

    def years(self, table: Table) -> list[int]:
        """Return the published performance years, ascending, and note them."""
        found = super().years(table)
        self.listed.setdefault(table.name, " ".join(map(str, found)))
        return found


def record_reads(warehouse: Warehouse) -> RecordedWarehouse:
    """Return the same warehouse, with a new record of what is read."""
    return RecordedWarehouse(**list_fields(warehouse))


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file, which a process reads once while it does not change."""
    stat = read_stat(path)
    known = _HASHED.get(path)
    if known is None or known[0] != stat:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        known = _HASHED[path] = stat, digest.hexdigest()
    return known[1]


def find_version(warehouse: Warehouse, table: Table, year: int, path: Path) -> str:
    """Return the digest of a stored table's bytes: the one recorded, while the file is the same."""
    if not path.is_file():
        return MISSING
    noted = warehouse.store.find_digest(make_key(*table.path, year))
    if noted is not None:
        return noted
    record = read_record(warehouse, table, year)
    if record is not None and record.stat == read_stat(path):
        return record.version
    return digest_file(path)


def read_record(warehouse: Warehouse, table: Table, year: int) -> Record | None:
    """Return what is recorded of a table's year; None without a record that can be read."""
    try:
        path = warehouse.store.find(_name_record(table, year))
        read: dict[str, Any] = json.loads(path.read_bytes())
        size, time, number = read["stat"]
        checks = {name: tuple(check) for name, check in read["checks"].items()}
        return Record(read["version"], (size, time, number), read["of"], read["notes"], checks)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_record(
    warehouse: Warehouse,
    table: Table,
    year: int,
    staged: Path,
    *,
    of: Versions,
    notes: Mapping[str, str | int | float],
    checks: Mapping[str, tuple[bool, str, str]],
) -> str:
    """Record a staged table before it is published; return its version.

    A rename changes neither the file's time nor its number. If the process ends before it, the
    record is of another file than the one stored, and counts for nothing.
    """
    version = digest_file(staged)
    record = {
        "version": version,
        "stat": read_stat(staged),
        "of": of,
        "notes": notes,
        "checks": checks,
    }
    # The lock of the partition is held: nobody else writes a record of it.
    content = json.dumps(record, sort_keys=True).encode()
    warehouse.store.write(_name_record(table, year), content)
    return version


def forget(warehouse: Warehouse, table: Table, year: int) -> None:
    """Delete the record of a table, so that the next refresh makes it."""
    warehouse.store.delete(_name_record(table, year))


def describe_code(digests: str | None, tables: Sequence[Table]) -> Mapping[str, str]:
    """Return the versions of a computation's code and parameters, and of what stores its tables.

    `digests` are those of the computation, `code parameters`.
    """
    code, _, parameters = (digests or "").partition(" ")
    definitions = hashlib.sha256(repr(tables).encode()).hexdigest()
    return {
        "code": code,
        "parameters": parameters,
        "definition": definitions,
        "code that stores tables": _digest_storing(),
        "Python or libraries": _digest_libraries(),
    }


def touch(
    warehouse: RecordedWarehouse,
    read: Iterable[tuple[Table, Years | None]],
    year: int,
    stored: Versions,
    *,
    own: Sequence[Table] = (),
) -> None:
    """Note the versions of the tables that a computation declares, and of those it read before.

    `own` are those it stores, whose earlier years it is compared with.
    """
    known = {**TABLES_BY_NAME, **{table.name: table for table in own}}
    for table, years in read:
        for one in list_years(years, year):
            warehouse.partition_path(table, one)
    for table, of in list_tables(stored.get("tables", {}), known):
        warehouse.partition_path(table, of)
    for table, of in list_tables(stored.get("asked", {}), known):
        warehouse.has(table, of)
    for name in stored.get("years", {}):
        if name in known:
            warehouse.years(known[name])


def list_tables(
    recorded: Iterable[str], known: Mapping[str, Table] = TABLES_BY_NAME
) -> Iterable[tuple[Table, int]]:
    """Yield the tables and years of recorded names; what is no table now cannot be as it was."""
    for name in recorded:
        table, _, year = name.rpartition(" ")
        if table in known:
            yield known[table], int(year)


def is_as_read(warehouse: Warehouse, made: tuple[Table, int], read: tuple[Table, int]) -> bool:
    """Whether a table has today the bytes with which another was made, by its record.

    A record names all that was read. Of the list of its files a raw table reads its own rows alone,
    and of the intake nobody reads more than that it let the year pass: neither is named.
    """
    path = warehouse.partition_path(*made)
    record = read_record(warehouse, *made)
    if record is None or find_version(warehouse, *made, path) != record.version:
        return False
    now = find_version(warehouse, *read, warehouse.partition_path(*read))
    table, year = read
    return record.of["tables"].get(f"{table.name} {year}", now) == now


def find_difference(stored: Versions, now: Versions) -> str | None:
    """Return what is not as it was, as a reason to make the table; None if all is as it was."""
    for kind in _KINDS:
        before, after = stored.get(kind, {}), now.get(kind, {})
        names = sorted(name for name in {*before, *after} if _differs(kind, name, before, after))
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            return f"{_describe_change(kind, names[0], before, after)}{more}"
    return None


def _differs(kind: str, name: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    old, new = before.get(name, MISSING), after.get(name, MISSING)
    if kind == "files" and name in after and MISSING in (old, new):
        # What is not there is made; what was not there when it was made came with it.
        return new == MISSING or name not in before
    return old != new


def _describe_change(
    kind: str, name: str, before: Mapping[str, str], after: Mapping[str, str]
) -> str:
    match kind:
        case "files" | "tables" | "asked" if after.get(name, MISSING) == MISSING:
            change = "is gone"
        case "files" | "tables" | "asked" if before.get(name, MISSING) == MISSING:
            change = "is new"
        case "years":
            return f"other years of {name} are stored"
        case _:
            change = "changed"
    return f"{name} {change}"


def _name_record(table: Table, year: int) -> str:
    return f"{RECORDS}/{table.name}/{year}.json"


@cache
def _digest_storing() -> str:
    digest = hashlib.sha256()
    for name in STORING:
        digest.update(resources.files(PACKAGE).joinpath(name).read_bytes())
    return digest.hexdigest()


@cache
def _digest_libraries() -> str:
    """Return a digest of the versions of Python and of all libraries that the project needs."""
    found: dict[str, str] = {}
    waiting = [PACKAGE]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            one = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            # Needed on other machines, or by an extra.
            continue
        # The project's own code has versions of its own.
        found[name] = "" if name == PACKAGE else one.version
        waiting += [match[0] for match in map(_NAME.match, one.requires or ()) if match]
    described = [platform.python_version(), platform.machine(), *sorted(found.items())]
    return hashlib.sha256(repr(described).encode()).hexdigest()
