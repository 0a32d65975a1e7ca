"""Facilities compared on rates: O/E, its standard error, and both adjusted by an empirical null.

Manual 2.12.16, 2.13.15, 2.25.16: an over-dispersed Poisson model of patients' events with one
intercept theta_k per facility and offset ln E_ik (reading 290). `rates` computes O and E,
`empirical_null` fits the null, and the program layer flags facilities.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.empirical_null import FacilityNull, adjust_z, two_sided_p
from esrd_pipeline.statistics.fit import Dropped, FitError
from esrd_pipeline.statistics.rows import check_amounts, check_codes, check_counts, divide, sum_by

Codes = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

HALF_EVENT = 0.5
"""The events whose standard error a facility without events has in sums of facilities."""
CRITICAL_VALUE = 1.96
"""As published in the manual (2.13.15)."""
SMALLEST_SCALE = 1.0
"""That of Poisson. The deviance of rare events is below it by construction, not by less chance
(McCullagh & Nelder 1989, 4.4.3). An empirical null cancels the scale; sums of facilities and the
theoretical null do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityRates:
    """Observed against expected events of F facilities; arrays have shape (F,).

    A facility without expected events has no ratio; its ratio and dependent values are NaN.

    Attributes:
        observed: events.
        expected: events expected at national rates.
        patients: patients with time at risk there.
        ratio: observed / expected.
        standard_error: of ln of the ratio; that of half an event if no events were observed.
        z: ln of the ratio / standard_error; without events -sqrt(E / scale) (reading 25).
        has_none: events were expected, and none was observed.
        scale: deviance / (patients - facilities), the over-dispersion of the model, a scalar;
            at least 1.
        dropped: facilities without a ratio.
    """

    observed: FloatArray
    expected: FloatArray
    patients: FloatArray
    ratio: FloatArray
    standard_error: FloatArray
    z: FloatArray
    has_none: BoolArray
    scale: float
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedRates:
    """Facilities' ratios adjusted by an empirical null; arrays have shape (F,).

    Attributes:
        z: (z - mean) / deviation of the facility's null.
        p_value: two-sided.
        lower: 95% limit of the ratio; 0 if no events were observed.
        upper: 95% limit of the ratio.
        rate: ratio x national rate.
        rate_lower: lower x national rate.
        rate_upper: upper x national rate.
    """

    z: FloatArray
    p_value: FloatArray
    lower: FloatArray
    upper: FloatArray
    rate: FloatArray
    rate_lower: FloatArray
    rate_upper: FloatArray


def compare_rates(
    *,
    facility: Codes,
    patient: Codes,
    observed: NDArray[np.number],
    expected: FloatArray,
    facility_count: int,
) -> FacilityRates:
    """Compare facilities from rows (segments or patients) of observed and expected events.

    Rows are summed by patient within facility: O_ik, E_ik. The model ln E[O_ik] = ln E_ik +
    theta_k has theta_k = ln(O_k / E_k), and by its variance scale x mean the error
    sqrt(scale / O_k), with the deviance scale (GENMOD's dscale). It does not ask how the events
    are spread over the facility's patients, and neither do CMS's published limits (reading 290).

    Args:
        facility: codes 0..F-1 of each row.
        patient: codes from 0 of each row.
        observed: events of each row, whole numbers >= 0.
        expected: events expected of each row, >= 0.
        facility_count: F.

    Raises:
        FitError: arrays differ in length or contain invalid values; a patient has events but no
            expected events; no facility has two patients, so that nothing tells the scale.
    """
    rows = facility.size
    check_codes("facility", facility, rows=rows)
    check_codes("patient", patient, rows=rows)
    check_counts("observed", observed, rows=rows)
    check_amounts("expected", expected, rows=rows)
    if int(facility.max()) >= facility_count:
        raise FitError(
            f"facility: codes reach {int(facility.max())}, but there are {facility_count}"
        )
    home, seen, due = _sum_patients(facility, patient, observed, expected)
    total = sum_by(home, seen, count=facility_count)
    mean = sum_by(home, due, count=facility_count)
    has_ratio = mean > 0
    ratio = divide(total, mean)
    is_at_risk = due > 0
    freedom = int(np.count_nonzero(is_at_risk)) - int(np.count_nonzero(has_ratio))
    if not freedom > 0:
        raise FitError("scale: no facility has two patients, so nothing tells how patients vary")
    scale = _scale_deviance(seen[is_at_risk], (due * ratio[home])[is_at_risk], freedom)
    error = find_rate_error(observed=total, scale=scale)
    gone = int(np.count_nonzero(~has_ratio))
    return FacilityRates(
        observed=total,
        expected=mean,
        patients=sum_by(home, is_at_risk.astype(np.float64), count=facility_count),
        ratio=ratio,
        standard_error=np.where(has_ratio, error, np.nan),
        z=find_rate_z(observed=total, expected=mean, scale=scale),
        has_none=has_ratio & (total == 0),
        scale=scale,
        dropped=(Dropped("facilities without expected events", gone),) if gone else (),
    )


def adjust_rates(
    rates: FacilityRates, *, null: FacilityNull, national_rate: float
) -> AdjustedRates:
    """Adjust each facility's z, p-value, limits and rate for its null.

    Raises:
        FitError: null and rates differ in the number of facilities, or the national rate is not
            a positive number.
    """
    if null.mean.shape != rates.z.shape:
        raise FitError(f"null: {null.mean.size} facilities, the rates have {rates.z.size}")
    if not (np.isfinite(national_rate) and national_rate > 0):
        raise FitError("national rate: not a positive number")
    z = adjust_z(rates.z, mean=null.mean, deviation=null.deviation)
    lower, upper = find_rate_limits(
        observed=rates.observed,
        expected=rates.expected,
        scale=rates.scale,
        mean=null.mean,
        deviation=null.deviation,
    )
    return AdjustedRates(
        z=z,
        p_value=two_sided_p(z),
        lower=lower,
        upper=upper,
        rate=rates.ratio * national_rate,
        rate_lower=lower * national_rate,
        rate_upper=upper * national_rate,
    )


def find_rate_error(*, observed: FloatArray, scale: float) -> FloatArray:
    """Return the standard error of ln(O / E), sqrt(scale / O): of half an event without one."""
    return np.sqrt(scale / np.where(observed > 0, observed, HALF_EVENT))


def find_rate_z(*, observed: FloatArray, expected: FloatArray, scale: float) -> FloatArray:
    """Return ln(O / E) over its error; without events (0 - 1) over `_find_error_of_none`.

    NaN where nothing is expected.
    """
    theta = _log_ratio(observed, expected)
    usual = theta / find_rate_error(observed=observed, scale=scale)
    return np.where(np.isnan(theta), -1 / _find_error_of_none(expected, scale), usual)


def find_rate_limits(
    *,
    observed: FloatArray,
    expected: FloatArray,
    scale: float,
    mean: FloatArray,
    deviation: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return the 95% interval of the ratio: exp(theta - mean SE -/+ 1.96 deviation SE) (2.13.15).

    Without events it is 0 to 1.96 deviation SE, SE being that of the ratio itself and the mean
    left out, as CMS publishes it (reading 25). NaN where nothing is expected.
    """
    theta = _log_ratio(observed, expected)
    error = find_rate_error(observed=observed, scale=scale)
    centre, reach = theta - mean * error, CRITICAL_VALUE * deviation * error
    error_of_none = _find_error_of_none(expected, scale)
    is_none = np.isnan(theta)
    return (
        np.where(is_none, 0.0 * error_of_none, np.exp(centre - reach)),
        np.where(is_none, CRITICAL_VALUE * deviation * error_of_none, np.exp(centre + reach)),
    )


def _find_error_of_none(expected: FloatArray, scale: float) -> FloatArray:
    """Return the error of O / E if the facility is as expected; NaN where nothing is expected.

    ln(0) has no error, but the variance of O where E are expected is scale x E.
    """
    return np.sqrt(divide(np.full(expected.shape, scale), expected))


def _log_ratio(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """Return ln(O / E), NaN where there are no events or none expected."""
    ratio = divide(observed, expected)
    return np.log(ratio, out=np.full(ratio.shape, np.nan), where=ratio > 0)


def _sum_patients(
    facility: Codes, patient: Codes, observed: NDArray[np.number], expected: FloatArray
) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Sum rows by patient within facility: each pair's facility, events, expected events."""
    spread = int(patient.max()) + 1
    pair = facility.astype(np.int64) * spread + patient
    pairs, at = np.unique(pair, return_inverse=True)
    seen, due = sum_by(at, observed.astype(np.float64)), sum_by(at, expected)
    broken = int(np.count_nonzero((seen > 0) & (due == 0)))
    if broken:
        raise FitError(f"expected: {broken} patients have events where none are expected")
    return (pairs // spread).astype(np.intp), seen, due


def _scale_deviance(seen: FloatArray, fitted: FloatArray, freedom: int) -> float:
    """Return deviance / degrees of freedom over patients, at least Poisson's."""
    deviance = 2.0 * np.sum(xlogy(seen, seen) - xlogy(seen, fitted) - (seen - fitted))
    return max(float(deviance / freedom), SMALLEST_SCALE)
