"""Quarters: their data cut-offs, and how their releases are named."""

import re
from datetime import date

CUTOFF_DAY = 15
"""Of January, April, July and October: when the schedule refreshes."""
_QUARTER = re.compile(r"(?P<year>20\d\d)Q(?P<number>[1-4])")
_MONTHS = 3


def check_quarter(text: str) -> str:
    """Return a quarter as it is written: 2026Q3.

    Raises:
        ValueError: it is none.
    """
    quarter = text.strip().upper()
    if _QUARTER.fullmatch(quarter) is None:
        raise ValueError(f"{text} is not a quarter: write it as 2026Q3")
    return quarter


def find_cutoff(quarter: str) -> date:
    """Return the day until which a quarter's files are released, unless its run names another."""
    year, number = check_quarter(quarter).split("Q")
    return date(int(year), _MONTHS * (int(number) - 1) + 1, CUTOFF_DAY)


def quarter_of(day: date) -> str:
    """Return the calendar quarter of a day, e.g. 2026Q4."""
    return f"{day.year}Q{(day.month - 1) // _MONTHS + 1}"


def name_release(quarter: str, corrections: int) -> str:
    """Return the name of a quarter's release, or of its correction of this number."""
    return f"{quarter}-correction-{corrections}" if corrections else quarter
