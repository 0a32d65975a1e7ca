"""Effect of an activity on the facilities enrolled in it, as a ratio of event rates.

The trap is regression to the mean: facilities enter because they were bad, and would have come
closer to the others by themselves. Three things stand against it. The months in which facilities
were selected are neither before nor after. The comparison is with facilities never enrolled that
stood where they did in those months (`activity_matching`). And what would have been is predicted
from each facility's own months before (Borusyak, Jaravel & Spiess 2024, in ratios as in Wooldridge
2023, Econometrics Journal 26:C31): facility and month effects are fitted to the months without the
activity alone, so that facilities that started earlier are never compared with as if they had not,
which is what misleads one coefficient of two-way effects where starts are staggered.

Errors are clustered by facility. The sum of what would have been depends on each facility's own
months before, whose error is its own, and on the months' effects, whose error is everyone's; both
are in the facility's influence (delta method).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.two_way import BoolArray, NoEventsError, TwoWayFit, fit_two_way

CONFIDENCE = 0.95


class NoMonthsError(FitError):
    """No facility has the months that the estimate compares."""


@dataclass(frozen=True, slots=True)
class Months:
    """Counts of F facilities over T months.

    Attributes:
        observed, expected: (F, T).
        last_before: the month from which a facility's months are no longer before, (F,); T of those
            never enrolled.
        start: the first month after, (F,); T of those never enrolled. Later than `last_before`
            where it was enrolled during a month.
        is_selecting: months in which facilities were selected, (T,).
        until: the month from which nothing is counted any more.
        weight: how often a facility counts, (F,): those never enrolled once a match.
    """

    observed: FloatArray
    expected: FloatArray
    last_before: IntArray
    start: IntArray
    is_selecting: BoolArray
    until: int
    weight: FloatArray

    @property
    def is_enrolled(self) -> BoolArray:
        """Which facilities were enrolled, (F,)."""
        return self.start < self.observed.shape[1]

    @property
    def is_before(self) -> BoolArray:
        """Cells without the activity, outside the months of selection, (F, T)."""
        month = np.arange(self.observed.shape[1])
        is_early = month < np.minimum(self.last_before, self.until)[:, None]
        return is_early & ~self.is_selecting & (self.expected > 0)

    @property
    def is_after(self) -> BoolArray:
        """Cells with the activity, (F, T)."""
        month = np.arange(self.observed.shape[1])
        return (month >= self.start[:, None]) & (month < self.until) & (self.expected > 0)


@dataclass(frozen=True, slots=True)
class Effect:
    """A ratio of rates with its 95% limits.

    Attributes:
        ratio: rate with the activity over the rate without.
        lower, upper: limits; not a number with fewer than two enrolled facilities or no event.
        p_value: of the ratio 1, two-sided.
        observed: events of the enrolled facilities in the cells looked at.
        predicted: what they would have been without the activity.
        facilities: enrolled facilities with such cells.
        clusters: facilities the errors are clustered by.
    """

    ratio: float
    lower: float
    upper: float
    p_value: float
    observed: float
    predicted: float
    facilities: int
    clusters: int


def compare_before_after(months: Months, chosen: BoolArray) -> Effect:
    """Return the plain ratio of chosen facilities' rate after over that of the months of selection.

    What one would compute without knowing better: it is fooled by regression to the mean. After is
    counted from the first start of any facility for those that never start. Without months of
    selection all months before are compared with.

    Raises:
        NoEventsError: no event before or after.
    """
    month = np.arange(months.observed.shape[1])
    first = int(months.start.min())
    start = np.where(months.is_enrolled, months.start, first)
    is_after = (month >= start[:, None]) & (month < months.until)
    is_base = (month < months.last_before[:, None]) & (month < first)
    if months.is_selecting.any():
        is_base &= months.is_selecting
    weight = (months.weight * chosen)[:, None]
    sums = [
        (np.where(cells, values * weight, 0.0)).sum(axis=1)
        for cells in (is_after, is_base)
        for values in (months.observed, months.expected)
    ]
    after, after_expected, before, before_expected = sums
    if not (after.sum() > 0 and before.sum() > 0):
        raise NoEventsError("no event before or after")
    influence = (
        after / after.sum()
        - after_expected / after_expected.sum()
        - before / before.sum()
        + before_expected / before_expected.sum()
    )
    predicted = after_expected.sum() * before.sum() / before_expected.sum()
    return _conclude(float(after.sum()), float(predicted), influence, chosen, clusters=chosen)


def estimate_matched(months: Months) -> Effect:
    """Return the one coefficient of the activity beside facility and month effects.

    Exact where all start together; where starts are staggered it weighs early and late months by
    how much they tell, and misleads if the effect grows or fades.

    Raises:
        FitError: the model cannot be fitted.
    """
    is_after = months.is_after
    is_used = months.is_before | is_after
    fit = fit_two_way(
        months.observed,
        months.expected,
        is_used=is_used,
        weight=months.weight,
        terms=is_after[None].astype(np.float64),
    )
    influence = fit.scores @ fit.curvature[:, -1]
    # A coefficient of the fit has the usual factor of clusters (Cameron & Miller 2015).
    clusters = (fit.is_used & (fit.mean > 0)).any(axis=1)
    count = int(clusters.sum())
    error = float(np.sqrt((influence**2).sum() * count / max(count - 1, 1)))
    seen = np.where(is_after & fit.is_used, months.observed, 0.0)
    ratio = float(np.exp(fit.terms[-1]))
    treated = (is_after & fit.is_used).any(axis=1)
    return _limit(
        ratio,
        error,
        observed=float(seen.sum()),
        predicted=float(seen.sum()) / ratio,
        facilities=int(treated.sum()),
        clusters=count,
    )


def estimate_staggered(months: Months) -> Effect:
    """Return observed events after, over those predicted from months without the activity.

    Raises:
        NoEventsError: no event in the months without the activity.
        NoMonthsError: no enrolled facility has months before and after.
    """
    fit = fit_two_way(
        months.observed, months.expected, is_used=months.is_before, weight=months.weight
    )
    return predict_and_compare(months, fit, months.is_after)


def estimate_placebo(months: Months) -> Effect:
    """Return the effect of a start that was none: halfway through the months before selection.

    It is 1 where months before foretell later ones as the estimate assumes.

    Raises:
        NoMonthsError: fewer than two months are before the selection and the first enrolment.
        NoEventsError: there is no event in them.
    """
    first = int(np.argmax(months.is_selecting)) if months.is_selecting.any() else months.until
    first = min(first, int(months.last_before[months.is_enrolled].min(initial=first)))
    half = first // 2
    if half < 1:
        raise NoMonthsError("no months before the selection to put a placebo date in")
    date = np.where(months.is_enrolled, half, months.observed.shape[1]).astype(np.intp)
    false = Months(
        observed=months.observed,
        expected=months.expected,
        last_before=date,
        start=date,
        is_selecting=months.is_selecting,
        until=first,
        weight=months.weight,
    )
    return estimate_staggered(false)


def predict_and_compare(months: Months, fit: TwoWayFit, cells: BoolArray) -> Effect:
    """Return observed over predicted events in cells of enrolled facilities that were not fitted.

    Only facilities with fitted months of their own, and months with an effect, are compared.

    Raises:
        NoMonthsError: nothing is left to compare.
        NoEventsError: nothing is predicted.
    """
    known = months.is_enrolled & fit.is_used.any(axis=1)
    cells = cells & known[:, None] & np.isfinite(fit.mean)
    if not cells.any():
        raise NoMonthsError("no enrolled facility has months before and after")
    mean = np.where(cells, fit.mean, 0.0)
    seen = np.where(cells, months.observed, 0.0).sum(axis=1)
    each, total = mean.sum(axis=1), float(mean.sum())
    if not total > 0:
        raise NoEventsError("nothing is predicted: the enrolled facilities had no event before")
    # How the prediction moves with each month's effect, a facility's own level moving against it.
    slope = mean.sum(axis=0) - each @ fit.share[:, : mean.shape[1]]
    reach = fit.curvature[: slope.size, : slope.size] @ slope / total
    own = seen / max(seen.sum(), 1.0) - each / total
    influence = own - fit.scores[:, : slope.size] @ reach
    clusters = np.asarray(fit.is_used.any(axis=1), dtype=bool)
    is_treated = np.asarray(cells.any(axis=1), dtype=bool)
    return _conclude(float(seen.sum()), total, influence, is_treated, clusters=clusters)


def _conclude(
    observed: float,
    predicted: float,
    influence: FloatArray,
    treated: BoolArray,
    *,
    clusters: BoolArray,
) -> Effect:
    """Return the effect of summed events, each facility's influence on its logarithm given.

    The factor of small samples is that of the facilities that were treated: few of them, not the
    many they are compared with, make the error.
    """
    facilities = int(treated.sum())
    spread = float((influence**2).sum()) * facilities / max(facilities - 1, 1)
    return _limit(
        observed / predicted,
        float(np.sqrt(spread)),
        observed=observed,
        predicted=predicted,
        facilities=facilities,
        clusters=int(clusters.sum()),
    )


def _limit(
    ratio: float,
    error: float,
    *,
    observed: float,
    predicted: float,
    facilities: int,
    clusters: int,
) -> Effect:
    """Return the effect with limits of Student's t of the treated facilities less one."""
    lower = upper = p_value = float("nan")
    if facilities > 1 and error > 0 and observed > 0:
        freedom = facilities - 1
        reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
        lower, upper = ratio * np.exp(-reach), ratio * np.exp(reach)
        p_value = float(2 * stats.t.sf(abs(np.log(ratio)) / error, freedom))
    return Effect(
        ratio, float(lower), float(upper), p_value, observed, predicted, facilities, clusters
    )
