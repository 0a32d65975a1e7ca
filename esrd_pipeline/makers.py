"""What made a stored table, and all it was made from: a note in its file.

Two years, or two releases of a year, are compared by these notes: where a name's digests are the
same in both, neither its code nor its parameters moved a number.
"""

import json

from esrd_pipeline.notes import MADE_BY
from esrd_pipeline.stored_schema import OutdatedPartitionError
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse


def read_makers(warehouse: Warehouse, table: Table, performance_year: int) -> dict[str, list[str]]:
    """Return a stored file's note; empty where there is no file, or none of today's columns."""
    if not warehouse.has(table, performance_year):
        return {}
    try:
        note = warehouse.read_note(table, performance_year, MADE_BY)
    except OutdatedPartitionError:
        return {}
    return json.loads(note or "{}")
