"""Performance years: the one partition dimension, and which of them is current."""

from datetime import date

import dagster as dg

from esrd_pipeline.parameters.register import FIRST_PUBLISHED_YEAR

LONGEST_STAR_LOOKBACK = 20
"""A stored star baseline is used until the next one: a bound on its age in years."""
OCTOBER = 10
Years = dg.PartitionMapping
"""How a year maps to the years of a table that it reads."""

performance_years = dg.TimeWindowPartitionsDefinition(
    cron_schedule="0 0 1 1 *", start=str(FIRST_PUBLISHED_YEAR), fmt="%Y"
)


def years_before(*, first: int, last: int = 0) -> dg.TimeWindowPartitionMapping:
    """Map a year to the years `first` to `last` before it; years before the first are left out."""
    return dg.TimeWindowPartitionMapping(
        start_offset=-first, end_offset=-last, allow_nonexistent_upstream_partitions=True
    )


def list_years(years: Years | None, performance_year: int) -> range:
    """Return the years that a year reads of a table; the year itself where nothing is mapped."""
    first, last = 0, 0
    if isinstance(years, dg.TimeWindowPartitionMapping):
        first, last = years.start_offset, years.end_offset
    return range(performance_year + first, performance_year + last + 1)


def current_performance_year(day: date) -> int:
    """Return the performance year that a quarterly release of this day reports.

    The yearly measures change with the October release: the April 2026 facility file has calendar
    year 2024 (its SHR and star dates), the October 2026 file 2025.
    """
    return day.year - 1 if day.month >= OCTOBER else day.year - 2
