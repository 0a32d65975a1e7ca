"""The facilities and months that an activity's effect is estimated from.

A facility is in an activity from its first whole month after enrolment until the end of the
activity's measurement period, whether it stays or not (reading 220). The months of the baseline
window select: they are neither before nor after, and facilities are matched on them with those
never enrolled in any activity (reading 221).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.statistics.activity_effect import Months
from esrd_pipeline.statistics.activity_matching import describe_baseline, match_nearest, weigh
from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.two_way import BoolArray
from esrd_pipeline.tables.activity import LEAST_ENROLLED

MONTHS_IN_YEAR = 12
LEAST_WINDOW = 2
"""Months of selection, for a level and a change to match on."""


class NotEstimableError(ValueError):
    """There is no effect to estimate; `reason` is a code of tables.activity.REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Counts:
    """A measure's events, (F, T), by facility, sorted, and month, without a gap.

    `first_month` counts months since year 0.
    """

    ccns: np.ndarray
    first_month: int
    observed: FloatArray
    expected: FloatArray


@dataclass(frozen=True, slots=True)
class Panel:
    """An activity's facilities with their matches, with all never enrolled, and who matches whom.

    `matches` has a row for each enrolled facility and match: ccn, rank, match_ccn, and both
    facilities' observed over expected events in the months of selection.
    """

    months: Months
    everyone: Months
    matches: pd.DataFrame


def arrange(events: pd.DataFrame) -> Counts:
    """Return one measure's rows (ccn, month, observed, expected) as arrays, absent months as 0."""
    month = _number_months(events["month"])
    ccns, facility = np.unique(events["ccn"].to_numpy(dtype=str), return_inverse=True)
    first = int(month.min())
    shape = (ccns.size, int(month.max()) - first + 1)
    observed, expected = np.zeros(shape), np.zeros(shape)
    observed[facility, month - first] = events["observed"].to_numpy(dtype=np.float64)
    expected[facility, month - first] = events["expected"].to_numpy(dtype=np.float64)
    return Counts(ccns, first, observed, expected)


def make_panel(
    counts: Counts | None,
    activity: Mapping[str, object],
    enrolments: pd.DataFrame,
    ever: set[str],
) -> Panel:
    """Return whom an activity's facilities are compared with.

    Args:
        counts: the measure's events; None where none are stored by month.
        activity: baseline_first, baseline_last and measurement_last, of raw.network_activity.
        enrolments: the activity's rows of raw.network_enrolment.
        ever: facilities that were enrolled in any activity.

    Raises:
        NotEstimableError: nobody is left to compare, or no months.
    """
    if counts is None:
        raise NotEstimableError("activity_not_monthly")
    length = counts.observed.shape[1]
    low, high, last = (
        _place(counts, activity[name])
        for name in ("baseline_first", "baseline_last", "measurement_last")
    )
    month = np.arange(length)
    is_selecting = (month >= low) & (month <= high)
    if int(is_selecting.sum()) < LEAST_WINDOW:
        raise NotEstimableError("activity_no_window")
    until = min(last + 1, length)
    last_before, start = _find_starts(counts, enrolments)
    window = (counts.observed[:, is_selecting], counts.expected[:, is_selecting])
    is_known = window[1].sum(axis=1) > 0
    in_activity = np.isin(counts.ccns, enrolments["ccn"].to_numpy(dtype=str))
    is_enrolled = is_known & in_activity & (start < until)
    is_pool = is_known & ~np.isin(counts.ccns, sorted(ever))
    _check(is_enrolled, is_pool, has_late=bool((is_known & in_activity & ~is_enrolled).any()))

    def take(rows: BoolArray, weight: FloatArray) -> Months:
        return Months(
            observed=counts.observed[rows],
            expected=counts.expected[rows],
            last_before=np.where(is_enrolled, last_before, length)[rows],
            start=np.where(is_enrolled, start, length)[rows],
            is_selecting=is_selecting,
            until=until,
            weight=weight[rows],
        )

    everyone = take(is_enrolled | is_pool, np.ones(is_enrolled.size))
    if not everyone.is_before[everyone.is_enrolled].any():
        raise NotEstimableError("activity_no_months_before")
    matched = match_nearest(describe_baseline(*window), is_enrolled, is_pool)
    weight = weigh(matched, is_enrolled)
    level = window[0].sum(axis=1) / np.where(is_known, window[1].sum(axis=1), 1.0)
    who = np.repeat(np.flatnonzero(is_enrolled), matched.shape[1])
    other = matched.ravel()
    matches = pd.DataFrame(
        {
            "ccn": counts.ccns[who],
            "rank": np.tile(np.arange(1, matched.shape[1] + 1), len(matched)),
            "match_ccn": counts.ccns[other],
            "level": level[who],
            "match_level": level[other],
        }
    )
    return Panel(take(weight > 0, weight), everyone, matches)


def _check(is_enrolled: BoolArray, is_pool: BoolArray, *, has_late: bool) -> None:
    if has_late and not is_enrolled.any():
        raise NotEstimableError("activity_no_months_after")
    if int(is_enrolled.sum()) < LEAST_ENROLLED:
        raise NotEstimableError("activity_few_enrolled")
    if not is_pool.any():
        raise NotEstimableError("activity_no_match")


def _find_starts(counts: Counts, enrolments: pd.DataFrame) -> tuple[IntArray, IntArray]:
    """Return each facility's month of enrolment and its first whole month in, the first if several.

    Months without an event stored, and facilities never enrolled, have the number of months.
    """
    length = counts.observed.shape[1]
    day = pd.to_datetime(enrolments["start_date"]).groupby(enrolments["ccn"]).min()
    day = day.reindex(counts.ccns)
    month = np.where(day.isna(), length, _number_months(day.fillna(pd.Timestamp(0))))
    month = np.where(day.isna(), length, month - counts.first_month)
    whole = month + (day.dt.day.fillna(1) > 1).to_numpy(dtype=np.intp)
    return (
        np.clip(month, 0, length).astype(np.intp),
        np.clip(whole, 0, length).astype(np.intp),
    )


def _place(counts: Counts, day: object) -> int:
    """Return the column of the month that a day is in, outside the array too."""
    return int(_number_months(pd.Series([day]))[0]) - counts.first_month


def _number_months(days: pd.Series) -> IntArray:
    """Return the months since year 0 that days are in."""
    stamps = pd.to_datetime(days)
    months = stamps.dt.year * MONTHS_IN_YEAR + stamps.dt.month - 1
    return np.asarray(months, dtype=np.intp)
