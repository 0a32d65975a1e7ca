"""Exact tests and intervals for a facility's count of events: SRR and ED30 (2.10.13, 2.26.14).

Under a facility effect g its discharges have the probabilities expit(g + c), c being the hospital's
effect plus x'b, and the count of events is Poisson-binomial (Hong 2013). g only tilts that
distribution: P_g(k) is proportional to e^(g k) times a factor that does not depend on g. So each
facility's trials are convolved once, at the g whose expected count is the observed one, and both
tails at any g follow from sums of positive terms: no digits are lost however small a tail is.
`facility_effects` estimates g and c, `empirical_null` fits the null.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import expit, log_ndtr, ndtri, ndtri_exp

from esrd_pipeline.statistics.design import FloatArray, IntArray, check_finite
from esrd_pipeline.statistics.empirical_null import adjust_z, two_sided_p
from esrd_pipeline.statistics.fit import Dropped, FitError, NotConvergedError
from esrd_pipeline.statistics.logistic_cells import find_intercept
from esrd_pipeline.statistics.rows import (
    check_amounts,
    check_codes,
    check_counts,
    divide,
    find_starts,
    sum_by,
)

LEVEL = 0.95
OFFSET_BOUND = 100.0
"""Beyond it, probabilities are within 1e-43 of 0 or 1: an error in the inputs."""
ROOT_TOLERANCE = 1e-11
"""A limit has converged when Newton's step is below this, relative or absolute."""
ROOT_LIMIT = 200
STEP_BOUND = 10.0
"""Largest length of a step, unless the distance from the start is larger."""

Codes = NDArray[np.integer]

_compile: Any = njit(cache=True, nogil=True, error_model="numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityCounts:
    """Counts of F facilities tested against one facility effect; arrays have shape (F,).

    A facility without discharges has no ratio and no test: these numbers are NaN.

    Attributes:
        effect: the facility effect of the null hypothesis, the national norm.
        observed: events.
        expected: events expected at that effect.
        ratio: observed / expected.
        lower_tail: SL-, P(fewer events than observed) + P(as many) / 2.
        upper_tail: SL+, P(more events than observed) + P(as many) / 2; the two sum to one.
        p_value: 2 min(SL-, SL+), at most 1; it underflows to 0 only below 1e-307.
        z: Phi^-1(SL-) = -Phi^-1(SL+), from the logarithm of the smaller tail: positive with more
            events than expected; always finite, because each tail contains half of the
            probability of the observed count.
        dropped: facilities without discharges.
    """

    effect: float
    observed: FloatArray
    expected: FloatArray
    ratio: FloatArray
    lower_tail: FloatArray
    upper_tail: FloatArray
    p_value: FloatArray
    z: FloatArray
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedCounts:
    """Facilities' counts adjusted by an empirical null; arrays have shape (F,).

    Attributes:
        z: (z - mean) / deviation of the facility's null.
        p_value: two-sided, of that z.
        lower_effect: the smallest facility effect not rejected; minus infinity without events.
        upper_effect: the largest one not rejected; plus infinity with only events.
        lower: limit of the ratio, events expected at the lower effect / expected at the null's:
            0 at minus infinity.
        upper: limit of the ratio; its maximum, discharges / expected, at plus infinity.
    """

    z: FloatArray
    p_value: FloatArray
    lower_effect: FloatArray
    upper_effect: FloatArray
    lower: FloatArray
    upper: FloatArray


def compare_counts(
    *, effect: float, offset: FloatArray, facility: Codes, observed: NDArray[np.number]
) -> FacilityCounts:
    """Test every facility's count against one facility effect, by exact mid-p (2.10.13).

    Args:
        effect: of the null hypothesis: the national norm, the median facility's.
        offset: c of each row (discharge), shape (rows,): log-odds minus the facility effect.
        facility: codes 0..F-1 of each row; rows need no order.
        observed: events of each facility, shape (F,).

    Raises:
        FitError: arrays differ in length or contain invalid values; offsets or the effect exceed
            `OFFSET_BOUND`.
    """
    starts, order = _group_rows(effect, offset, facility, observed)
    log_lower, log_upper = _compare_facilities(
        offset[order].astype(np.float64, copy=False), starts, observed.astype(np.int64), effect
    )
    smaller = np.minimum(log_lower, log_upper)
    z = np.abs(ndtri_exp(np.minimum(smaller, np.log(0.5))))
    expected = _compute_expected(np.full(observed.size, effect), offset, facility)
    gone = int(np.count_nonzero(np.isnan(log_lower)))
    return FacilityCounts(
        effect=effect,
        observed=observed.astype(np.float64),
        expected=expected,
        ratio=divide(observed, expected),
        lower_tail=np.exp(log_lower),
        upper_tail=np.exp(log_upper),
        p_value=np.minimum(2 * np.exp(smaller), 1.0),
        z=np.where(log_upper < log_lower, z, -z),
        dropped=(Dropped("facilities without discharges", gone),) if gone else (),
    )


def adjust_counts(
    counts: FacilityCounts,
    *,
    offset: FloatArray,
    facility: Codes,
    mean: FloatArray | None = None,
    deviation: FloatArray | None = None,
    level: float = LEVEL,
) -> AdjustedCounts:
    """Test each facility against its null and invert the test for the interval (2.10.13).

    An effect g is in the interval if |z(g) - mean| is at most c deviation, c being the normal
    quantile of the level and z(g) the exact score of the observed count at g. So the interval
    of the ratio excludes 1 if and only if p is below 1 - level. A null far from 0 may reject
    every g of a facility without events or with only events: both limits are then the infinite
    g that is rejected least.

    Args:
        counts: the result of `compare_counts` for the same rows.
        offset: as in `compare_counts`.
        facility: as in `compare_counts`.
        mean: of each facility's null, shape (F,); by default 0.
        deviation: of each facility's null, > 0, shape (F,); by default 1.
        level: confidence level of the interval, between 0 and 1.

    Raises:
        FitError: as `compare_counts`; null and counts differ in the number of facilities; the
            level is out of range.
        NotConvergedError: a limit was not found.
    """
    centre = np.zeros(counts.z.size) if mean is None else mean
    spread = np.ones(counts.z.size) if deviation is None else deviation
    check_finite("mean", centre)
    check_amounts("deviation", spread, rows=counts.z.size, is_positive=True)
    if centre.shape != counts.z.shape:
        raise FitError(f"mean: {centre.size} facilities, the counts have {counts.z.size}")
    if not 0 < level < 1:
        raise FitError("level: not between 0 and 1")
    starts, order = _group_rows(counts.effect, offset, facility, counts.observed)
    reach = ndtri((1 + level) / 2) * spread
    ordered = offset[order].astype(np.float64, copy=False)
    observed = counts.observed.astype(np.int64)
    limits: list[FloatArray] = []
    for target in (centre + reach, centre - reach):
        # Solve for the smaller tail, which keeps its digits.
        limit = _find_limits(ordered, starts, observed, target, log_ndtr(-np.abs(target)))
        lost = int(np.count_nonzero(np.isnan(limit) & (starts[1:] > starts[:-1])))
        if lost:
            raise NotConvergedError(f"limits of {lost} facilities were not found")
        limits.append(limit)
    lower, upper = (
        divide(_compute_expected(limit, offset, facility), counts.expected) for limit in limits
    )
    z = adjust_z(counts.z, mean=centre, deviation=spread)
    return AdjustedCounts(
        z=z,
        p_value=two_sided_p(z),
        lower_effect=limits[0],
        upper_effect=limits[1],
        lower=lower,
        upper=upper,
    )


def find_count_distribution(probability: FloatArray) -> FloatArray:
    """Return P(count = 0), ..., P(count = n) of n independent trials, by direct convolution.

    All terms are positive, so each is accurate to about n relative rounding errors until it
    underflows float64 (1e-308).

    Args:
        probability: of an event in each trial, shape (n,).

    Raises:
        FitError: a value is not a probability.
    """
    check_finite("probability", probability)
    broken = int(np.count_nonzero((probability < 0) | (probability > 1)))
    if broken:
        raise FitError(f"probability: {broken} values are not between 0 and 1")
    chances = probability.astype(np.float64)
    return _convolve(chances, 1 - chances)


def _group_rows(
    effect: float, offset: FloatArray, facility: Codes, observed: NDArray[np.number]
) -> tuple[IntArray, IntArray]:
    """Check the inputs; return each facility's first place (F + 1,) and the row at each place."""
    check_codes("facility", facility, rows=offset.size)
    check_finite("offset", offset)
    check_counts("observed", observed, rows=observed.size)
    if not abs(effect) <= OFFSET_BOUND:
        raise FitError(f"effect: not within {OFFSET_BOUND:g} of 0")
    wide = int(np.count_nonzero(np.abs(offset) > OFFSET_BOUND))
    if wide:
        raise FitError(f"offset: {wide} values are not within {OFFSET_BOUND:g} of 0")
    if int(facility.max()) >= observed.size:
        raise FitError(
            f"facility: codes reach {int(facility.max())}, but there are {observed.size}"
        )
    sizes = np.bincount(facility, minlength=observed.size)
    excess = int(np.count_nonzero(observed > sizes))
    if excess:
        raise FitError(f"observed: {excess} counts are above the number of discharges")
    return find_starts(sizes), np.argsort(facility, kind="stable")


def _compute_expected(effects: FloatArray, offset: FloatArray, facility: Codes) -> FloatArray:
    """Return each facility's expected count at its own effect, which may be infinite."""
    return sum_by(facility, expit(effects[facility] + offset), count=effects.size)


@_compile
def _compare_facilities(
    offset: FloatArray, starts: IntArray, observed: NDArray[np.int64], effect: float
) -> tuple[FloatArray, FloatArray]:
    """Return log SL- and log SL+ of each facility at one effect."""
    log_lower = np.full(observed.size, np.nan)
    log_upper = np.full(observed.size, np.nan)
    for facility in range(observed.size):
        start, end = starts[facility], starts[facility + 1]
        if start == end:
            continue
        count = observed[facility]
        centre, events, others, mass = _tilt(offset, start, end, count)
        shift = effect - centre
        log_upper[facility], _ = _find_log_tail(mass, events, others, count, shift)
        log_lower[facility], _ = _find_log_tail(
            mass[::-1], others, events, end - start - count, -shift
        )
    return log_lower, log_upper


@_compile
def _find_limits(
    offset: FloatArray,
    starts: IntArray,
    observed: NDArray[np.int64],
    target: FloatArray,
    log_tail: FloatArray,
) -> FloatArray:
    """Return the effect at which each facility's count has the z-score in `target`.

    `log_tail` is log Phi(-|target|): of SL+ if the target is positive, else of SL-. Without
    events z is always below 0, with only events above: limits beyond that are infinite.
    """
    limits = np.full(observed.size, np.nan)
    for facility in range(observed.size):
        start, end = starts[facility], starts[facility + 1]
        count, trials = observed[facility], end - start
        if trials == 0:
            continue
        if count == 0 and target[facility] >= 0:
            limits[facility] = -np.inf
        elif count == trials and target[facility] <= 0:
            limits[facility] = np.inf
        else:
            centre, events, others, mass = _tilt(offset, start, end, count)
            if target[facility] > 0:
                shift = _solve_tail(mass, events, others, count, log_tail[facility])
            else:
                shift = -_solve_tail(mass[::-1], others, events, trials - count, log_tail[facility])
            limits[facility] = centre + shift
    return limits


@_compile
def _tilt(
    offset: FloatArray, start: int, end: int, observed: int
) -> tuple[float, FloatArray, FloatArray, FloatArray]:
    """Return the effect whose expected count is the observed one, P(event), P(none), P(count).

    Without events the target is half an event, with only events half an event less than all.
    """
    trials = end - start
    centre = find_intercept(offset, start, end, min(max(observed, 0.5), trials - 0.5))
    events = np.empty(trials)
    others = np.empty(trials)
    for trial in range(trials):
        reached = centre + offset[start + trial]
        odds = math.exp(-abs(reached))
        likely, unlikely = 1.0 / (1.0 + odds), odds / (1.0 + odds)
        events[trial] = likely if reached >= 0 else unlikely
        others[trial] = unlikely if reached >= 0 else likely
    return centre, events, others, _convolve(events, others)


@_compile
def _convolve(events: FloatArray, others: FloatArray) -> FloatArray:
    """Return P(count = k), k = 0..n, of trials with these probabilities of an event and of none."""
    mass = np.zeros(events.size + 1)
    mass[0] = 1.0
    for trial in range(events.size):
        event, other = events[trial], others[trial]
        for count in range(trial + 1, 0, -1):
            mass[count] = mass[count] * other + mass[count - 1] * event
        mass[0] *= other
    return mass


@_compile
def _find_log_tail(
    mass: FloatArray, events: FloatArray, others: FloatArray, observed: int, shift: float
) -> tuple[float, float]:
    """Return log SL+ at the tilted effect plus `shift`, and its derivative there.

    For a negative shift SL+ is summed directly; for a positive one it is 1 - SL-.
    """
    if shift <= 0:
        return _sum_log_tail(mass, events, others, observed, shift)
    value, slope = _sum_log_tail(mass[::-1], others, events, events.size - observed, -shift)
    rest = math.exp(value)
    return math.log1p(-rest), slope * rest / (1.0 - rest)


@_compile
def _sum_log_tail(
    mass: FloatArray, events: FloatArray, others: FloatArray, observed: int, shift: float
) -> tuple[float, float]:
    """Sum the upper tail at a shift <= 0: its terms decrease from the observed count on.

    P_shift(k) = P_0(k) e^(shift k) / product of (others + events e^shift).
    """
    ratio = math.exp(shift)
    power = 1.0
    total = 0.5 * mass[observed]
    moment = 0.0
    for count in range(observed + 1, mass.size):
        power *= ratio
        term = mass[count] * power
        total += term
        moment += (count - observed) * term
    log_scale = 0.0
    expected = 0.0
    for trial in range(events.size):
        scale = others[trial] + events[trial] * ratio
        log_scale += math.log(scale)
        expected += events[trial] * ratio / scale
    value = math.log(total) + shift * observed - log_scale
    return value, observed + moment / total - expected


@_compile
def _solve_tail(
    mass: FloatArray, events: FloatArray, others: FloatArray, observed: int, log_tail: float
) -> float:
    """Return the shift at which log SL+ is `log_tail`, by Newton's method within a bracket.

    log SL+ increases with the shift and is concave. NaN if the search does not converge.
    """
    low, at, high = -np.inf, 0.0, np.inf
    for _ in range(ROOT_LIMIT):
        value, slope = _find_log_tail(mass, events, others, observed, at)
        gap = log_tail - value
        if gap > 0:
            low = at
        else:
            high = at
        bound = STEP_BOUND + abs(at)
        step = min(max(gap / slope, -bound), bound)
        if abs(step) <= ROOT_TOLERANCE * (1.0 + abs(at)):
            return at + step
        at += step
        if not low < at < high:
            at = 0.5 * (low + high)
        if high - low <= ROOT_TOLERANCE * (1.0 + abs(at)):
            return at
    return np.nan
