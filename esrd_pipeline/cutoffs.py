"""The data cut-off of a stored year: a note in the files of `raw.release` and `raw.extract`."""

from collections.abc import Mapping
from datetime import date

from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

CUTOFF = "esrd.data_cutoff"
"""Note in a file's metadata: the day until which released files were read; empty without one."""


def write_cutoff(cutoff: date | None) -> Mapping[str, str]:
    """Return the note of a cut-off."""
    return {CUTOFF: "" if cutoff is None else cutoff.isoformat()}


def read_cutoff(warehouse: Warehouse, table: Table, performance_year: int) -> date | None:
    """Return the cut-off with which a stored year's files were chosen; None without one.

    Raises:
        MissingPartitionError: the table is not stored.
    """
    note = warehouse.read_note(table, performance_year, CUTOFF)
    return date.fromisoformat(note) if note else None
