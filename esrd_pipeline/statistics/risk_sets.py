"""Risk sets: the rows at risk at each event time of a stratum.

A row (start, stop] is at risk at an event time t of its stratum if start < t <= stop. As indices
of event times, this is from `entry` up to but not including `exit`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSets:
    """Rows ordered by stratum, and the J event times of all strata one after another.

    Attributes:
        order: the rows used, strata together, shape (n,).
        row_starts: index in `order` of each stratum's first row, then n, shape (K + 1,).
        time_starts: index of each stratum's first event time, then J, shape (K + 1,).
        entry: index of the first event time at which a row is at risk, shape (n,).
        exit: index of the first later event time at which it is not, shape (n,).
        is_event: the row ends in an event, shape (n,).
        deaths: events at each event time, shape (J,).
        times: the event times, shape (J,).
        never_at_risk: number of rows at risk at no event time of their stratum.
        strata_without_events: number of strata that have only such rows.
    """

    order: IntArray
    row_starts: IntArray
    time_starts: IntArray
    entry: IntArray
    exit: IntArray
    is_event: NDArray[np.bool_]
    deaths: FloatArray
    times: FloatArray
    never_at_risk: int
    strata_without_events: int


def group_risk_sets(
    *, start: FloatArray, stop: FloatArray, event: NDArray[np.generic], stratum: IntArray
) -> RiskSets:
    """Sort once by stratum, find the event times, and locate every row among them.

    Raises:
        FitError: no events.
    """
    is_event = np.asarray(event, dtype=bool)
    if not is_event.any():
        raise FitError("event: no row ends in an event")
    start, stop = np.asarray(start, dtype=np.float64), np.asarray(stop, dtype=np.float64)
    order = np.lexsort((stop, stratum))
    ended = order[is_event[order]]
    is_new = np.ones(ended.size, dtype=bool)
    is_new[1:] = (np.diff(stratum[ended]) != 0) | (np.diff(stop[ended]) != 0)
    first = np.flatnonzero(is_new)
    times, owners = stop[ended[first]], stratum[ended[first]]
    deaths = np.diff(np.append(first, ended.size)).astype(np.float64)
    entry = _place(times, owners, stop=start[order], stratum=stratum[order])
    leave = _place(times, owners, stop=stop[order], stratum=stratum[order])
    is_used = leave > entry
    order, entry, leave = order[is_used], entry[is_used], leave[is_used]
    present = np.unique(owners)
    return RiskSets(
        order=order,
        row_starts=_starts(stratum[order], present),
        time_starts=_starts(owners, present),
        entry=entry,
        exit=leave,
        is_event=is_event[order],
        deaths=deaths,
        times=times,
        never_at_risk=int(stratum.size - order.size),
        strata_without_events=int(np.unique(stratum).size - present.size),
    )


def split_strata(sets: RiskSets, *, times: int) -> list[tuple[int, int]]:
    """Split the strata into blocks of about `times` event times, at least one stratum each."""
    runs: list[tuple[int, int]] = []
    first = 0
    count = sets.time_starts.size - 1
    while first < count:
        reach = int(sets.time_starts[first]) + times
        last = int(np.searchsorted(sets.time_starts, reach, side="right")) - 1
        last = min(max(last, first + 1), count)
        runs.append((first, last))
        first = last
    return runs


def _place(times: FloatArray, owners: IntArray, *, stop: FloatArray, stratum: IntArray) -> IntArray:
    """Count the event times of earlier strata, and those of the row's own up to `stop`."""
    # Rows and event times merged in one order: a time precedes the rows with a stop >= it.
    merged = np.lexsort(
        (
            np.append(np.zeros(times.size), np.ones(stop.size)),
            np.append(times, stop),
            np.append(owners, stratum),
        )
    )
    passed = np.cumsum(merged < times.size)
    place = np.empty(times.size + stop.size, dtype=np.intp)
    place[merged] = passed
    return place[times.size :]


def _starts(codes: IntArray, present: IntArray) -> IntArray:
    return np.append(np.searchsorted(codes, present, side="left"), codes.size).astype(np.intp)
