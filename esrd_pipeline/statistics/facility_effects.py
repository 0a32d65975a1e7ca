"""Fixed facility and random hospital effects: stage 3 of SRR and ED30 (2.10.12, 2.26.13).

logit P(y = 1) = g_facility + v_hospital + offset, v ~ N(0, sigma^2), sigma held at its estimate of
stage 2 and the offset at x'b of stage 1 (model of He et al. 2013). The fit maximises, jointly over
all g and v, the penalised log-likelihood

sum over rows of log P(y) - sum over hospitals of v^2 / (2 sigma^2),

so that v are the conditional modes and g the estimates given them: lme4's glmer with nAGQ = 0 and
sigma held. The national norm is the median g.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from esrd_pipeline.statistics.crossed_cells import (
    FREE,
    Codes,
    Spread,
    check_rows,
    count_levels,
    group_rows,
)
from esrd_pipeline.statistics.crossed_modes import Modes, find_modes
from esrd_pipeline.statistics.design import FloatArray, check_finite
from esrd_pipeline.statistics.fit import Dropped, FitError
from esrd_pipeline.statistics.rows import sum_by

EFFECT_BOUND = 10.0
"""Distance from the median at which an infinite effect is set: the bound on provider effects in the
reference software of He et al. (2013) and Wu et al. (2022). It changes a facility's expected events
by less than half an event up to about 10,000 discharges."""
TOLERANCE = 1e-9
"""Convergence tolerance: largest distance of an effect from its estimate, in standard errors."""
NO_HOSPITAL = -1
"""The code of a hospital that is not in the fit: its effect is 0, the mean of the distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityEffects:
    """Effects of F facilities and H hospitals, and facilities compared with the national norm.

    Attributes:
        facility_effects: g, log-odds, shape (F,); NaN for a facility without rows.
        is_bounded: shape (F,): the facility has no events, or only events, so g is infinite and
            is set to `EFFECT_BOUND` below or above the median instead.
        hospital_effects: v, shape (H,); 0 for a hospital without rows of facilities whose g is
            finite, as rows of infinite g carry no information on v.
        median_effect: g_M, the median over the facilities with rows, including infinite g.
        sigma_hospital: as given.
        counts: rows (discharges) of each facility, shape (F,).
        observed: events of each facility, shape (F,).
        expected: sum of P(y = 1) with g replaced by the median, shape (F,).
        row_offsets: v_hospital + offset of each row, in the order given, shape (rows,); adding
            g_M gives the log-odds under the national norm.
        log_likelihood: penalised, at its supremum (rows of infinite g count 0).
        iterations: steps taken.
        gradient_norm: largest score component over the root of its information, at the end.
        decrement: score' information^-1 score at the end.
        dropped: numbers of facilities with bounded effects and without rows.
    """

    facility_effects: FloatArray
    is_bounded: NDArray[np.bool_]
    hospital_effects: FloatArray
    median_effect: float
    sigma_hospital: float
    counts: FloatArray
    observed: FloatArray
    expected: FloatArray
    row_offsets: FloatArray
    log_likelihood: float
    iterations: int
    gradient_norm: float
    decrement: float
    dropped: tuple[Dropped, ...]

    @property
    def ratio(self) -> FloatArray:
        """Observed over expected (SRR, ED30), shape (F,); NaN without rows."""
        return np.divide(
            self.observed,
            self.expected,
            out=np.full(self.observed.shape, np.nan),
            where=self.counts > 0,
        )


class NationalNorm(Protocol):
    """The part of a fit that scoring needs: hospital effects and the median facility effect."""

    @property
    def hospital_effects(self) -> FloatArray:
        """Effects of the hospitals, log-odds, shape (H,)."""
        ...

    @property
    def median_effect(self) -> float:
        """The median facility effect, log-odds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScores:
    """Rows under the national norm.

    Attributes:
        row_offsets: v_hospital + offset, shape (rows,).
        expected: P(y = 1) with the facility's effect replaced by the median, shape (rows,).
    """

    row_offsets: FloatArray
    expected: FloatArray


def fit_facility_effects(
    *,
    offset: FloatArray,
    outcome: NDArray[np.number],
    facility: Codes,
    hospital: Codes,
    sigma_hospital: float,
    facility_count: int | None = None,
    hospital_count: int | None = None,
) -> FacilityEffects:
    """Estimate all effects by Newton's method; arrays have shape (rows,), rows need no order.

    Args:
        offset: x'b from stage 1, on the logit scale.
        outcome: 0 or 1.
        facility: codes 0..F-1.
        hospital: codes 0..H-1.
        sigma_hospital: standard deviation of the hospital effects, from stage 2; may be 0.
        facility_count: F; by default one more than the largest code.
        hospital_count: H; by default one more than the largest code.

    Raises:
        NotConvergedError: Newton's method reached its iteration limit.
        FitError: arrays differ in length or contain invalid values; or the median effect is
            infinite because at least half of the facilities have no events, or only events.
    """
    check_rows(offset=offset, outcome=outcome, facility=facility, hospital=hospital)
    if not (np.isfinite(sigma_hospital) and sigma_hospital >= 0):
        raise FitError("sigma_hospital is a standard deviation: finite and not negative")
    facilities = count_levels("facility", facility, facility_count)
    hospitals = count_levels("hospital", hospital, hospital_count)
    counts = np.bincount(facility, minlength=facilities).astype(np.float64)
    observed = sum_by(facility, np.asarray(outcome, dtype=np.float64), count=facilities)
    effects = np.where(observed == 0, -np.inf, np.inf)
    effects[counts == 0] = np.nan
    is_finite = (observed > 0) & (observed < counts)
    if not is_finite.any():
        raise FitError("outcome: no facility has both outcomes, so no effect can be estimated")
    effects[is_finite], hospital_effects, modes = _climb(
        offset=offset,
        outcome=outcome,
        facility=facility,
        hospital=hospital,
        hospitals=hospitals,
        is_finite=is_finite,
        sigma=sigma_hospital,
    )
    median = _find_median(effects[counts > 0])
    row_offsets = hospital_effects[hospital] + offset
    is_bounded = np.isinf(effects)
    return FacilityEffects(
        facility_effects=np.where(is_bounded, median + np.sign(effects) * EFFECT_BOUND, effects),
        is_bounded=is_bounded,
        hospital_effects=hospital_effects,
        median_effect=median,
        sigma_hospital=float(sigma_hospital),
        counts=counts,
        observed=observed,
        expected=sum_by(facility, expit(median + row_offsets), count=facilities),
        row_offsets=row_offsets,
        log_likelihood=modes.penalised,
        iterations=modes.iterations,
        gradient_norm=modes.gradient_norm,
        decrement=modes.decrement,
        dropped=_report_dropped(effects),
    )


def score(fit: NationalNorm, *, offset: FloatArray, hospital: Codes) -> RowScores:
    """Score rows, of the fit or new ones, under its national norm; arrays have shape (rows,).

    Over the rows of a facility in the fit, `expected` adds up to the facility's expected events.

    Args:
        fit: the result of `fit_facility_effects`, or its stored hospital and median effects.
        offset: x'b with the coefficients of stage 1.
        hospital: codes as in the fit; `NO_HOSPITAL` for a hospital that is not in the fit.

    Raises:
        FitError: arrays differ in length, an offset is not finite, or a code is unknown.
    """
    if offset.shape != hospital.shape:
        raise FitError(f"offset has shape {offset.shape}, hospital {hospital.shape}")
    check_finite("offset", offset)
    known = fit.hospital_effects.size
    if not np.issubdtype(hospital.dtype, np.integer):
        raise FitError(f"hospital: codes are integers, not {hospital.dtype}")
    strange = int(np.count_nonzero((hospital < NO_HOSPITAL) | (hospital >= known)))
    if strange:
        raise FitError(f"hospital: {strange} codes are not among the fit's {known}")
    row_offsets = offset + np.where(hospital == NO_HOSPITAL, 0.0, fit.hospital_effects[hospital])
    return RowScores(row_offsets=row_offsets, expected=expit(fit.median_effect + row_offsets))


def _climb(
    *,
    offset: FloatArray,
    outcome: NDArray[np.number],
    facility: Codes,
    hospital: Codes,
    hospitals: int,
    is_finite: NDArray[np.bool_],
    sigma: float,
) -> tuple[FloatArray, FloatArray, Modes]:
    """Return the finite facility effects, all hospital effects and the convergence report."""
    used = is_finite[facility]
    finite_count = int(np.count_nonzero(is_finite))
    level = (np.cumsum(is_finite) - 1)[facility[used]]
    is_swapped = finite_count < hospitals
    held = Spread(1.0, sigma * sigma)
    cells = group_rows(
        larger=hospital[used] if is_swapped else level,
        smaller=level if is_swapped else hospital[used],
        larger_count=max(finite_count, hospitals),
        smaller_count=min(finite_count, hospitals),
        offset=offset[used],
        outcome=outcome[used],
    )
    counts = np.bincount(level).astype(np.float64)
    events = sum_by(level, np.asarray(outcome[used], dtype=np.float64))
    start = np.log(events / (counts - events)) - sum_by(level, offset[used]) / counts
    nothing = np.zeros(hospitals)
    modes = find_modes(
        cells,
        (held, FREE) if is_swapped else (FREE, held),
        start=(nothing, start) if is_swapped else (start, nothing),
        tolerance=TOLERANCE,
    )
    first, second = modes.effects
    return (second, first, modes) if is_swapped else (first, second, modes)


def _find_median(effects: FloatArray) -> float:
    """Return the median effect; infinite effects count as lowest or highest.

    Raises:
        FitError: it is not finite.
    """
    ordered = np.sort(effects)
    middle = ordered[[(ordered.size - 1) // 2, ordered.size // 2]]
    if not np.all(np.isfinite(middle)):
        raise FitError(
            "the median facility effect is infinite: half of the facilities or more have no"
            " events, or only events"
        )
    return float(middle.mean())


def _report_dropped(effects: FloatArray) -> tuple[Dropped, ...]:
    rules = (
        ("facilities without events: effect at the lower bound", effects == -np.inf),
        ("facilities with only events: effect at the upper bound", effects == np.inf),
        ("facilities without rows: no effect", np.isnan(effects)),
    )
    return tuple(Dropped(rule, int(np.count_nonzero(met))) for rule, met in rules if np.any(met))
