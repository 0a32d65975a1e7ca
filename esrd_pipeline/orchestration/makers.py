"""The note of what made a table: its computation's digests, and those of all it reads."""

import json
from collections.abc import Iterable, Mapping

from esrd_pipeline.makers import read_makers
from esrd_pipeline.orchestration.partitions import Years, list_years
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse


def describe_makers(
    own: Mapping[str, str],
    read: Iterable[tuple[Table, Years | None]],
    warehouse: Warehouse,
    performance_year: int,
) -> str:
    """Return the note: the digests of a computation's own tables, and of all they are made from."""
    found = {name: {digests} for name, digests in own.items()}
    for table, years in read:
        for year in list_years(years, performance_year):
            for name, digests in read_makers(warehouse, table, year).items():
                found.setdefault(name, set()).update(digests)
    return json.dumps({name: sorted(found[name]) for name in sorted(found)})
