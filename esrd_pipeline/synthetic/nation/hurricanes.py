"""Hurricanes planted in the synthetic nation: what they strike, and their truth.

A hurricane strikes a state on a day. Half of the facilities of each market of the state close for
the closed days. Patients in center, of all facilities of the state, are struck:

* some are dialysed early, on a day before it outside their schedule;
* in the closed days some of the sessions are missed; those of a closed facility's patients that are
  not missed are given by an open facility of the market;
* in the days of harm admissions, emergency visits and deaths have so many times their rates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from esrd_pipeline.synthetic.draws import FOR_GOOD, stream
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.figures import NEVER
from esrd_pipeline.synthetic.nation.months import edges_of

CLOSED_SHARE = 0.5
"""Share of a market's facilities that close; at least one stays open."""


@dataclass(frozen=True, slots=True)
class Hurricane:
    """A hurricane.

    Attributes:
        state: two letters.
        day: the day it comes.
        early: share of patients in center who are dialysed early.
        missed: share of their sessions missed in the closed days, of those not missed anyway.
        harm: ratio of their rates of admissions, emergency visits and deaths.
    """

    state: str
    day: date
    early: float
    missed: float
    harm: float

    @property
    def number(self) -> int:
        """The day as days since 1970."""
        return (self.day - date(1970, 1, 1)).days


def read_hurricane(text: str) -> Hurricane:
    """Return the hurricane that a text as `FL:2024-09-26:0.6:0.3:1.5` describes.

    Raises:
        ValueError: it has another form, or a number is out of range.
    """
    try:
        state, day, early, missed, harm = text.split(":")
        found = Hurricane(
            state.strip().upper(),
            date.fromisoformat(day),
            *(float(number) for number in (early, missed, harm)),
        )
    except ValueError as other:
        raise ValueError(
            f"{text} is not STATE:DAY:EARLY:MISSED:HARM, as FL:2024-09-26:0.6:0.3:1.5"
        ) from other
    if not (0 <= found.early <= 1 and 0 <= found.missed <= 1):
        raise ValueError(f"{text}: a share is not between 0 and 1")
    if not found.harm >= 1:
        raise ValueError(f"{text}: the ratio of harm is below 1")
    return found


def strike(nation: pd.DataFrame, span: Span, hurricanes: Sequence[Hurricane]) -> pd.DataFrame:
    """Return the nation with the day and the truth of each struck facility's hurricane.

    Raises:
        ValueError: a day is not in the years, no facility of a state is open, or two hurricanes
            strike one state.
    """
    if len({hurricane.state for hurricane in hurricanes}) < len(hurricanes):
        raise ValueError("two hurricanes strike one state: a facility is planted one effect")
    struck = nation.copy()
    first, last = edges_of(span.first_year)[0], edges_of(span.last_year)[-1]
    for hurricane in hurricanes:
        if not first <= hurricane.number < last:
            raise ValueError(
                f"{hurricane.state}: {hurricane.day} is not in the years {span.first_year} to"
                f" {span.last_year}"
            )
        is_open = (
            (nation["state"] == hurricane.state)
            & (nation["opened"] <= hurricane.number)
            & (nation["closed"] > hurricane.number)
        )
        if not is_open.any():
            raise ValueError(f"{hurricane.state}: no facility is open there on {hurricane.day}")
        struck.loc[is_open, "storm_day"] = hurricane.number
        struck.loc[is_open, "storm_early"] = hurricane.early
        struck.loc[is_open, "storm_missed"] = hurricane.missed
        struck.loc[is_open, "storm_harm"] = hurricane.harm
        rng = stream(span.seed, FOR_GOOD, f"hurricane {hurricane.state}")
        can_close = is_open & nation["has_in_center"].astype(bool)
        for _, mine in nation[can_close].groupby("market", sort=True):
            count = int(CLOSED_SHARE * len(mine))
            chosen = mine.index[np.sort(rng.permutation(len(mine))[:count])]
            struck.loc[chosen, "storm_closes"] = True
    return struck


def list_struck(nation: pd.DataFrame) -> pd.DataFrame:
    """Return the struck facilities: state, ccn on the day, facilityid, day, truth; by ccn."""
    mine = nation[nation["storm_day"] < NEVER]
    is_renumbered = mine["is_renumbered"].astype(bool) & (mine["changed"] <= mine["storm_day"])
    return pd.DataFrame(
        {
            "state": mine["state"],
            "ccn": mine["number"].where(~is_renumbered, mine["next_number"]),
            "facilityid": mine["facilityid"],
            "day": mine["storm_day"].to_numpy().astype("datetime64[D]").astype("datetime64[s]"),
            "is_closed": mine["storm_closes"].astype(bool),
            "early": mine["storm_early"],
            "missed": mine["storm_missed"],
            "harm": mine["storm_harm"],
        }
    ).sort_values("ccn", ignore_index=True)
