"""Converts a published file to its raw table: matches columns, types cells and checks rules.

A column that nothing is made from never stops a file: it may be missing, and a cell of it that
breaks a rule is left out and noted. Rules of a single source are in that source's module.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype

from esrd_pipeline.sources.cells import AVAILABLE, LOST_LETTER, CellValue, read_cell
from esrd_pipeline.sources.contradictions import Part, find_contradictions
from esrd_pipeline.sources.errors import Fault, SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.grid import Grid, read_grid
from esrd_pipeline.sources.headers import api_name
from esrd_pipeline.sources.layout import SourceColumn, group_measures, load_layout
from esrd_pipeline.sources.spreadsheet import read_plain
from esrd_pipeline.tables.model import ColumnType
from esrd_pipeline.tables.raw import raw_table

DTYPES: dict[ColumnType, ExtensionDtype] = {
    "text": pd.StringDtype(na_value=np.nan),
    "integer": pd.Int64Dtype(),
    "boolean": pd.BooleanDtype(),
}


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column read once per distinct text: the value of row i is `stored[places[i]]`.

    `texts` holds the distinct published texts, stripped, and `header` the header as published;
    `has_broken` says that some break a rule.
    """

    header: str
    texts: list[str]
    stored: list[CellValue | None]
    places: np.ndarray
    has_broken: bool = False

    def value_at(self, row: int) -> CellValue | None:
        """Return the value of one row."""
        return self.stored[self.places[row]]


Readings = dict[tuple[str, str], tuple[tuple[str, ...], ReadColumn]]
"""By our name and the header: a column's cells, and what was read from them without a fault."""


def read_table(
    path: Path,
    source: str,
    performance_year: int,
    *,
    may_be_empty: bool = False,
    notes: FileNotes | None = None,
) -> pd.DataFrame:
    """Read a release of `source` as the table `raw.<source>`, in the order of its key.

    A cell without a value is null. `missing` keeps the published text instead of it or, for an
    empty cell, the availability code that explains it. What is no reason to stop is added to
    `notes`.

    Raises:
        SourceError: the file breaks a rule; the message states all that were found.
    """
    layout = load_layout(source, performance_year)
    table = raw_table(source)
    grid, columns = read_columns(
        path, layout, table.key, may_be_empty=may_be_empty, notes=notes, source=source
    )
    return make_frame(source, performance_year, layout, columns, len(grid.rows))


def read_columns(
    path: Path,
    layout: Sequence[SourceColumn],
    key: Sequence[str],
    *,
    may_be_empty: bool = False,
    notes: FileNotes | None = None,
    source: str,
    known: Readings | None = None,
) -> tuple[Grid, dict[str, ReadColumn]]:
    """Return a file's cells, and its columns of the layout by our name.

    Files that repeat one another's columns share `known`: cells that it has are not read again.
    Their layouts have the same rules for a column of the same name.

    Raises:
        SourceError: as `read_table`.
    """
    notes = FileNotes() if notes is None else notes
    grid = read_grid(path)
    cells = _match_columns(grid, layout, source, notes)
    if not grid.rows and not may_be_empty:
        raise SourceError(file=grid.file, rule="no row under the header")
    faults: list[Fault] = []
    columns: dict[str, ReadColumn] = {}
    for column in layout:
        if column.name not in cells:
            continue
        header, texts = cells[column.name]
        earlier = None if known is None else known.get((column.name, header))
        if earlier is not None and earlier[0] == texts:
            read, fault = earlier[1], None
        else:
            read, fault = _read_column(grid, column, header, texts, is_key=column.name in key)
            if known is not None and fault is None:
                known[column.name, header] = texts, read
        columns[column.name] = read
        if fault is not None:
            (faults if column.is_needed else notes.left_out).append(fault)
        if damaged := _count_damaged(read) if column.type == "text" else 0:
            notes.damaged[header] = damaged
    if faults:
        faults.sort(key=lambda fault: fault.rows[0])
        raise SourceError.of_faults(grid.file, faults)
    _check_key(grid, [columns[name] for name in key])
    _check_contradictions(grid, layout, columns, source, notes)
    return grid, columns


def make_frame(
    source: str,
    performance_year: int,
    layout: Sequence[SourceColumn],
    columns: Mapping[str, ReadColumn],
    row_count: int,
    *,
    names: Container[str] | None = None,
) -> pd.DataFrame:
    """Return columns that were read as the table `raw.<source>`, or its columns `names` and key."""
    table = raw_table(source)
    stored: dict[str, object] = {
        "performance_year": np.full(row_count, performance_year),
        "missing": _collect_missing(layout, columns, row_count),
    }
    for column in table.columns:
        is_wanted = names is None or column.name in names or column.name in table.key
        if is_wanted and column.name not in stored:
            stored[column.name] = _array(columns.get(column.name), column.type, row_count)
    frame = pd.DataFrame({name: stored[name] for name in table.column_names if name in stored})
    return frame.sort_values(list(table.key), ignore_index=True)


def _match_columns(
    grid: Grid, layout: Sequence[SourceColumn], source: str, notes: FileNotes
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return our column name -> the header as published and its cells."""
    known = {name: column.name for column in layout for name in column.api_names}
    matched: dict[str, tuple[str, tuple[str, ...]]] = {}
    unknown: list[str] = []
    faults: list[Fault] = []
    for header, cells in zip(grid.header, grid.columns, strict=True):
        name = known.get(api_name(header))
        if name is None:
            unknown.append(header)
        elif name in matched:
            faults.append(Fault("the column appears twice", header, (1,)))
        else:
            matched[name] = (header, cells)
    absent = {
        measure: columns
        for measure, columns in group_measures(source)
        if not columns & set(matched)
    }
    extra = f"; unknown in the file: {', '.join(map(repr, unknown))}" if unknown else ""
    for column in layout:
        if column.name in matched:
            continue
        if not column.is_needed:
            notes.lacking.append(column.header)
        elif not column.may_be_absent or _is_served(column.name, source, absent):
            faults.append(Fault(f"the column is missing{extra}", column.header, (1,)))
            extra = ""
    if faults:
        raise SourceError.of_faults(grid.file, faults)
    notes.unread += unknown
    named = {column.name for column in layout}
    notes.measures += [measure for measure, columns in absent.items() if columns & named]
    return matched


def _is_served(name: str, source: str, absent: Mapping[str, frozenset[str]]) -> bool:
    """Whether a measure of the column is in the file, with others of its columns."""
    return any(name in columns and m not in absent for m, columns in group_measures(source))


def _read_column(
    grid: Grid, column: SourceColumn, header: str, cells: Sequence[str], *, is_key: bool
) -> tuple[ReadColumn, Fault | None]:
    """Read each distinct text once: a column of thousands of cells has few distinct texts."""
    places, distinct = pd.factorize(np.array(cells, dtype=object))
    texts = [text.strip() for text in distinct]
    if column.type == "text":
        texts = [read_plain(text) for text in texts]
    values: list[CellValue | None] = []
    broken: dict[int, str] = {}
    for place, text in enumerate(texts):
        try:
            value = read_cell(text, column)
        except ValueError as error:
            value, broken[place] = None, str(error)
        if is_key and LOST_LETTER in text:
            broken[place] = f"{text!a} has a damaged letter, and the column names the row"
        values.append(value)
    read = ReadColumn(header, texts, values, places, has_broken=bool(broken))
    if not broken:
        return read, None
    at = np.flatnonzero(np.isin(places, list(broken))).tolist()
    return read, Fault(broken[int(places[at[0]])], header, tuple(grid.rows[i] for i in at))


def _count_damaged(read: ReadColumn) -> int:
    """Return how many cells have lost a letter."""
    damaged = [place for place, text in enumerate(read.texts) if LOST_LETTER in text]
    return int(np.isin(read.places, damaged).sum()) if damaged else 0


def _check_key(grid: Grid, key: Sequence[ReadColumn]) -> None:
    seen: dict[tuple[CellValue | None, ...], int] = {}
    repeated: list[int] = []
    rule = ""
    for index, row in enumerate(grid.rows):
        parts = tuple(column.value_at(index) for column in key)
        if parts in seen:
            rule = rule or f"'{parts[0]}' is already in row {seen[parts]}"
            repeated.append(row)
        else:
            seen[parts] = row
    if repeated:
        raise SourceError.of_faults(grid.file, [Fault(rule, key[0].header, tuple(repeated))])


def _check_contradictions(
    grid: Grid,
    layout: Sequence[SourceColumn],
    columns: Mapping[str, ReadColumn],
    source: str,
    notes: FileNotes,
) -> None:
    parts = {
        column.name: Part(read.header, column, read.stored, read.places)
        for column in layout
        if (read := columns.get(column.name)) is not None
    }
    refused, odd = find_contradictions(parts, source, grid.rows)
    if refused:
        raise SourceError.of_faults(grid.file, refused)
    notes.odd += odd


def _collect_missing(
    layout: Sequence[SourceColumn], columns: Mapping[str, ReadColumn], row_count: int
) -> list[dict[str, str]]:
    missing: list[dict[str, str]] = [{} for _ in range(row_count)]
    for column in layout:
        read = columns.get(column.name)
        may_explain = column.sentinels or column.explained_by or (read and read.has_broken)
        if read is None or not may_explain:
            continue
        is_null = np.array([value is None for value in read.stored], dtype=bool)
        for index in np.flatnonzero(is_null[read.places]):
            if published := read.texts[read.places[index]]:
                missing[index][column.name] = published
            elif column.explained_by is not None and column.explained_by in columns:
                code = columns[column.explained_by].value_at(int(index))
                if code != AVAILABLE:
                    missing[index][column.name] = str(code)
    return missing


def _array(read: ReadColumn | None, kind: ColumnType, row_count: int) -> object:
    """Return the column's values by row; nulls if the year's file has no such column."""
    values = [None] if read is None else read.stored
    places = np.zeros(row_count, dtype=np.intp) if read is None else read.places
    if kind in DTYPES:
        return pd.Series(values, dtype=DTYPES[kind]).array.take(places)
    if kind == "number":
        return np.array(values, dtype=np.float64)[places]
    distinct = np.empty(len(values), dtype=object)
    distinct[:] = values
    return distinct[places]
