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


def _compare(table: Table, stored: Mapping[str, str]) -> list[str]:
    found = []
    for column in table.columns:
        kind = stored.get(column.name)
        if kind is None:
            found.append(f"column {column.name} is not stored, defined as {column.type}")
        elif kind != column.type:
            found.append(f"column {column.name} is stored as {kind}, defined as {column.type}")
    if len(stored) == len(table.columns) and not found:
        return []
    unknown = [name for name in stored if name not in table.column_names]
    return found + [f"column {name} is stored, but not defined" for name in unknown]


@lru_cache(maxsize=1 << 14)
def _read_types(path: str, *identity: int) -> Mapping[str, str]:
    """Read the types of a file's columns, once as long as it is the same file.

    A type is named as in a definition, or as Arrow names it where no definition has it.
    """
    del identity  # inode, time and size: a partition that is made again is another file
    schema = pq.read_schema(path)
    return {field.name: _name(field.type) for field in schema}


def _name(stored: pa.DataType) -> str:
    # Not by a dictionary: equal lists and maps differ in the names of their parts.
    return next((name for name, kind in ARROW_TYPES.items() if kind == stored), str(stored))
