"""Which payment year a performance year counts for, and how far back its rules look."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from esrd_pipeline.parameters.official import ParameterFileError
from esrd_pipeline.parameters.rows import load_rows


@cache
def find_payment_year(performance_year: int) -> int:
    """Return the payment year of a performance year.

    The rule set of the performance year names it (`qip_year.csv`); where there is none, the years
    between them are those of `payment_year.csv`.

    Raises:
        LookupError: no row or several rows relate the performance year to a payment year.
        ParameterFileError: a cell is no whole number.
    """
    named = {
        _read_whole("qip_year", row, "payment_year")
        for row in load_rows("qip_year")
        if _read_whole("qip_year", row, "performance_year") == performance_year
    } or {
        performance_year + _read_whole("payment_year", row, "years_to_payment")
        for row in load_rows("payment_year")
        if int(row["first_performance_year"] or performance_year)
        <= performance_year
        <= int(row["last_performance_year"] or performance_year)
    }
    if len(named) != 1:
        raise LookupError(
            f"performance year {performance_year} has {len(named)} payment years in qip_year.csv"
            " and payment_year.csv; one is needed"
        )
    return named.pop()


def longest_lookback(column: Literal["baseline_year", "improvement_year"]) -> int:
    """Return how many years before its performance year a rule set's year lies at most."""
    return max(
        _read_whole("qip_year", row, "performance_year") - _read_whole("qip_year", row, column)
        for row in load_rows("qip_year")
    )


def _read_whole(table: str, row: Mapping[str, str], column: str) -> int:
    """Return a cell of a file that may be the operator's own (`ESRD_PARAMETER_DIR`)."""
    try:
        return int(row[column])
    except ValueError:
        place = f"{table}.csv, row of {next(iter(row.values()))}, column '{column}'"
        raise ParameterFileError(f"{place}: '{row[column]}' is not a whole number") from None
