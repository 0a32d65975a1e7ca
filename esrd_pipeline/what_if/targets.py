"""What it would take: events to the next point of a measure, and to a lower payment reduction.

An event is one of the measure's numerator: an admission, an infection, a patient's month, a month
reported. Denominators, expected events and sizes stay as they are, and so do the standards. Scores
are those of the year's own scoring of copies of the facility; a measure's score never falls as its
numerator moves the better way, so that the fewest events are found by halving.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from esrd_pipeline.program.qip_arithmetic import TOP_SCORE
from esrd_pipeline.program.qip_rules import MeasureRule
from esrd_pipeline.program.qip_tps import list_bands
from esrd_pipeline.program.qip_weights import share_tps
from esrd_pipeline.what_if.copies import Facility, Floats, read_copies

_ROUNDING = 1e-9
"""Points of the TPS by which a sum of floats may miss a half that exact fractions reach."""


@dataclass(frozen=True, slots=True)
class Step:
    """The fewest events by which a measure's score reaches a number of points.

    Attributes:
        measure: with a numerator of its own, a component for example.
        score: points reached, 1 to 10; None of a report that has no score and is complete.
        events: whole events; fewer where lower is better, more where higher is.
        numerator: what the numerator would be.
    """

    measure: str
    score: int | None
    events: int
    numerator: float


@dataclass(frozen=True, slots=True)
class Way:
    """The fewest events, over all measures together, to a payment reduction.

    Attributes:
        reduction: payment reduction in percent.
        minimum: least TPS of that reduction.
        steps: what each measure must reach.
        tps: what the scoring gives for these steps; None where it gives no TPS, and no reduction.
    """

    reduction: float
    minimum: int
    steps: tuple[Step, ...]
    tps: int | None

    @property
    def events(self) -> int:
        """Events of all measures."""
        return sum(step.events for step in self.steps)


def list_movable(facility: Facility) -> list[MeasureRule]:
    """Return the measures that are scored from a numerator that events could move."""
    return [
        rule
        for rule in facility.rules.measures
        if rule.scoring in ("achievement_improvement", "reporting", "reporting_steps")
        and rule.measure in facility.points
        and np.isfinite(facility.number(rule.measure, "numerator"))
        and (rule.measure in facility.scales or rule.scoring != "achievement_improvement")
    ]


def list_fixed(facility: Facility) -> list[str]:
    """Return the measures with a score below the highest that no events can be told to move.

    A published row may have a rate without its counts, and a survey or topic has none of its own.
    """
    movable = {rule.measure for rule in list_movable(facility)}
    topics = {rule.parent for rule in facility.rules.measures}
    return sorted(
        measure
        for measure, points in facility.points.items()
        if points < TOP_SCORE and measure not in movable | topics
    )


def _most(facility: Facility, rule: MeasureRule) -> int:
    """Return the most events that the measure's numerator can move by."""
    numerator = facility.number(rule.measure, "numerator")
    if rule.direction == "lower":
        return int(np.floor(numerator))
    rows = facility.scores.measures
    limit = facility.number(rule.measure, "denominator")
    if rule.reporting.months_from_calendar:
        limit = float(rows.loc[rows["measure"] == rule.measure, "unit_count"].iloc[0])
    return max(0, int(np.floor(limit - numerator)))


def find_steps(facility: Facility) -> list[Step]:
    """Return the fewest events to each higher score of each measure, in order of measure and score.

    A score that no number of events reaches has no step, nor one that is passed over.
    """
    rules = list_movable(facility)
    wanted = [
        (rule, points)
        for rule in rules
        for points in range(int(facility.points[rule.measure]) + 1, TOP_SCORE + 1)
    ]
    if not wanted:
        return _complete_reports(facility)
    low = np.zeros(len(wanted), dtype=np.int64)
    most = np.array([_most(facility, rule) for rule, _ in wanted])
    points = np.array([point for _, point in wanted])
    high = most.copy()
    reached = _try(facility, wanted, high) >= points
    while np.any(high - low > 1):
        middle = (low + high) // 2
        enough = _try(facility, wanted, middle) >= points
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    found = {
        # Of points that the same events reach, the last and highest is kept.
        (rule.measure, int(events)): Step(
            rule.measure, point, int(events), _move(facility, rule, int(events))
        )
        for (rule, point), events, is_reached in zip(wanted, high, reached, strict=True)
        if is_reached and events > 0
    }
    return [*found.values(), *_complete_reports(facility)]


def _complete_reports(facility: Facility) -> list[Step]:
    """Return what completes a report without a score, on which a measure's score rests."""
    scored = {rule.measure for rule in facility.rules.measures}
    reports = {rule.compliance.measure for rule in facility.rules.measures if rule.compliance}
    steps: list[Step] = []
    for report in sorted(reports - scored):
        done, of = (facility.number(report, name) for name in ("numerator", "denominator"))
        if done < of:
            steps.append(Step(report, None, int(np.ceil(of - done)), of))
    return steps


def _move(facility: Facility, rule: MeasureRule, events: int) -> float:
    turn = -1 if rule.direction == "lower" else 1
    return facility.number(rule.measure, "numerator") + turn * events


def _try(
    facility: Facility, wanted: Sequence[tuple[MeasureRule, int]], events: NDArray[np.int64]
) -> Floats:
    """Return the score of each wanted measure, in a copy of its own, after so many events."""
    count = len(wanted)
    numerators = {
        rule.measure: np.full(count, facility.number(rule.measure, "numerator"))
        for rule, _ in wanted
    }
    for at, ((rule, _), moved) in enumerate(zip(wanted, events, strict=True)):
        numerators[rule.measure][at] = _move(facility, rule, int(moved))
    scores = facility.score_copies(numerators)
    by_measure = {rule.measure: read_copies(scores, rule.measure) for rule, _ in wanted}
    return np.array([by_measure[rule.measure][at] for at, (rule, _) in enumerate(wanted)])


def find_ways(facility: Facility, steps: Sequence[Step]) -> list[Way]:
    """Return the way with the fewest events to each lower reduction, the nearest first.

    A reduction that no steps reach has no way. Without a TPS there is none.
    """
    total = facility.scores.totals.iloc[0]
    if pd.isna(total["tps"]):
        return []
    groups = [_list_choices(facility, group, steps) for group in _group(facility)]
    bands = [
        (least, percent)
        for least, _, percent in reversed(list_bands(facility.rules))
        if percent < float(total["payment_reduction"])
    ]
    ways = [_find_way(facility, groups, least, percent) for least, percent in bands]
    return [way for way in ways if way is not None]


@dataclass(frozen=True, slots=True)
class Choice:
    """Steps of measures whose scores hang together, and the scores they come to.

    Attributes:
        scores: of the measures with a weight of their own; one without a score is not among them.
        steps: what is done.
    """

    scores: Mapping[str, Fraction]
    steps: tuple[Step, ...]

    @property
    def scored(self) -> frozenset[str]:
        """The measures with a score."""
        return frozenset(self.scores)

    @property
    def events(self) -> int:
        """Events of all steps."""
        return sum(step.events for step in self.steps)

    def points(self, shares: Mapping[str, Fraction]) -> Fraction:
        """Return the points of the TPS, by the measures' shares of it."""
        return sum(
            (TOP_SCORE * shares[name] * score for name, score in self.scores.items()), Fraction(0)
        )


def _group(facility: Facility) -> list[list[str]]:
    """Return the measures whose scores hang together: topic and components, report and measure.

    A measure is scored 0 while the report it rests on is incomplete (2.17.9, 2.18.9).
    """
    reports = {rule.compliance.measure for rule in facility.rules.measures if rule.compliance}
    names = reports | {rule.measure for rule in facility.rules.measures}
    group = {name: {name} for name in sorted(names)}
    for rule in facility.rules.measures:
        tied = [rule.parent, rule.compliance.measure if rule.compliance else None]
        for other in tied:
            if other in group and group[other] is not group[rule.measure]:
                joined = group[other] | group[rule.measure]
                group.update(dict.fromkeys(joined, joined))
    return [sorted(measures) for name, measures in group.items() if name == min(measures)]


def _list_choices(facility: Facility, group: Sequence[str], steps: Sequence[Step]) -> list[Choice]:
    """Return all that a group can come to."""
    options = [
        [None, *(step for step in steps if step.measure == measure)]
        for measure in group
        if any(step.measure == measure for step in steps)
    ]
    weighted = [rule.measure for rule in facility.rules.domain_measures if rule.measure in group]
    if not options:
        scores = {name: facility.points[name] for name in weighted if name in facility.points}
        return [Choice({name: Fraction(score) for name, score in scores.items()}, ())]
    combined = [tuple(step for step in one if step is not None) for one in product(*options)]
    scored = facility.score_copies(_collect(facility, combined))
    columns = {name: read_copies(scored, name) for name in weighted}
    return [
        Choice(
            {name: Fraction(all_[at]) for name, all_ in columns.items() if np.isfinite(all_[at])},
            chosen,
        )
        for at, chosen in enumerate(combined)
    ]


def _collect(facility: Facility, combined: Sequence[Sequence[Step]]) -> Mapping[str, Floats]:
    """Return the numerators of each combination of steps."""
    measures = sorted({step.measure for steps in combined for step in steps})
    numerators = {
        measure: np.full(len(combined), facility.number(measure, "numerator"))
        for measure in measures
    }
    for at, steps in enumerate(combined):
        for step in steps:
            numerators[step.measure][at] = step.numerator
    return numerators


def _find_way(
    facility: Facility, groups: Sequence[Sequence[Choice]], least: int, percent: float
) -> Way | None:
    """Choose once in each group so that the reduction is reached with the fewest events.

    Weights depend on which measures have a score, and steps may change that: a small facility
    whose report is complete is no longer scored 0. So each set of scored measures is solved by
    itself, and the scoring confirms what is found.
    """
    found: list[Way] = []
    patterns = [sorted({choice.scored for choice in group}, key=sorted) for group in groups]
    for pattern in product(*patterns):
        choices = [
            [choice for choice in group if choice.scored == scored]
            for group, scored in zip(groups, pattern, strict=True)
        ]
        scored = frozenset[str]().union(*pattern)
        shares = share_tps(facility.rules, scored) if scored else {}
        steps = _choose(choices, shares, least) or _choose(choices, shares, 0)
        if steps and (way := _confirm(facility, steps, least, percent)):
            found.append(way)
    return min(found, key=lambda way: (way.events, way.steps[0].measure), default=None)


def _confirm(facility: Facility, steps: tuple[Step, ...], least: int, percent: float) -> Way | None:
    """Return the way if the scoring gives this reduction, or a lower one, after its steps."""
    total = facility.score_copies(_collect(facility, [steps])).totals.iloc[0]
    if float(total["payment_reduction"]) > percent:
        return None
    return Way(percent, least, steps, None if pd.isna(total["tps"]) else int(total["tps"]))


def _choose(
    groups: Sequence[Sequence[Choice]], shares: Mapping[str, Fraction], least: int
) -> tuple[Step, ...]:
    """Choose once in each group so that a TPS is reached with the fewest events; none where not.

    The TPS is rounded once, halves up: points >= least - 1/2.
    """
    cheapest: list[tuple[int, float, Choice]] = []
    for at, group in enumerate(groups):
        best: dict[Fraction, Choice] = {}
        for choice in group:
            points = choice.points(shares)
            if points not in best or choice.events < best[points].events:
                best[points] = choice
        cheapest += [(at, float(points), choice) for points, choice in best.items()]
    group_of = np.array([at for at, _, _ in cheapest])
    found = milp(
        c=np.array([float(choice.events) for _, _, choice in cheapest]),
        constraints=[
            LinearConstraint(np.equal.outer(np.arange(len(groups)), group_of), 1, 1),
            LinearConstraint(
                np.array([[points for _, points, _ in cheapest]]), least - 0.5 - _ROUNDING, np.inf
            ),
        ],
        integrality=np.ones(len(cheapest)),
        bounds=Bounds(0, 1),
    )
    if not found.success:
        return ()
    taken = np.rint(found.x) == 1
    return tuple(
        step
        for (_, _, choice), is_in in zip(cheapest, taken, strict=True)
        if is_in
        for step in choice.steps
    )
