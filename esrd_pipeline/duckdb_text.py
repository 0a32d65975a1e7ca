"""Types, texts and file names in DuckDB's SQL; a name is read as written, whatever its signs.

DuckDB takes every name of a file to read for a pattern, and `name=value` folders for columns.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

DUCKDB_TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "texts": "VARCHAR[]",
    "labels": "MAP(VARCHAR, VARCHAR)",
}
"""Types of a table's columns, by the type in its definition."""
GLOB_SIGNS = r"([\[*?])"
"""What DuckDB does not take literally in a file's name; in brackets it does."""
AS_STORED = "hive_partitioning = false"
"""Option of `read_parquet` and `read_csv`: columns come from the file, none from its folders."""


def quote_text(text: str) -> str:
    """Return SQL for a text."""
    return "'" + text.replace("'", "''") + "'"


def match_exactly(path: Path | str) -> str:
    """Return the pattern that matches this path alone."""
    return re.sub(GLOB_SIGNS, r"[\1]", str(path))


def scan_parquet(paths: Iterable[Path]) -> str:
    """Return SQL that reads these Parquet files, which have the same columns, as one table."""
    listed = ", ".join(quote_text(match_exactly(path)) for path in paths)
    return f"read_parquet([{listed}], {AS_STORED})"
