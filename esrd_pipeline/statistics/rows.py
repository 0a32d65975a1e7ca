"""Arrays given row by row: what fits ask of them, and sums by code."""

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray, check_finite
from esrd_pipeline.statistics.fit import FitError


def check_amounts(
    name: str, values: NDArray[np.number], *, rows: int, is_positive: bool = False
) -> None:
    """Refuse amounts of another length, not finite or negative; zeros, too, if `is_positive`.

    Raises:
        FitError: naming the array and how many of its values are refused.
    """
    _check_length(name, values, rows)
    check_finite(name, values)
    refused = int(np.count_nonzero(values <= 0 if is_positive else values < 0))
    if refused:
        kind = "not above zero" if is_positive else "negative"
        raise FitError(f"{name}: {refused} values are {kind}")


def check_finite_rows(name: str, values: NDArray[np.number], *, rows: int) -> None:
    """Refuse values of another length or not finite.

    Raises:
        FitError: naming the array and how many of its values are refused.
    """
    _check_length(name, values, rows)
    check_finite(name, values)


def check_counts(name: str, values: NDArray[np.number], *, rows: int) -> None:
    """Refuse counts of another length, not finite, negative or not whole.

    Raises:
        FitError: naming the array and how many of its values are refused.
    """
    check_amounts(name, values, rows=rows)
    broken = int(np.count_nonzero(values != np.floor(values)))
    if broken:
        raise FitError(f"{name}: {broken} values are not whole numbers")


def check_codes(name: str, values: NDArray[np.integer], *, rows: int) -> None:
    """Refuse codes of another length, not integers, or negative.

    Raises:
        FitError: naming the array and what is wrong with it.
    """
    _check_length(name, values, rows)
    if not np.issubdtype(values.dtype, np.integer):
        raise FitError(f"{name}: codes are integers, not {values.dtype}")
    negative = int(np.count_nonzero(values < 0))
    if negative:
        raise FitError(f"{name}: {negative} codes are negative")


def sum_by(codes: NDArray[np.integer], values: FloatArray, *, count: int = 0) -> FloatArray:
    """Return the sum of the values of each code from 0, for at least `count` codes."""
    return np.bincount(codes, weights=values, minlength=count).astype(np.float64, copy=False)


def find_starts(counts: NDArray[np.integer]) -> IntArray:
    """Return the first place of each of G groups of so many rows and, last, the end: (G + 1,)."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.intp, copy=False)


def divide(above: NDArray[np.number], below: NDArray[np.number]) -> FloatArray:
    """Divide, and leave missing what has nothing below."""
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)


def _check_length(name: str, values: NDArray[np.generic], rows: int) -> None:
    if rows == 0:
        raise FitError("there are no rows")
    if values.shape != (rows,):
        raise FitError(f"{name} has shape {values.shape}, where {rows} rows are expected")
