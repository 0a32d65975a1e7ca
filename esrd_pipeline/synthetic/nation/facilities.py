"""The nation's facilities: their properties, markets and true effects.

Names, places, chains and sizes are those of the embedded default; certification numbers follow the
manual's facility types (3.3.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.synthetic.draws import FOR_GOOD, stream
from esrd_pipeline.synthetic.facilities import NEVER as OPEN
from esrd_pipeline.synthetic.facilities import draw_facilities
from esrd_pipeline.synthetic.figures import load_kind
from esrd_pipeline.synthetic.nation.effects import draw_effects
from esrd_pipeline.synthetic.nation.figures import NEVER, OUTCOMES, load_figures
from esrd_pipeline.synthetic.nation.hospitals import name_special

FIRST_FACILITYID = 100_001
FREESTANDING = (2500, 2899)
HOSPITAL_BASED = (2300, 2399)
SATELLITE = (3500, 3599)
"""First and last number of each type in a state (3.3.2)."""
FURTHER_CODES = {
    "55": ("05", "75"),
    "67": ("45", "74"),
    "10": ("68",),
    "11": ("85",),
    "36": ("72",),
    "39": ("73",),
}
"""A large state's other CCN prefixes, counted in DFC_FACILITY_2026-04.csv."""
HOSPITALS_IN_MARKET = 4
_HIGHEST = 879
NUMBERS = (
    "facilityid",
    "size",
    "opened",
    "closed",
    "changed",
    "is_renumbered",
    "has_in_center",
    "peritoneal_share",
    "kind",
    "activity_start",
    "activity_ratio",
    "storm_day",
    "storm_closes",
    "storm_early",
    "storm_missed",
    "storm_harm",
    *OUTCOMES,
)
"""Columns of the facilities that trajectories and claims look up."""


@dataclass(frozen=True, slots=True)
class Market:
    """One market: its number, its facilities (rows of the nation's frame) and its hospitals.

    `special` holds the numbers of other hospitals and units (`hospitals.WARDS` from the second on).
    """

    number: int
    facilities: pd.DataFrame
    hospitals: tuple[str, ...]
    special: tuple[str, ...]
    columns: Mapping[str, np.ndarray]

    @property
    def prefix(self) -> str:
        """The CCN prefix of the market's state."""
        return self.hospitals[0][:2]

    def numbers(self, name: str) -> np.ndarray:
        """Return a column of the facilities as an array."""
        return self.columns[name]


def draw_nation(count: int, seed: int) -> pd.DataFrame:
    """Draw the facilities of the nation, one row each, with neighbours in adjacent rows.

    Raises:
        ValueError: a state would run out of certification numbers.
    """
    frame = draw_facilities(count, seed).sort_values(["state", "ccn"], ignore_index=True)
    rng = stream(seed, FOR_GOOD, "nation")
    figures = load_figures()
    frame.loc[~frame["has_in_center"], "size"] *= figures["home_only_size"]
    frame["prefix"] = frame["ccn"].str[:2]
    frame["market"] = _divide(frame)
    frame["facilityid"] = FIRST_FACILITYID + np.arange(count)
    hospital = rng.random(count) < figures["hospital_based"]
    is_satellite = rng.random(count) < figures["satellite"]
    frame["kind"] = np.where(hospital, np.where(is_satellite, "S", "H"), "F")
    frame["opened"] = _days(frame["certification_date"].to_numpy())
    frame["closed"] = _draw_closing(frame, rng)
    _keep_one_open(frame)
    frame["changed"], frame["is_renumbered"] = _draw_changes(frame, rng)
    frame["number"], frame["next_number"] = _number(frame)
    # No activity is planted unless one is asked for (activities.plant).
    frame["activity_start"], frame["activity_ratio"] = NEVER, 1.0
    # Nor is a hurricane (hurricanes.strike).
    frame["storm_day"], frame["storm_closes"] = NEVER, False
    frame["storm_early"], frame["storm_missed"], frame["storm_harm"] = 0.0, 0.0, 1.0
    frame["owner"], frame["next_owner"] = frame["chain"], _draw_buyers(frame, rng)
    return pd.concat([frame, draw_effects(count, seed, rng)], axis="columns")


def split_markets(nation: pd.DataFrame) -> list[Market]:
    """Return the markets of the nation in order."""
    markets: list[Market] = []
    in_state: dict[str, int] = {}
    for number, rows in nation.groupby("market", sort=True):
        prefix = str(rows["prefix"].iloc[0])
        place_in_state = in_state.get(prefix, 0)
        first = place_in_state * HOSPITALS_IN_MARKET + 1
        in_state[prefix] = place_in_state + 1
        hospitals = tuple(
            f"{prefix}{(first + place - 1) % _HIGHEST + 1:04d}"
            for place in range(HOSPITALS_IN_MARKET)
        )
        own = rows.reset_index(drop=True)
        columns = {name: own[name].to_numpy() for name in NUMBERS}
        special = name_special(hospitals, place_in_state)
        markets.append(Market(int(str(number)), own, hospitals, special, columns))
    return markets


def _divide(frame: pd.DataFrame) -> np.ndarray:
    """Number the markets: each state is split into blocks of about ten facilities."""
    wanted = load_figures()["facilities_in_market"]
    market = np.zeros(len(frame), dtype=int)
    number = 0
    for places in frame.groupby("prefix", sort=False).indices.values():
        for part in np.array_split(places, max(1, round(len(places) / wanted))):
            market[part] = number
            number += 1
    return market


def _draw_closing(frame: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return the day in its last year on which each facility closes; most never close."""
    last = frame["last_year"].to_numpy()
    first_day = _days((last.clip(1970, 2200) - 1970).astype("datetime64[Y]"))
    return np.where(last < OPEN, first_day + rng.integers(90, 365, len(frame)), NEVER)


def _keep_one_open(frame: pd.DataFrame) -> None:
    """Keep each market's largest in-center facility always open, so that it treats any patient."""
    long_ago = int(np.datetime64("1990-01-01").astype(int))
    score = frame["size"] + 1000 * frame["has_in_center"]
    keepers = score.groupby(frame["market"]).idxmax().to_numpy()
    frame.loc[keepers, "opened"] = np.minimum(frame.loc[keepers, "opened"], long_ago)
    frame.loc[keepers, "closed"] = NEVER
    frame.loc[keepers, "has_in_center"] = True
    share = frame.loc[keepers, "peritoneal_share"]
    frame.loc[keepers, "peritoneal_share"] = share.where(share < 1, 0.0)
    frame.loc[keepers, "size"] = np.maximum(frame.loc[keepers, "size"], 30.0)


def _draw_changes(frame: pd.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the day each facility changes owner, if ever, and whether its CCN changes too."""
    figures = load_figures()
    keep, renumber = figures["owner_change"], figures["owner_change_ccn"]
    luck = rng.random(len(frame))
    first = int(np.datetime64("2020-01-01").astype(int))
    day = first + rng.integers(0, 7 * 365, len(frame))
    changes = (luck < keep + renumber) & (frame["opened"].to_numpy() < day - 400)
    changes &= frame["closed"].to_numpy() > day + 90
    is_renumbered = changes & (luck < renumber) & (frame["kind"].to_numpy() == "F")
    return np.where(changes, day, NEVER), is_renumbered


def _number(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Assign every facility its CCN, and a second one to those that change it."""
    ranges = {"F": FREESTANDING, "H": HOSPITAL_BASED, "S": SATELLITE}
    given: dict[tuple[str, str], int] = {}

    def take(prefix: str, kind: str) -> str:
        first, last = ranges[kind]
        serial = given.get((prefix, kind), 0)
        given[prefix, kind] = serial + 1
        lap, number = divmod(serial, last - first + 1)
        codes = (prefix, *FURTHER_CODES.get(prefix, ()))
        if lap >= len(codes):
            raise ValueError(f"state {prefix} has run out of certification numbers")
        return f"{codes[lap]}{first + number}"

    numbers = [take(p, k) for p, k in zip(frame["prefix"], frame["kind"], strict=True)]
    following = [
        take(p, k) if renumbered else ""
        for p, k, renumbered in zip(
            frame["prefix"], frame["kind"], frame["is_renumbered"], strict=True
        )
    ]
    return numbers, following


def _draw_buyers(frame: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    chains = load_kind("chain")["name"].to_numpy(dtype=object)
    owner = frame["chain"].to_numpy(dtype=object)
    place = np.array([list(chains).index(name) for name in owner])
    other = (place + rng.integers(1, len(chains), len(frame))) % len(chains)
    return np.where(frame["changed"] < NEVER, chains[other], owner)


def _days(dates: np.ndarray) -> np.ndarray:
    return dates.astype("datetime64[D]").astype(int)
