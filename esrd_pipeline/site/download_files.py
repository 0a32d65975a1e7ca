"""Writes the published tables as CSV and Parquet, without what others are not shown."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from esrd_pipeline.arrow import ARROW_TYPES
from esrd_pipeline.export import add_texts, mark_hidden
from esrd_pipeline.reports.suppression import MARKER
from esrd_pipeline.site.data import SiteData
from esrd_pipeline.site.published import PUBLISHED, Published
from esrd_pipeline.sources.spreadsheet import make_harmless
from esrd_pipeline.tables.model import Column
from esrd_pipeline.tables.network import INDICATORS

REASON_TEXT = Column("reason_text", "text", "What people read for the code of the reason")
HIDDEN = Column(
    MARKER,
    "text",
    "Columns of the row that are not shown, because they tell of few patients; empty where all are",
)


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file: its name, bytes and digest."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Download:
    """One table as it was written.

    Attributes:
        published: what is published.
        columns: the columns of the files: the table's, the reason's text and what is not shown.
        rows: how many rows.
        csv: the CSV file.
        parquet: the Parquet file.
    """

    published: Published
    columns: tuple[Column, ...]
    rows: int
    csv: DataFile
    parquet: DataFile

    @property
    def name(self) -> str:
        """The table's name."""
        return self.published.table.name

    @property
    def title(self) -> str:
        """What people call it."""
        return self.published.title


def write_downloads(data: SiteData, folder: Path) -> Iterator[Download]:
    """Write every published table that the year has into a folder; yield them in their order."""
    folder.mkdir(parents=True, exist_ok=True)
    for published in PUBLISHED:
        frame = read_shown(data, published)
        if frame is not None:
            yield _write(folder, published, frame)


def read_shown(data: SiteData, published: Published) -> pd.DataFrame | None:
    """Return the rows that are published, in the order of the key; None where there is none."""
    table = published.table
    if table is INDICATORS:
        # As the pages show them: two choices of hidden cells could tell what one alone hides.
        rows = [row for group in data.indicators.values() for row in group]
        frame = pd.DataFrame(rows, columns=[*table.column_names, MARKER]) if rows else None
    else:
        frame = data.frame(table)
    if frame is None:
        return None
    for name, values in published.without.items():
        frame = frame[~frame[name].isin(values)]
    if frame.empty:
        return None
    ordered = frame.sort_values(list(table.key), kind="stable", ignore_index=True)
    return add_texts(mark_hidden(ordered))


def list_columns(published: Published) -> tuple[Column, ...]:
    """Return the columns of a published table's files."""
    columns = list(published.table.columns)
    at = next((i for i, column in enumerate(columns) if column.name == "reason"), None)
    if at is not None:
        columns.insert(at + 1, REASON_TEXT)
    return (*columns, HIDDEN)


def _write(folder: Path, published: Published, frame: pd.DataFrame) -> Download:
    columns = list_columns(published)
    name = published.table.name
    rows = _to_arrow(columns, frame)
    pq.write_table(rows, folder / f"{name}.parquet", compression="zstd")
    safe = pa.table({column.name: _make_plain(column, rows[column.name]) for column in columns})
    csv.write_csv(safe, folder / f"{name}.csv", csv.WriteOptions(quoting_style="needed"))
    return Download(
        published,
        columns,
        rows.num_rows,
        _describe(folder / f"{name}.csv"),
        _describe(folder / f"{name}.parquet"),
    )


def _to_arrow(columns: tuple[Column, ...], frame: pd.DataFrame) -> pa.Table:
    arrays = [
        pa.Array.from_pandas(frame[column.name], type=ARROW_TYPES[column.type])
        for column in columns
    ]
    schema = pa.schema([(column.name, ARROW_TYPES[column.type]) for column in columns])
    return pa.Table.from_arrays(arrays, schema=schema)


def _make_plain(column: Column, values: pa.ChunkedArray) -> pa.Array:
    """Return a column as it stands in CSV: texts harmless, lists as JSON, as the schema says."""
    if column.type == "text":
        coded = values.combine_chunks().dictionary_encode()
        texts = [make_harmless(text) for text in coded.dictionary.to_pylist()]
        return pa.array(texts, pa.string()).take(coded.indices)
    if column.type in ("texts", "labels"):
        return pa.array([_write_json(cell) for cell in values.to_pylist()], pa.string())
    return values.combine_chunks()


def _write_json(cell: list[Any] | None) -> str | None:
    """Write a list of texts; labels come as pairs."""
    if cell is None:
        return None
    is_labels = bool(cell) and isinstance(cell[0], tuple)
    return json.dumps(dict(cell) if is_labels else cell, ensure_ascii=False)


def _describe(path: Path) -> DataFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return DataFile(path.name, path.stat().st_size, digest)
