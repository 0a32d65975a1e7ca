"""Activities of Networks in the synthetic nation: whom they enrol, and what they are worth.

An activity enrols facilities of one Network at random, or those with the most admissions per
patient-day in its baseline year, in the year after, in steps. Its effect is planted: a ratio of the
rate of admissions, 1 where it has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from esrd_pipeline.synthetic.draws import FOR_GOOD, stream
from esrd_pipeline.synthetic.nation.block import Span, draw_history
from esrd_pipeline.synthetic.nation.facilities import split_markets
from esrd_pipeline.synthetic.nation.figures import NEVER
from esrd_pipeline.synthetic.nation.months import edges_of

Rule = Literal["random", "worst"]
RULES: tuple[Rule, ...] = ("random", "worst")
STEPS = ("02-01", "03-17", "05-01")
"""Days of the year after the baseline on which facilities are enrolled, in turn."""
SHARE = 3
"""One of so many of the Network's facilities is enrolled."""
LEAST = 6
"""Facilities that an activity enrols at least."""


@dataclass(frozen=True, slots=True)
class Planted:
    """An activity: its Network, how facilities are chosen, its rate ratio and its baseline year.

    Without a baseline year that is the year before the last one drawn.
    """

    network: int
    rule: Rule
    ratio: float
    baseline_year: int | None = None

    @property
    def name(self) -> str:
        """The activity's key in the files."""
        return f"N{self.network:02d}-{self.rule}"


def read_planted(text: str) -> Planted:
    """Return the activity that a text as `5:worst:0.8` describes.

    Raises:
        ValueError: it has another form, or a number is out of range.
    """
    parts = text.split(":")
    rules: dict[str, Rule] = {str(rule): rule for rule in RULES}
    try:
        network, rule, ratio = parts
        planted = Planted(int(network), rules[rule], float(ratio))
    except (KeyError, ValueError) as other:
        raise ValueError(
            f"{text} is not NETWORK:RULE:RATIO with the rule random or worst, as 5:worst:0.8"
        ) from other
    if not 0 < planted.ratio <= 1:
        raise ValueError(f"{text}: the ratio is not above 0 and at most 1")
    return planted


def enrol(nation: pd.DataFrame, span: Span, activities: Sequence[Planted]) -> pd.DataFrame:
    """Return the enrolled facilities: activity, network, rule, ratio, ccn, facilityid, start_date.

    Raises:
        ValueError: the years do not hold a baseline year and the one after, a Network has too few
            facilities, or two activities are of one Network.
    """
    networks = [planted.network for planted in activities]
    if len(set(networks)) < len(networks):
        raise ValueError("two activities are of one Network: a facility is planted one effect")
    parts = [_enrol_one(nation, span, planted) for planted in activities]
    columns = ["activity", "network", "rule", "ratio", "ccn", "facilityid", "start_date"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]


def plant(nation: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """Return the nation with the first day and the ratio of each enrolled facility's activity."""
    rows = nation["facilityid"].map(
        pd.Series(enrolled.index, index=enrolled["facilityid"].to_numpy(dtype=np.int64))
    )
    is_in = rows.notna()
    mine = enrolled.loc[rows[is_in].astype(int)]
    planted = nation.copy()
    day = mine["start_date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    planted.loc[is_in, "activity_start"] = day
    planted.loc[is_in, "activity_ratio"] = mine["ratio"].to_numpy(dtype=np.float64)
    return planted


def count_admissions(nation: pd.DataFrame, span: Span) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return facilityids and each one's admissions and patient-days by month of the span's years.

    Shapes (F,), (F, T) and (F, T).
    """
    edges = np.concatenate(
        [*(edges_of(year)[:-1] for year in span.years), edges_of(span.last_year)[-1:]]
    )
    stays: list[np.ndarray] = []
    days: list[np.ndarray] = []
    ids: list[np.ndarray] = []
    for market in split_markets(nation):
        history = draw_history(span, market)
        count, length = len(market.facilities), edges.size - 1
        drawn = history.stays
        month = np.searchsorted(edges, drawn.admit, side="right") - 1
        inside = (month >= 0) & (month < length)
        place = drawn.facility[inside] * length + month[inside]
        stays.append(np.bincount(place, minlength=count * length).reshape(count, length))
        lived = np.zeros(count * length)
        for at, year in enumerate(span.years):
            months = history.months[year]
            cell = months.facility * length + 12 * at + months.month
            lived += np.bincount(cell, weights=months.days, minlength=lived.size)
        days.append(lived.reshape(count, length))
        ids.append(market.numbers("facilityid"))
    return np.concatenate(ids), np.vstack(stays), np.vstack(days)


def _enrol_one(nation: pd.DataFrame, span: Span, planted: Planted) -> pd.DataFrame:
    baseline = planted.baseline_year or span.last_year - 1
    if not span.first_year <= baseline < span.last_year:
        raise ValueError(
            f"{planted.name}: the years {span.first_year} to {span.last_year} do not hold a"
            " baseline year and the year after it"
        )
    long_ago = int(edges_of(baseline - 1)[0])
    eligible = nation[
        (nation["network"].astype(int) == planted.network)
        & nation["has_in_center"].astype(bool)
        & (nation["opened"] < long_ago)
        & (nation["closed"] == NEVER)
        & ~nation["is_renumbered"].astype(bool)
    ]
    wanted = max(LEAST, len(eligible) // SHARE)
    if len(eligible) < wanted:
        raise ValueError(
            f"{planted.name}: of Network {planted.network} {len(eligible)} facilities are open"
            f" throughout, fewer than {wanted}: synthesize more facilities"
        )
    rng = stream(span.seed, FOR_GOOD, planted.name)
    if planted.rule == "random":
        chosen = eligible.iloc[rng.permutation(len(eligible))[:wanted]]
    else:
        markets = nation[nation["market"].isin(eligible["market"])]
        ids, stays, days = count_admissions(markets, Span(span.seed, baseline, baseline))
        rate = stays.sum(axis=1) / np.maximum(days.sum(axis=1), 1)
        level = eligible["facilityid"].map(dict(zip(ids, rate, strict=True)))
        order = np.lexsort((eligible["facilityid"], -level.to_numpy(dtype=np.float64)))
        chosen = eligible.iloc[order[:wanted]]
    start = np.resize(np.array(STEPS), wanted)[rng.permutation(wanted)]
    return pd.DataFrame(
        {
            "activity": planted.name,
            "network": planted.network,
            "rule": planted.rule,
            "ratio": planted.ratio,
            "ccn": chosen["number"].to_numpy(),
            "facilityid": chosen["facilityid"].to_numpy(),
            "start_date": [pd.Timestamp(f"{baseline + 1}-{step}") for step in start],
        }
    ).sort_values("ccn", ignore_index=True)
