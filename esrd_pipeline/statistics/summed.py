"""Limits of groups of facilities, from the facilities' own sums and standard errors.

A group's ratio is its facilities' observed events over their expected ones, its proportion their
numerators over their denominators. Facilities are independent of one another; the spread of
patients within each is that of its own standard error (manual 2.13.15 and the over-dispersed model
of `facility_rates`; Cochran 1977, 6.11, for combined ratios).
"""

import numpy as np
from scipy.special import expit, logit

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.facility_rates import CRITICAL_VALUE, HALF_EVENT
from esrd_pipeline.statistics.poisson_test import find_exact_limits, find_null_limits

Limits = tuple[FloatArray, FloatArray]


def list_ratio_squares(*, observed: FloatArray, standard_error: FloatArray) -> FloatArray:
    """Return the variance of each facility's observed events, from the error of its log ratio.

    The error of ln(O / E) is that of O over O; a facility without events has it for half an event.
    """
    events = np.where(observed > 0, observed, HALF_EVENT)
    return np.asarray((events * standard_error) ** 2)


def find_ratio_limits(*, observed: FloatArray, expected: FloatArray, squares: FloatArray) -> Limits:
    """Return 95% limits of groups' ratios; `squares` are sums of `list_ratio_squares`.

    Without events the lower limit is 0, and the upper has half an event added to both sums. NaN
    where nothing is expected or a square is not known.
    """
    added = np.where(observed > 0, 0.0, HALF_EVENT)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log((observed + added) / (expected + added))
        reach = CRITICAL_VALUE * np.sqrt(squares) / (observed + added)
    lower = np.where(observed > 0, np.exp(middle - reach), np.where(np.isnan(reach), np.nan, 0.0))
    upper = np.exp(middle + reach)
    is_known = expected > 0
    return np.where(is_known, lower, np.nan), np.where(is_known, upper, np.nan)


def list_proportion_squares(
    *, numerator: FloatArray, denominator: FloatArray, logit_error: FloatArray
) -> FloatArray:
    """Return the variance of each facility's numerator, from the error of its logit.

    A facility of which nothing or everything counts has no error: its patients show no spread,
    and it adds none.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = numerator / denominator
    squares = (denominator * share * (1 - share) * logit_error) ** 2
    is_flat = (numerator == 0) | (numerator == denominator)
    return np.asarray(np.where(is_flat, 0.0, squares))


def find_proportion_limits(
    *, numerator: FloatArray, denominator: FloatArray, squares: FloatArray
) -> Limits:
    """Return 95% limits of groups' proportions, normal on the logit scale.

    `squares` are sums of `list_proportion_squares`. NaN where nothing or everything counts, or
    where no facility's patients show spread.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = numerator / denominator
        inside = share * (1 - share)
        reach = CRITICAL_VALUE * np.sqrt(squares) / denominator / inside
        middle = logit(share)
    is_known = (inside > 0) & (squares > 0)
    lower, upper = expit(middle - reach), expit(middle + reach)
    return np.where(is_known, lower, np.nan), np.where(is_known, upper, np.nan)


def find_poisson_limits(*, observed: FloatArray, expected: FloatArray, is_mid: bool) -> Limits:
    """Return exact 95% limits of groups' ratios, or mid-p ones; NaN where nothing is expected."""
    lower, upper = np.full((2, observed.size), np.nan)
    has_expected = expected > 0
    if not has_expected.any():
        return lower, upper
    seen, due = observed[has_expected], expected[has_expected]
    if is_mid:
        none = np.zeros(seen.size)
        lower[has_expected], upper[has_expected] = find_null_limits(
            seen, due, mean=none, deviation=np.ones(seen.size)
        )
    else:
        lower[has_expected], upper[has_expected] = find_exact_limits(seen, due)
    return lower, upper
