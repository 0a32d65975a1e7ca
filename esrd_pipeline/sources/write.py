"""Writes a raw table as the published file that it is read from: the inverse of the reader."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from esrd_pipeline.sources.layout import SourceColumn, load_layout
from esrd_pipeline.sources.spreadsheet import make_harmless
from esrd_pipeline.tables.raw import raw_table

DECIMALS = 10
"""Most decimals of a published number: with up to six digits before the point it is read back
exactly."""


def write_table(path: Path, source: str, performance_year: int, frame: pd.DataFrame) -> None:
    """Write a table `raw.<source>` in the year's layout, in the order of its key.

    A null is written as recorded in `missing`: a sentinel, or an empty cell that a code explains.
    Reading the file again gives the same table, with numbers rounded to `DECIMALS`. A text that a
    spreadsheet would run gets an apostrophe in front, which the reader takes away.

    Raises:
        ValueError: a required column has empty cells; the message has column and rule.
    """
    rows = frame.sort_values(list(raw_table(source).key), ignore_index=True)
    labels = [dict(missing) for missing in rows["missing"]]
    layout = load_layout(source, performance_year)
    published = [_render_column(column, rows[column.name], labels) for column in layout]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.header for column in layout])
        writer.writerows(zip(*published, strict=True))


def _render_column(
    column: SourceColumn, values: pd.Series, labels: Sequence[Mapping[str, str]]
) -> list[str]:
    choices: dict[str, str] = {}
    for published, stored in column.choices.items():
        # The first spelling is today's, the others are those of older releases.
        choices.setdefault(stored, published)
    is_null = values.isna().to_numpy()
    if column.required and is_null.any():
        raise ValueError(
            f"column {column.header}: {int(is_null.sum())} cells are empty and must not be"
        )
    return [
        _render_null(column, label) if null else _render_value(column, value, choices)
        for value, null, label in zip(values.tolist(), is_null, labels, strict=True)
    ]


def _render_null(column: SourceColumn, label: Mapping[str, str]) -> str:
    """Return the sentinel, or an empty text for a code, which has its own column."""
    published = label.get(column.name, "")
    return published if published in column.sentinels else ""


def _render_value(column: SourceColumn, value: object, choices: Mapping[str, str]) -> str:
    if column.choices:
        return choices[str(value).lower() if column.type == "yes_no" else str(value)]
    return _PRINTERS.get(column.type, str)(value)


def _render_number(value: object) -> str:
    rounded = round(float(cast("float", value)), DECIMALS)
    return np.format_float_positional(rounded, trim="-")


def _render_whole(value: object) -> str:
    return str(int(cast("int", value)))


_PRINTERS: dict[str, Callable[[object], str]] = {
    "text": lambda value: make_harmless(str(value)),
    "number": _render_number,
    "percent": _render_number,
    "fraction": _render_number,
    "integer": _render_whole,
    "network": _render_whole,
    "date": lambda value: pd.Timestamp(cast("str", value)).strftime("%Y-%m-%d"),
    "month": lambda value: pd.Timestamp(cast("str", value)).strftime("%Y-%m"),
    "codes": lambda value: ",".join(cast("list[str]", value)),
}
"""By type of column; values of other types are written as stored."""
