"""A good file that a mangling begins from: its rows as text, and which column each cell is of."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from esrd_pipeline.orchestration.patient_assets import SOURCES
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.extract_files import find_extracts
from esrd_pipeline.tables.model import Column, Table

Rows = list[list[str]]
ENOUGH = 300
"""Rows of a file whose share of rows the intake can judge: some 100 in each of its settings."""


@dataclass(frozen=True)
class File:
    """A text file of a table, in the good folder."""

    path: Path
    table: Table

    @property
    def name(self) -> str:
        """Its name."""
        return self.path.name

    @property
    def stem(self) -> str:
        """Its name without the suffix."""
        return self.path.stem

    @cached_property
    def content(self) -> bytes:
        """Its bytes."""
        return self.path.read_bytes()

    @property
    def rows(self) -> Rows:
        """Its rows as cells, the header first; the caller may change them."""
        return [line.split("|") for line in self.content.decode().splitlines()]

    @cached_property
    def row_count(self) -> int:
        """Rows below the header."""
        return self.content.count(b"\n") - 1

    @cached_property
    def header(self) -> list[str]:
        """Its column names."""
        return self.content.decode().split("\n", 1)[0].split("|")

    @cached_property
    def columns(self) -> list[Column]:
        """The table's columns, by their place in the file."""
        named = {
            row["rif_column"].lower(): row["column"]
            for row in load_rows("rif_column")
            if row["table"] == self.table.path[1]
        }
        known = {column.name: column for column in self.table.columns}
        return [known[named.get(name.lower(), name.lower())] for name in self.header]


def write(rows: Rows, *, delimiter: str = "|", end: str = "\n") -> bytes:
    """Return rows as a delimited text."""
    return "".join(delimiter.join(row) + end for row in rows).encode()


def list_files(folder: Path) -> list[File]:
    """Return the files of a folder that have rows."""
    files = [
        File(extract.path, table) for table in SOURCES for extract in find_extracts(folder, table)
    ]
    return [file for file in files if file.row_count]
