"""Run SQL files on small tables: what a row leaves out is null, what a test leaves out is empty."""

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb
import pandas as pd

from esrd_pipeline.sql import load_select
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.warehouse import DUCKDB_TYPES, attach_value_sets

YEAR = 2024
Row = Mapping[str, object]
Tables = Mapping[str, Sequence[Row]]


def day(text: str) -> date:
    """A day as '2024-03-01'."""
    return date.fromisoformat(text)


def run(
    *selects: str,
    tables: Tables,
    performance_year: int = YEAR,
    value_sets: Mapping[str, pd.DataFrame] | None = None,
    **parameters: object,
) -> pd.DataFrame:
    """Run SQL files one after the other, each on what was there before; return the last's rows.

    Rows of `tables` are of `performance_year` unless they say otherwise; columns a row does not
    name are null. Rows come back in the order of the last table's key, dates as dates. `value_sets`
    stand in place of parameter files of the same name.
    """
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA parameter")
        for name, frame in (value_sets or {}).items():
            connection.register("given", frame.astype("string"))
            connection.execute(f'CREATE TABLE parameter."{name}" AS FROM given')
            connection.unregister("given")
        written: set[str] = set()
        for name, rows in tables.items():
            _write(connection, name, rows, performance_year)
            written.add(name)
        for name in selects:
            select = load_select(name)
            for source in select.sources:
                if source.table not in written:
                    _write(connection, source.table, (), performance_year)
                    written.add(source.table)
            attach_value_sets(connection, _unattached(connection, select.value_sets))
            values = {"performance_year": performance_year, **parameters}
            table = TABLES_BY_NAME[name]
            columns = ", ".join(
                f'CAST("{column.name}" AS {DUCKDB_TYPES[column.type]}) AS "{column.name}"'
                for column in table.columns
            )
            schema, short = table.path
            made = connection.sql(
                f"SELECT {columns} FROM (\n{select.text}\n) ORDER BY {', '.join(table.key)}",
                params={key: values[key] for key in select.parameters},
            ).to_arrow_table()
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            connection.register("made", made)
            if name in written:
                # It read itself, as it was stored a year before.
                connection.execute(f'INSERT INTO "{schema}"."{short}" FROM made')
            else:
                connection.execute(f'CREATE TABLE "{schema}"."{short}" AS FROM made')
            connection.unregister("made")
            written.add(name)
        return made.to_pandas()


def _write(
    connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Row], performance_year: int
) -> None:
    table = TABLES_BY_NAME[name]
    schema, short = table.path
    columns = ", ".join(f'"{c.name}" {DUCKDB_TYPES[c.type]}' for c in table.columns)
    connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    connection.execute(f'CREATE TABLE "{schema}"."{short}" ({columns})')
    for row in rows:
        unknown = set(row) - set(table.column_names)
        if unknown:
            raise LookupError(f"{name} has no columns {sorted(unknown)}")
        filled = {"performance_year": performance_year, **row}
        connection.execute(
            f'INSERT INTO "{schema}"."{short}" VALUES ({", ".join("?" * len(table.columns))})',
            [filled.get(column.name) for column in table.columns],
        )


def _unattached(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[str]:
    known = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'parameter'"
    ).fetchall()
    return [name for name in names if (name,) not in known]
