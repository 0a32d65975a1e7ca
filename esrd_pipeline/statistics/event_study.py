"""Event study of an activity: observed over predicted events by month before and after its start.

Each month before is predicted from the others, so that it is no fit to itself: a trend there would
tell that the comparison fails. Months of selection are predicted as if facilities had not been
selected, beside all facilities never enrolled: what stands out there is why they were enrolled, and
chance.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from esrd_pipeline.statistics.activity_effect import Effect, Months, predict_and_compare
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.two_way import BoolArray, fit_two_way

Phase = Literal["before", "selection", "after"]
LONGEST = 24
"""Months before and after the start that are looked at."""


@dataclass(frozen=True, slots=True)
class Point:
    """One month relative to facilities' starts, 0 the first with the activity."""

    relative_month: int
    phase: Phase
    effect: Effect


def study_events(months: Months, everyone: Months) -> list[Point]:
    """Return the points that can be estimated, by month and phase.

    Args:
        months: the enrolled facilities and their matches.
        everyone: the enrolled facilities and all never enrolled, each counted once, with the same
            months.

    Raises:
        FitError: nothing can be fitted to the months before.
    """
    base = fit_two_way(
        months.observed, months.expected, is_used=months.is_before, weight=months.weight
    )
    selecting = everyone.is_selecting & (everyone.expected > 0)
    used = everyone.is_before | (selecting & ~everyone.is_enrolled[:, None])
    wide = fit_two_way(everyone.observed, everyone.expected, is_used=used, weight=everyone.weight)
    points: list[Point] = []
    for at in range(-LONGEST, LONGEST + 1):
        after = months.is_after & _is_at(months, at)
        if after.any():
            points.append(Point(at, "after", predict_and_compare(months, base, after)))
        before = months.is_before & _is_at(months, at)
        if before.any():
            points.extend(_leave_out(months, before, at))
        chosen = selecting & _is_at(everyone, at)
        # Facilities enrolled while others were still selected are in the activity then.
        if at < 0 and chosen.any():
            points.append(Point(at, "selection", predict_and_compare(everyone, wide, chosen)))
    return sorted(points, key=lambda point: (point.relative_month, point.phase))


def _leave_out(months: Months, cells: BoolArray, at: int) -> list[Point]:
    """Return the point of cells before, predicted from the other months, if there are such."""
    try:
        fit = fit_two_way(
            months.observed,
            months.expected,
            is_used=months.is_before & ~cells,
            weight=months.weight,
        )
        return [Point(at, "before", predict_and_compare(months, fit, cells))]
    except FitError:
        return []


def _is_at(months: Months, at: int) -> BoolArray:
    """Return which cells of enrolled facilities are that many months after the start, (F, T)."""
    month = np.arange(months.observed.shape[1])
    return months.is_enrolled[:, None] & (month - months.start[:, None] == at)
