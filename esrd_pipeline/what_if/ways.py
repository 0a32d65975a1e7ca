"""The fewest events, over all of a facility's measures together, to each lower payment reduction.

Points add up by exact weights, so that only sums of events and points that no other sum betters are
kept as one measure after the other is added. The scoring of the year confirms what is found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from math import lcm

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.program.qip_arithmetic import TOP_SCORE, divide_half_up
from esrd_pipeline.program.qip_clinical import to_units_of_count, weigh_components
from esrd_pipeline.program.qip_rules import MeasureRule, QipRules
from esrd_pipeline.program.qip_tps import list_bands
from esrd_pipeline.program.qip_weights import share_tps
from esrd_pipeline.scoring_frames import score
from esrd_pipeline.what_if.ladders import Nation, move_numerators, spread
from esrd_pipeline.what_if.targets import Step, Way, find_reports, find_steps, list_reports

Integers = NDArray[np.int64]
_Plan = tuple[tuple[Step, ...], list[tuple[Step, ...] | None]]
"""What completes the reports, and then the steps to each band."""
Ways = Mapping[int, Sequence[Way]]
"""By the facility's place in the nation."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a measure with a weight of its own may come to.

    Attributes:
        score: 0 to 10.
        steps: what is done for it, of its components for example.
    """

    score: int
    steps: tuple[Step, ...] = ()

    @property
    def events(self) -> int:
        """Events of all steps."""
        return sum(step.events for step in self.steps)


def find_ways(nation: Nation, places: Sequence[int]) -> Ways:
    """Return the way with the fewest events to each lower reduction, the nearest first.

    A reduction that no steps reach has no way. Without a TPS there is none.

    Raises:
        ValueError: the scoring does not give the reduction that the steps were chosen for.
    """
    totals = nation.scores.totals
    tps = totals["tps"].to_numpy(dtype=np.float64, na_value=np.nan)
    reduction = totals["payment_reduction"].to_numpy(dtype=np.float64, na_value=np.nan)
    concerned = [at for at in places if np.isfinite(tps[at]) and reduction[at] > 0]
    complete = _complete(nation, concerned)
    found = {at: _plan(nation, at, float(reduction[at]), complete.get(at, {})) for at in concerned}
    return _confirm(nation, found)


def _complete(nation: Nation, places: Sequence[int]) -> Mapping[int, Mapping[str, float]]:
    """Return the scores of facilities with an incomplete report, as if it were complete."""
    reports = {at: steps for at in places if (steps := find_reports(nation, at))}
    if not reports:
        return {}
    moved = [(nation.ccns[at], step) for at, steps in reports.items() for step in steps]
    frames = move_numerators(
        nation,
        [ccn for ccn, _ in moved],
        [step.measure for _, step in moved],
        np.array([step.numerator for _, step in moved]),
    )
    points = spread(score(frames, nation.rules, nation.year), "score")
    return {at: {name: float(all_[at]) for name, all_ in points.items()} for at in reports}


def _plan(nation: Nation, at: int, reduction: float, complete: Mapping[str, float]) -> list[Way]:
    """Return a facility's ways, not confirmed yet; `complete` are its scores with full reports."""
    bands = [
        (least, percent)
        for least, _, percent in reversed(list_bands(nation.rules))
        if percent < reduction
    ]
    steps = find_steps(nation, at)
    now = {name: float(points[at]) for name, points in nation.points.items()}
    plans: list[_Plan] = [((), _reach(nation, at, now, steps, bands))]
    if complete:
        # A measure that rests on a report then has the score of its own rate, or none.
        rests = {rule.measure for rule in nation.rules.measures if _rests(nation, rule)}
        others = [step for step in steps if step.measure not in rests]
        plans.append((tuple(find_reports(nation, at)), _reach(nation, at, complete, others, bands)))
    ways: list[Way] = []
    for place, (least, percent) in enumerate(bands):
        tried = [
            Way(percent, least, (*first, *more), None)
            for first, reached in plans
            if (more := reached[place]) is not None
        ]
        if tried:
            ways.append(min(tried, key=lambda way: way.events))
    return ways


def _rests(nation: Nation, rule: MeasureRule) -> bool:
    return rule.compliance is not None and rule.compliance.measure in list_reports(nation)


def _is_incomplete(nation: Nation, at: int, rule: MeasureRule) -> bool:
    """Return whether the report that a measure rests on is not complete."""
    if rule.compliance is None:
        return False
    rows = nation.rows(rule.compliance.measure)
    return bool(rows.numerator[at] < rows.denominator[at])


def _reach(
    nation: Nation,
    at: int,
    points: Mapping[str, float],
    steps: Sequence[Step],
    bands: Sequence[tuple[int, float]],
) -> list[tuple[Step, ...] | None]:
    """Return the steps with the fewest events to each band; None where it cannot be reached."""
    rules = nation.rules
    scored = frozenset(
        rule.measure for rule in rules.domain_measures if np.isfinite(points[rule.measure])
    )
    if not _has_tps(rules, scored):
        # Without a TPS there is no reduction.
        return [() for _ in bands]
    shares = _share(rules, scored)
    # The TPS is rounded once, halves up: 2 x points >= (2 x least - 1) x total.
    needs = [(2 * least - 1) * shares.total for least, _ in bands]
    choices = [
        _list_choices(nation, at, rule, points, steps)
        for rule in rules.domain_measures
        if rule.measure in scored
    ]
    weights = [
        2 * TOP_SCORE * shares.measures[rule.measure]
        for rule in rules.domain_measures
        if rule.measure in scored
    ]
    return _choose(choices, weights, needs)


@dataclass(frozen=True, slots=True)
class _Shares:
    """Shares of the TPS as whole numbers over a common total."""

    total: int
    measures: Mapping[str, int]


@cache
def _share(rules: QipRules, scored: frozenset[str]) -> _Shares:
    shares = share_tps(rules, scored)
    total = lcm(*(share.denominator for share in shares.values()))
    return _Shares(total, {name: int(share * Fraction(total)) for name, share in shares.items()})


def _has_tps(rules: QipRules, scored: frozenset[str]) -> bool:
    """Return whether a facility scored on these measures gets a TPS (4.2)."""
    domains = {rule.domain for rule in rules.domain_measures if rule.measure in scored}
    required = {domain.name for domain in rules.domains if domain.is_required}
    return len(domains) >= rules.minimum_scored_domains and required <= domains


def _list_choices(
    nation: Nation, at: int, rule: MeasureRule, points: Mapping[str, float], steps: Sequence[Step]
) -> list[Choice]:
    """Return what a measure or topic may come to, each score with the fewest events."""
    parts = sorted(part.measure for part in nation.rules.components_of(rule.measure))
    names = [name for name in parts if np.isfinite(points[name])]
    now = int(points[rule.measure])
    movable = any(step.measure in {rule.measure, *names} for step in steps)
    if not movable or (parts and _is_incomplete(nation, at, rule)):
        return [Choice(now)]
    if not parts:
        return [Choice(now), *_list_own(steps, rule.measure)]
    weights = weigh_parts(nation, rule, at, points)
    options = [[Choice(int(points[name])), *_list_own(steps, name)] for name in names]
    sums: list[tuple[int, int, tuple[Step, ...]]] = [(0, 0, ())]
    for name, of_part in zip(names, options, strict=True):
        sums = [
            (total + weights[name] * choice.score, events + choice.events, taken + choice.steps)
            for total, events, taken in sums
            for choice in of_part
        ]
    whole = np.full(len(sums), sum(weights.values()), dtype=np.int64)
    scores = divide_half_up(np.array([total for total, _, _ in sums], dtype=np.int64), whole)
    best: dict[int, Choice] = {}
    for reached, (_, _, taken) in zip(scores.tolist(), sums, strict=True):
        choice = Choice(reached, taken)
        if reached not in best or choice.events < best[reached].events:
            best[reached] = choice
    return list(best.values())


def _list_own(steps: Sequence[Step], measure: str) -> list[Choice]:
    return [
        Choice(step.score, (step,))
        for step in steps
        if step.measure == measure and step.score is not None
    ]


def weigh_parts(
    nation: Nation, rule: MeasureRule, at: int, points: Mapping[str, float]
) -> dict[str, int]:
    """Return the weights of a topic's scored components, as whole numbers, as it is scored."""
    names = sorted(part.measure for part in nation.rules.components_of(rule.measure))
    counts = weigh_components(
        rule,
        np.array([[points[name]] for name in names]),
        np.array([[nation.sizes[name][at]] for name in names]),
        nation.rules.share_components(rule.measure),
    )
    units = to_units_of_count(counts[:, 0])
    return {
        name: int(weight)
        for name, weight in zip(names, units, strict=True)
        if np.isfinite(points[name])
    }


def _choose(
    choices: Sequence[Sequence[Choice]], weights: Sequence[int], needs: Sequence[int]
) -> list[tuple[Step, ...] | None]:
    """Choose once for each measure so that points reach each need with the fewest events.

    `needs` and the sums of weight x score are whole numbers. Sums beyond the highest need are equal
    to it.
    """
    top = max(needs)
    events, points = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    origins: list[tuple[Integers, Integers]] = []
    for of_measure, weight in zip(choices, weights, strict=True):
        cost = np.array([choice.events for choice in of_measure], dtype=np.int64)
        gain = np.array([weight * choice.score for choice in of_measure], dtype=np.int64)
        all_events = (events[:, np.newaxis] + cost).ravel()
        all_points = np.minimum((points[:, np.newaxis] + gain).ravel(), top)
        order = np.lexsort((-all_points, all_events))
        best = np.maximum.accumulate(all_points[order])
        is_better = np.append(True, best[1:] > best[:-1])
        kept = order[is_better]
        events, points = all_events[kept], all_points[kept]
        origins.append((kept // len(cost), kept % len(cost)))
    found: list[tuple[Step, ...] | None] = []
    for need in needs:
        if points[-1] < need:
            found.append(None)
            continue
        at, steps = int(np.searchsorted(points, need)), []
        for (earlier, chosen), of_measure in zip(reversed(origins), reversed(choices), strict=True):
            steps[:0] = of_measure[int(chosen[at])].steps
            at = int(earlier[at])
        found.append(tuple(steps))
    return found


def _confirm(nation: Nation, found: Mapping[int, Sequence[Way]]) -> Ways:
    """Return the ways with the TPS that the scoring gives for them.

    Raises:
        ValueError: it does not give their reduction, or a lower one.
    """
    confirmed: dict[int, list[Way]] = {at: [] for at in found}
    for place in range(max(map(len, found.values()), default=0)):
        mine = {at: ways[place] for at, ways in found.items() if len(ways) > place}
        moved = [(nation.ccns[at], step) for at, way in mine.items() for step in way.steps]
        frames = move_numerators(
            nation,
            [ccn for ccn, _ in moved],
            [step.measure for _, step in moved],
            np.array([step.numerator for _, step in moved], dtype=np.float64),
        )
        totals = score(frames, nation.rules, nation.year).totals
        for at, way in mine.items():
            total = totals.iloc[at]
            if not float(total["payment_reduction"]) <= way.reduction:
                raise ValueError(
                    f"{nation.ccns[at]}: {way.steps} give a reduction of"
                    f" {total['payment_reduction']} percent, not {way.reduction}"
                )
            tps = None if pd.isna(total["tps"]) else int(total["tps"])
            confirmed[at].append(replace(way, tps=tps))
    return confirmed
