"""Storage of tables: one Parquet file per table and performance year.

A partition is written under a staging name, checked, and only then published under its final name
in one step (`stores`). So readers never wait, and a crash at any moment leaves the last good
partition. This module, `engines`, `duckdb_session` and `catalog_database` are the only ones that
open DuckDB.
"""

import contextlib
import json
import shutil
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from esrd_pipeline.arrow import to_arrow, to_frame
from esrd_pipeline.duckdb_session import Connect
from esrd_pipeline.engines import ROW_GROUP, Engine, Reading, Source
from esrd_pipeline.engines.duckdb_engine import DuckdbEngine, run_query
from esrd_pipeline.settings import MEMORY_LIMIT, Settings
from esrd_pipeline.sql import Select
from esrd_pipeline.stored_schema import check_stored
from esrd_pipeline.stores import FolderStore, Store, open_store
from esrd_pipeline.stores.store import PARTITION_FILE, make_key, read_year
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.release import EXTRACT

Query = Callable[..., pd.DataFrame]
"""A function that runs one SELECT with named parameters and returns its rows."""
Wanted = str | Sequence[object]
"""What is kept of a column: one text, or one of several values."""
_STAGING = ".staging-"
SPILL = ".spill"
"""Folder of what an engine puts on disk while it computes."""
SPILL_OF_SELECTS = ".spill_of_selects"
"""The same of the DuckDB of SELECTs: two in one folder could delete each other's files."""
_OF_PATIENTS = ("linkage", "history", "cohort")
"""Schemas whose tables are made of patients' raw files alone, all of them or none."""


class MissingPartitionError(LookupError):
    """A partition that a step needs has not been stored."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A partition that is written to `path` but not yet visible under its final name `target`."""

    table: Table
    performance_year: int
    path: Path
    target: Path
    row_count: int


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Stored tables under `root`.

    Attributes:
        root: their folder; with `remote`, the folder of copies, and of what is staged.
        open_connection: yields a connection to an in-memory DuckDB that answers queries for few
            rows.
        open_for_selects: the same of a DuckDB that writes SELECTs' rows in no order of their own,
            a setting that is not one connection's alone.
        memory_limit: memory that either DuckDB may use before it spills to disk.
        engine: runs the SELECTs that make tables from tables; None for DuckDB, which always reads
            raw files and writes what is stored.
        remote: the object store that has the tables; None for tables in `root` itself.
    """

    root: Path
    open_connection: Connect = duckdb.connect
    open_for_selects: Connect = duckdb.connect
    memory_limit: str = MEMORY_LIMIT
    engine: Engine | None = None
    remote: Store | None = None

    @property
    def store(self) -> Store:
        """Where the tables lie."""
        return FolderStore(self.root) if self.remote is None else self.remote

    def partition_path(self, table: Table, performance_year: int) -> Path:
        """Return the path of the partition as it is stored now, which need not exist.

        Raises:
            StoreError: an object store does not answer.
        """
        return self.store.find(make_key(*table.path, performance_year))

    def has(self, table: Table, performance_year: int) -> bool:
        """Return whether the partition has been published."""
        return self.store.has(make_key(*table.path, performance_year))

    def years(self, table: Table) -> list[int]:
        """Return the published performance years, ascending."""
        return sorted(map(read_year, self.store.list_keys(make_key(*table.path, "*"))))

    def locate(self, table: Table, performance_year: int) -> str:
        """Return where the partition is or would be, for people: a path, or an object's address."""
        return self.store.locate(make_key(*table.path, performance_year))

    def count_rows(self, table: Table, performance_year: int) -> int:
        """Return the number of rows of a published partition, from its file's footer.

        Raises:
            MissingPartitionError: it has not been published.
            OutdatedPartitionError: it does not fit its table's definition.
        """
        return pq.ParquetFile(self.find(table, performance_year)).metadata.num_rows

    def read(
        self,
        table: Table,
        performance_year: int,
        *,
        columns: Sequence[str] | None = None,
        where: Mapping[str, Wanted] | None = None,
    ) -> pd.DataFrame:
        """Return the partition as a frame, with columns in the order of the definition.

        `columns` restricts the columns; `where` keeps the rows with the given text in a column, or
        with one of the given values.

        Raises:
            MissingPartitionError: it has not been published.
            OutdatedPartitionError: it does not fit its table's definition.
        """
        arrow = self.read_arrow(table, performance_year, columns=columns, where=where)
        return to_frame(arrow)

    def read_arrow(
        self,
        table: Table,
        performance_year: int,
        *,
        columns: Sequence[str] | None = None,
        where: Mapping[str, Wanted] | None = None,
    ) -> pa.Table:
        """Return the partition as an Arrow table, for tables too large for frames; see `read`."""
        path = self.find(table, performance_year)
        # Rows are in the order of the key, so row groups without the values are skipped.
        stored = ds.dataset(path, format="parquet")
        conditions = [
            ds.field(column) == wanted
            if isinstance(wanted, str)
            else ds.field(column).isin(pa.array(wanted, stored.schema.field(column).type))
            for column, wanted in (where or {}).items()
        ]
        return stored.to_table(
            columns=list(table.column_names if columns is None else columns),
            filter=reduce(and_, conditions) if conditions else None,
        )

    def read_note(self, table: Table, performance_year: int, name: str) -> str | None:
        """Return a text that `stage` wrote into a partition's metadata, or None.

        Raises:
            MissingPartitionError: it has not been published.
        """
        path = self.find(table, performance_year)
        metadata = pq.ParquetFile(path).schema_arrow.metadata or {}
        written = metadata.get(name.encode())
        return None if written is None else json.loads(written)

    def find(self, table: Table, performance_year: int) -> Path:
        """Return the path of a published partition that fits its table's definition.

        Raises:
            MissingPartitionError: it has not been published.
            OutdatedPartitionError: it was stored with other columns or types, or is damaged.
        """
        path = self.partition_path(table, performance_year)
        if not path.is_file():
            raise MissingPartitionError(
                f"{table.name} has no partition {performance_year}:"
                f" refresh {performance_year} first"
            )
        check_stored(table, performance_year, path)
        return path

    @contextlib.contextmanager
    def connect(self) -> Generator[Query]:
        """Open an in-memory DuckDB; yield a function that runs one SELECT and returns its rows."""
        with self._duckdb.connect() as connection:

            def query(sql: str, **parameters: object) -> pd.DataFrame:
                return run_query(connection, sql, parameters)

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
        """Write the frame beside its partition, with rows in the order of the key.

        The bytes depend only on the rows, the definition and the notes. Staged files of an earlier,
        killed step for the same partition are deleted.

        Raises:
            SchemaError: a column is missing, unknown or of another type.
        """
        target = self._clear_staging(table, performance_year)
        arrow = to_arrow(table, performance_year, frame)
        arrow = arrow.replace_schema_metadata(_describe(table, notes))
        path = target.with_name(f"{PARTITION_FILE}{_STAGING}{uuid.uuid4().hex}")
        pq.write_table(arrow, path, compression="zstd", row_group_size=ROW_GROUP)
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

        The rows are stored in the order of the key. Earlier years that a
        SELECT reads may be missing as a whole and then have no rows; its own year must be stored,
        but of a table that is read for another value of a parameter (`$measure = 'shr'`).

        Args:
            table: the table that the SELECT makes.
            performance_year: its year, passed to the SELECT as a parameter.
            select: result of `sql.load_select`.
            tables: definitions of the tables it reads, by name.
            parameters: further parameters of the SELECT.
            notes: texts written to the file's metadata.

        Raises:
            MissingPartitionError: a table it reads has no partition of the year.
            OutdatedPartitionError: a partition it reads does not fit its table's definition.
            SchemaError: its columns or their types do not match the table's definition.
        """
        target = self._clear_staging(table, performance_year)
        path = target.with_name(f"{PARTITION_FILE}{_STAGING}{uuid.uuid4().hex}")
        reading = self._find_read(select, performance_year, tables, parameters or {})
        described = _describe(table, notes)
        spill = self.root / SPILL_OF_SELECTS
        writer = DuckdbEngine(self.open_for_selects, spill, self.memory_limit)
        if self.engine is None or _reads_raw(select):
            writer.write(reading, table, path, described)
        else:
            with self.engine.make(reading, table, path) as parts:
                writer.gather(parts, table, path, described)
        return Staged(table, performance_year, path, target, pq.ParquetFile(path).metadata.num_rows)

    def read_select(
        self,
        performance_year: int,
        select: Select,
        *,
        tables: Mapping[str, Table],
        parameters: Mapping[str, object] | None = None,
    ) -> pd.DataFrame:
        """Run a SELECT over stored tables and return its rows, for few of them; see `stage_select`.

        Raises:
            MissingPartitionError: a table it reads has no partition of the year.
        """
        return self._duckdb.read(
            self._find_read(select, performance_year, tables, parameters or {})
        )

    @property
    def _duckdb(self) -> DuckdbEngine:
        return DuckdbEngine(self.open_connection, self.root / SPILL, self.memory_limit)

    def _find_read(
        self,
        select: Select,
        performance_year: int,
        tables: Mapping[str, Table],
        parameters: Mapping[str, object],
    ) -> Reading:
        """Find the files of the stored years of every table that a SELECT reads."""
        values = {"performance_year": performance_year, **parameters}
        found = list[Source]()
        for source in select.sources:
            table, files = tables[source.table], list[Path]()
            if source.is_read(values):
                if source.last == 0:
                    self.find(table, performance_year)
                years = range(performance_year - source.first, performance_year - source.last + 1)
                files = [self.find(table, year) for year in years if self._holds(table, year)]
            found.append(Source(table, tuple(files)))
        return Reading(select, tuple(found), values)

    def _holds(self, table: Table, performance_year: int) -> bool:
        """Return whether a year that a SELECT may read without is stored.

        Raises:
            MissingPartitionError: the table is missing, and others are there that were made with
                it: its rows would be missed in silence.
        """
        if self.has(table, performance_year):
            return True
        schema, _ = table.path
        # Published files have tables of raw too, and none of patients.
        beside = {"raw": EXTRACT.path[1]}.get(schema, "*" if schema in _OF_PATIENTS else None)
        if beside is not None and any(
            self.store.list_keys(make_key(schema, beside, performance_year))
        ):
            raise MissingPartitionError(
                f"{table.name} has no partition {performance_year}, and other tables of {schema}"
                f" have: refresh {performance_year} again"
            )
        return False

    def _clear_staging(self, table: Table, performance_year: int) -> Path:
        """Make the partition's folder, delete old staged files and return the final path."""
        key = make_key(*table.path, performance_year)
        target = FolderStore(self.root).make_folder(key) / PARTITION_FILE
        for left_over in target.parent.glob(f"{PARTITION_FILE}{_STAGING}*"):
            if left_over.is_dir():
                shutil.rmtree(left_over, ignore_errors=True)
            else:
                left_over.unlink(missing_ok=True)
        return target

    def publish(self, staged: Staged) -> Path:
        """Make a staged partition visible to readers in one step.

        Raises:
            PartitionBusyError: another machine has published it in an object store meanwhile.
            StoreError: an object store does not answer; the partition stored before stays.
        """
        key = make_key(*staged.table.path, staged.performance_year)
        return self.store.publish(staged.path, key)

    def discard(self, staged: Staged) -> None:
        """Delete a staged partition that failed its checks; the published one stays."""
        staged.path.unlink(missing_ok=True)

    def lock(self, table: Table, performance_year: int) -> AbstractContextManager[None]:
        """Lock the partition for writing; the lock ends when the process ends for any reason.

        Raises:
            PartitionBusyError: another process holds the lock.
        """
        return self.store.lock(make_key(*table.path, performance_year))


def open_warehouse(
    settings: Settings,
    open_connection: Connect = duckdb.connect,
    open_for_selects: Connect = duckdb.connect,
    engine: Engine | None = None,
) -> Warehouse:
    """Return the stored tables of an installation; nothing is asked or made yet."""
    return Warehouse(
        settings.warehouse_dir,
        open_connection,
        open_for_selects,
        settings.memory_limit,
        engine,
        None if settings.bucket is None else open_store(settings),
    )


def list_fields(warehouse: Warehouse) -> dict[str, Any]:
    """Return what a warehouse is made with, by name, for another that differs in its class."""
    return {field.name: getattr(warehouse, field.name) for field in fields(Warehouse)}


def _reads_raw(select: Select) -> bool:
    """Whether a SELECT is a reader's: it reads raw files and no table, in DuckDB's own words."""
    return not select.sources and not select.value_sets


def _describe(table: Table, notes: Mapping[str, str] | None) -> dict[str, str]:
    described = {"esrd.table": table.name, **(notes or {})}
    return {key: json.dumps(described[key], sort_keys=True) for key in sorted(described)}
