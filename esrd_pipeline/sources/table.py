"""Converts a published file to its raw table: matches columns, types cells and checks rules.

Rules of a single source are in that source's module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype

from esrd_pipeline.sources.cells import CellValue, read_cell
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.grid import Grid, read_grid
from esrd_pipeline.sources.headers import api_name
from esrd_pipeline.sources.layout import SourceColumn, load_layout
from esrd_pipeline.tables.model import ColumnType
from esrd_pipeline.tables.raw import raw_table

AVAILABLE = "001"
DTYPES: dict[ColumnType, ExtensionDtype] = {
    "text": pd.StringDtype(na_value=np.nan),
    "integer": pd.Int64Dtype(),
    "boolean": pd.BooleanDtype(),
}


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column read once per distinct text: the value of row i is `stored[places[i]]`.

    `texts` holds the distinct published texts, stripped, and `header` the header as published.
    """

    header: str
    texts: list[str]
    stored: list[CellValue | None]
    places: np.ndarray

    def value_at(self, row: int) -> CellValue | None:
        """Return the value of one row."""
        return self.stored[self.places[row]]


def read_table(
    path: Path, source: str, performance_year: int, *, may_be_empty: bool = False
) -> pd.DataFrame:
    """Read a release of `source` as the table `raw.<source>`, in the order of its key.

    A cell without a value is null. `missing` keeps the published text instead of it or, for an
    empty cell, the availability code that explains it.

    Raises:
        SourceError: the file breaks a rule; the message states the first one.
    """
    grid = read_grid(path)
    layout = load_layout(source, performance_year)
    cells = _match_columns(grid, layout)
    table = raw_table(source)
    if not grid.rows and not may_be_empty:
        raise SourceError(file=grid.file, rule="no row under the header")
    columns = {column.name: _read_column(grid, column, *cells[column.name]) for column in layout}
    _check_key(grid, [columns[name] for name in table.key])
    stored: dict[str, object] = {
        "performance_year": np.full(len(grid.rows), performance_year),
        "missing": _collect_missing(layout, columns, len(grid.rows)),
    }
    for column in table.columns:
        if column.name not in stored:
            stored[column.name] = _array(columns.get(column.name), column.type, len(grid.rows))
    frame = pd.DataFrame({name: stored[name] for name in table.column_names})
    return frame.sort_values(list(table.key), ignore_index=True)


def _match_columns(
    grid: Grid, layout: Sequence[SourceColumn]
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return our column name -> the header as published and its cells."""
    known = {name: column.name for column in layout for name in column.api_names}
    matched: dict[str, tuple[str, tuple[str, ...]]] = {}
    unknown: list[str] = []
    for header, cells in zip(grid.header, grid.columns, strict=True):
        name = known.get(api_name(header))
        if name is None:
            unknown.append(header)
        elif name in matched:
            raise SourceError(file=grid.file, row=1, column=header, rule="the column appears twice")
        else:
            matched[name] = (header, cells)
    for column in layout:
        if column.name not in matched:
            extra = f"; unknown in the file: {', '.join(map(repr, unknown))}" if unknown else ""
            raise SourceError(
                file=grid.file, row=1, column=column.header, rule=f"the column is missing{extra}"
            )
    if unknown:
        raise SourceError(file=grid.file, row=1, column=unknown[0], rule="unknown column")
    return matched


def _read_column(grid: Grid, column: SourceColumn, header: str, cells: Sequence[str]) -> ReadColumn:
    """Read each distinct text once: a column of thousands of cells has few distinct texts."""
    places, distinct = pd.factorize(np.array(cells, dtype=object))
    texts = [text.strip() for text in distinct]
    values: list[CellValue | None] = []
    broken: dict[int, str] = {}
    for place, text in enumerate(texts):
        try:
            values.append(read_cell(text, column))
        except ValueError as error:
            values.append(None)
            broken[place] = str(error)
    if broken:
        first = int(np.isin(places, list(broken)).argmax())
        raise SourceError(
            file=grid.file, row=grid.rows[first], column=header, rule=broken[int(places[first])]
        )
    return ReadColumn(header, texts, values, places)


def _check_key(grid: Grid, key: Sequence[ReadColumn]) -> None:
    seen: dict[tuple[CellValue | None, ...], int] = {}
    for index, row in enumerate(grid.rows):
        parts = tuple(column.value_at(index) for column in key)
        if parts in seen:
            raise SourceError(
                file=grid.file,
                row=row,
                column=key[0].header,
                rule=f"'{parts[0]}' is already in row {seen[parts]}",
            )
        seen[parts] = row


def _collect_missing(
    layout: Sequence[SourceColumn], columns: Mapping[str, ReadColumn], row_count: int
) -> list[dict[str, str]]:
    missing: list[dict[str, str]] = [{} for _ in range(row_count)]
    for column in layout:
        if not column.sentinels and column.explained_by is None:
            continue
        read = columns[column.name]
        is_null = np.array([value is None for value in read.stored], dtype=bool)
        for index in np.flatnonzero(is_null[read.places]):
            if published := read.texts[read.places[index]]:
                missing[index][column.name] = published
            elif column.explained_by is not None:
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
