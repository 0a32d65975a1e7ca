"""Small valid published files for the tests: every column of a layout, a few rows.

A file is a list of rows of text, the header first, so that a test can break exactly one thing.
"""

import csv
from pathlib import Path

from esrd_pipeline.sources.layout import SourceColumn, load_layout

CELLS = {
    "network": "15",
    "number": "1.5",
    "percent": "1.5",
    "fraction": "0.1291",
    "integer": "2",
    "date": "2006-01-04",
    "month": "2024-03",
    "code": "001",
    "codes": "4,7",
}
ROW_COUNT = 4
YEAR = 2024


def sample_rows(source: str, *, year: int = YEAR, row_count: int = ROW_COUNT) -> list[list[str]]:
    """Return header and rows of a valid file of `source` for `year`."""
    layout = load_layout(source, year)
    return [
        [column.header for column in layout],
        *([cell_of(column, row, year) for column in layout] for row in range(row_count)),
    ]


def cell_of(column: SourceColumn, row: int, year: int) -> str:
    """Return a valid cell of a column."""
    if column.type == "ccn":
        return f"01230{row}"
    if column.name == "shr_period":
        return f"01Jan{year}-31Dec{year}"
    if column.type == "text":
        return f"{column.name} {row}"
    if column.choices:
        return next(iter(column.choices))
    return CELLS[column.type]


def write_rows(path: Path, rows: list[list[str]]) -> Path:
    """Write rows as CMS does: UTF-8, commas, quotes where needed."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path


def column_index(rows: list[list[str]], header: str) -> int:
    """Return the index of a header."""
    return rows[0].index(header)
