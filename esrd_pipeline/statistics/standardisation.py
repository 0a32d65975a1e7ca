"""Direct standardisation to the nation's patient-months; Wald's test (manual 2.2.14, 2.16.13).

A facility's value is the mean over all patient-months of expit(a + x'b). The distribution of x'b is
compressed once, so that no facility needs another pass over the nation's rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri

from esrd_pipeline.statistics.design import FloatArray, check_finite
from esrd_pipeline.statistics.empirical_null import FacilityNull, adjust_z, two_sided_p
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.gee_facilities import FacilityIntercepts, InterceptStatus
from esrd_pipeline.statistics.rows import sum_by

LEVEL = 0.95
BIN_WIDTH = 1 / 64
"""On the logit scale: the fourth-order term of a bin's spread adds at most 2e-11 to a mean."""
PREDICTOR_LIMIT = 500.0
"""Linear predictors beyond this are errors, and expit could not distinguish them."""
FOURTH_DERIVATIVE = 0.128
"""Upper bound of the fourth derivative of expit in absolute value."""
FIFTH_DERIVATIVE = 0.25
"""Upper bound of the fifth derivative of expit in absolute value."""
BLOCK_FACILITIES = 256

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorDistribution:
    """Linear predictors of all rows, in B narrow bins.

    Attributes:
        centres: mean of each bin, shape (B,).
        shares: of all rows, shape (B,); they add up to 1.
        second: mean square about the centre, shape (B,).
        third: mean cube about the centre, shape (B,).
        error_bound: upper bound of the error of a mean of expit and of its derivative.
    """

    centres: FloatArray
    shares: FloatArray
    second: FloatArray
    third: FloatArray
    error_bound: float

    def average(self, intercepts: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the mean of expit(a + x'b) over rows for each a, and its derivative in a.

        Taylor's expansion about each bin's mean to the third order. Shape (F,) both; infinite
        intercepts give 0 or 1 and no slope.
        """
        value, slope = np.empty((2, intercepts.size))
        for start in range(0, intercepts.size, BLOCK_FACILITIES):
            block = slice(start, start + BLOCK_FACILITIES)
            mean = np.asarray(expit(intercepts[block, None] + self.centres))
            variance = mean * (1 - mean)
            tilt = 1 - 2 * mean
            third = variance * (1 - 6 * variance)
            value[block] = (
                mean @ self.shares
                + (variance * tilt) @ (self.shares * self.second / 2)
                + third @ (self.shares * self.third / 6)
            )
            slope[block] = (
                variance @ self.shares
                + third @ (self.shares * self.second / 2)
                + (variance * tilt * (1 - 12 * variance)) @ (self.shares * self.third / 6)
            )
        # The shares sum to 1 except for rounding.
        value[intercepts == np.inf] = 1.0
        return value, slope


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardisedValues:
    """Facilities' values against the nation's; shapes are (F,). Undefined numbers are NaN.

    Attributes:
        value: the nation's percentage if every facility had this facility's intercept; 0 without
            events, 1 with only events.
        standard_error: of the value, by the delta method; NaN for values of 0 and 1.
        logit_error: standard error of the value's logit.
        z: Wald's, on the logit scale; NaN for values of 0 and 1.
        p_value: two-sided; 0 where `is_extreme`.
        lower: limit of the interval.
        upper: limit of the interval.
        is_extreme: value is 0 or 1: the limits are the value itself.
        national: the value that facilities are tested against.
        error_bound: of value and slope, from compressing the linear predictors.
    """

    value: FloatArray
    standard_error: FloatArray
    logit_error: FloatArray
    z: FloatArray
    p_value: FloatArray
    lower: FloatArray
    upper: FloatArray
    is_extreme: BoolArray
    national: float
    error_bound: float

    @property
    def linear_z(self) -> FloatArray:
        """(value - national) / standard error, on the scale of the value; NaN for 0 and 1."""
        return (self.value - self.national) / self.standard_error


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedValues:
    """Facilities' tests and intervals under an empirical null; shapes are (F,)."""

    p_value: FloatArray
    lower: FloatArray
    upper: FloatArray


def compress_predictors(predictor: FloatArray) -> PredictorDistribution:
    """Compress the linear predictors x'b of all rows, shape (rows,), in any order.

    Raises:
        FitError: there are none, or some are not finite or out of range.
    """
    if predictor.size == 0:
        raise FitError("there are no rows")
    check_finite("predictor", predictor)
    beyond = int(np.count_nonzero(np.abs(predictor) > PREDICTOR_LIMIT))
    if beyond:
        raise FitError(f"predictor: {beyond} values are beyond {PREDICTOR_LIMIT:g}")
    index = np.floor(predictor / BIN_WIDTH).astype(np.intp)
    lowest = int(index.min())
    index -= lowest
    counts = np.bincount(index)
    used = np.flatnonzero(counts)
    middle = (np.arange(counts.size) + lowest + 0.5) * BIN_WIDTH
    size = counts[used]
    distance = predictor - middle[index]
    shift = sum_by(index, distance)[used] / size
    full_shift = np.zeros(counts.size)
    full_shift[used] = shift
    distance -= full_shift[index]
    power = distance * distance
    second = sum_by(index, power)[used] / size
    third = sum_by(index, power * distance)[used] / size
    fourth = float(np.mean(power * power))
    return PredictorDistribution(
        centres=middle[used] + shift,
        shares=size / predictor.size,
        second=second,
        third=third,
        error_bound=max(FOURTH_DERIVATIVE, FIFTH_DERIVATIVE) / 24 * fourth,
    )


def standardise(
    *,
    facilities: FacilityIntercepts,
    predictors: PredictorDistribution,
    national: float,
    level: float = LEVEL,
) -> StandardisedValues:
    """Standardise every facility and test it against the national value (manual 2.16.13-14).

    The error of a value is that of its intercept times the mean of mu (1 - mu); test and interval
    are Wald's on the logit scale, with the limits transformed back.

    A facility without events, or with only events, has an infinite intercept, whose robust error
    stays finite: without events it tends to the root of the sum of squares of patients' months
    over their sum. So its z-score is infinite, its p-value 0 and its limits are its value: CMS
    publishes 0 (0 to 0), worse than expected, for all such facilities (reading 73).

    Args:
        facilities: the intercepts of stage 2.
        predictors: distribution of x'b over all patient-months of the nation.
        national: the national value, between 0 and 1.
        level: of the interval, between 0 and 1.

    Raises:
        FitError: the national value or the level is out of range.
    """
    if not 0 < national < 1:
        raise FitError("national: not between 0 and 1")
    if not 0 < level < 1:
        raise FitError("level: not between 0 and 1")
    value, slope = predictors.average(facilities.intercept)
    standard_error = slope * facilities.standard_error
    with np.errstate(divide="ignore", invalid="ignore"):
        location = np.asarray(logit(value))
        logit_error = standard_error / (value * (1 - value))
        z = (location - logit(national)) / logit_error
    reach = ndtri((1 + level) / 2) * logit_error
    lower, upper = np.asarray(expit(location - reach)), np.asarray(expit(location + reach))
    p_value = 2 * np.asarray(ndtr(-np.abs(z)))
    is_extreme = np.isin(facilities.status, (InterceptStatus.NO_EVENTS, InterceptStatus.ALL_EVENTS))
    return StandardisedValues(
        value=value,
        standard_error=standard_error,
        logit_error=logit_error,
        z=z,
        p_value=np.where(is_extreme, 0.0, p_value),
        lower=np.where(is_extreme, value, lower),
        upper=np.where(is_extreme, value, upper),
        is_extreme=is_extreme,
        national=national,
        error_bound=predictors.error_bound,
    )


def adjust_values(
    values: StandardisedValues, *, null: FacilityNull, level: float = LEVEL
) -> AdjustedValues:
    """Adjust test and interval for the null of `linear_z` (reading 73).

    The limits are value - mean SE -/+ 1.96 deviation SE, between 0 and 1, on the scale of the value
    as CMS publishes them. A facility without events, or with events only, keeps p-value and limits.
    """
    z = adjust_z(values.linear_z, mean=null.mean, deviation=null.deviation)
    centre = values.value - null.mean * values.standard_error
    reach = ndtri((1 + level) / 2) * null.deviation * values.standard_error
    return AdjustedValues(
        p_value=np.where(values.is_extreme, values.p_value, two_sided_p(z)),
        lower=np.where(values.is_extreme, values.lower, np.clip(centre - reach, 0, 1)),
        upper=np.where(values.is_extreme, values.upper, np.clip(centre + reach, 0, 1)),
    )
