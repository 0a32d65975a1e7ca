"""How likely each payment reduction is, if the year were drawn again from its own limits.

A seeded parametric bootstrap: each drawn measure's numerator is taken from the distribution its 95%
limits describe, measures independently of each other, and the facility is scored with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.what_if.copies import Facility, Floats
from esrd_pipeline.what_if.targets import list_movable

DRAWS = 2000
SEED = 2728
_NORMAL_975 = 1.959963984540054
"""97.5th percentile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Shares of the draws, which sum to 1.

    Attributes:
        reductions: by payment reduction in percent, ascending.
        drawn: measures that were drawn.
        fixed: scored measures that were left as they are, because they have no limits.
    """

    reductions: Mapping[float, float]
    drawn: tuple[str, ...]
    fixed: tuple[str, ...]


def estimate_chances(
    facility: Facility, limits: pd.DataFrame, *, draws: int = DRAWS, seed: int = SEED
) -> Chances:
    """Score draws of a facility's year.

    `limits` has the columns measure, value, lower and upper of the facility, one row a measure, in
    the unit of one program: a proportion's numerator is drawn on the logit scale, a ratio's on the
    log scale, both with the width of its limits around the stored numerator. The draws depend on
    the seed and the facility's number alone.
    """
    generator = np.random.default_rng([seed, *facility.ccn.encode()])
    columns = (limits[name].astype(float) for name in ("value", "lower", "upper"))
    rows = {str(name): of for name, *of in zip(limits["measure"], *columns, strict=True)}
    numerators: dict[str, Floats] = {}
    for rule in list_movable(facility):
        measure = rule.measure
        if rule.scoring != "achievement_improvement" or measure not in rows:
            continue
        # Drawn before it is known whether they are needed, so that no measure moves another's.
        normal = generator.standard_normal(draws)
        drawn = _draw(facility, measure, rows[measure], normal)
        if drawn is not None:
            numerators[measure] = drawn
    fixed = tuple(sorted(set(facility.points) - set(numerators)))
    if not numerators:
        now = float(facility.scores.totals["payment_reduction"].iloc[0])
        return Chances({now: 1.0}, (), fixed)
    totals = facility.score_copies(numerators).totals
    shares = totals["payment_reduction"].value_counts(normalize=True).sort_index()
    return Chances(
        {float(str(percent)): float(share) for percent, share in shares.items()},
        tuple(numerators),
        fixed,
    )


def _draw(facility: Facility, measure: str, row: Sequence[float], normal: Floats) -> Floats | None:
    """Return numerators with the spread of value and limits; None where these do not tell it."""
    value, lower, upper = row
    top = facility.number(measure, "numerator")
    bottom = facility.number(measure, "denominator")
    if not (0 < lower < value < upper and np.isfinite(upper) and top > 0):
        return None
    if facility.scales.get(measure) == 1.0 and top < bottom:
        # Limits of a proportion, as a fraction or in percent.
        unit = value / (top / bottom)
        if upper / unit >= 1:
            return None
        spread = (_logit(upper / unit) - _logit(lower / unit)) / (2 * _NORMAL_975)
        drawn = _logit(top / bottom) + spread * normal
        return bottom / (1 + np.exp(-drawn))
    spread = (np.log(upper) - np.log(lower)) / (2 * _NORMAL_975)
    return top * np.exp(spread * normal)


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))
