"""Stored partitions against their tables' definitions, from the footers of the Parquet files.

A partition keeps the columns of the code that made it. DuckDB gives several files read together the
types of the first one, and would turn 1.5 of one year into the 2 of another without a word.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from esrd_pipeline.arrow import ARROW_TYPES
from esrd_pipeline.tables.model import Table

_SHOWN = 3
"""Differences that a message lists one by one."""


class OutdatedPartitionError(ValueError):
    """A stored partition does not fit its table's definition, or cannot be read."""


def check_stored(table: Table, performance_year: int, path: Path) -> None:
    """Compare a stored partition's columns and types with its table's definition.

    Raises:
        OutdatedPartitionError: they differ, or the file is damaged.
    """
    status = path.stat()
    try:
        stored = _read_types(str(path), status.st_ino, status.st_mtime_ns, status.st_size)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            # The system's: no right to read it, too many open files.
            raise
        found = ["the stored file is damaged"]
    else:
        found = _compare(table, stored)
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise OutdatedPartitionError(
            f"{table.name} {performance_year}: {'; '.join(found[:_SHOWN])}{more}. Make the year"
            f" again: {_command(table, performance_year)}"
        )


def _command(table: Table, performance_year: int) -> str:
    option = (
        " --star-baseline rebaseline (or reset)" if table.name == "program.star_baseline" else ""
    )
    return f"esrd refresh --year {performance_year}{option}"


def _compare(table: Table, stored: Mapping[str, pa.DataType]) -> list[str]:
    found = []
    for column in table.columns:
        if column.name not in stored:
            found.append(f"column {column.name} is not stored, defined as {column.type}")
        elif stored[column.name] != ARROW_TYPES[column.type]:
            kind = _name(stored[column.name])
            found.append(f"column {column.name} is stored as {kind}, defined as {column.type}")
    unknown = [name for name in stored if name not in table.column_names]
    return found + [f"column {name} is stored, but not defined" for name in unknown]


def _name(stored: pa.DataType) -> str:
    return next((name for name, kind in ARROW_TYPES.items() if kind == stored), str(stored))


@lru_cache(maxsize=1 << 14)
def _read_types(path: str, *identity: int) -> Mapping[str, pa.DataType]:
    """Read the types of a file's columns, once as long as it is the same file."""
    del identity  # inode, time and size: a partition that is made again is another file
    schema = pq.read_schema(path)
    return dict(zip(schema.names, schema.types, strict=True))
