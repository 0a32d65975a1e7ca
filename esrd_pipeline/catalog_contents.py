"""What `esrd.duckdb` has beside a view per table: dictionary, comments, a view per measure."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pandas as pd

from esrd_pipeline.duckdb_text import DUCKDB_TYPES, quote_text, scan_parquet
from esrd_pipeline.tables import facility, measured
from esrd_pipeline.tables.catalog import CATALOG
from esrd_pipeline.tables.dictionary import comment_on_column, comment_on_table
from esrd_pipeline.tables.model import Table

_PLACE = ("facility_name", "city", "state", "network", "chain_organization")
"""What a measure's view says of a facility, from the directory of the same year."""
_KEY = ("ccn", "performance_year")
_LEFT_OUT = (*_KEY, "program", "measure", "z_null_mean", "z_null_sd")


def add_dictionary(connection: duckdb.DuckDBPyConnection, dictionary: pd.DataFrame) -> None:
    """Store the dictionary itself: a view would have its lines once for every stored year."""
    columns = ", ".join(
        f'CAST("{column.name}" AS {DUCKDB_TYPES[column.type]}) AS "{column.name}"'
        for column in CATALOG.columns
    )
    schema, name = CATALOG.path
    connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    connection.register("dictionary", dictionary)
    selected = f"SELECT {columns} FROM dictionary"  # noqa: S608 - columns of our own table
    connection.execute(f'CREATE TABLE "{schema}"."{name}" AS {selected}')
    connection.unregister("dictionary")
    comment(connection, CATALOG, "TABLE")


def comment(connection: duckdb.DuckDBPyConnection, table: Table, kind: str) -> None:
    """Say of a view or table of the database, and of its columns, what the dictionary says."""
    schema, name = table.path
    _comment(
        connection,
        kind,
        f'"{schema}"."{name}"',
        comment_on_table(table),
        {column.name: comment_on_column(table, column) for column in table.columns},
    )


def _comment(
    connection: duckdb.DuckDBPyConnection,
    kind: str,
    place: str,
    text: str,
    columns: Mapping[str, str],
) -> None:
    statements = [f"COMMENT ON {kind} {place} IS {quote_text(text)}"]
    statements += [
        f'COMMENT ON COLUMN {place}."{name}" IS {quote_text(of_column)}'
        for name, of_column in columns.items()
    ]
    connection.execute("; ".join(statements))


def add_measures(connection: duckdb.DuckDBPyConnection, stored: Sequence[Path]) -> int:
    """Make a view of each measure of a program, as `dfc.shr`; return how many.

    `stored` are the files of the contract. A view has one row per facility and year, with the
    facility's name and place, and one unit.
    """
    found = connection.execute(
        f"SELECT DISTINCT program, measure FROM {scan_parquet(stored)} ORDER BY ALL"  # noqa: S608 - own files
    ).fetchall()
    place = "".join(f'd."{column}", ' for column in _PLACE)
    results = ", ".join(
        f'c."{column}"' for column in measured.CONTRACT.column_names if column not in _LEFT_OUT
    )
    for program, measure in found:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{program}"')
        is_mine = f"c.program = {quote_text(program)} AND c.measure = {quote_text(measure)}"
        connection.execute(
            f'CREATE VIEW "{program}"."{measure}" AS FROM {measured.CONTRACT.name} AS c '
            f"LEFT JOIN {facility.DIRECTORY.name} AS d "
            "ON d.ccn = c.ccn AND d.performance_year = c.performance_year "
            f"SELECT c.ccn, c.performance_year, {place}{results} WHERE {is_mine}"
        )
        _comment_on_measure(connection, program, measure)
    return len(found)


def _comment_on_measure(connection: duckdb.DuckDBPyConnection, program: str, measure: str) -> None:
    place = {
        column.name: comment_on_column(facility.DIRECTORY, column)
        for column in facility.DIRECTORY.columns
        if column.name in _PLACE
    }
    results = {
        column.name: comment_on_column(measured.CONTRACT, column)
        for column in measured.CONTRACT.columns
        if column.name in _KEY or column.name not in _LEFT_OUT
    }
    text = f"One row is one facility and performance year: {measure} of program {program}."
    _comment(connection, "VIEW", f'"{program}"."{measure}"', text, place | results)
