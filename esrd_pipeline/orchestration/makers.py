"""The note of what made a table: its computation's digests, and those of all it reads."""

import json
from collections.abc import Iterable, Mapping

import dagster as dg

from esrd_pipeline.makers import read_makers
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse


def describe_makers(
    own: Mapping[str, str],
    read: Iterable[tuple[Table, dg.PartitionMapping | None]],
    warehouse: Warehouse,
    performance_year: int,
) -> str:
    """Return the note: the digests of a computation's own tables, and of all they are made from."""
    found = {name: {digests} for name, digests in own.items()}
    for table, years in read:
        first, last = 0, 0
        if isinstance(years, dg.TimeWindowPartitionMapping):
            first, last = years.start_offset, years.end_offset
        for year in range(performance_year + first, performance_year + last + 1):
            for name, digests in read_makers(warehouse, table, year).items():
                found.setdefault(name, set()).update(digests)
    return json.dumps({name: sorted(found[name]) for name in sorted(found)})
