"""A Network's folder, read without storing anything: every rule of its tables, file by file.

Who must act now reads the files as they are: `read_files`; a refresh stores them.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow.parquet as pq

from esrd_pipeline.duckdb_text import quote_text
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract import check_extracts, make_select, unpack
from esrd_pipeline.sources.extract_files import list_extracts, list_unread
from esrd_pipeline.sources.files import IGNORE_FILE
from esrd_pipeline.sources.first_row import find_first_rows
from esrd_pipeline.sources.network_layout import check_layouts
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.network_inputs import INPUTS
from esrd_pipeline.warehouse import Query

_NO_YEAR = 2000
"""The rows are of all years; a year stands in each partition's rows only."""


def check_files(folder: Path, query: Query) -> Iterator[tuple[str, str, bool]]:
    """Yield each table's name, its rows or its first faults, and whether it has any.

    Raises:
        SourceError: a file has another layout, or is of no table.
    """
    unread = list_unread(folder, INPUTS)
    if unread:
        raise SourceError(
            file=", ".join(unread),
            rule=f"no table takes a file of this name: rename it, or name it in {IGNORE_FILE}",
        )
    check_layouts(folder)
    with TemporaryDirectory(prefix="esrd-check-") as scratch:
        stored: dict[str, Path] = {}
        for table in INPUTS:
            try:
                rows, fault = _check(folder, table, query, Path(scratch), stored)
            except SourceError as error:
                rows, fault = 0, str(error)
            yield table.name, fault or f"{rows:,} rows", fault is not None


def read_files(folder: Path, tables: Iterable[Table], query: Query) -> dict[str, pd.DataFrame]:
    """Return the rows of some tables' files, by table; none where there is no file.

    Raises:
        SourceError: a file breaks a rule, or has another layout.
    """
    check_layouts(folder)
    found: dict[str, pd.DataFrame] = {}
    with TemporaryDirectory(prefix="esrd-check-") as scratch:
        stored: dict[str, Path] = {}
        for table in tables:
            _, fault = _check(folder, table, query, Path(scratch), stored)
            if fault is not None:
                raise SourceError(file=folder.name, rule=fault)
            found[table.name] = pd.read_parquet(stored[table.name])[table.column_names]
    return found


def _check(
    folder: Path, table: Table, query: Query, scratch: Path, stored: dict[str, Path]
) -> tuple[int, str | None]:
    extracts = unpack(table, list_extracts(folder, table), scratch)
    checked, _ = check_extracts(table, extracts, query)
    select = make_select(table, checked)
    year = {"performance_year": _NO_YEAR} if checked else {}
    path = scratch / f"{table.path[1]}.stored.parquet"
    query(f"COPY ({select.text}) TO {quote_text(str(path))} (FORMAT parquet)", **year)
    fault = find_first_rows(
        table, checked, query, performance_year=_NO_YEAR, referenced=dict(stored)
    )
    stored[table.name] = path
    return pq.read_metadata(path).num_rows, fault
