"""Exact integer arithmetic of QIP scores: a rate is a whole number of units of its last decimal.

Halves are rounded up everywhere, never to even (manual 4.1.2).
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
"""Sizes are held in millionths of a unit, because patient-years may be fractions."""
WEIGHT_SCALE = 10**4
"""Weights are shown with four decimals (reading 7)."""


def to_units(values: Floats, *, precision: int) -> Units:
    """Round to `precision` decimals, halves of the written decimal up, and return integers.

    A missing value becomes 0; the caller keeps track of them. The float nearest to 0.12345 may
    lie below it: where the product is within 1e-6 of a half, the written decimal decides.
    """
    scaled = np.nan_to_num(values) * 10.0**precision
    units = np.floor(scaled + 0.5).astype(np.int64)
    for row in _find_halves(scaled):
        written = Decimal(repr(float(np.nan_to_num(values[row])))).scaleb(precision)
        units[row] = int(written.to_integral_value(ROUND_HALF_UP))
    return units


def _find_halves(scaled: Floats) -> NDArray[np.intp]:
    """Return the places of numbers so near to a half that a float cannot decide how to round."""
    from_half = scaled + 0.5
    return np.flatnonzero(np.abs(from_half - np.rint(from_half)) < _NEAR_HALF)


def from_units(units: Units, *, precision: int) -> Floats:
    """Convert integers back into rates."""
    return units / 10.0**precision


def round_half_up(value: Fraction) -> int:
    """Round to the nearest integer, halves up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def divide_half_up(numerator: Units, denominator: Units) -> Units:
    """Divide, rounding to the nearest integer, halves up; a denominator of 0 counts as 1."""
    whole = np.maximum(denominator, 1)
    return (2 * numerator + whole) // (2 * whole)


def percentile(sorted_units: Units, *, percent: int) -> int:
    """Return a percentile of sorted rates, rounded to a unit with halves up.

    The definition is the empirical distribution with averaging (SAS PCTLDEF=5, numpy's
    `averaged_inverted_cdf`): with n x percent / 100 = j + g, the (j + 1)th lowest rate, or, where
    g is 0, the mean of the jth and the (j + 1)th.
    """
    lower, upper = _find_percentile(len(sorted_units), percent)
    return (int(sorted_units[lower]) + int(sorted_units[upper]) + 1) // 2


def percentile_unrounded(sorted_rates: Floats, *, percent: int) -> float:
    """Return a percentile by the same definition, of rates that are not rounded to a unit."""
    places = _find_percentile(len(sorted_rates), percent)
    lower, upper = (Decimal(repr(float(sorted_rates[place]))) for place in places)
    return float((lower + upper) / 2)


def _find_percentile(count: int, percent: int) -> tuple[int, int]:
    """Return the places of the two of `count` ordered rates whose mean is the percentile."""
    below, part = divmod(count * percent, 100)
    return (below, below) if part else (max(below - 1, 0), min(below, count - 1))


def adjust_small_facility(
    rate: Floats, *, unit_count: Units, upper: int, benchmark: float, precision: int = 0
) -> Units:
    """Return `w p + (1 - w) B` with w = n / (C + 1), in units of `precision` decimals (4.1.1).

    p and B are not rounded (reading 171), only the result is, halves up. Where a float cannot
    decide a half, the fractions of the written decimals do. `unit_count` is in millionths of a
    unit. The caller decides which facilities are adjusted.
    """
    whole = (upper + 1) * COUNT_SCALE
    share = unit_count / whole
    rates = np.nan_to_num(np.asarray(rate, dtype=np.float64))
    scaled = (share * rates + (1 - share) * benchmark) * 10.0**precision
    units = np.floor(scaled + 0.5).astype(np.int64)
    for row in _find_halves(scaled):
        own = Fraction(int(unit_count[row]), whole)
        exact = own * _as_written(float(rates[row])) + (1 - own) * _as_written(float(benchmark))
        units[row] = round_half_up(exact * 10**precision)
    return units


def _as_written(value: float) -> Fraction:
    """Return the fraction of a float's shortest decimal: 0.1 is a tenth."""
    return Fraction(repr(value))


def score_achievement(rate: Units, *, threshold: int, benchmark: int) -> Units:
    """Return achievement scores, 0 to 10, for rates where higher is better (4.1.2.1).

    For rates where lower is better, pass negated numbers. `floor(9 x) + 1` is the manual's
    `round(9 x + 0.5)` with halves up, in integers.
    """
    width = max(benchmark - threshold, 1)
    between = _ACHIEVEMENT_STEPS * (rate - threshold) // width + 1
    return np.where(rate >= benchmark, TOP_SCORE, np.where(rate < threshold, 0, between))


def score_improvement(rate: Units, *, earlier: Units, benchmark: int) -> tuple[Units, Bools]:
    """Return improvement scores, 0 to 9, and which facilities have one (4.1.2.2).

    A facility has none if its rate or its earlier rate is at or better than the benchmark. Higher
    is better, as above. `floor(10 x)` is the manual's `round(10 x - 0.5)` with halves up.
    """
    width = np.maximum(benchmark - earlier, 1)
    between = _IMPROVEMENT_STEPS * (rate - earlier) // width
    exists = (rate < benchmark) & (earlier < benchmark)
    return np.where(rate <= earlier, 0, between), exists
