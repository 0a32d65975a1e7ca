"""Simulated facilities by month, some enrolled in an activity: at random, or because worst."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from esrd_pipeline.statistics.activity_effect import Months
from esrd_pipeline.statistics.activity_matching import describe_baseline, match_nearest, weigh
from esrd_pipeline.synthetic.draws import FOR_GOOD, stream
from esrd_pipeline.synthetic.nation.figures import load_figures

MONTHS, WINDOW = 48, slice(18, 30)
STARTS = (31, 34, 37)
IN_NETWORK, ELSEWHERE, ENROLLED = 150, 450, 30


@dataclass(frozen=True, slots=True)
class Simulated:
    """A nation's counts, (F, T), and which facilities were enrolled when (T: never)."""

    observed: np.ndarray
    expected: np.ndarray
    start: np.ndarray
    pool: np.ndarray


def simulate(
    seed: int, *, ratio: float, chosen: Literal["random", "worst"], lasting: float = 0.0
) -> Simulated:
    """Draw counts of admissions with the nation's facility effects and sizes.

    Enrolled are facilities of one Network: at random, or the worst by observed over expected in
    the months of selection. They start in three months. `lasting` is the standard deviation of a
    disturbance of the log rate that lasts: 0.8 of it is left a month later.
    """
    rng, figures = stream(seed, FOR_GOOD, f"activity {chosen}"), load_figures()
    count = IN_NETWORK + ELSEWHERE
    size = rng.lognormal(np.log(60), 0.6, count).clip(10, 300)
    expected = np.repeat(size[:, None] * figures["admission_per_year"] / 12, MONTHS, axis=1)
    season = 0.08 * np.cos(2 * np.pi * np.arange(MONTHS) / 12) - 0.002 * np.arange(MONTHS)
    effect = rng.normal(0, figures["effect_hospitalisation"], count)
    noise = np.zeros((count, MONTHS))
    shock = rng.normal(0, 1, (count, MONTHS))
    noise[:, 0] = shock[:, 0]
    for month in range(1, MONTHS):
        noise[:, month] = 0.8 * noise[:, month - 1] + 0.6 * shock[:, month]
    rate = np.exp(effect[:, None] + season + lasting * noise)
    before = rng.poisson(expected * rate).astype(np.float64)
    in_network = np.arange(count) < IN_NETWORK
    if chosen == "worst":
        level = before[:, WINDOW].sum(axis=1) / expected[:, WINDOW].sum(axis=1)
        rank = np.argsort(np.where(in_network, -level, np.inf), kind="stable")
    else:
        rank = rng.permutation(IN_NETWORK)
    start = np.full(count, MONTHS)
    start[rank[:ENROLLED]] = rng.choice(STARTS, ENROLLED)
    after = np.arange(MONTHS) >= start[:, None]
    helped = rng.poisson(expected * rate * ratio).astype(np.float64)
    return Simulated(np.where(after, helped, before), expected, start, ~in_network)


def match(nation: Simulated) -> Months:
    """Return the enrolled facilities and their matches."""
    enrolled = nation.start < MONTHS
    baseline = describe_baseline(nation.observed[:, WINDOW], nation.expected[:, WINDOW])
    weight = weigh(match_nearest(baseline, enrolled, nation.pool), enrolled)
    kept = weight > 0
    selecting = np.zeros(MONTHS, dtype=bool)
    selecting[WINDOW] = True
    return Months(
        observed=nation.observed[kept],
        expected=nation.expected[kept],
        last_before=nation.start[kept],
        start=nation.start[kept],
        is_selecting=selecting,
        until=MONTHS,
        weight=weight[kept],
    )


def to_frame(months: Months) -> pd.DataFrame:
    """Return the cells before and after as rows, for another library."""
    facility, month = np.nonzero(months.is_before | months.is_after)
    return pd.DataFrame(
        {
            "y": months.observed[facility, month],
            "offset": np.log(months.expected[facility, month]),
            "facility": facility,
            "month": month,
            "start": months.start[facility],
            "active": months.is_after[facility, month].astype(float),
            "weight": months.weight[facility],
        }
    )
