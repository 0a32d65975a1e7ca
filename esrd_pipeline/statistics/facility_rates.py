"""Facilities compared on rates: O/E, its error, and what an empirical null makes of both.

Manual 2.12.16, 2.13.15, 2.25.16: an over-dispersed Poisson model of patients' events with one
intercept theta_k per facility and offset ln E_ik. Where O and E come from belongs to `rates`,
where the null comes from to `empirical_null`, and who is flagged to the program.
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
"""Added to observed and expected events where none were observed (reading 25)."""
CRITICAL_VALUE = 1.96
"""As the manual prints it (2.13.15)."""
NO_SPREAD = 1e-9
"""A sandwich error below this is rounding: the facility's patients all fit exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityRates:
    """Observed against expected events of F facilities; arrays have shape (F,).

    A facility without expected events has no ratio, and numbers that need one are missing (NaN).

    Attributes:
        observed: events.
        expected: events expected at national rates.
        patients: patients with time at risk there.
        ratio: observed / expected.
        theta: ln of the ratio; where nothing was observed, of (O + 0.5) / (E + 0.5).
        standard_error: of theta.
        z: theta / standard_error.
        is_half_added: nothing was observed, so 0.5 stands added in theta.
        is_model_based: the error is the model's, because the sandwich has no spread to measure.
        scale: deviance / (patients - facilities), the over-dispersion of the model, one number.
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
    """What an empirical null makes of facilities' ratios; arrays have shape (F,).

    Attributes:
        z: (z - mean) / deviation of the facility's null.
        p_value: two-sided; exact where nothing was observed.
        lower: 95% limit of the ratio; 0 where nothing was observed.
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

    Rows are added up by patient within facility: O_ik, E_ik. The model ln E[O_ik] = ln E_ik +
    theta_k has theta_k = ln(O_k / E_k). Its robust error, clustered by patient, is
    sqrt(sum_i (O_ik - E_ik O_k / E_k)^2) / O_k: the deviance scale (GENMOD's dscale) multiplies
    bread and filling alike and cancels out of it. A patient of two facilities adds to the
    covariance of their thetas, not to either variance.

    The scale comes back where the sandwich has nothing to measure: with one patient, with
    patients who all fit exactly, or with no events it would be zero or meaningless, and the
    model's own error sqrt(scale / O_k) stands in, O_k = 0.5 where nothing was observed. There
    theta is ln(0.5 / (E_k + 0.5)): with 0.5 added to one side only, a facility too small to
    expect half an event would rank above the nation for having had none.

    Args:
        facility: codes 0..F-1 of each row.
        patient: codes from 0 of each row.
        observed: events of each row, whole numbers >= 0.
        expected: events expected of each row, >= 0.
        facility_count: F.

    Raises:
        FitError: arrays disagree in length or hold what they may not; events where a patient has
            none expected; an error needs the scale and patients do not vary.
    """
    rows = facility.size
    check_codes("facility", facility, rows=rows)
    check_codes("patient", patient, rows=rows)
    check_counts("observed", observed, rows=rows)
    check_amounts("expected", expected, rows=rows)
    if int(facility.max()) >= facility_count:
        raise FitError(f"facility: codes reach {int(facility.max())} of {facility_count}")
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
    """Hold each facility against its null and put its ratio on the national scale.

    p-values of facilities without events are exact (reading 25): twice the mid-p of no event,
    exp(-E). They know nothing of over-dispersion; their limits, from the 0.5 added, do.

    Raises:
        FitError: the null is of other facilities, or the national rate is not a positive number.
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
    """Add rows up by patient within facility: each pair's facility, events, expected events."""
    spread = int(patient.max()) + 1
    pair = facility.astype(np.int64) * spread + patient
    pairs, at = np.unique(pair, return_inverse=True)
    seen, due = sum_by(at, observed.astype(np.float64)), sum_by(at, expected)
    broken = int(np.count_nonzero((seen > 0) & (due == 0)))
    if broken:
        raise FitError(f"expected: {broken} patients have events where none are expected")
    return (pairs // spread).astype(np.intp), seen, due


def _scale_deviance(seen: FloatArray, fitted: FloatArray, freedom: int) -> float:
    """Return deviance / degrees of freedom over patients; missing without degrees of freedom."""
    deviance = 2.0 * np.sum(xlogy(seen, seen) - xlogy(seen, fitted) - (seen - fitted))
    return float(deviance / freedom) if freedom > 0 else np.nan
