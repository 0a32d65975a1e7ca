"""Numerically stable sums over risk sets, and over the times a row is at risk.

A running sum loses digits when the rows subtracted from it outweigh the rows that remain. Sums over
the rows at risk are therefore recomputed from the rows when they become small; sums over time are
kept in two float64 numbers (Knuth 1998, 4.2.2). Strata are independent of one another.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray, Matrix
from esrd_pipeline.statistics.risk_sets import RiskSets

Kernel = Callable[..., None]
KEPT_SHARE = 1e-2
"""A running sum that falls below this share of its largest value is recomputed."""


@dataclass(frozen=True, slots=True)
class WeightSums:
    """Sums of weights at each event time, and which of them were recomputed: shape (J,)."""

    sums: FloatArray
    is_anew: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TimeSums:
    """Sums over the event times of a stratum up to each of them; all have shape (times, p).

    Attributes:
        values: the summands.
        high: the sums, rounded.
        low: the rounding errors of the sums.
    """

    values: FloatArray
    high: FloatArray
    low: FloatArray


def sum_weights(sets: RiskSets, weights: FloatArray) -> WeightSums:
    """Return the sum of the weights (n,) >= 0 of the rows at risk at each event time."""
    sums = np.zeros(sets.times.size)
    is_anew = np.zeros(sets.times.size, dtype=np.bool_)
    _sum_weights(
        sets.entry, sets.exit, weights, sets.row_starts, sets.time_starts, KEPT_SHARE, sums, is_anew
    )
    return WeightSums(sums, is_anew)


def sum_weighted_rows(
    sets: RiskSets,
    matrix: Matrix,
    weights: FloatArray,
    *,
    centre: FloatArray,
    is_anew: NDArray[np.bool_],
    first: int,
    last: int,
) -> FloatArray:
    """Return sums of w (x - centre) over the rows at risk at the times of strata first..last - 1.

    `weights` has shape (n,), in the order of the sets, and `is_anew` comes from `sum_weights`;
    the result (times, p) is in float64.
    """
    times = int(sets.time_starts[last] - sets.time_starts[first])
    total = np.zeros((times, matrix.shape[1]))
    _sum_weighted_rows(
        matrix,
        sets.order,
        sets.entry,
        sets.exit,
        weights,
        centre,
        sets.row_starts,
        sets.time_starts,
        is_anew,
        first,
        last,
        total,
    )
    return total


def sum_up_to(sets: RiskSets, values: FloatArray, *, first: int, last: int) -> TimeSums:
    """Return running sums of values (times, p) at the event times of strata first..last - 1."""
    high, low = np.zeros_like(values), np.zeros_like(values)
    _sum_up_to(values, sets.time_starts, first, last, high, low)
    return TimeSums(values, high, low)


def sum_while_at_risk(sets: RiskSets, values: FloatArray) -> FloatArray:
    """Return the sum of the values (J,) over the event times each row is at risk: shape (n,)."""
    column = np.ascontiguousarray(values).reshape(-1, 1)
    running = sum_up_to(sets, column, first=0, last=sets.time_starts.size - 1)
    until = sets.exit - 1
    passed = running.high[until] - running.high[sets.entry]
    passed += running.low[until] - running.low[sets.entry]
    return (passed + column[sets.entry])[:, 0]


def add_score_residuals(
    sets: RiskSets,
    matrix: Matrix,
    *,
    centre: FloatArray,
    weights: FloatArray,
    exposure: FloatArray,
    means: FloatArray,
    passed: TimeSums,
    members: IntArray,
    first: int,
    last: int,
    scores: FloatArray,
) -> None:
    """Add the score residuals of the rows of strata first..last - 1 to their patients' `scores`.

    A row's residual is x ([event] - w A) - [event] m(stop) + w sum of d m / S0 while at risk,
    with A the sum of d / S0 while at risk (Lin & Wei 1989).

    Args:
        sets: the risk sets.
        matrix: covariates x, in the rows' own order.
        centre: subtracted from every x, shape (p,).
        weights: w of each row in the order of the sets, shape (n,).
        exposure: w A of each row, shape (n,).
        means: m, the mean of x - centre in the risk set of each time of these strata: (times, p).
        passed: running sums of d m / S0 at those times.
        members: the patient of each row, an index into `scores`, shape (n,).
        first: first stratum.
        last: the stratum after the last.
        scores: modified in place, shape (patients, p).
    """
    _add_score_residuals(
        matrix,
        sets.order,
        sets.entry,
        sets.exit,
        sets.is_event,
        centre,
        weights,
        exposure,
        means,
        passed.values,
        passed.high,
        passed.low,
        members,
        int(sets.row_starts[first]),
        int(sets.row_starts[last]),
        int(sets.time_starts[first]),
        scores,
    )


def _compile(function: Kernel) -> Kernel:
    return njit(cache=True, nogil=True)(function)


@_compile
def _sum_weights(  # noqa: PLR0917 - numba has no keyword-only arguments
    entry: IntArray,
    leave: IntArray,
    weights: FloatArray,
    row_starts: IntArray,
    time_starts: IntArray,
    kept_share: float,
    sums: FloatArray,
    is_anew: NDArray[np.bool_],
) -> None:
    for stratum in range(row_starts.size - 1):
        begin, final = time_starts[stratum], row_starts[stratum + 1]
        for at in range(row_starts[stratum], final):
            sums[leave[at] - 1] += weights[at]
            if entry[at] > begin:
                sums[entry[at] - 1] -= weights[at]
        running, largest = 0.0, 0.0
        for time in range(time_starts[stratum + 1] - 1, begin - 1, -1):
            running += sums[time]
            if running < kept_share * largest:
                is_anew[time] = True
                running, largest, at = 0.0, 0.0, final - 1
                # Rows are sorted by exit: those still at risk come last.
                while at >= row_starts[stratum] and leave[at] > time:
                    if entry[at] <= time:
                        running += weights[at]
                    at -= 1
            largest = max(largest, running)
            sums[time] = running


@_compile
def _add_row(total: FloatArray, row: FloatArray, centre: FloatArray, weight: float) -> None:
    for term in range(row.size):
        total[term] += weight * (row[term] - centre[term])


@_compile
def _move_row(
    joined: FloatArray, left: FloatArray, row: FloatArray, centre: FloatArray, weight: float
) -> None:
    for term in range(row.size):
        value = weight * (row[term] - centre[term])
        joined[term] += value
        left[term] -= value


@_compile
def _sum_weighted_rows(  # noqa: PLR0917 - numba has no keyword-only arguments
    matrix: Matrix,
    order: IntArray,
    entry: IntArray,
    leave: IntArray,
    weights: FloatArray,
    centre: FloatArray,
    row_starts: IntArray,
    time_starts: IntArray,
    is_anew: NDArray[np.bool_],
    first: int,
    last: int,
    total: FloatArray,
) -> None:
    origin = time_starts[first]
    for stratum in range(first, last):
        begin, end = time_starts[stratum], time_starts[stratum + 1]
        for at in range(row_starts[stratum], row_starts[stratum + 1]):
            row, joined = matrix[order[at]], total[leave[at] - 1 - origin]
            if entry[at] > begin:
                _move_row(joined, total[entry[at] - 1 - origin], row, centre, weights[at])
            else:
                _add_row(joined, row, centre, weights[at])
        for time in range(end - 1, begin - 1, -1):
            here = total[time - origin]
            if is_anew[time]:
                here[:] = 0.0
                at = row_starts[stratum + 1] - 1
                while at >= row_starts[stratum] and leave[at] > time:
                    if entry[at] <= time:
                        _add_row(here, matrix[order[at]], centre, weights[at])
                    at -= 1
            elif time + 1 < end:
                here += total[time + 1 - origin]


@_compile
def _sum_up_to(  # noqa: PLR0917 - numba has no keyword-only arguments
    values: FloatArray,
    time_starts: IntArray,
    first: int,
    last: int,
    high: FloatArray,
    low: FloatArray,
) -> None:
    origin = time_starts[first]
    for stratum in range(first, last):
        begin = time_starts[stratum] - origin
        high[begin] = values[begin]
        for time in range(begin + 1, time_starts[stratum + 1] - origin):
            for term in range(values.shape[1]):
                before, value = high[time - 1, term], values[time, term]
                total = before + value
                share = total - before
                lost = (before - (total - share)) + (value - share)
                high[time, term] = total
                low[time, term] = low[time - 1, term] + lost


@_compile
def _add_score_residuals(  # noqa: PLR0917 - numba has no keyword-only arguments
    matrix: Matrix,
    order: IntArray,
    entry: IntArray,
    leave: IntArray,
    is_event: NDArray[np.bool_],
    centre: FloatArray,
    weights: FloatArray,
    exposure: FloatArray,
    means: FloatArray,
    values: FloatArray,
    high: FloatArray,
    low: FloatArray,
    members: IntArray,
    begin: int,
    final: int,
    origin: int,
    scores: FloatArray,
) -> None:
    for at in range(begin, final):
        row, score, weight = matrix[order[at]], scores[members[at]], weights[at]
        since, until = entry[at] - origin, leave[at] - 1 - origin
        residual = -exposure[at]
        if is_event[at]:
            residual += 1.0
            for term in range(row.size):
                score[term] -= means[until, term]
        for term in range(row.size):
            passed = high[until, term] - high[since, term]
            passed += low[until, term] - low[since, term]
            passed += values[since, term]
            score[term] += residual * (row[term] - centre[term]) + weight * passed
