"""What it would take: events to the next point of a measure, and to a lower payment reduction.

An event is one of the measure's numerator: an admission, an infection, a patient's month, a month
reported. Denominators, expected events and sizes stay as they are, and so do the standards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from esrd_pipeline.program.qip_arithmetic import TOP_SCORE
from esrd_pipeline.what_if.ladders import FAR, Nation


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


def list_fixed(nation: Nation, at: int) -> list[str]:
    """Return a facility's measures below the highest score that no events can be told to move.

    A published row may have a rate without its counts, and a survey or topic has none of its own.
    """
    topics = {rule.parent for rule in nation.rules.measures}
    return sorted(
        measure
        for measure, points in nation.points.items()
        if points[at] < TOP_SCORE and measure not in topics and not _is_movable(nation, at, measure)
    )


def _is_movable(nation: Nation, at: int, measure: str) -> bool:
    ladder = nation.ladders.get(measure)
    return ladder is not None and ladder.is_counted and at in ladder.place


def find_steps(nation: Nation, at: int) -> list[Step]:
    """Return a facility's fewest events to each higher score of each measure, by measure and score.

    A score that no number of events reaches has no step, nor one that is passed over.
    """
    found: dict[tuple[str, int], Step] = {}
    for measure, ladder in nation.ladders.items():
        if at not in ladder.place or not ladder.is_counted:
            continue
        row = ladder.place[at]
        for score, events in enumerate(ladder.reach[row].tolist(), start=1):
            if 0 < events < FAR:
                # Of points that the same events reach, the last and highest is kept.
                numerator = float(ladder.numerator[row]) + ladder.turn * events
                found[measure, events] = Step(measure, score, events, numerator)
    return list(found.values())


def find_reports(nation: Nation, at: int) -> list[Step]:
    """Return what completes a facility's reports that have no score, but that a measure rests on.

    A measure is scored 0 while such a report is incomplete (2.17.9, 2.18.9).
    """
    steps: list[Step] = []
    for report in list_reports(nation):
        rows = nation.rows(report)
        done, of = float(rows.numerator[at]), float(rows.denominator[at])
        if done < of:
            steps.append(Step(report, None, int(np.ceil(of - done)), of))
    return steps


def list_reports(nation: Nation) -> list[str]:
    """Return the reports without a score that measures rest on."""
    scored = {rule.measure for rule in nation.rules.measures}
    rests_on = {rule.compliance.measure for rule in nation.rules.measures if rule.compliance}
    return sorted(rests_on - scored)


def find_nearest(steps: Sequence[Step]) -> Mapping[str, Step]:
    """Return the first step of each measure."""
    nearest: dict[str, Step] = {}
    for step in steps:
        nearest.setdefault(step.measure, step)
    return nearest
