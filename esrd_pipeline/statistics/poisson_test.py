"""Poisson tests of observed against expected events: exact, and with an empirical null (SMR).

Manual 2.14.14 (mid-p, empirical null), 2.15.14 and 2.27.14 (exact); Ulm (1990) for exact limits,
Lancaster (1961) for mid-p, Kalbfleisch & Wolfe (2013) for the null.
"""

import numpy as np
from scipy.optimize.elementwise import bracket_root, find_root
from scipy.special import ndtri_exp
from scipy.stats import chi2, poisson

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import FitError, NotConvergedError
from esrd_pipeline.statistics.rows import check_amounts, check_counts, check_finite_rows

CRITICAL_VALUE = 1.959963984540054
"""Normal deviate at a tail probability of 0.025."""
FRACTION_TERMS = 20
"""Terms of the continued fractions of far tails: full precision 37 deviations out."""
LOG_REACH = 700.0
"""The search for expected deaths covers exp of minus to exp of plus this."""
LOG_OF_SMALLEST = -690.0
"""float64 keeps all its digits down to about this logarithm."""


def find_exact_limits(
    observed: FloatArray, expected: FloatArray, *, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return exact limits of observed / expected, each of shape (F,) (Ulm 1990).

    The lower limit is 0 if no events were observed. The interval excludes 1 if and only if
    `find_exact_p` is below 1 - level.

    Raises:
        FitError: counts are not whole, expected events not above zero or the level not in (0, 1).
    """
    _check(observed, expected)
    if not 0 < level < 1:
        raise FitError(f"level: {level} is not between 0 and 1")
    outside = (1 - level) / 2
    lower = np.where(observed > 0, chi2.ppf(outside, 2 * observed) / 2, 0.0)
    upper = chi2.isf(outside, 2 * observed + 2) / 2
    return np.nan_to_num(lower) / expected, upper / expected


def find_exact_p(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """Return twice the smaller tail, at most 1: shape (F,).

    Raises:
        FitError: counts are not whole or expected events not above zero.
    """
    _check(observed, expected)
    below = poisson.cdf(observed, expected)
    above = poisson.sf(observed - 1, expected)
    return np.minimum(1.0, 2 * np.minimum(below, above))


def find_mid_z(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """Return the normal deviate of the mid-p tail, shape (F,); positive above expectation.

    It is computed from the smaller tail on the log scale, so it is finite for any tail.

    Raises:
        FitError: counts are not whole or expected events not above zero.
    """
    _check(observed, expected)
    return _mid_z(observed, expected)


def find_null_limits(
    observed: FloatArray, expected: FloatArray, *, mean: FloatArray, deviation: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the limits of the ratio under the null, each of shape (F,) (2.14.14).

    The limits are D / expected, D being the number of expected deaths at which the z-score of the
    observed deaths, (z(observed; D) - mean) / deviation, is 1.96 (lower) and -1.96 (upper). With a
    null of mean 0 and deviation 1 they are the mid-p limits. If no deaths were observed, the lower
    limit is 0.

    Args:
        observed: deaths, whole numbers.
        expected: deaths expected, > 0.
        mean: location of the facility's null.
        deviation: its standard deviation, > 0.

    Raises:
        FitError: arrays differ in length or contain invalid values.
        NotConvergedError: a limit was not found.
    """
    _check(observed, expected)
    check_finite_rows("mean", mean, rows=observed.size)
    check_amounts("deviation", deviation, rows=observed.size, is_positive=True)
    reach = CRITICAL_VALUE * deviation
    lower = _solve(observed, mean + reach)
    upper = _solve(observed, mean - reach)
    return lower / expected, upper / expected


def _solve(observed: FloatArray, target: FloatArray) -> FloatArray:
    """Return D with z(observed; D) = target; 0 if even the smallest D gives less."""
    # z(0; D) rises to 0 as D falls to 0: it never reaches a target of 0 or more.
    is_reached = (observed > 0) | (target < 0)
    limit = np.zeros(observed.size)
    if not is_reached.any():
        return limit
    seen, goal = observed[is_reached], target[is_reached]

    def miss(log_deaths: FloatArray, seen: FloatArray, goal: FloatArray) -> FloatArray:
        # A bracket may exceed the range of float64; no limit is found there.
        return _mid_z(seen, np.exp(np.clip(log_deaths, -LOG_REACH, LOG_REACH))) - goal

    middle = np.log(seen + 0.5)
    bracket = bracket_root(miss, middle - 0.5, middle + 0.5, args=(seen, goal))
    if not np.all(bracket.success):
        raise NotConvergedError("a limit is outside every bracket")
    found = find_root(miss, bracket.bracket, args=(seen, goal))
    if not np.all(found.success):
        raise NotConvergedError("a limit was not found")
    limit[is_reached] = np.exp(found.x)
    return limit


def _mid_z(observed: FloatArray, expected: FloatArray) -> FloatArray:
    half = poisson.logpmf(observed, expected) - np.log(2)
    with np.errstate(divide="ignore"):
        above = np.logaddexp(poisson.logsf(observed, expected), half)
        below = np.logaddexp(poisson.logcdf(observed - 1, expected), half)
    z = np.where(above < below, -ndtri_exp(above), ndtri_exp(below))
    far = np.minimum(above, below) < LOG_OF_SMALLEST
    z[far] = _far_mid_z(observed[far], expected[far])
    return z


def _far_mid_z(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """Return the deviate of a tail that underflows float64: P(X = O) times a fraction.

    Continued fractions of the incomplete gamma functions, evaluated from the last term (DLMF
    8.9): all terms are positive, and in far tails few of them matter.
    """
    is_above = observed > expected
    gap = np.abs(observed - expected) + 1
    fraction = np.zeros(observed.size)
    for term in range(FRACTION_TERMS, 0, -1):
        share = np.where(is_above, expected, np.maximum(observed - term, 0.0))
        fraction = term * share / (gap + term * np.where(is_above, 1, 2) + fraction)
    multiple = np.where(is_above, expected, observed) / (gap + fraction)
    z = ndtri_exp(poisson.logpmf(observed, expected) + np.log(multiple + 0.5))
    return np.where(is_above, -z, z)


def _check(observed: FloatArray, expected: FloatArray) -> None:
    check_counts("observed", observed, rows=observed.size)
    check_amounts("expected", expected, rows=observed.size, is_positive=True)
    if observed.size == 0:
        raise FitError("there are no facilities")
