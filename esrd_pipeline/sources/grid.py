"""Strict reader of a CSV file into columns of text."""

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

from esrd_pipeline.sources.errors import Fault, SourceError

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OTHER_DELIMITERS = {"\t": "tabs", "|": "vertical bars", ";": "semicolons"}
_LOOKED_AT = 1000
"""Bytes in which zero bytes tell UTF-16 without its mark."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A file's cells: `columns[i]` holds the texts under `header[i]` as published, one per record.

    `rows` holds the line on which each record starts, counted from 1 with the header line.
    """

    file: str
    header: list[str]
    columns: list[tuple[str, ...]]
    rows: list[int]


def read_grid(path: Path) -> Grid:
    """Read a comma-separated UTF-8 file whose records all have the header's number of cells.

    A byte order mark and blank lines are ignored.

    Raises:
        SourceError: the file is not UTF-8, not delimited by commas, empty or cut off, or records
            have too few or too many cells.
    """
    records, rows = _read_records(path.name, _read_text(path))
    if not records:
        raise SourceError(file=path.name, rule="the file is empty")
    _check_delimiter(path.name, records[0])
    header = [text.strip() for text in records[0]]
    uneven = {
        row: len(record)
        for record, row in zip(records, rows, strict=True)
        if len(record) != len(header)
    }
    if uneven:
        count = next(iter(uneven.values()))
        rule = f"{count} cells where the header has {len(header)}"
        raise SourceError.of_faults(path.name, [Fault(rule, rows=tuple(uneven))])
    columns = list(zip(*records[1:], strict=True)) or [()] * len(header)
    return Grid(path.name, header, columns, rows[1:])


def _read_text(path: Path) -> str:
    content = path.read_bytes()
    _check_encoding(path.name, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise SourceError(
            file=path.name,
            row=row,
            rule=f"byte {error.start + 1} of the file is not UTF-8: it may be Windows-1252;"
            " save it as UTF-8",
        ) from None
    if text.strip() and not text.endswith(("\n", "\r")):
        raise SourceError(
            file=path.name,
            # Lines of the bytes: splitlines of a text also splits at vertical tabs and similar.
            row=len(content.splitlines()),
            rule="the last line does not end: the file was cut off",
        )
    return text


def _check_encoding(file: str, content: bytes) -> None:
    """Name UTF-16, which would be reported as a damaged byte or a missing column."""
    named = content.startswith(_WIDE)
    if named or content[:_LOOKED_AT].count(0) > len(content[:_LOOKED_AT]) / 4:
        raise SourceError(file=file, rule="the file is encoded in UTF-16: save it as UTF-8")


def _check_delimiter(file: str, header: list[str]) -> None:
    """Name another delimiter, which would be reported as a missing column."""
    line = ",".join(header)
    for delimiter, name in _OTHER_DELIMITERS.items():
        if line.count(delimiter) >= len(header):
            raise SourceError(
                file=file,
                row=1,
                rule=f"the cells are delimited by {name}: save the file with commas",
            )


def _read_records(file: str, text: str) -> tuple[list[list[str]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[list[str]] = []
    rows: list[int] = []
    row = 1
    try:
        for record in reader:
            if record:
                records.append(record)
                rows.append(row)
            row = reader.line_num + 1
    except csv.Error as error:
        raise SourceError(
            file=file, row=row, rule=f"the record that starts here is not closed: {error}"
        ) from None
    return records, rows
