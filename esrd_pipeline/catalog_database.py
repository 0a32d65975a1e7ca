"""`esrd.duckdb`: the database of views over the stored tables, for queries by people.

`esrd.duckdb` is a link to a version of its own in `.catalog`, and DuckDB keeps what it writes for a
database (log, lock, spilled rows) beside the file that the link names. A refresh makes a new
version and moves the link, so that nothing a session wrote, held or left when it was killed is ever
read with the new one. A running session keeps the version it has opened.

The views find the tables from the place of the database itself, so a copied or moved data folder
reads its own. DuckDB has no function for that place; the default of `temp_directory` is a name
beside the database that a session was opened with, as it was written there. Where a session has
attached the database instead, the views use the folder it was made in, and every view fails unless
the database that is attached lies there. The database a session was opened with is the first of its
databases.
"""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from esrd_pipeline.catalog_contents import add_dictionary, add_measures, comment
from esrd_pipeline.duckdb_text import AS_STORED, GLOB_SIGNS, match_exactly, quote_text
from esrd_pipeline.stored_schema import OutdatedPartitionError
from esrd_pipeline.stores.store import PARTITION_FILE
from esrd_pipeline.tables.catalog import CATALOG
from esrd_pipeline.tables.facility import DIRECTORY
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

VERSIONS = ".catalog"
"""Folder beside the database with its versions, each in a folder of its own."""
FOLDER_VARIABLE = "esrd_data"
"""Variable by which a session says where the data folder of an attached database is."""
STORAGE_VERSION = "v1.0.0"
"""Format of the file, the oldest there is: clients of every DuckDB from 1.1 on, whose macros know
variables, open it. Clients (CLI, JDBC, ODBC, R) come out later than DuckDB's library."""
LEFT_OUT = "esrd_left_out"
"""Table of the database: stored years that its views leave out, and why."""
_MOVED = (
    "{name} was moved or copied, or two such databases are attached: open it directly, or attach"
    " one alone and run SET VARIABLE " + FOLDER_VARIABLE + " = '<the folder it is in>'"
)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a database was made of.

    Attributes:
        views: views of stored tables.
        left_out: why each stored year that the views leave out does not fit.
        measures: views of one measure of one program.
    """

    views: int
    left_out: tuple[str, ...]
    measures: int = 0


def write_catalog(
    warehouse: Warehouse,
    tables: Sequence[Table],
    database: Path,
    *,
    dictionary: pd.DataFrame | None = None,
) -> Catalog:
    """Replace the database by one with a view per stored table, and one per measure and program.

    A view reads every year of its table, those stored later as well, unless a year does not fit the
    table's definition: then it reads the others alone. The `dictionary`, the rows of
    `report.catalog`, is stored as a table; its sentences are comments on views and columns.
    """
    versions = database.parent / VERSIONS
    versions.mkdir(parents=True, exist_ok=True)
    with _lock(versions):
        made = versions / uuid.uuid4().hex
        made.mkdir()
        # DuckDB can write no database in a folder with a question mark in its name.
        with tempfile.TemporaryDirectory() as draft:
            catalog = _fill(Path(draft, database.name), warehouse, tables, database, dictionary)
            shutil.copyfile(Path(draft, database.name), made / database.name)
        for written in (made / database.name, made, versions):
            _sync(written)
        link = versions / "link"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(VERSIONS, made.name, database.name))
        before = database.resolve().parent
        # The log of a plain file, which earlier code made, belongs to that file: it goes first.
        database.with_name(f"{database.name}.wal").unlink(missing_ok=True)
        link.replace(database)
        _sync(database.parent)
        _sweep(versions, database.name, kept={made.resolve(), before})
    return catalog


def _fill(
    file: Path,
    warehouse: Warehouse,
    tables: Sequence[Table],
    database: Path,
    dictionary: pd.DataFrame | None,
) -> Catalog:
    views, left_out = set[str](), list[tuple[str, int, str]]()
    contracts, measures = list[Path](), 0
    with duckdb.connect(
        str(file), config={"storage_compatibility_version": STORAGE_VERSION}
    ) as connection:
        connection.begin()
        _define_macros(connection, database)
        # DuckDB looks at the files of a view when it is made.
        connection.execute(f"SET VARIABLE {FOLDER_VARIABLE} = {quote_text(str(database.parent))}")
        if dictionary is not None:
            add_dictionary(connection, dictionary)
        for table in tables:
            if table is CATALOG and dictionary is not None:
                continue
            years, refused = _sort_years(warehouse, table)
            left_out += [(table.name, year, reason) for year, reason in refused]
            if not years:
                continue
            schema, name = table.path
            folder = match_exactly(os.path.relpath(warehouse.root / schema / name, database.parent))
            # A pattern also finds the years stored later; it could not leave one out, nor a copy
            # whose object is gone.
            named = years if refused or warehouse.remote is not None else ["*"]
            patterns = [f"{folder}/performance_year={year}/{PARTITION_FILE}" for year in named]
            files = ", ".join(f"esrd_files({quote_text(pattern)})" for pattern in patterns)
            columns = ", ".join(f'"{column}"' for column in table.column_names)
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            connection.execute(
                f'CREATE VIEW "{schema}"."{name}" AS SELECT {columns} FROM '
                f"read_parquet([{files}], union_by_name = true, {AS_STORED}) WHERE esrd_in_place()"
            )
            comment(connection, table, "VIEW")
            views.add(table.name)
            if table is CONTRACT:
                contracts = [warehouse.partition_path(table, year) for year in years]
        if {CONTRACT.name, DIRECTORY.name} <= views:
            measures = add_measures(connection, contracts)
        if left_out:
            connection.executemany(f"INSERT INTO {LEFT_OUT} VALUES (?, ?, ?)", left_out)
        connection.commit()
    return Catalog(len(views), tuple(reason for _, _, reason in left_out), measures)


def _sort_years(warehouse: Warehouse, table: Table) -> tuple[list[int], list[tuple[int, str]]]:
    """Return the stored years that fit the definition, and the others with what differs."""
    fitting, refused = [], []
    for year in warehouse.years(table):
        try:
            warehouse.find(table, year)
            fitting.append(year)
        except OutdatedPartitionError as error:
            refused.append((year, str(error)))
    return fitting, refused


def _define_macros(connection: duckdb.DuckDBPyConnection, database: Path) -> None:
    """Create the macros of the views, and the table by which a database is known as such a one."""
    version = rf"(^|/)(\{VERSIONS}/[0-9a-f]{{32}}/)?"
    opened = quote_text(version + re.escape(database.name) + "$")
    attached = quote_text(version + "[^/]+$")
    # The default is the database's name with .tmp at the end, or before a question mark in it.
    beside = "regexp_replace(current_setting('temp_directory'), '^([^?]*)\\.tmp([?]|$)', '\\1\\2')"
    recorded = quote_text(f"{database.parent.resolve()}/")
    moved = quote_text(_MOVED.format(name=database.name))
    given = f"rtrim(CAST(getvariable('{FOLDER_VARIABLE}') AS VARCHAR), '/') || '/'"
    folder = (
        f"coalesce({given}, CASE WHEN regexp_matches({beside}, {opened}) "
        f"THEN regexp_replace({beside}, {opened}, '\\1') ELSE {recorded} END)"
    )
    files = f"regexp_replace(esrd_folder(), '{GLOB_SIGNS}', '[\\1]', 'g') || pattern"
    is_first = (
        f"{given} IS NULL AND regexp_matches({beside}, {opened}) AND database_oid = "
        "(SELECT min(first.database_oid) FROM duckdb_databases() AS first WHERE NOT first.internal)"
    )
    is_there = f"regexp_replace(path, {attached}, '\\1') = esrd_folder()"
    in_place = (
        f"(SELECT CASE WHEN count(*) = 1 AND bool_and({is_there} OR ({is_first})) THEN true "
        f"ELSE error({moved}) END FROM duckdb_databases() WHERE database_oid IN "
        f"(SELECT database_oid FROM duckdb_tables() WHERE table_name = '{LEFT_OUT}'))"
    )
    connection.execute(
        f"CREATE TABLE {LEFT_OUT} (table_name VARCHAR, performance_year BIGINT, reason VARCHAR)"
    )
    connection.execute(f"CREATE MACRO esrd_folder() AS {folder}")
    connection.execute(f"CREATE MACRO esrd_files(pattern) AS {files}")
    connection.execute(f"CREATE MACRO esrd_in_place() AS {in_place}")


@contextlib.contextmanager
def _lock(versions: Path) -> Generator[None]:
    """Wait for other refreshes that replace the database; the lock ends with the process."""
    with (versions / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(versions: Path, name: str, *, kept: set[Path]) -> None:
    """Delete old versions but those that a session holds, whose spilled rows lie in them."""
    for folder in versions.iterdir():
        if folder.is_dir() and folder.resolve() not in kept and not _is_held(folder / name):
            shutil.rmtree(folder, ignore_errors=True)


def _is_held(file: Path) -> bool:
    """Return whether a session has the database open: DuckDB locks it, for reading as well."""
    try:
        with file.open("rb+") as handle:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
