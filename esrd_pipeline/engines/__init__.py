"""What runs the SELECTs: an engine writes one SELECT's rows into one Parquet file.

`duckdb_engine` does it in this process, `spark_engine` on a Spark cluster. Which files are read and
where the rows go is the warehouse's affair, so that all else is the same with both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from esrd_pipeline.sql import Select
from esrd_pipeline.tables.model import Table

ROW_GROUP = 122_880
"""Rows that DuckDB writes, and reads, as one piece of work: a core takes them as a whole."""

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
    """Runs SELECTs over stored tables."""

    def write(
        self, reading: Reading, table: Table, path: Path, metadata: Mapping[str, str]
    ) -> None:
        """Write a SELECT's rows to a file: typed by the table, in the order of its key.

        The file is complete when this returns, and the bytes depend on the rows and the metadata
        only. What is written beside it on the way has names that begin with the file's.

        Raises:
            SchemaError: the columns or their types do not match the table's definition.
            EngineError: the engine cannot be used.
        """
        ...


def list_casts(table: Table, types: Mapping[str, str]) -> str:
    """Return what selects a table's columns in the types of its definition, in its order."""
    return ", ".join(
        f'CAST("{column.name}" AS {types[column.type]}) AS "{column.name}"'
        for column in table.columns
    )


def list_order(table: Table) -> str:
    """Return the order of a table's rows: that of its key."""
    return ", ".join(f'"{key}" NULLS FIRST' for key in table.key)


def interrupt_with(interrupt: Callable[[], None]) -> None:
    """Let an engine's jobs be ended by `interrupt` when a run is stopped."""
    _INTERRUPTIONS.add(interrupt)


def interrupt_engines() -> None:
    """End the jobs that the engines of this process run, from another thread than theirs."""
    for interrupt in tuple(_INTERRUPTIONS):
        interrupt()
