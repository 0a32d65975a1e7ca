"""Risk-adjusted CUSUM of a facility's events, month by month, beside what is expected of them.

Biswas & Kalbfleisch (2008, Statistics in Medicine 27:3382); Sun, Kalbfleisch & Schaubel (2014). The
chart adds up each month's log likelihood ratio of `ratio` times the expected events against the
expected events, never falls below zero, signals where it reaches its limit, and starts again at
zero then. A ratio above 1 finds more events than expected, one below 1 fewer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.rows import check_amounts

MONTHS = 12
SIMULATED_YEARS = 3
"""Length of a simulated facility's chart: alarms of a first year alone would be too few, because
every chart starts at zero."""
SIMULATED_FACILITIES = 4000
LEAST_EXPECTED, MOST_EXPECTED = 0.25, 4096.0
"""Expected events a year between which limits are simulated, at each factor of the root of 2."""
_HALVINGS = 40
_HIGHEST_LIMIT = 64.0
"""A log likelihood ratio that no chart without a true change comes near."""

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Chart:
    """Charts of F facilities over T months.

    Attributes:
        path: the sum before a signal sets it to zero, shape (F, T).
        signal: whether it reached the limit in the month, shape (F, T).
    """

    path: FloatArray
    signal: BoolArray


def chart(observed: FloatArray, expected: FloatArray, *, ratio: float, limit: FloatArray) -> Chart:
    """Return the charts of facilities.

    `observed` and `expected` are events of each month, shape (F, T), `limit` of shape (F,).

    Raises:
        FitError: shapes differ, a number is not finite or negative, or the ratio is not positive
            or is 1.
    """
    steps = _find_steps(observed, expected, ratio)
    check_amounts("limit", limit, rows=len(steps), is_positive=True)
    path = np.empty_like(steps)
    signal = np.zeros(steps.shape, dtype=bool)
    level = np.zeros(len(steps))
    for month in range(steps.shape[1]):
        level = np.maximum(0.0, level + steps[:, month])
        path[:, month] = level
        signal[:, month] = level >= limit
        level = np.where(signal[:, month], 0.0, level)
    return Chart(path, signal)


def _find_steps(observed: FloatArray, expected: FloatArray, ratio: float) -> FloatArray:
    if not (ratio > 0 and ratio != 1 and np.isfinite(ratio)):
        raise FitError(f"ratio: {ratio} is not positive and other than 1")
    if observed.ndim != 2 or observed.shape != expected.shape:  # noqa: PLR2004 - facilities, months
        raise FitError(f"observed {observed.shape} and expected {expected.shape} differ in shape")
    for name, values in (("observed", observed), ("expected", expected)):
        check_amounts(name, values.ravel(), rows=observed.size)
    return observed * np.log(ratio) - (ratio - 1) * expected


def find_limits(expected_year: FloatArray, *, ratio: float, alarms: float, seed: int) -> FloatArray:
    """Return each facility's limit, shape (F,), for so many false alarms a facility-year.

    A false alarm is a signal while events are Poisson with the expected rate. Limits are simulated
    at fixed numbers of expected events a year and taken from the next one at or above and at or
    below a facility's own, whichever is larger: alarms are whole events, so that a limit between
    two is not between theirs.

    Raises:
        FitError: expected events are not above zero, or the alarms not in (0, 1).
    """
    check_amounts("expected_year", expected_year, rows=len(expected_year), is_positive=True)
    if not 0 < alarms < 1:
        raise FitError(f"alarms: {alarms} a facility-year is not between 0 and 1")
    steps = 2 * int(np.log2(MOST_EXPECTED / LEAST_EXPECTED))
    sizes = LEAST_EXPECTED * np.sqrt(2.0) ** np.arange(steps + 1)
    inside = np.clip(expected_year, sizes[0], sizes[-1])
    above = np.searchsorted(sizes, inside)
    below = np.maximum(above - (sizes[above] > inside), 0)
    limits = np.full(sizes.size, np.nan)
    for at in np.unique(np.concatenate([above, below])):
        limits[at] = simulate_limit(float(sizes[at]), ratio=ratio, alarms=alarms, seed=[seed, at])
    return np.maximum(limits[above], limits[below])


def simulate_limit(
    expected_year: float, *, ratio: float, alarms: float, seed: int | list[int]
) -> float:
    """Return the lowest limit with at most so many false alarms a facility-year, by halving."""
    generator = np.random.default_rng(seed)
    months = MONTHS * SIMULATED_YEARS
    shape = (SIMULATED_FACILITIES, months)
    events = generator.poisson(expected_year / MONTHS, shape).astype(np.float64)
    steps = _find_steps(events, np.full(shape, expected_year / MONTHS), ratio).T
    most = alarms * SIMULATED_FACILITIES * SIMULATED_YEARS
    low, high = 0.0, _HIGHEST_LIMIT
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _count_alarms(steps, middle) > most:
            low = middle
        else:
            high = middle
    return high


def _count_alarms(steps: FloatArray, limit: float) -> int:
    """Count signals of charts; `steps` of shape (T, F)."""
    level = np.zeros(steps.shape[1])
    count = 0
    for step in steps:
        level = np.maximum(0.0, level + step)
        is_over = level >= limit
        count += int(np.count_nonzero(is_over))
        level[is_over] = 0.0
    return count
