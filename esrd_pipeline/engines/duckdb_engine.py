"""SELECTs in a DuckDB of this process."""

import contextlib
import logging
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from esrd_pipeline.arrow import SchemaError, make_schema
from esrd_pipeline.duckdb_session import Connect, attach_value_sets, set_for_selects, spill_to
from esrd_pipeline.duckdb_text import DUCKDB_TYPES, quote_text, scan_parquet
from esrd_pipeline.engines import ROW_GROUP, Reading, Source, list_casts
from esrd_pipeline.settings import MEMORY_LIMIT
from esrd_pipeline.sql import is_by_patient
from esrd_pipeline.tables.model import Column, Table

_Made = TypeVar("_Made")
_LOG = logging.getLogger(__name__)

PART_ROWS = 1_000_000
"""Of 7,500 facilities, tables of months are read in ten parts: with 4 GB, the SELECTs of four of
them took 128 seconds of the processor and at most 2.8 GB; in one part 163 seconds and 4.3 GB."""

_QUOTING = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException)
"""DuckDB's errors whose own messages quote values, lines or keys, which may be patient data."""


_KINDS = {
    "INTERRUPT": duckdb.InterruptException,
    "INTERNAL": duckdb.InternalException,
    "Out of Memory": duckdb.OutOfMemoryException,
}
"""DuckDB's errors by how their messages begin, which is all that Arrow leaves of them."""


class NotEnoughMemoryError(MemoryError):
    """DuckDB has used all memory it may, and cannot spill more to disk."""


class QueryError(ValueError):
    """A query cannot read its input; `line` is the line of a text file, if known."""

    def __init__(self, *, line: int | None) -> None:
        place = "" if line is None else f" in line {line}"
        super().__init__(f"values or lines that the query cannot read{place}")
        self.line = line


@dataclass(frozen=True, slots=True)
class DuckdbEngine:
    """Runs SELECTs on connections of `open_connection`.

    Attributes:
        open_connection: yields a connection to a DuckDB in memory.
        spill: folder it may spill to.
        memory_limit: memory it may use before it spills, apart from a few buffers: `4GB`.
        part_rows: rows of the largest table that are read at a time by a SELECT that is by patient.
    """

    open_connection: Connect
    spill: Path
    memory_limit: str = MEMORY_LIMIT
    part_rows: int = PART_ROWS

    def write(
        self, reading: Reading, table: Table, path: Path, metadata: Mapping[str, str]
    ) -> None:
        """Write a SELECT's rows to a file: typed by the table, in the order of its key.

        Rows never leave DuckDB. The bytes depend on the rows and the metadata only. A SELECT that
        is by patient and reads many rows runs for some patients after the other, in less memory.

        Raises:
            SchemaError: the columns or their types do not match the table's definition.
        """
        select = reading.select

        def write(connection: duckdb.DuckDBPyConnection) -> None:
            try:
                _write_sorted(
                    connection,
                    table,
                    path,
                    metadata,
                    rows=f"(\n{select.text}\n)",
                    values=reading.named,
                    parts=_part_patients(connection, reading, self.part_rows),
                )
            except _QUOTING:
                raise SchemaError(
                    f"{table.name}: {select.path} makes values that do not fit their columns"
                ) from None
            except duckdb.BinderException as error:
                raise SchemaError(f"{table.name}: {select.path}: {error}") from error

        run_sturdily(lambda: self._reading(reading), write)

    def gather(
        self, parts: Sequence[Path], table: Table, path: Path, metadata: Mapping[str, str]
    ) -> None:
        """Write the rows of Parquet files to one file, with the bytes of `write`.

        Raises:
            SchemaError: they have values that do not fit the table's columns.
        """
        with self.connect() as connection:
            spill_to(connection, self.spill)
            rows = scan_parquet(parts)
            try:
                _write_sorted(connection, table, path, metadata, rows=rows, values={})
            except _QUOTING:
                raise SchemaError(f"{table.name}: values do not fit their columns") from None

    def read(self, reading: Reading) -> pd.DataFrame:
        """Run a SELECT and return its rows, for few of them.

        Raises:
            QueryError: it cannot read its input.
        """
        return run_sturdily(
            lambda: self._reading(reading),
            lambda connection: run_query(connection, reading.select.text, reading.named),
        )

    @contextlib.contextmanager
    def connect(self) -> Generator[duckdb.DuckDBPyConnection]:
        """Open an empty in-memory DuckDB; say what to do where it runs out of memory."""
        try:
            with self.open_connection() as connection:
                set_for_selects(connection)
                connection.execute(f"SET memory_limit = {quote_text(self.memory_limit)}")
                yield connection
        except duckdb.OutOfMemoryException:
            raise NotEnoughMemoryError(
                f"DuckDB may use {self.memory_limit} of memory, spills to {self.spill} and needs"
                " more: make room on that disk, end what else runs, or set ESRD_MEMORY_LIMIT to"
                " more, and run it again"
            ) from None

    @contextlib.contextmanager
    def _reading(self, reading: Reading) -> Generator[duckdb.DuckDBPyConnection]:
        """Open a DuckDB in which a SELECT finds the tables it reads."""
        with self.connect() as connection:
            spill_to(connection, self.spill)
            for source in reading.sources:
                _attach(connection, source)
            attach_value_sets(connection, reading.select.value_sets)
            yield connection


def run_sturdily(
    open_connection: Connect, work: Callable[[duckdb.DuckDBPyConnection], _Made]
) -> _Made:
    """Do the work on a connection; after an internal error of DuckDB once more, on one thread.

    DuckDB 2.0 ends some joins of two years' Parquet files on several threads with "dict-surviving
    cache: global dictionary column ... changed identity": one run of three, never on one thread.
    The number of threads is one setting for all of a process's work, so it is given back.
    """
    with contextlib.suppress(duckdb.InternalException), open_connection() as connection:
        return work(connection)
    _LOG.warning("DuckDB ended a query by an internal error: it is run again on one thread")
    with open_connection() as connection:
        before = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
        connection.execute("SET threads = 1")
        try:
            return work(connection)
        finally:
            connection.execute(f"SET threads = {before}")


def _write_sorted(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    path: Path,
    metadata: Mapping[str, str],
    *,
    rows: str,
    values: Mapping[str, object],
    parts: Sequence[Callable[[], None]] = (),
) -> None:
    """Write the rows of a relation, typed by the table, in the order of its key.

    Arrow writes them, in groups of exactly `ROW_GROUP` rows. Of tables of many millions of rows,
    DuckDB's own groups end where the parts of its threads do, and its null flags depend on what a
    file says of nulls: other bytes for the same rows (findings/duckdb_sorted_copy_bytes.sh).

    Args:
        connection: a connection of `DuckdbEngine.connect`.
        table: the table's definition.
        path: the file.
        metadata: texts written to the file.
        rows: SQL of the relation.
        values: of its parameters, by name.
        parts: each makes the relation one of a part of the patients; none: it is whole.
    """
    # Collect the rows in any order and sort them afterwards: a SELECT's memory is free before the
    # sort, and what cannot be made leaves no file. Read straight from raw files, 58 million rows
    # were too many for a sort with 6 GB. The setting holds for all connections to this DuckDB.
    connection.execute("SET preserve_insertion_order = false")

    def collect(name_type: Callable[[Column], str]) -> None:
        made = f"SELECT {list_casts(table, name_type)} FROM {rows}"
        make = "CREATE OR REPLACE TEMP TABLE made AS"
        for show in parts or (lambda: None,):
            show()
            connection.execute(f"{make} {made}", dict(values) or None)
            make = "INSERT INTO made"

    try:
        collect(_name_narrow_type)
    except duckdb.ConversionException:
        # A text that is not allowed is for the audit to name.
        collect(_name_type)
    order = ", ".join(f'"{key}" NULLS FIRST' for key in table.key)
    # A relation's rows are read as they are sorted; those of `execute` all at once.
    reader = connection.sql(f"FROM made ORDER BY {order}").to_arrow_reader(ROW_GROUP)
    schema = make_schema(table).with_metadata(dict(metadata))
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for group in cut_groups(_read_batches(reader)):
            file.write_table(group.cast(schema), row_group_size=ROW_GROUP)


def _name_type(column: Column) -> str:
    return DUCKDB_TYPES[column.type]


def _name_narrow_type(column: Column) -> str:
    """Name a type of one or two bytes for a text of a list: a reason takes some 40 otherwise.

    Such texts compare by their places in the list, which therefore are those of a sort of texts.
    """
    if DUCKDB_TYPES[column.type] != "VARCHAR" or not column.allowed:
        return DUCKDB_TYPES[column.type]
    texts = sorted(column.allowed, key=str.encode)
    return f"ENUM ({', '.join(map(quote_text, texts))})"


def _read_batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield DuckDB's rows; its errors are its own, not those that Arrow makes of them."""
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except OSError as error:
            message = str(error)
            for start, kind in _KINDS.items():
                if message.startswith(start):
                    raise kind(message) from None
            raise
        yield batch


def cut_groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield the rows in tables of `ROW_GROUP` rows, and the rest in the last.

    Args:
        batches: rows in their order, no batch of more than `ROW_GROUP`.
    """
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        if count >= ROW_GROUP:
            rows = pa.Table.from_batches(held)
            yield rows.slice(0, ROW_GROUP).combine_chunks()
            rest = rows.slice(ROW_GROUP)
            held, count = rest.to_batches(), rest.num_rows
    if count:
        yield pa.Table.from_batches(held).combine_chunks()


def run_query(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, object]
) -> pd.DataFrame:
    """Run one SELECT and return its rows.

    Raises:
        QueryError: it cannot read its input.
    """
    try:
        return connection.execute(sql, dict(parameters) or None).df()
    except _QUOTING as error:
        raise QueryError(line=_find_line(str(error))) from None


def _part_patients(
    connection: duckdb.DuckDBPyConnection, reading: Reading, part_rows: int
) -> list[Callable[[], None]]:
    """Return what shows a SELECT the rows of some of its patients, for one part after the other.

    Empty where it is not by patient, where it reads few rows, or where a table without patients,
    which every part reads as a whole, is the largest.
    """
    sizes = {source.table.name: _count_rows(source) for source in reading.sources}
    of_patients = [one for one in reading.sources if "patient_id" in one.table.column_names]
    if max(sizes.values(), default=0) <= part_rows or not of_patients:
        return []
    largest = max(of_patients, key=lambda source: sizes[source.table.name])
    rows = sizes[largest.table.name]
    if rows < max(sizes.values()) or not is_by_patient(
        reading.select, [source.table.name for source in of_patients]
    ):
        return []
    shares = [part * part_rows / rows for part in range(1, -(-rows // part_rows))]
    # Where the patients are cut changes no row, so the cuts need not be exact.
    cuts = connection.execute(
        f"SELECT approx_quantile(patient_id, {shares}) FROM {scan_parquet(largest.files)}"
    ).fetchall()[0][0]
    first, last = f"patient_id <= {cuts[0]} OR patient_id IS NULL", f"patient_id > {cuts[-1]}"
    between = [f"patient_id > {low} AND patient_id <= {high}" for low, high in pairwise(cuts)]

    def show(where: str) -> None:
        for source in of_patients:
            _attach(connection, source, where)

    return [partial(show, where) for where in (first, *between, last)]


def _count_rows(source: Source) -> int:
    return sum(pq.read_metadata(file).num_rows for file in source.files)


def _attach(connection: duckdb.DuckDBPyConnection, source: Source, where: str = "true") -> None:
    """Create a view of a table's files, or of no rows."""
    schema, name = source.table.path
    connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    if source.files:
        body = f"FROM {scan_parquet(source.files)} WHERE {where}"
    else:
        nothing = ", ".join(
            f'NULL::{DUCKDB_TYPES[column.type]} AS "{column.name}"'
            for column in source.table.columns
        )
        body = f"SELECT {nothing} WHERE false"
    connection.execute(f'CREATE OR REPLACE VIEW "{schema}"."{name}" AS {body}')


def _find_line(message: str) -> int | None:
    found = re.search(r"Line: (\d+)", message)
    return int(found.group(1)) if found else None
