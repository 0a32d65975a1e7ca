"""The score that each measure would have after whole events more or fewer, of all facilities.

A measure's score never falls as its numerator moves the better way, so that the events at which it
reaches each number of points are found by halving, all facilities and points together, with the
functions that score the year.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.parameters.register import is_ratio
from esrd_pipeline.program.qip_arithmetic import TOP_SCORE
from esrd_pipeline.program.qip_inputs import Inputs, Rows, Sheet
from esrd_pipeline.program.qip_rules import MeasureRule, QipRules
from esrd_pipeline.program.qip_scores import gather_inputs, score_rule
from esrd_pipeline.scoring_frames import Scores, ScoringFrames, score

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FAR = 2**40
"""Events that no facility has: of points that no number of events reaches."""
_POINTS = np.arange(1, TOP_SCORE + 1)
_SIZES = 10
"""Of a ratio's larger number: events beyond which more change nothing."""
_FROM_NUMERATORS = (
    "achievement_improvement",
    "reporting",
    "reporting_steps",
    "published_or_reported",
)
"""Ways of scoring that use the numerator, where there is one."""


@dataclass(frozen=True)
class Ladder:
    """A measure's points and the events they take, of the facilities whose events can be moved.

    Attributes:
        rule: of the measure.
        at: the facilities' places in the nation, shape (n,).
        numerator: as stored, shape (n,).
        reach: fewest events the better way at which the score is at least 1 to 10, shape (n, 10):
            negative where that many may be lost, FAR where no events suffice, -FAR where none can
            take the points.
        most: events by which the numerator can get better, shape (n,).
    """

    rule: MeasureRule
    at: NDArray[np.intp]
    numerator: Floats
    reach: Integers
    most: Integers

    @property
    def is_counted(self) -> bool:
        """Whether the numerator counts the facility's own events.

        A percentage that is adjusted holds the nation's months times the facility's value.
        """
        return self.rule.entry.family != "access"

    @property
    def is_share(self) -> bool:
        """Whether the numerator counts some of what the denominator counts."""
        return not is_ratio(self.rule.measure, self.rule.entry.family)

    @property
    def turn(self) -> int:
        """What a better event adds to the numerator: 1 or -1."""
        return -1 if self.rule.direction == "lower" else 1

    @cached_property
    def place(self) -> Mapping[int, int]:
        """The row of each facility, by its place in the nation."""
        return {int(at): row for row, at in enumerate(self.at)}


@dataclass(frozen=True)
class Nation:
    """Facilities with what their scores are made from: all of a year, or one.

    Attributes:
        year: performance year.
        rules: of the payment year.
        frames: their rows.
        scales: value over numerator / denominator, by measure (`overlay.find_scales`).
    """

    year: int
    rules: QipRules
    frames: ScoringFrames
    scales: Mapping[str, float]

    @cached_property
    def scores(self) -> Scores:
        """Their scores as they are."""
        return score(self.frames, self.rules, self.year)

    @cached_property
    def inputs(self) -> Inputs:
        """Their rows as arrays."""
        rows = {field.name: getattr(self.frames, field.name) for field in fields(self.frames)}
        return gather_inputs(performance_year=self.year, **rows)

    @cached_property
    def ccns(self) -> list[str]:
        """Their numbers, in order."""
        return [str(ccn) for ccn in self.inputs.facilities.ccns]

    @cached_property
    def points(self) -> Mapping[str, Floats]:
        """The score of each measure and component, NaN where it has none."""
        return spread(self.scores, "score")

    @cached_property
    def sizes(self) -> Mapping[str, Floats]:
        """What each measure's size counts, as scored."""
        return spread(self.scores, "unit_count")

    def rows(self, measure: str) -> Rows:
        """Return a measure's rows of the contract, one a facility."""
        if measure not in self._rows:
            self._rows[measure] = self.inputs.current.rows(measure)
        return self._rows[measure]

    @cached_property
    def _rows(self) -> dict[str, Rows]:
        return {}

    @cached_property
    def ladders(self) -> Mapping[str, Ladder]:
        """The ladder of each measure that events can move."""
        made = (_climb(self, rule) for rule in self.rules.measures)
        return {ladder.rule.measure: ladder for ladder in made if ladder is not None}


def spread(scores: Scores, column: str) -> Mapping[str, Floats]:
    """Return a column of the scores by measure, one number a facility."""
    rows = scores.measures
    names = rows["measure"].unique()
    values = rows[column].to_numpy(dtype=np.float64, na_value=np.nan).reshape(-1, len(names))
    return {str(name): values[:, at] for at, name in enumerate(names)}


def find_movable(nation: Nation, rule: MeasureRule) -> NDArray[np.intp]:
    """Return the facilities that the measure scores from a numerator that events could move."""
    if rule.scoring not in _FROM_NUMERATORS:
        return np.empty(0, dtype=np.intp)
    if rule.scoring == "achievement_improvement" and rule.measure not in nation.scales:
        return np.empty(0, dtype=np.intp)
    numerator = nation.rows(rule.measure).numerator
    return np.flatnonzero(np.isfinite(numerator) & np.isfinite(nation.points[rule.measure]))


def _climb(nation: Nation, rule: MeasureRule) -> Ladder | None:
    """Return a measure's ladder; None where no facility's events can be moved."""
    at = find_movable(nation, rule)
    if not at.size:
        return None
    rows = nation.rows(rule.measure)
    numerator, denominator = rows.numerator[at], rows.denominator[at]
    limit = denominator
    if rule.reporting.months_from_calendar:
        limit = nation.sizes[rule.measure][at]
    above = np.maximum(0, np.floor(np.nan_to_num(limit - numerator))).astype(np.int64)
    below = np.floor(numerator).astype(np.int64)
    most, least = (below, above) if rule.direction == "lower" else (above, below)
    ladder = Ladder(rule, at, numerator, np.empty((0, TOP_SCORE), dtype=np.int64), most)
    if rule.direction == "lower" and not ladder.is_share:
        larger = np.fmax(numerator, np.nan_to_num(denominator))
        least = (_SIZES * np.ceil(larger) + _SIZES).astype(np.int64)
    copies = _Copies(nation, ladder)
    now = nation.points[rule.measure][at][:, np.newaxis]
    # What is reached is reached with no event; what is not takes one at least.
    high = np.where(now >= _POINTS, 0, most[:, np.newaxis])
    low = np.where(now >= _POINTS, -least[:, np.newaxis], 0)
    is_reached = (now >= _POINTS) | (copies.score(high) >= _POINTS)
    is_kept = (now >= _POINTS) & (copies.score(low) >= _POINTS)
    while np.any(is_open := (high - low > 1) & is_reached & ~is_kept):
        middle = (low + high) // 2
        enough = copies.score(middle) >= _POINTS
        high = np.where(is_open & enough, middle, high)
        low = np.where(is_open & ~enough, middle, low)
    reach = np.where(is_kept, -FAR, np.where(is_reached, high, FAR))
    return replace(ladder, reach=reach)


class _Copies:
    """Ten copies of each facility of a ladder, of one measure alone."""

    def __init__(self, nation: Nation, ladder: Ladder) -> None:
        """Lay the copies' rows out once; only numerators and values differ afterwards."""
        self._nation, self._ladder = nation, ladder
        rule, inputs = ladder.rule, nation.inputs
        at = np.repeat(ladder.at, TOP_SCORE)
        self._count = count = len(at)
        rests_on = None if rule.compliance is None else rule.compliance.measure
        places = {rule.measure: inputs.current.place(rule.measure)[at]}
        if rests_on is not None:
            places[rests_on] = inputs.current.place(rests_on)[at]
        taken = np.concatenate([*places.values(), [-1]])
        current = Sheet(
            facility_count=count,
            places={
                name: np.where(place < 0, -1, np.arange(count) + number * count)
                for number, (name, place) in enumerate(places.items())
            },
            numbers={name: values[taken] for name, values in inputs.current.numbers.items()},
            texts={name: texts[taken] for name, texts in inputs.current.texts.items()},
        )
        facilities = replace(
            inputs.facilities,
            ccns=inputs.facilities.ccns[at],
            certified=inputs.facilities.certified[at],
            lacks_in_center=inputs.facilities.lacks_in_center[at],
            granted=inputs.facilities.granted[at],
        )
        self._inputs = replace(
            inputs,
            facilities=facilities,
            current=current,
            improvement=_take(inputs.improvement, rule.measure, at),
            earlier=_take(inputs.earlier, rule.measure, at),
            results=_take(inputs.results, rule.measure, at),
        )

    def score(self, events: Integers) -> Floats:
        """Return the score after so many events the better way, both of shape (n, 10)."""
        rule, sheet = self._ladder.rule, self._inputs.current
        moved = events.ravel()
        numbers = {name: sheet.numbers[name].copy() for name in ("numerator", "value")}
        top, value = (numbers[name][: self._count] for name in ("numerator", "value"))
        is_moved = moved != 0
        top[is_moved] += self._ladder.turn * moved[is_moved]
        bottom = sheet.numbers["denominator"][: self._count]
        scale = self._nation.scales.get(rule.measure, np.nan)
        value[is_moved] = top[is_moved] / bottom[is_moved] * scale
        current = replace(sheet, numbers={**sheet.numbers, **numbers})
        scored = score_rule(self._nation.rules, rule, replace(self._inputs, current=current))
        if scored is None:
            raise ValueError(f"{rule.measure} has no score of its own")
        return scored.score.reshape(events.shape)


def _take(sheet: Sheet, measure: str, at: NDArray[np.intp]) -> Sheet:
    """Return a measure's rows of some facilities, in their order, repeated as they are."""
    return replace(sheet, facility_count=len(at), places={measure: sheet.place(measure)[at]})


def move_numerators(
    nation: Nation, ccns: list[str], measures: list[str], numerators: Floats
) -> ScoringFrames:
    """Return the frames with some numerators, and the values that follow from them by the scales.

    Raises:
        ValueError: a facility has no row of the measure.
    """
    current = nation.frames.current
    keys = pd.MultiIndex.from_arrays([current["ccn"], current["measure"]])
    at = keys.get_indexer(pd.MultiIndex.from_arrays([ccns, measures]))
    if np.any(at < 0):
        raise ValueError("a facility without a row of the measure cannot be moved")
    top, bottom, value = (
        current[name].to_numpy(dtype=np.float64, na_value=np.nan).copy()
        for name in ("numerator", "denominator", "value")
    )
    scales = np.array([nation.scales.get(measure, np.nan) for measure in measures])
    is_moved = top[at] != numerators
    value[at] = np.where(is_moved, numerators / bottom[at] * scales, value[at])
    top[at] = numerators
    return replace(nation.frames, current=current.assign(numerator=top, value=value))
