"""Checks of arrays with one value per row, and sums by code."""

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray, check_finite
from esrd_pipeline.statistics.fit import FitError


def check_amounts(
    name: str, values: NDArray[np.number], *, rows: int, is_positive: bool = False
) -> None:
    """Reject amounts of another length, not finite or negative; also zeros if `is_positive`.

    Raises:
        FitError: with the name of the array and the number of invalid values.
    """
    _check_length(name, values, rows)
    check_finite(name, values)
    refused = int(np.count_nonzero(values <= 0 if is_positive else values < 0))
    if refused:
        kind = "not above zero" if is_positive else "negative"
        raise FitError(f"{name}: {refused} values are {kind}")


def check_finite_rows(name: str, values: NDArray[np.number], *, rows: int) -> None:
    """Reject values of another length or not finite.

    Raises:
        FitError: with the name of the array and the number of invalid values.
    """
    _check_length(name, values, rows)
    check_finite(name, values)


def check_counts(name: str, values: NDArray[np.number], *, rows: int) -> None:
    """Reject counts of another length, not finite, negative or not whole.

    Raises:
        FitError: with the name of the array and the number of invalid values.
    """
    check_amounts(name, values, rows=rows)
    broken = int(np.count_nonzero(values != np.floor(values)))
    if broken:
        raise FitError(f"{name}: {broken} values are not whole numbers")


def check_codes(name: str, values: NDArray[np.integer], *, rows: int) -> None:
    """Reject codes of another length, not integers, or negative.

    Raises:
        FitError: with the name of the array and the problem.
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
    """Return the first index of each of G groups with these row counts, then the end: (G + 1,)."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.intp, copy=False)


def divide(above: NDArray[np.number], below: NDArray[np.number]) -> FloatArray:
    """Divide; the result is NaN where the divisor is 0."""
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)


def _check_length(name: str, values: NDArray[np.generic], rows: int) -> None:
    if rows == 0:
        raise FitError("there are no rows")
    if values.shape != (rows,):
        raise FitError(f"{name} has shape {values.shape}, where {rows} rows are expected")
