"""Facilities compared on rates: O/E, its standard error, and both adjusted by an empirical null.

Manual 2.12.16, 2.13.15, 2.25.16: an over-dispersed Poisson model of patients' events with one
intercept theta_k per facility and offset ln E_ik. `rates` computes O and E, `empirical_null` fits
the null, and the program layer flags facilities.
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

ADDED_EVENTS = 0.5
"""Added to observed and expected events if no events were observed (reading 25)."""
CRITICAL_VALUE = 1.96
"""As published in the manual (2.13.15)."""
NO_SPREAD = 1e-9
"""A smaller sandwich error is rounding: all patients of the facility fit exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityRates:
    """Observed against expected events of F facilities; arrays have shape (F,).

    A facility without expected events has no ratio; its ratio and dependent values are NaN.

    Attributes:
        observed: events.
        expected: events expected at national rates.
        patients: patients with time at risk there.
        ratio: observed / expected.
        theta: ln of the ratio, or ln((O + 0.5) / (E + 0.5)) if no events were observed.
        standard_error: of theta.
        z: theta / standard_error.
        is_half_added: no events were observed, so theta contains the added 0.5.
        is_model_based: the error is model-based, because patients have no spread to measure.
        scale: deviance / (patients - facilities), the over-dispersion of the model, a scalar.
        dropped: facilities without a ratio.
    """

    observed: FloatArray
    expected: FloatArray
    patients: FloatArray
    ratio: FloatArray
    theta: FloatArray
    standard_error: FloatArray
    z: FloatArray
    is_half_added: BoolArray
    is_model_based: BoolArray
    scale: float
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedRates:
    """Facilities' ratios adjusted by an empirical null; arrays have shape (F,).

    Attributes:
        z: (z - mean) / deviation of the facility's null.
        p_value: two-sided; exact if no events were observed.
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
    theta_k has theta_k = ln(O_k / E_k). Its robust error, clustered by patient, is
    sqrt(sum_i (O_ik - E_ik O_k / E_k)^2) / O_k: the deviance scale (GENMOD's dscale) multiplies
    bread and meat of the sandwich alike and cancels. A patient of two facilities contributes to
    the covariance of their thetas, not to either variance.

    With one patient, with patients who all fit exactly, or with no events, the sandwich would be
    zero or meaningless. The model-based error sqrt(scale / O_k) replaces it, with O_k = 0.5 if no
    events were observed. Then theta is ln(0.5 / (E_k + 0.5)): if 0.5 were added to O_k only, a
    facility that expects less than half an event and has none would rank above the nation.

    Args:
        facility: codes 0..F-1 of each row.
        patient: codes from 0 of each row.
        observed: events of each row, whole numbers >= 0.
        expected: events expected of each row, >= 0.
        facility_count: F.

    Raises:
        FitError: arrays differ in length or contain invalid values; a patient has events but no
            expected events; an error needs the scale and patients do not vary.
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
    has_ratio, has_none = mean > 0, total == 0
    ratio = divide(total, mean)
    fitted = due * ratio[home]
    is_at_risk = due > 0
    freedom = int(np.count_nonzero(is_at_risk)) - int(np.count_nonzero(has_ratio))
    scale = _scale_deviance(seen[is_at_risk], fitted[is_at_risk], freedom)
    added = np.where(has_none, ADDED_EVENTS, 0.0)
    theta = np.log(divide(total + added, np.where(has_ratio, mean + added, 0.0)))
    squares = sum_by(home, (seen - fitted) ** 2, count=facility_count)
    sandwich = np.where(has_ratio, np.sqrt(squares) / (total + added), np.nan)
    is_model_based = has_ratio & (has_none | (sandwich < NO_SPREAD))
    if is_model_based.any() and not scale > 0:
        raise FitError("scale: patients do not vary within facilities, so no error exists")
    error = np.where(is_model_based, np.sqrt(scale / (total + added)), sandwich)
    gone = int(np.count_nonzero(~has_ratio))
    return FacilityRates(
        observed=total,
        expected=mean,
        patients=sum_by(home, is_at_risk.astype(np.float64), count=facility_count),
        ratio=ratio,
        theta=theta,
        standard_error=error,
        z=theta / error,
        is_half_added=has_ratio & has_none,
        is_model_based=is_model_based,
        scale=scale,
        dropped=(Dropped("facilities without expected events", gone),) if gone else (),
    )


def adjust_rates(
    rates: FacilityRates, *, null: FacilityNull, national_rate: float
) -> AdjustedRates:
    """Adjust each facility's z, p-value, limits and rate for its null.

    p-values of facilities without events are exact (reading 25): twice the mid-p of no event,
    exp(-E). They ignore over-dispersion; the limits, computed with the added 0.5, include it.

    Raises:
        FitError: null and rates differ in the number of facilities, or the national rate is not
            a positive number.
    """
    if null.mean.shape != rates.theta.shape:
        raise FitError(f"null: {null.mean.size} facilities, the rates have {rates.theta.size}")
    if not (np.isfinite(national_rate) and national_rate > 0):
        raise FitError("national rate: not a positive number")
    z = adjust_z(rates.z, mean=null.mean, deviation=null.deviation)
    lower, upper = find_ratio_limits(
        theta=rates.theta,
        standard_error=rates.standard_error,
        mean=null.mean,
        deviation=null.deviation,
    )
    lower = np.where(rates.is_half_added, 0.0, lower)
    return AdjustedRates(
        z=z,
        p_value=np.where(rates.is_half_added, np.exp(-rates.expected), two_sided_p(z)),
        lower=lower,
        upper=upper,
        rate=rates.ratio * national_rate,
        rate_lower=lower * national_rate,
        rate_upper=upper * national_rate,
    )


def find_ratio_limits(
    *, theta: FloatArray, standard_error: FloatArray, mean: FloatArray, deviation: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return exp(theta - mean SE -/+ 1.96 deviation SE): the 95% interval (manual 2.13.15)."""
    centre = theta - mean * standard_error
    reach = CRITICAL_VALUE * deviation * standard_error
    return np.exp(centre - reach), np.exp(centre + reach)


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
    """Return deviance / degrees of freedom over patients; NaN without degrees of freedom."""
    deviance = 2.0 * np.sum(xlogy(seen, seen) - xlogy(seen, fitted) - (seen - fitted))
    return float(deviance / freedom) if freedom > 0 else np.nan
