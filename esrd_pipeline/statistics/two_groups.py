"""Ratio of the rates or odds of two groups, with errors clustered by facility.

A group's rate is its events divided by its amount (patient-days, patients). Its error is that of a
ratio of sums over facilities (Cochran 1977, Sampling Techniques, chapter 6), equal to the one of a
Poisson or logistic regression clustered by facility (Liang & Zeger 1986), times G/(G - 1) for G
facilities: events of a facility may depend on each other. The groups count as independent; where
the same facilities are in both, a year apart, limits are wider than need be.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.rows import check_amounts

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Group:
    """A group's facilities.

    Attributes:
        events: events of each, shape (G,).
        amount: what they are counted against, (G,): of odds, all of which events are a part.
    """

    events: FloatArray
    amount: FloatArray


@dataclass(frozen=True, slots=True)
class Ratio:
    """One group's rate or odds over another's, and 95% limits; not a number where there are none.

    There is no ratio unless both have events (of odds, not only events), and there are no limits
    with fewer than two facilities in a group.
    """

    ratio: float
    lower: float
    upper: float


def compare_rates(one: Group, other: Group) -> Ratio:
    """Return the ratio of one group's rate to another's.

    Raises:
        FitError: events and amounts are of different lengths, or negative.
    """
    return _compare(one, other, is_odds=False)


def compare_odds(one: Group, other: Group) -> Ratio:
    """Return the ratio of one group's odds to another's; events are a part of the amount.

    Raises:
        FitError: events and amounts are of different lengths, or negative.
    """
    return _compare(one, other, is_odds=True)


def _compare(one: Group, other: Group, *, is_odds: bool) -> Ratio:
    nothing = float("nan")
    logs: list[float] = []
    variance = 0.0
    if not (one.events.size and other.events.size):
        return Ratio(nothing, nothing, nothing)
    for group in (one, other):
        count = group.events.size
        check_amounts("events", group.events, rows=count)
        check_amounts("amount", group.amount, rows=count)
        events, amount = float(group.events.sum()), float(group.amount.sum())
        rest = amount - events if is_odds else amount
        if events <= 0 or rest <= 0:
            return Ratio(nothing, nothing, nothing)
        logs.append(float(np.log(events / rest)))
        # The derivative of the log of odds is that of the log of the rate over the share without.
        share = rest / amount if is_odds else 1.0
        apart = (group.events - group.amount * (events / amount)) / (events * share)
        variance += float(apart @ apart) * count / max(count - 1, 1)
    ratio = float(np.exp(logs[0] - logs[1]))
    freedom = min(one.events.size, other.events.size) - 1
    if freedom < 1:
        return Ratio(ratio, nothing, nothing)
    reach = float(np.exp(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(variance)))
    return Ratio(ratio, ratio / reach, ratio * reach)
