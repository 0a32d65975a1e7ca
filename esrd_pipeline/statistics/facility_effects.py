"""Fixed facility and random hospital effects: stage 3 of SRR and ED30 (2.10.12, 2.26.13).

logit P(y = 1) = g_facility + v_hospital + offset, v ~ N(0, sigma^2), sigma held at its estimate of
stage 2 and the offset at x'b of stage 1 (He et al. 2013 give the model). What is maximised, jointly
over all g and v, is the penalised log-likelihood

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
"""Distance from the median at which an infinite effect is set: where the reference software of
He et al. (2013) and Wu et al. (2022) bounds its provider effects. There a facility expects less
than half an event too few or too many up to some 10,000 discharges."""
TOLERANCE = 1e-9
"""In standard errors: no effect is further than about this from where it belongs."""
NO_HOSPITAL = -1
"""The code of a hospital the fit does not know: its effect is 0, the mean of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityEffects:
    """Effects of F facilities and H hospitals, and facilities compared with the national norm.

    Attributes:
        facility_effects: g, log-odds, shape (F,); not a number for a facility without rows.
        is_bounded: shape (F,): without events, or with only events, a facility's g is infinite
            and stands `EFFECT_BOUND` below or above the median instead.
        hospital_effects: v, shape (H,); 0 for a hospital without rows of facilities whose g is
            finite, as infinite ones say nothing about v.
        median_effect: g_M, the median over the facilities with rows, infinite g among them.
        sigma_hospital: as given.
        counts: rows (discharges) of each facility, shape (F,).
        observed: events of each facility, shape (F,).
        expected: sum of P(y = 1) were its g the median, shape (F,).
        row_offsets: v_hospital + offset of each row, as the rows were given: with g_M added it
            is the log-odds under the national norm, shape (rows,).
        log_likelihood: penalised, at its supremum (rows of infinite g count 0).
        iterations: steps taken.
        gradient_norm: largest score component over the root of its information, at the end.
        decrement: score' information^-1 score at the end.
        dropped: facilities bounded or without rows, how many of each.
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
        """Observed over expected (SRR, ED30), shape (F,); not a number without rows."""
        return np.divide(
            self.observed,
            self.expected,
            out=np.full(self.observed.shape, np.nan),
            where=self.counts > 0,
        )


class NationalNorm(Protocol):
    """What scoring rows needs of a fit: hospital effects and the median facility effect."""

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
        expected: P(y = 1) were the facility's effect the median, shape (rows,).
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
        facility_count: F; one more than the largest code where not given.
        hospital_count: H; likewise.

    Raises:
        NotConvergedError: Newton's method met its limit.
        FitError: arrays disagree in length, or hold what they may not; or the median effect is
            infinite, half of the facilities or more having no events, or only events.
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
    """Place rows, of the fit or new ones, under its national norm; arrays have shape (rows,).

    Over the rows of a facility in the fit, `expected` adds up to what the fit expects there.

    Args:
        fit: what `fit_facility_effects` returned, or was stored of it.
        offset: x'b with the coefficients of stage 1.
        hospital: codes as in the fit; `NO_HOSPITAL` for one the fit does not know.

    Raises:
        FitError: arrays disagree in length, an offset is not finite, or a code is not known.
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
    """Return the finite facility effects, all hospital effects and how they were reached."""
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
    """Return the median effect, in which an infinite one counts as lowest or highest.

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
