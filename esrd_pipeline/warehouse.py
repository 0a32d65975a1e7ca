"""Where tables are stored: one Parquet file per table and performance year.

A partition is written under another name, judged, and only then renamed to the name readers look
for, so that a reader never waits and a crash at any moment leaves the last good partition. This is
the only module that opens DuckDB.
"""

import contextlib
import fcntl
import json
import os
import re
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import reduce
from operator import and_
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from esrd_pipeline.arrow import SchemaError, to_arrow, to_frame
from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.sql import PARAMETER_SCHEMA, Select
from esrd_pipeline.tables.model import Table

DUCKDB_TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "texts": "VARCHAR[]",
    "labels": "MAP(VARCHAR, VARCHAR)",
}
Query = Callable[..., pd.DataFrame]
"""Runs one SELECT with named parameters."""
_FILE = "data.parquet"
_STAGING = ".staging-"
_SPILL = ".spill"
MEMORY_LIMIT = "6GB"
"""What DuckDB may hold before it writes to disk; a few buffers come on top."""


class MissingPartitionError(LookupError):
    """A partition that a step needs has not been stored."""


class PartitionBusyError(RuntimeError):
    """Another process is writing the same partition."""


class QueryError(ValueError):
    """Rows do not hold what a query takes them for; `line` of a text file, where one is meant."""

    def __init__(self, *, line: int | None) -> None:
        place = "" if line is None else f" in line {line}"
        super().__init__(f"values or lines that the query cannot read{place}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Staged:
    """A partition that is written but not yet visible: `path` holds it, `target` awaits it."""

    table: Table
    performance_year: int
    path: Path
    target: Path
    row_count: int


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Stored tables under `root`; `open_connection` yields an in-memory DuckDB connection."""

    root: Path
    open_connection: Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]] = (
        duckdb.connect
    )

    def partition_path(self, table: Table, performance_year: int) -> Path:
        """Where the partition stands, whether or not it is there."""
        schema, name = table.path
        return self.root / schema / name / f"performance_year={performance_year}" / _FILE

    def has(self, table: Table, performance_year: int) -> bool:
        """Whether the partition has been published."""
        return self.partition_path(table, performance_year).is_file()

    def years(self, table: Table) -> list[int]:
        """Published performance years, ascending."""
        schema, name = table.path
        folders = (self.root / schema / name).glob(f"performance_year=*/{_FILE}")
        return sorted(int(path.parent.name.partition("=")[2]) for path in folders)

    def count_rows(self, table: Table, performance_year: int) -> int:
        """Rows of a published partition, from its file's footer.

        Raises:
            MissingPartitionError: it has not been published.
        """
        return pq.ParquetFile(self._find(table, performance_year)).metadata.num_rows

    def read(
        self,
        table: Table,
        performance_year: int,
        *,
        columns: Sequence[str] | None = None,
        where: Mapping[str, str] | None = None,
    ) -> pd.DataFrame:
        """The partition as a frame, columns in the order of the definition.

        `columns` reads no others; `where` keeps the rows whose text in a column is the one given.

        Raises:
            MissingPartitionError: it has not been published.
        """
        arrow = self.read_arrow(table, performance_year, columns=columns, where=where)
        return to_frame(arrow)

    def read_arrow(
        self,
        table: Table,
        performance_year: int,
        *,
        columns: Sequence[str] | None = None,
        where: Mapping[str, str] | None = None,
    ) -> pa.Table:
        """The partition as it is stored, for tables too large for frames; otherwise as `read`."""
        path = self._find(table, performance_year)
        # Row groups that hold no such text are not read: rows lie in the order of the key.
        conditions = [ds.field(column) == text for column, text in (where or {}).items()]
        return ds.dataset(path, format="parquet").to_table(
            columns=list(table.column_names if columns is None else columns),
            filter=reduce(and_, conditions) if conditions else None,
        )

    def _find(self, table: Table, performance_year: int) -> Path:
        path = self.partition_path(table, performance_year)
        if not path.is_file():
            raise MissingPartitionError(
                f"{table.name} has no partition {performance_year}: materialise it first"
            )
        return path

    @contextlib.contextmanager
    def connect(self) -> Generator[Query]:
        """Open an in-memory DuckDB; the function given runs one SELECT in it and returns rows."""
        with self.open_connection() as connection:
            connection.execute("SET enable_progress_bar = false")

            def query(sql: str, **parameters: object) -> pd.DataFrame:
                try:
                    return connection.execute(sql, parameters or None).df()
                except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
                    # DuckDB's own message quotes lines and values, which may be a patient's.
                    raise QueryError(line=_find_line(str(error))) from None

            yield query

    def query(self, sql: str, **parameters: object) -> pd.DataFrame:
        """Run one SELECT in a fresh in-memory DuckDB and return its rows."""
        with self.connect() as query:
            return query(sql, **parameters)

    def stage(
        self,
        table: Table,
        performance_year: int,
        frame: pd.DataFrame,
        *,
        notes: Mapping[str, str] | None = None,
    ) -> Staged:
        """Write the frame beside its partition, rows in the order of the key.

        The bytes depend on the rows, the definition and the notes alone. What an earlier, killed
        step left staged for the same partition is swept away.

        Raises:
            SchemaError: a column is missing, unknown or of another type.
        """
        target = self._clear_staging(table, performance_year)
        arrow = to_arrow(table, performance_year, frame)
        arrow = arrow.replace_schema_metadata(_describe(table, notes))
        path = target.with_name(f"{_FILE}{_STAGING}{uuid.uuid4().hex}")
        pq.write_table(arrow, path, compression="zstd", row_group_size=1 << 20)
        return Staged(table, performance_year, path, target, arrow.num_rows)

    def stage_select(
        self,
        table: Table,
        performance_year: int,
        select: Select,
        *,
        tables: Mapping[str, Table],
        parameters: Mapping[str, object] | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> Staged:
        """Run a SELECT over stored tables and write its rows beside their partition.

        Rows never leave DuckDB; they are stored in the order of the key. Years that a SELECT
        looks back to and that are not stored hold no rows; its own year must be there.

        Args:
            table: what the SELECT makes.
            performance_year: its year, passed on as a parameter.
            select: from `sql.load_select`.
            tables: definitions of the tables it reads, by name.
            parameters: what else the SELECT takes.
            notes: kept in the file's metadata.

        Raises:
            MissingPartitionError: a table it reads has no partition of the year.
            SchemaError: its columns are not the table's, or do not hold the types.
        """
        target = self._clear_staging(table, performance_year)
        path = target.with_name(f"{_FILE}{_STAGING}{uuid.uuid4().hex}")
        columns = ", ".join(
            f'CAST("{column.name}" AS {DUCKDB_TYPES[column.type]}) AS "{column.name}"'
            for column in table.columns
        )
        order = ", ".join(f'"{key}" NULLS FIRST' for key in table.key)
        values = {"performance_year": performance_year, **(parameters or {})}
        with self.open_connection() as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            connection.execute(f"SET temp_directory = '{_quote(self.root / _SPILL)}'")
            self._attach(connection, performance_year, select, tables)
            try:
                # First all rows in any order, then in the key's: what the SELECT holds in memory
                # is gone before they are sorted.
                connection.execute("SET preserve_insertion_order = false")
                connection.execute(
                    f"CREATE TEMP TABLE made AS SELECT {columns} FROM (\n{select.text}\n)",
                    {name: values[name] for name in select.parameters},
                )
                connection.execute("SET preserve_insertion_order = true")
                connection.execute(
                    f"COPY (FROM made ORDER BY {order}) "
                    f"TO '{_quote(path)}' (FORMAT parquet, COMPRESSION zstd, "
                    f"ROW_GROUP_SIZE 1048576, KV_METADATA {_to_struct(_describe(table, notes))})"
                )
            except duckdb.ConversionException:
                # DuckDB's own message quotes the value, which may be a patient's.
                raise SchemaError(
                    f"{table.name}: {select.path} makes values that do not fit their columns"
                ) from None
            except duckdb.BinderException as error:
                raise SchemaError(f"{table.name}: {select.path}: {error}") from error
        return Staged(table, performance_year, path, target, pq.ParquetFile(path).metadata.num_rows)

    def _attach(
        self,
        connection: duckdb.DuckDBPyConnection,
        performance_year: int,
        select: Select,
        tables: Mapping[str, Table],
    ) -> None:
        """Make every table that a SELECT reads a view of its stored years."""
        for source in select.sources:
            table = tables[source.table]
            if source.last == 0:
                self._find(table, performance_year)
            years = range(performance_year - source.first, performance_year - source.last + 1)
            files = [self.partition_path(table, year) for year in years if self.has(table, year)]
            schema, name = table.path
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            if files:
                listed = ", ".join(f"'{_quote(file)}'" for file in files)
                body = f"FROM read_parquet([{listed}], hive_partitioning = false)"
            else:
                nothing = ", ".join(
                    f'NULL::{DUCKDB_TYPES[column.type]} AS "{column.name}"'
                    for column in table.columns
                )
                body = f"SELECT {nothing} WHERE false"
            connection.execute(f'CREATE VIEW "{schema}"."{name}" AS {body}')
        attach_value_sets(connection, select.value_sets)

    def _clear_staging(self, table: Table, performance_year: int) -> Path:
        """Return where the partition stands, its folder there and swept of what was left."""
        target = self.partition_path(table, performance_year)
        target.parent.mkdir(parents=True, exist_ok=True)
        for left_over in target.parent.glob(f"{_FILE}{_STAGING}*"):
            left_over.unlink(missing_ok=True)
        return target

    def publish(self, staged: Staged) -> Path:
        """Make a staged partition the one that readers see, in one rename."""
        with staged.path.open("rb+") as written:
            os.fsync(written.fileno())
        staged.path.replace(staged.target)
        folder = os.open(staged.target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return staged.target

    def discard(self, staged: Staged) -> None:
        """Remove a staged partition that was judged bad; the published one stays."""
        staged.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, table: Table, performance_year: int) -> Generator[None]:
        """Hold the partition for writing; the lock ends with the process, however it ends.

        Raises:
            PartitionBusyError: another process holds it.
        """
        folder = self.partition_path(table, performance_year).parent
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as busy:
                raise PartitionBusyError(
                    f"{table.name} {performance_year} is being written by another run"
                ) from busy
            yield

    def write_catalog(self, tables: tuple[Table, ...], database: Path) -> int:
        """Replace `database` by one that holds a view per stored table; return how many.

        The views read the Parquet files of every year, so the database never needs another
        write when a year is refreshed.
        """
        database.parent.mkdir(parents=True, exist_ok=True)
        draft = database.with_name(f"{database.name}{_STAGING}{uuid.uuid4().hex}")
        stored = [table for table in tables if self.years(table)]
        with duckdb.connect(str(draft)) as connection:
            for schema in sorted({table.schema for table in stored}):
                connection.execute(f'CREATE SCHEMA "{schema}"')
            for table in stored:
                schema, name = table.path
                files = (self.root / schema / name).resolve() / "performance_year=*" / _FILE
                connection.execute(
                    f'CREATE VIEW "{schema}"."{name}" AS FROM '
                    f"read_parquet('{_quote(files)}', union_by_name = true, "
                    "hive_partitioning = false)"
                )
        draft.replace(database)
        return len(stored)


def attach_value_sets(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """Make parameter files readable as `parameter.<name>`: text, null where a cell is empty."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {PARAMETER_SCHEMA}")
    for name in names:
        table = load_parameters(name)
        columns = {
            str(column): pa.array(table[column], pa.string(), from_pandas=True)
            for column in table.columns
        }
        connection.register("registered", pa.table(columns))
        connection.execute(f'CREATE TABLE {PARAMETER_SCHEMA}."{name}" AS FROM registered')
        connection.unregister("registered")


def _find_line(message: str) -> int | None:
    found = re.search(r"Line: (\d+)", message)
    return int(found.group(1)) if found else None


def _describe(table: Table, notes: Mapping[str, str] | None) -> dict[str, str]:
    described = {"esrd.table": table.name, **(notes or {})}
    return {key: json.dumps(described[key], sort_keys=True) for key in sorted(described)}


def _to_struct(labels: Mapping[str, str]) -> str:
    pairs = (f"'{key}': '{text.replace(chr(39), chr(39) * 2)}'" for key, text in labels.items())
    return "{" + ", ".join(pairs) + "}"


def _quote(path: Path) -> str:
    return str(path).replace("'", "''")
