"""Facilities' proportions with intervals.

The manual defines the percentages of 2.1 and 2.3 to 2.9 as numerator over denominator, unadjusted,
and no interval for them. Intervals here are textbook methods (Clopper & Pearson 1934; Cochran
1977, 6.3 for ratios).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, expit, logit, ndtri

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import Dropped, FitError
from esrd_pipeline.statistics.rows import check_amounts, check_codes, divide, sum_by

Codes = NDArray[np.integer]
Counts = NDArray[np.number]
BoolArray = NDArray[np.bool_]
Scale = Literal["probability", "logit"]

LEVEL = 0.95
NO_SPREAD = 1e-12
"""A smaller sandwich error is rounding: all patients of a facility have the same proportion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredProportions:
    """Proportions of F facilities, with errors clustered by patient; shapes are (F,).

    Undefined numbers are NaN.

    Attributes:
        numerator: summed over patients.
        denominator: summed over patients.
        patients: patients with a denominator at the facility.
        value: numerator / denominator.
        standard_error: of the value; NaN if the facility's patients do not vary.
        lower: limit of the interval.
        upper: limit of the interval.
        is_exact: value is 0 or 1, so the interval is Clopper and Pearson's over patients.
        dropped: facilities without a denominator, and those whose patients do not vary.
    """

    numerator: FloatArray
    denominator: FloatArray
    patients: FloatArray
    value: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    is_exact: BoolArray
    dropped: tuple[Dropped, ...]


def estimate_clustered(
    *,
    facility: Codes,
    patient: Codes,
    numerator: Counts,
    denominator: Counts,
    facility_count: int,
    level: float = LEVEL,
    scale: Scale = "probability",
) -> ClusteredProportions:
    """Estimate facilities' proportions of patient-months, clustered by patient.

    Rows are summed by patient within facility: y_i of m_i months. The value p = sum y / sum m
    is a ratio of sums over patients; with r_i = y_i - p m_i its sandwich error is
    sqrt(sum r_i^2) / sum m: that of a GEE with independent working correlation.

    The normal interval p -/+ c SE is clipped to [0, 1]; on the logit scale, with the error
    SE / (p (1 - p)), it lies within. A facility whose patients do not vary has no error. If none
    or all of its months count, the interval is the exact one with patients as units, as if each
    patient's months were copies of one another; otherwise (for example one patient) the limits
    are NaN.

    Args:
        facility: codes 0..F-1 of each row.
        patient: codes from 0 of each row.
        numerator: months of each row that count, >= 0, at most the denominator.
        denominator: months of each row, >= 0.
        facility_count: F.
        level: of the interval, between 0 and 1.
        scale: scale on which the estimate is assumed normal.

    Raises:
        FitError: arrays differ in length or contain invalid values; the level is out of range.
    """
    rows = facility.size
    check_codes("facility", facility, rows=rows)
    check_codes("patient", patient, rows=rows)
    check_amounts("numerator", numerator, rows=rows)
    check_amounts("denominator", denominator, rows=rows)
    _check_order(numerator, denominator)
    if int(facility.max()) >= facility_count:
        raise FitError(
            f"facility: codes reach {int(facility.max())}, but there are {facility_count}"
        )
    critical_value = _critical_value(level)
    spread = int(patient.max()) + 1
    pairs, at = np.unique(facility.astype(np.int64) * spread + patient, return_inverse=True)
    home = pairs // spread
    counted = sum_by(at, numerator.astype(np.float64))
    months = sum_by(at, denominator.astype(np.float64))
    total = sum_by(home, months, count=facility_count)
    patients = sum_by(home, (months > 0).astype(np.float64), count=facility_count)
    sums = sum_by(home, counted, count=facility_count)
    value = divide(sums, total)
    residuals = np.where(months > 0, counted - value[home] * months, 0.0)
    error = divide(np.sqrt(sum_by(home, residuals**2, count=facility_count)), total)
    has_none, is_flat = total == 0, error < NO_SPREAD
    error[is_flat] = np.nan
    lower, upper = _normal_limits(value, error, critical_value, scale)
    is_exact = is_flat & ((value == 0) | (value == 1))
    exact = _invert_tails(np.where(value == 1, patients, 0), patients, level)
    return ClusteredProportions(
        numerator=sums,
        denominator=total,
        patients=patients,
        value=value,
        standard_error=error,
        lower=np.where(is_exact, exact[0], lower),
        upper=np.where(is_exact, exact[1], upper),
        is_exact=is_exact,
        dropped=_list_dropped(has_none, is_flat),
    )


def _list_dropped(has_none: BoolArray, is_flat: BoolArray) -> tuple[Dropped, ...]:
    counts = {
        "facilities without a denominator": int(np.count_nonzero(has_none)),
        "facilities whose patients show no spread, from the errors": int(np.count_nonzero(is_flat)),
    }
    return tuple(Dropped(rule, count) for rule, count in counts.items() if count)


def _check_order(numerator: Counts, denominator: Counts) -> None:
    broken = int(np.count_nonzero(numerator > denominator))
    if broken:
        raise FitError(f"numerator: {broken} values are above their denominators")


def _critical_value(level: float) -> float:
    if not 0 < level < 1:
        raise FitError("level: not between 0 and 1")
    return float(ndtri((1 + level) / 2))


def _normal_limits(
    value: FloatArray, error: FloatArray, critical_value: float, scale: Scale
) -> tuple[FloatArray, FloatArray]:
    reach = critical_value * error
    if scale == "probability":
        return np.maximum(value - reach, 0.0), np.minimum(value + reach, 1.0)
    reach = divide(reach, value * (1 - value))
    middle = logit(value)
    return expit(middle - reach), expit(middle + reach)


def _invert_tails(
    numerator: Counts, denominator: Counts, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return quantiles of beta distributions; the limit at no event is 0, at all events 1."""
    _critical_value(level)
    tail = (1 - level) / 2
    events = numerator.astype(np.float64)
    others = denominator - events
    lower = betaincinv(np.maximum(events, 1), others + 1, tail)
    upper = betaincinv(events + 1, np.maximum(others, 1), 1 - tail)
    is_there = denominator > 0
    return (
        np.where(is_there, np.where(events > 0, lower, 0.0), np.nan),
        np.where(is_there, np.where(others > 0, upper, 1.0), np.nan),
    )
