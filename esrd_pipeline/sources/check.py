"""A folder of patient-level files, read without storing anything: what a refresh would refuse."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from esrd_pipeline.engines.duckdb_engine import QueryError
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract import (
    YEAR,
    check_extracts,
    check_header,
    make_select,
    make_strict_select,
    unpack,
)
from esrd_pipeline.sources.extract_files import Extract, find_extracts
from esrd_pipeline.sources.extract_values import NO_DAYS
from esrd_pipeline.sources.extract_year import check_year
from esrd_pipeline.sql import Select
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Query


@dataclass(frozen=True, slots=True)
class Checked:
    """What a folder holds of one raw table.

    Attributes:
        table: its name.
        rows: rows that would be stored of each file; empty where there is none, or a fault.
        rewritten: values of each column of a known width that are brought into its form.
        fault: the first rule that its files break, with file, row and column, never the value.
    """

    table: str
    rows: Mapping[str, int]
    rewritten: Mapping[str, int]
    fault: str | None


def check_tables(
    folder: Path,
    tables: Iterable[Table],
    *,
    performance_year: int,
    query: Query,
    cutoff: date | None = None,
) -> Iterator[Checked]:
    """Yield what a year's folder holds of each table; a fault in one stops no other.

    Files that were released after `cutoff` are not read, as in a refresh with that cut-off.
    """
    reading = _Reading(performance_year, query, cutoff)
    for table in tables:
        try:
            rows, rewritten = _count_rows(folder, table, reading)
        except SourceError as fault:
            yield Checked(table.name, {}, {}, str(fault))
        else:
            yield Checked(table.name, rows, rewritten, None)


def _count_rows(
    folder: Path, table: Table, reading: "_Reading"
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the rows of each of a table's files, and the values rewritten in each column.

    Raises:
        SourceError: a value breaks a rule, a required one is missing, or there are too few rows.
    """
    with TemporaryDirectory(prefix="esrd-check-") as scratch:
        extracts = unpack(table, find_extracts(folder, table, reading.cutoff), Path(scratch))
        for extract in extracts:
            check_header(table, extract)
        check_year(table, extracts, reading.query, reading.year)
        try:
            return _count_read(folder, table, extracts, reading, make_strict_select), {}
        except QueryError:
            extracts, rewritten = check_extracts(table, extracts, reading.query)
            return _count_read(folder, table, extracts, reading, make_select), rewritten


@dataclass(frozen=True, slots=True)
class _Reading:
    year: int
    query: Query
    cutoff: date | None


def _count_read(
    folder: Path,
    table: Table,
    extracts: tuple[Extract, ...],
    reading: _Reading,
    make: Callable[[Table, tuple[Extract, ...]], Select],
) -> dict[str, int]:
    """Return the rows that a SELECT makes of each of a table's files."""
    required = [column.name for column in table.columns if column.required and column.name != YEAR]
    days = {column.name for column in table.columns if column.type == "date"}
    missing = "".join(f', count(*) - count("{name}") AS "{name}"' for name in required)
    rows: dict[str, int] = {}
    for extract in extracts:
        select = make(table, (extract,))
        counted = reading.query(
            f"SELECT count(*) AS all_rows{missing} FROM ({select.text})",
            performance_year=reading.year,
        )
        for name in required:
            if counted[name].iloc[0]:
                rule = "has rows without a value"
                if name in days:
                    rule += f" ({', '.join(NO_DAYS)} are none)"
                raise SourceError(file=extract.path.name, column=name.upper(), rule=rule)
        rows[extract.path.name] = int(counted["all_rows"].iloc[0])
    if sum(rows.values()) < table.minimum_rows:
        raise SourceError(file=folder.name, rule=f"no rows of {table.path[1]} are in the folder")
    return rows
