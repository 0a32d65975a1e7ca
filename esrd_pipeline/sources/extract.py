"""Patient-level extracts: finds the files of a raw table and builds the SELECT that reads them.

Files are Parquet or delimited text with a header. Their columns are those of the table's definition
or, for Medicare, RIF's: one flat file per setting, one row per claim line. Nothing is read into
memory here: this module matches the columns, checks the values of untyped columns in one DuckDB
pass, and leaves reading to the SELECT.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sql import Select
from esrd_pipeline.tables import medicare
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Query, QueryError

SUFFIXES = (".parquet", ".txt", ".csv", ".rif")
LINES = {"claim_revenue": "clm_line_num", "carrier_line": "line_num"}
"""Tables of claim lines, and the column that identifies a line in a flat file."""
FLAT_OF = {"carrier_claim": ("carrier",), "carrier_line": ("carrier",)}
"""Flat files of settings that are not institutional."""
YEAR = "performance_year"
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "yes or no",
    "date": "a date",
}
_TYPES: Mapping[str, Callable[[pa.DataType], bool]] = {
    "text": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    "integer": pa.types.is_integer,
    "number": lambda kind: pa.types.is_floating(kind) or pa.types.is_integer(kind),
    "boolean": pa.types.is_boolean,
    "date": pa.types.is_date,
}


@dataclass(frozen=True, slots=True)
class Extract:
    """One file of a table, as found in the folder.

    Attributes:
        path: the file.
        columns: the file's spelling of each of its columns, by lower-case name.
        typed: types of a Parquet file's columns, by lower-case name; empty for text files.
        is_flat: a row is a claim line, with the claim's columns repeated on each line.
        delimiter: delimiter of a text file; None for Parquet.
    """

    path: Path
    columns: Mapping[str, str]
    typed: Mapping[str, pa.DataType]
    is_flat: bool
    delimiter: str | None


def find_extracts(folder: Path, table: Table) -> tuple[Extract, ...]:
    """Return the files of a raw table in a year's folder, in the order of their settings.

    `raw.eqrs_patient` is `eqrs_patient.parquet`, `.txt`, `.csv` or `.rif`; the parts of
    institutional claims are `inpatient_base.parquet`, ..., or one flat `inpatient.txt` a setting.

    Raises:
        SourceError: two files have the same name with different suffixes, or one has no header.
    """
    _, name = table.path
    if name in medicare.PARTS:
        part = medicare.PARTS[name]
        stems = [(f"{setting}_{part}", setting) for setting in medicare.SETTINGS]
    else:
        stems = [(name, FLAT_OF.get(name, ("",))[0])]
    found: list[Extract] = []
    for stem, flat in stems:
        path = _find_file(folder, stem)
        if path is not None:
            found.append(_open(path, is_flat=False))
        elif flat and (path := _find_file(folder, flat)) is not None:
            extract = _open(path, is_flat=True)
            if name in LINES or name in {"claim", "carrier_claim"}:
                found.append(extract)
    return tuple(found)


def make_select(table: Table, extracts: tuple[Extract, ...], query: Query) -> Select:
    """Return the SELECT that types and combines a table's files, after checking every value.

    Columns that a file does not have are null; columns that the table does not have are ignored.

    Raises:
        SourceError: a required column is missing, or a value is not of its type; the message has
            file, first row, column and rule, never the value.
    """
    for extract in extracts:
        _check_columns(table, extract)
        _check_values(table, extract, query)
    parts = [_project(table, extract) for extract in extracts]
    if not parts:
        nothing = ", ".join(f'NULL AS "{column.name}"' for column in table.columns)
        parts = [f"SELECT {nothing} WHERE false"]
    return Select(
        table=table.name,
        path=", ".join(extract.path.name for extract in extracts) or "no file",
        text="\nUNION ALL\n".join(parts),
        sources=(),
        value_sets=(),
        parameters=(YEAR,) if extracts else (),
    )


def _find_file(folder: Path, stem: str) -> Path | None:
    if not folder.is_dir():
        return None
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.stem.lower() == stem and path.suffix.lower() in SUFFIXES
    ]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise SourceError(file=folder.name, rule=f"several files of one extract: {names}")
    return found[0] if found else None


def _open(path: Path, *, is_flat: bool) -> Extract:
    if path.suffix.lower() == ".parquet":
        try:
            schema = pq.read_schema(path)
        except pa.ArrowInvalid:
            raise SourceError(file=path.name, rule="is not a Parquet file") from None
        names = {field.name.lower(): field.name for field in schema}
        types = {field.name.lower(): field.type for field in schema}
        return Extract(path, names, types, is_flat, None)
    with path.open(encoding="utf-8", errors="replace") as lines:
        header = lines.readline().rstrip("\r\n").lstrip("\ufeff")
    if not header:
        raise SourceError(file=path.name, rule="has no header")
    delimiter = "|" if "|" in header else ","
    published = [name.strip().strip('"') for name in header.split(delimiter)]
    if len({name.lower() for name in published}) < len(published):
        raise SourceError(file=path.name, row=1, rule="a column's name appears twice")
    return Extract(path, {name.lower(): name for name in published}, {}, is_flat, delimiter)


@cache
def _rif_names(table: str) -> Mapping[str, str]:
    return {
        row["column"]: row["rif_column"].lower()
        for row in load_rows("rif_column")
        if row["table"] == table
    }


def _locate(table: Table, extract: Extract, column: Column) -> str | None:
    """Return the file's lower-case name of a column; None if the file lacks it."""
    other = _rif_names(table.path[1]).get(column.name, column.name)
    return next((name for name in (column.name, other) if name in extract.columns), None)


def _check_columns(table: Table, extract: Extract) -> None:
    for column in table.columns:
        is_there = column.name == YEAR or _locate(table, extract, column) is not None
        if column.required and not is_there:
            raise SourceError(
                file=extract.path.name, column=column.name.upper(), rule="the column is missing"
            )


def _check_values(table: Table, extract: Extract, query: Query) -> None:
    """Check in one pass every value of the untyped columns."""
    tried: list[tuple[Column, str]] = []
    for column in table.columns:
        name = None if column.name == YEAR else _locate(table, extract, column)
        if name is not None and column.type != "text" and not _is_typed(extract, name, column):
            tried.append((column, name))
    if not tried:
        return
    failed = ", ".join(
        f"min(CASE WHEN {_text(extract, name)} IS NOT NULL"
        f" AND {_convert(column, extract, name)} IS NULL THEN row END) AS c{place}"
        for place, (column, name) in enumerate(tried)
    )
    first = _run(
        extract,
        query,
        f"SELECT {failed} FROM (SELECT *, row_number() OVER () + 1 AS row FROM {_scan(extract)})",
    )
    for place, (column, name) in enumerate(tried):
        row = first[f"c{place}"].iloc[0]
        if not pd.isna(row):
            raise SourceError(
                file=extract.path.name,
                row=int(row),
                column=extract.columns[name],
                rule=f"is not {_KINDS[column.type]}",
            )


def _run(extract: Extract, query: Query, sql: str) -> pd.DataFrame:
    try:
        return query(sql)
    except QueryError as error:
        raise SourceError(
            file=extract.path.name,
            row=error.line,
            rule="is not delimited text with as many cells as the header",
        ) from None


def _project(table: Table, extract: Extract) -> str:
    columns: list[str] = []
    for column in table.columns:
        name = None if column.name == YEAR else _locate(table, extract, column)
        if column.name == YEAR:
            value = f"${YEAR}"
        elif name is None:
            value = "NULL"
        elif _is_typed(extract, name, column):
            value = _quote(extract.columns[name])
        else:
            value = _convert(column, extract, name)
        columns.append(f'{value} AS "{column.name}"')
    is_line = table.path[1] in LINES
    distinct = "DISTINCT " if extract.is_flat and not is_line else ""
    where = ""
    if extract.is_flat and is_line:
        line = LINES[table.path[1]]
        where = f" WHERE {_text(extract, line)} IS NOT NULL"
    return f"SELECT {distinct}{', '.join(columns)} FROM {_scan(extract)}{where}"


def _is_typed(extract: Extract, name: str, column: Column) -> bool:
    return name in extract.typed and _TYPES[column.type](extract.typed[name])


def _scan(extract: Extract) -> str:
    path = str(extract.path).replace("'", "''")
    if extract.delimiter is None:
        return f"read_parquet('{path}')"
    quote = "" if extract.delimiter == "|" else '"'
    columns = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in extract.columns.values())
    return (
        f"read_csv('{path}', delim = '{extract.delimiter}', header = true, auto_detect = false,"
        f" quote = '{quote}', escape = '{quote}', columns = {{{columns}}})"
    )


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(extract: Extract, name: str) -> str:
    return f"nullif(trim(CAST({_quote(extract.columns[name])} AS VARCHAR)), '')"


def _convert(column: Column, extract: Extract, name: str) -> str:
    """Return SQL for the value in its column's type; null if it cannot be converted."""
    text = _text(extract, name)
    if column.type == "text":
        return text
    if column.type == "date":
        return (
            f"CAST(coalesce(try_strptime({text}, '%d-%b-%Y'), try_strptime({text}, '%Y%m%d'),"
            f" TRY_CAST({text} AS TIMESTAMP)) AS DATE)"
        )
    if column.type == "boolean":
        return (
            f"CASE WHEN upper({text}) IN ('Y', 'YES', 'TRUE', 'T', '1') THEN TRUE"
            f" WHEN upper({text}) IN ('N', 'NO', 'FALSE', 'F', '0') THEN FALSE END"
        )
    kind = "BIGINT" if column.type == "integer" else "DOUBLE"
    return f"TRY_CAST({text} AS {kind})"
