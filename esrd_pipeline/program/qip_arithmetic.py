"""Exact arithmetic of QIP scores on integers: a rate is counted in units of its last decimal.

Rounding is halves up everywhere, never to even (manual 4.1.2). Nothing here knows measures,
facilities or frames.
"""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Units = NDArray[np.int64]
Bools = NDArray[np.bool_]

TOP_SCORE = 10
"""Highest score of a measure (4.1.2)."""
_ACHIEVEMENT_STEPS = 9
_IMPROVEMENT_STEPS = 10
_NEAR_HALF = 1e-6
COUNT_SCALE = 10**6
"""Counts of units (patient-years may be fractions) are counted in millionths."""
WEIGHT_SCALE = 10**4
"""Weights are applied at four decimals (reading 7)."""


def to_units(values: Floats, *, precision: int) -> Units:
    """Round to `precision` decimals, halves up from the number as written, as integers.

    A missing value becomes 0; the caller knows where. The float nearest to 0.12345 may lie
    below it: where the product is within 1e-6 of a half, the written decimal decides.
    """
    scaled = np.nan_to_num(values) * 10.0**precision
    units = np.floor(scaled + 0.5).astype(np.int64)
    from_half = scaled + 0.5
    for row in np.flatnonzero(np.abs(from_half - np.rint(from_half)) < _NEAR_HALF):
        written = Decimal(repr(float(np.nan_to_num(values[row])))).scaleb(precision)
        units[row] = int(written.to_integral_value(ROUND_HALF_UP))
    return units


def from_units(units: Units, *, precision: int) -> Floats:
    """Turn integers back into rates."""
    return units / 10.0**precision


def round_half_up(value: Fraction) -> int:
    """Round to the nearest integer, halves up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def divide_half_up(numerator: Units, denominator: Units) -> Units:
    """Divide, rounding to the nearest integer, halves up; a denominator of 0 counts as 1."""
    whole = np.maximum(denominator, 1)
    return (2 * numerator + whole) // (2 * whole)


def percentile(sorted_units: Units, *, percent: int) -> int:
    """Percentile of sorted rates, rounded halves up to a unit.

    The definition is the empirical distribution with averaging (SAS PCTLDEF=5, numpy's
    `averaged_inverted_cdf`): with n x percent / 100 = j + g, the rate j + 1 from below, or, where
    g is 0, the mean of rates j and j + 1.
    """
    count = len(sorted_units)
    below, part = divmod(count * percent, 100)
    if part:
        return int(sorted_units[below])
    lower = int(sorted_units[max(below - 1, 0)])
    upper = int(sorted_units[min(below, count - 1)])
    return (lower + upper + 1) // 2


def adjust_small_facility(rate: Units, *, unit_count: Units, upper: int, benchmark: int) -> Units:
    """Adjusted rate `w p + (1 - w) B` with w = n / (C + 1), rounded halves up (4.1.1).

    `unit_count` is in millionths of a unit; who is adjusted is the caller's to decide.
    """
    whole = (upper + 1) * COUNT_SCALE
    return divide_half_up(
        unit_count * rate + (whole - unit_count) * benchmark, np.full_like(rate, whole)
    )


def score_achievement(rate: Units, *, threshold: int, benchmark: int) -> Units:
    """Achievement scores, 0 to 10, of rates of which higher is better (4.1.2.1).

    For lower-is-better rates hand in negated numbers. `floor(9 x) + 1` is the manual's
    `round(9 x + 0.5)` with halves up, in integers.
    """
    width = max(benchmark - threshold, 1)
    between = _ACHIEVEMENT_STEPS * (rate - threshold) // width + 1
    return np.where(rate >= benchmark, TOP_SCORE, np.where(rate < threshold, 0, between))


def score_improvement(rate: Units, *, earlier: Units, benchmark: int) -> tuple[Units, Bools]:
    """Improvement scores, 0 to 9, and where there is one (4.1.2.2).

    There is none where the rate or the earlier rate is at or better than the benchmark. Higher is
    better, as above. `floor(10 x)` is the manual's `round(10 x - 0.5)` with halves up.
    """
    width = np.maximum(benchmark - earlier, 1)
    between = _IMPROVEMENT_STEPS * (rate - earlier) // width
    exists = (rate < benchmark) & (earlier < benchmark)
    return np.where(rate <= earlier, 0, between), exists
