"""What days and numbers a raw table can hold at all, for the questions about its columns."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.tables.model import Table

EARLIEST = "DATE '1950-01-01'"
"""Before any day of a register but births, and after what databases write for no day."""
MONTHS_AHEAD = 120
"""Of a directory, which may be of today in the folder of an earlier year."""
_DIRECTORIES = ("raw.eqrs_facility", "raw.eqrs_ccn_history", "raw.provider_of_services")
_EXPIRES = "trmntn_exprtn_dt"
"""The end of a provider's agreement, which may be far ahead."""


def list_days(table: Table, others: Collection[str | None]) -> list[str]:
    """Return the columns of days that are none of others, of which more is known."""
    return [
        column.name
        for column in table.columns
        if column.type == "date" and column.name not in {*others, _EXPIRES}
    ]


def count_months(table: Table, run_out: int) -> int:
    """Return how many months after a year's first day the days of its table end."""
    return MONTHS_AHEAD if table.name in _DIRECTORIES else 12 + run_out


def list_months(column: str, year_end: str) -> Iterator[tuple[str, str, str]]:
    """Yield each month of a year: its name, SQL of a row of it, and of a row of it or later.

    A year may be stored while it runs: a month is missed where later ones are there.
    """
    for month in range(1, 13):
        first = f"make_date($performance_year, {month}, 1)"
        since = f"t.{column} >= {first} AND t.{column} <= {year_end}"
        of_month = f"t.{column} <= last_day({first})"
        yield f"{column}, month {month}", of_month, since


@cache
def load_ranges() -> Mapping[str, tuple[str, str]]:
    """The least and the most that a measured number can be in its unit, by name of the column."""
    return {row["column"]: (row["least"], row["most"]) for row in load_rows("raw_range")}
