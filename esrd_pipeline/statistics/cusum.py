"""Risk-adjusted CUSUM of a facility's events, month by month, beside what is expected of them.

Biswas & Kalbfleisch (2008, Statistics in Medicine 27:3382); Sun, Kalbfleisch & Schaubel (2014). The
chart adds up each month's log likelihood ratio of `ratio` times the expected events against the
expected events, never falls below zero, signals where it reaches its limit, and starts again at
zero then. A ratio above 1 finds more events than expected, one below 1 fewer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.rows import check_amounts, divide

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
        began: the month from which the sum has risen from zero, of a month in which it is above
            zero: where the change began if there is one (Page 1954), shape (F, T).
    """

    path: FloatArray
    signal: BoolArray
    began: IntArray


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
    began = np.zeros(steps.shape, dtype=np.intp)
    level, start = np.zeros(len(steps)), np.zeros(len(steps), dtype=np.intp)
    for month in range(steps.shape[1]):
        start = np.where(level == 0.0, month, start)
        began[:, month] = start
        level = np.maximum(0.0, level + steps[:, month])
        path[:, month] = level
        signal[:, month] = level >= limit
        level = np.where(signal[:, month], 0.0, level)
    return Chart(path, signal, began)


def _find_steps(observed: FloatArray, expected: FloatArray, ratio: float) -> FloatArray:
    if not (ratio > 0 and ratio != 1 and np.isfinite(ratio)):
        raise FitError(f"ratio: {ratio} is not positive and other than 1")
    if observed.ndim != 2 or observed.shape != expected.shape:  # noqa: PLR2004 - facilities, months
        raise FitError(f"observed {observed.shape} and expected {expected.shape} differ in shape")
    for name, values in (("observed", observed), ("expected", expected)):
        check_amounts(name, values.ravel(), rows=observed.size)
    return observed * np.log(ratio) - (ratio - 1) * expected


def find_dispersion(observed: FloatArray, expected: FloatArray) -> float:
    """Return the variance of a month's events over their mean, within facilities; at least 1.

    Pearson's statistic over its degrees of freedom (McCullagh & Nelder 1989, 4.5), each facility
    with a rate of its own: differences between facilities are what a chart is to find, no noise.
    Months without expected events, and facilities without events, tell nothing.

    Args:
        observed: events of each month, shape (F, T).
        expected: expected events, shape (F, T).
    """
    has_any = expected > 0
    counted = np.where(has_any, observed, 0.0)
    rate = divide(counted.sum(axis=1), expected.sum(axis=1))[:, np.newaxis]
    mean = np.where(np.isfinite(rate), rate, 0.0) * expected
    parts = np.divide((counted - mean) ** 2, mean, out=np.zeros_like(mean), where=mean > 0)
    months = np.count_nonzero(mean > 0, axis=1)
    freedom = int(np.maximum(months - 1, 0).sum())
    return max(float(parts.sum()) / freedom, 1.0) if freedom else 1.0


def find_limits(
    expected_year: FloatArray, *, ratio: float, alarms: float, seed: int, dispersion: float = 1.0
) -> FloatArray:
    """Return each facility's limit, shape (F,), for so many false alarms a facility-year.

    A false alarm is a signal while events have the expected rate: Poisson, or negative binomial
    where the `dispersion`, variance over mean of a month, is above 1. Limits are simulated
    at fixed numbers of expected events a year and taken from the next one at or above and at or
    below a facility's own, whichever is larger: alarms are whole events, so that a limit between
    two is not between theirs.

    Raises:
        FitError: expected events are not above zero, the alarms not in (0, 1), or the dispersion
            is below 1.
    """
    if not (dispersion >= 1 and np.isfinite(dispersion)):
        raise FitError(f"dispersion: {dispersion} is below 1")
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
        limits[at] = simulate_limit(
            float(sizes[at]), ratio=ratio, alarms=alarms, seed=[seed, at], dispersion=dispersion
        )
    return np.maximum(limits[above], limits[below])


def simulate_limit(
    expected_year: float,
    *,
    ratio: float,
    alarms: float,
    seed: int | list[int],
    dispersion: float = 1.0,
) -> float:
    """Return the lowest limit with at most so many false alarms a facility-year, by halving."""
    generator = np.random.default_rng(seed)
    months = MONTHS * SIMULATED_YEARS
    shape = (SIMULATED_FACILITIES, months)
    events = draw_events(generator, np.full(shape, expected_year / MONTHS), dispersion)
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


def draw_events(generator: np.random.Generator, mean: FloatArray, dispersion: float) -> FloatArray:
    """Draw events of these means whose variance is `dispersion` times as large."""
    if dispersion == 1:
        return generator.poisson(mean).astype(np.float64)
    size = mean / (dispersion - 1)
    return generator.negative_binomial(size, 1 / dispersion).astype(np.float64)


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
