"""What runs the SELECTs: DuckDB in this process, or another engine in its place.

`duckdb_engine` writes the one file of a partition. Another engine, as `spark_engine`, makes the
rows in files of its own, which DuckDB sorts into that file: the same rows give the same bytes,
whatever made them. Which files are read and where the rows go is the warehouse's affair.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from esrd_pipeline.sql import Select
from esrd_pipeline.tables.model import Column, Table

ROW_GROUP = 122_880
"""Rows of a file that DuckDB reads as one piece of work: a core takes them as a whole."""

_INTERRUPTIONS = set[Callable[[], None]]()


class EngineError(RuntimeError):
    """The engine that was chosen is not there, or failed for a reason that is not in the data."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table that a SELECT reads, with its files in the order of their years; none: no rows."""

    table: Table
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A SELECT and what it reads.

    Attributes:
        select: result of `sql.load_select`.
        sources: the tables that it reads.
        values: values of its parameters, by name; those of other SELECTs too.
    """

    select: Select
    sources: tuple[Source, ...]
    values: Mapping[str, object]

    @property
    def named(self) -> dict[str, object]:
        """The values of the SELECT's own parameters."""
        return {name: self.values[name] for name in self.select.parameters}


class Engine(Protocol):
    """Runs SELECTs over stored tables elsewhere than in this process's DuckDB."""

    def make(
        self, reading: Reading, table: Table, path: Path
    ) -> AbstractContextManager[tuple[Path, ...]]:
        """Make a SELECT's rows, in any order; yield the Parquet files that have them.

        The files are gone when the context ends. Their types need not be the table's, if none of
        their values is lost in a cast to them. What is written beside the partition's staged file
        `path` has names that begin with its name.

        Raises:
            SchemaError: the columns or their types do not match the table's definition.
            EngineError: the engine cannot be used.
        """
        ...


def list_casts(table: Table, name_type: Callable[[Column], str]) -> str:
    """Return what selects a table's columns, in its order and in the types that are named."""
    return ", ".join(
        f'CAST("{column.name}" AS {name_type(column)}) AS "{column.name}"'
        for column in table.columns
    )


def interrupt_with(interrupt: Callable[[], None]) -> None:
    """Let an engine's jobs be ended by `interrupt` when a run is stopped."""
    _INTERRUPTIONS.add(interrupt)


def interrupt_engines() -> None:
    """End the jobs that the engines of this process run, from another thread than theirs."""
    for interrupt in tuple(_INTERRUPTIONS):
        interrupt()
