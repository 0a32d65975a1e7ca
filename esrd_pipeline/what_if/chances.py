"""How likely each payment reduction is at the year's end: a seeded parametric bootstrap.

Each drawn measure has a level, its numerator, taken from the distribution that its 95% limits
describe, measures independently of each other. Where the year is over, the level is the year drawn
again. Where it is not, what is reported so far stays, and the remaining months are drawn at that
level: a binomial number of a proportion's, a Poisson number of other events (reading 260).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.program.qip_arithmetic import TOP_SCORE, divide_half_up
from esrd_pipeline.program.qip_tps import reduce_payment
from esrd_pipeline.program.qip_weights import apply_weights
from esrd_pipeline.what_if.ladders import Floats, Integers, Nation
from esrd_pipeline.what_if.ways import weigh_parts

DRAWS = 2000
SEED = 2728
MONTHS = 12
_NORMAL_975 = 1.959963984540054
"""97.5th percentile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Shares of the draws, which sum to 1.

    Attributes:
        reductions: by payment reduction in percent, ascending.
        drawn: measures that were drawn.
        fixed: scored measures that were left as they are: reporting measures, and those whose
            limits tell no spread. A measure of drawn components is neither.
        months: months of the year that are over.
    """

    reductions: Mapping[float, float]
    drawn: tuple[str, ...]
    fixed: tuple[str, ...]
    months: int


def group_limits(limits: pd.DataFrame) -> Mapping[str, Mapping[str, tuple[float, float, float]]]:
    """Return value, lower and upper limit by facility and measure, of a frame with these columns.

    In the unit of one program: a proportion's limits as fractions or in percent.
    """
    found: dict[str, dict[str, tuple[float, float, float]]] = {}
    columns = (limits[name].astype(float) for name in ("value", "lower", "upper"))
    for ccn, measure, *row in zip(limits["ccn"], limits["measure"], *columns, strict=True):
        value, lower, upper = row
        found.setdefault(str(ccn), {})[str(measure)] = (value, lower, upper)
    return found


def estimate_chances(
    nation: Nation,
    at: int,
    limits: Mapping[str, tuple[float, float, float]],
    *,
    months: int = MONTHS,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Chances:
    """Score draws of a facility's year, of which some months are over.

    The draws depend on the seed and the facility's number alone. A facility without a TPS has no
    reduction in any of them.
    """
    generator = np.random.default_rng([seed, *nation.ccns[at].encode()])
    points = {name: float(all_[at]) for name, all_ in nation.points.items()}
    drawn: dict[str, Integers] = {}
    for measure, ladder in nation.ladders.items():
        if ladder.rule.scoring != "achievement_improvement" or measure not in limits:
            continue
        if at not in ladder.place:
            continue
        # Drawn before it is known whether they are needed, so that no measure moves another's.
        normal = generator.standard_normal(draws)
        row = ladder.place[at]
        drawn_of = _Row(
            limits[measure],
            float(nation.rows(measure).numerator[at]),
            float(nation.rows(measure).denominator[at]),
            is_share=ladder.is_share,
        )
        events = _draw(drawn_of, normal, months, generator)
        if events is not None:
            better = ladder.turn * (events - ladder.numerator[row])
            whole = np.floor(better + 0.5).astype(np.int64)
            drawn[measure] = np.searchsorted(ladder.reach[row], whole, side="right")
    moved = {*drawn, *(rule.parent for rule in nation.rules.measures if rule.measure in drawn)}
    fixed = tuple(
        sorted(name for name, score in points.items() if np.isfinite(score) and name not in moved)
    )
    total = nation.scores.totals.iloc[at]
    if not drawn or pd.isna(total["tps"]):
        percent = total["payment_reduction"]
        sure = {} if pd.isna(percent) else {float(percent): 1.0}
        return Chances(sure, tuple(drawn), fixed, months)
    reductions = reduce_payment(nation.rules, _sum_draws(nation, at, points, drawn))
    percents, counts = np.unique(reductions, return_counts=True)
    shares = dict(zip(percents.tolist(), (counts / draws).tolist(), strict=True))
    return Chances(shares, tuple(drawn), fixed, months)


def _sum_draws(
    nation: Nation, at: int, points: Mapping[str, float], drawn: Mapping[str, Integers]
) -> Integers:
    """Return the TPS of each draw: the scored measures and their weights stay the same."""
    rules = nation.rules
    scored = np.array([[np.isfinite(points[rule.measure]) for rule in rules.domain_measures]])
    weights = apply_weights(rules, scored, unknown=np.zeros_like(scored))
    sums = np.zeros(len(next(iter(drawn.values()))), dtype=np.int64)
    for rule, weight in zip(rules.domain_measures, weights.measures[0].tolist(), strict=True):
        if not np.isfinite(points[rule.measure]):
            continue
        parts = [part.measure for part in rules.components_of(rule.measure)]
        score: Integers | int = int(points[rule.measure])
        if rule.measure in drawn:
            score = drawn[rule.measure]
        elif any(part in drawn for part in parts):
            shares = weigh_parts(nation, rule, at, points)
            weighted = sum(
                share * drawn.get(name, np.int64(points[name])) for name, share in shares.items()
            )
            score = divide_half_up(
                np.asarray(weighted), np.array([sum(shares.values())], dtype=np.int64)
            )
        sums = sums + TOP_SCORE * weight * score
    return divide_half_up(sums, weights.total[:1])


@dataclass(frozen=True, slots=True)
class _Row:
    """A measure's counts, with value and limits in the unit of one program."""

    limits: Sequence[float]
    numerator: float
    denominator: float
    is_share: bool


def _draw(row: _Row, normal: Floats, months: int, generator: np.random.Generator) -> Floats | None:
    """Return numerators with the spread of value and limits; None where these do not tell it.

    They are of the stored denominator: the whole year's, where the year is not over, scaled to it.
    """
    value, lower, upper = row.limits
    top, bottom = row.numerator, row.denominator
    if not (0 < lower < value < upper and np.isfinite(upper) and top > 0):
        return None
    left = (MONTHS - months) / months
    if row.is_share and top < bottom:
        # Limits of a proportion, as a fraction or in percent.
        unit = value / (top / bottom)
        if upper / unit >= 1:
            return None
        spread = (_logit(upper / unit) - _logit(lower / unit)) / (2 * _NORMAL_975)
        share = 1 / (1 + np.exp(-_logit(top / bottom) - spread * normal))
        if months == MONTHS:
            return bottom * share
        rest = generator.binomial(round(bottom * left), share)
    else:
        spread = (np.log(upper) - np.log(lower)) / (2 * _NORMAL_975)
        level = top * np.exp(spread * normal)
        if months == MONTHS:
            return level
        rest = generator.poisson(level * left)
    return np.asarray((top + rest) * (months / MONTHS), dtype=np.float64)


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))
