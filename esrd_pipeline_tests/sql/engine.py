"""One DuckDB for all tests of a process; each run has its own catalog and drops it."""

import contextlib
import itertools
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import duckdb
import pandas as pd
import pyarrow as pa

from esrd_pipeline.arrow import ARROW_TYPES
from esrd_pipeline.duckdb_session import attach_value_sets, set_for_selects
from esrd_pipeline.duckdb_text import DUCKDB_TYPES
from esrd_pipeline.sql import PARAMETER_SCHEMA, Select, load_select
from esrd_pipeline.tables.catalog import TABLES_BY_NAME

_RUNS = itertools.count(1)
_FOUNDATION = (
    "linkage.register_match",
    "history.calendar_month",
    "history.exception_month",
    "history.prescription",
    "linkage.dropped_claim",
    "linkage.claim",
    "history.claim_run_out",
)
"""Made before any SQL file that reads them: of the year, registers, grants, EQRS, claims."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One SQL file as it was run: what it read, by name, and the rows it gave in their order."""

    select: str
    tables: Mapping[str, pa.Table]
    value_sets: Mapping[str, pa.Table]
    parameters: Mapping[str, object]
    made: pa.Table


_WATCHING: list[Callable[[Ran], None]] = []


@contextlib.contextmanager
def watch(see: Callable[[Ran], None]) -> Generator[None]:
    """Within it, call `see` with each SQL file that is run."""
    _WATCHING.append(see)
    try:
        yield
    finally:
        _WATCHING.remove(see)


def to_arrow(
    tables: Mapping[str, Sequence[Mapping[str, object]]], performance_year: int
) -> dict[str, pa.Table]:
    """Rows as their tables hold them: of the year unless they say otherwise, null where left out.

    Raises:
        LookupError: a row names a column that its table does not have.
    """
    made = {}
    for name, rows in tables.items():
        table = TABLES_BY_NAME[name]
        for row in rows:
            unknown = set(row) - set(table.column_names)
            if unknown:
                raise LookupError(f"{name} has no columns {sorted(unknown)}")
        filled = [{"performance_year": performance_year, **row} for row in rows]
        schema = pa.schema([(column.name, ARROW_TYPES[column.type]) for column in table.columns])
        made[name] = pa.Table.from_pylist(filled, schema=schema)
    return made


def run(
    selects: Sequence[str],
    tables: Mapping[str, pa.Table],
    parameters: Mapping[str, object],
    value_sets: Mapping[str, pd.DataFrame],
) -> pa.Table:
    """Run SQL files one after the other, each on what was there before; return the last's rows."""
    database = _open()
    selects = (*_list_foundation(selects, tables), *selects)
    read = {name for select in selects for name in load_select(select).value_sets}
    for name in sorted(read - set(value_sets)):
        _share(name)
    catalog = f"run_{next(_RUNS)}"
    database.execute(f"ATTACH ':memory:' AS {catalog}")
    try:
        database.execute(f"USE {catalog}")
        _prepare(database, selects, tables, value_sets)
        return _run(database, selects, tables, parameters)
    finally:
        database.execute("USE memory")
        database.execute(f"DETACH {catalog}")


def _list_foundation(selects: Sequence[str], tables: Iterable[str]) -> list[str]:
    """What all stands on, as far as it is read and neither given nor made."""
    needed: list[str] = []
    for name in reversed(_FOUNDATION):
        if name not in {*selects, *tables}:
            reading = {
                source.table for s in (*selects, *needed) for source in load_select(s).sources
            }
            needed += [name] if name in reading else []
    return needed[::-1]


@cache
def _open() -> duckdb.DuckDBPyConnection:
    # Two workers share two cores, and the tables are small.
    database = duckdb.connect(config={"threads": 1})
    set_for_selects(database)
    return database


@cache
def _share(name: str) -> None:
    """Read a parameter file once a process; runs see it through a view."""
    attach_value_sets(_open(), [name])


def _prepare(
    database: duckdb.DuckDBPyConnection,
    selects: Sequence[str],
    tables: Mapping[str, pa.Table],
    value_sets: Mapping[str, pd.DataFrame],
) -> None:
    """Make the parameter files and every table that is read, with its rows."""
    read = [load_select(name) for name in selects]
    given = _list_given(selects, tables)
    for schema in sorted({name.partition(".")[0] for name in {*given, *selects}}):
        database.execute(f'CREATE SCHEMA "{schema}"')
    database.execute(f"CREATE SCHEMA {PARAMETER_SCHEMA}")
    for name in sorted({name for select in read for name in select.value_sets}):
        path = f'{PARAMETER_SCHEMA}."{name}"'
        if name in value_sets:
            _fill(database, path, pa.Table.from_pandas(value_sets[name].astype("string")))
        else:
            database.execute(f"CREATE VIEW {path} AS FROM memory.{path}")
    for name in sorted(given):
        columns = ", ".join(
            f'"{column.name}" {DUCKDB_TYPES[column.type]}'
            for column in TABLES_BY_NAME[name].columns
        )
        database.execute(f"CREATE TABLE {_path(name)} ({columns})")
        if name in tables and tables[name].num_rows:
            _fill(database, _path(name), tables[name], insert=True)


def _list_given(selects: Sequence[str], tables: Iterable[str]) -> set[str]:
    """The tables that are there before the first SQL file: what is read before it is made, too."""
    given, made = set(tables), set[str]()
    for name in selects:
        given |= {source.table for source in load_select(name).sources} - made
        made.add(name)
    return given


def _run(
    database: duckdb.DuckDBPyConnection,
    selects: Sequence[str],
    tables: Mapping[str, pa.Table],
    parameters: Mapping[str, object],
) -> pa.Table:
    made = pa.table({})
    given = _list_given(selects, tables)
    for name in selects:
        table, select = TABLES_BY_NAME[name], load_select(name)
        columns = ", ".join(
            f'CAST("{column.name}" AS {DUCKDB_TYPES[column.type]}) AS "{column.name}"'
            for column in table.columns
        )
        values = {key: parameters[key] for key in select.parameters}
        made = database.sql(
            f"SELECT {columns} FROM (\n{select.text}\n) ORDER BY {', '.join(table.key)}",
            params=values,
        ).to_arrow_table()
        for see in _WATCHING:
            see(Ran(name, *_read_all(database, select), values, made))
        if name != selects[-1]:
            _fill(database, _path(name), made, insert=name in given)
    return made


def _read_all(
    database: duckdb.DuckDBPyConnection, select: Select
) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
    """The rows of the tables and of the value sets that a SQL file reads, by name."""
    tables = {
        source.table: database.sql(f"FROM {_path(source.table)}").to_arrow_table()
        for source in select.sources
    }
    value_sets = {
        name: database.sql(f'FROM {PARAMETER_SCHEMA}."{name}"').to_arrow_table()
        for name in select.value_sets
    }
    return tables, value_sets


def _fill(
    database: duckdb.DuckDBPyConnection, path: str, rows: pa.Table, *, insert: bool = False
) -> None:
    database.register("filled", rows)
    verb = f"INSERT INTO {path}" if insert else f"CREATE TABLE {path} AS"
    database.execute(f"{verb} FROM filled")
    database.unregister("filled")


def _path(name: str) -> str:
    schema, _, short = name.partition(".")
    return f'"{schema}"."{short}"'
