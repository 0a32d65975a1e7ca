"""Who could go where: the patients of closed facilities, placed where there is room.

Distances are between the centres of the facilities' ZIP codes (the package `zipcodes`, no server is
asked): where patients live, roads and floods are not known. Reading 245.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from esrd_pipeline.emergency.status import CLOSED, OPEN
from esrd_pipeline.site.zip_positions import find_positions, load_positions
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.transport import assign
from esrd_pipeline.tables.emergency import HOME, IN_CENTER, MODALITIES, PLACEMENT, RELATIONS

NONE = "none"
EARTH_KM = 6371.0
_BACKUP, _CHAIN, _OTHER = RELATIONS
_OFFERS = {
    IN_CENTER: "has_in_center_hemodialysis",
    HOME: "has_home_hemodialysis_training",
    "peritoneal dialysis": "has_peritoneal_dialysis",
}
"""The directory's column that says a facility offers a modality."""


@dataclass(frozen=True, slots=True)
class Places:
    """What is known of the facilities on the day.

    Attributes:
        day: the day.
        directory: facility.directory.
        assets: raw.facility_asset, for back-up agreements.
        needs: emergency.facility_need.
        capacity: emergency.capacity.
        at: latitude and longitude of facilities by CCN, what `locate` returns.
    """

    day: date
    directory: pd.DataFrame
    assets: pd.DataFrame
    needs: pd.DataFrame
    capacity: pd.DataFrame
    at: pd.DataFrame


def place_displaced(places: Places, ccns: frozenset[str], *, kilometres: float) -> pd.DataFrame:
    """Return emergency.placement: where the patients of an area's closed facilities could go.

    As few as possible are left unplaced within the distance. Of the ways to do so, a way costs its
    kilometres; a facility of the same chain costs the greatest distance more, another one twice
    that, so that agreements and then chains come first. In center the room of each facility is
    kept; at home there is no such limit, and the best facility that trains for the modality takes
    all. Those unplaced are rows with `to_ccn` none.
    """
    status = places.capacity.set_index("ccn")["status"]
    closed = sorted(ccn for ccn in ccns if status.get(ccn) == CLOSED)
    rows = [row for name in MODALITIES for row in _place(places, name, closed, kilometres)]
    table = pd.DataFrame(rows, columns=PLACEMENT.column_names)
    return table.sort_values(list(PLACEMENT.key), ignore_index=True)


def locate(directory: pd.DataFrame) -> pd.DataFrame:
    """Return latitude and longitude in degrees of facilities, by CCN; unknown ones are left out."""
    named = directory.dropna(subset=["zip_code"])
    codes = dict(zip(named["ccn"], named["zip_code"].str[:5], strict=True))
    states = sorted(set(directory["state"].dropna()))
    positions = find_positions(set(codes.values()), load_positions(states))
    found = {ccn: positions[code] for ccn, code in codes.items() if code in positions}
    return pd.DataFrame.from_dict(found, orient="index", columns=["latitude", "longitude"])


def measure_kilometres(one: FloatArray, others: FloatArray) -> FloatArray:
    """Return great-circle distances from a place to others; degrees, shapes (2,) and (N, 2)."""
    a, b = np.radians(one), np.radians(others)
    half = (b - a) / 2
    square = np.sin(half[:, 0]) ** 2 + np.cos(a[0]) * np.cos(b[:, 0]) * np.sin(half[:, 1]) ** 2
    return 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(square, 0, 1)))


def _place(
    places: Places, modality: str, closed: list[str], kilometres: float
) -> Iterator[dict[str, object]]:
    """Yield the rows of one modality."""
    status = places.capacity.set_index("ccn")["status"]
    needs = places.needs[places.needs["modality"] == modality].set_index("ccn")["patients"]
    displaced = [ccn for ccn in closed if needs.get(ccn, 0) > 0]
    offers = places.directory.loc[places.directory[_OFFERS[modality]].eq(other=True), "ccn"]
    room = places.capacity.set_index("ccn")["room"]
    targets = [
        ccn
        for ccn in sorted(offers)
        if status.get(ccn) == OPEN and (modality != IN_CENTER or room[ccn] > 0)
    ]
    ways = _list_ways(places, displaced, targets, kilometres)
    demand = np.array([int(needs[ccn]) for ccn in displaced], dtype=np.int64)
    free = int(demand.sum())
    found = assign(
        demand=demand,
        room=np.array(
            [int(room[ccn]) if modality == IN_CENTER else free for ccn in targets], dtype=np.int64
        ),
        origin=ways["origin"].to_numpy(np.int64),
        target=ways["target"].to_numpy(np.int64),
        cost=ways["cost"].to_numpy(float),
    )
    always: dict[str, object] = {
        "modality": modality,
        "performance_year": places.day.year,
        "day": places.day,
    }
    for way, moved in zip(ways.to_dict("records"), found.moved, strict=True):
        if moved:
            yield always | {
                "from_ccn": displaced[int(way["origin"])],
                "to_ccn": targets[int(way["target"])],
                "patients": int(moved),
                "kilometres": way["kilometres"],
                "relation": way["relation"],
            }
    for ccn, left in zip(displaced, found.unplaced, strict=True):
        if left:
            yield always | {"from_ccn": ccn, "to_ccn": NONE, "patients": int(left)}


def _list_ways(
    places: Places, displaced: list[str], targets: list[str], kilometres: float
) -> pd.DataFrame:
    """Return origin and target (positions), kilometres, relation and cost of every allowed way."""
    chains = places.directory.set_index("ccn")["chain_organization"]
    backups = _find_backups(places.assets, places.day)
    reachable = [place for place, ccn in enumerate(targets) if ccn in places.at.index]
    names = [targets[place] for place in reachable]
    positions = places.at.loc[names].to_numpy(float)
    rows: list[tuple[int, int, float, str, float]] = []
    for origin, ccn in enumerate(displaced):
        if ccn not in places.at.index or not reachable:
            continue
        distances = measure_kilometres(places.at.loc[ccn].to_numpy(float), positions)
        for place in np.flatnonzero(distances <= kilometres):
            relation = _relate(ccn, names[place], chains, backups)
            far = round(float(distances[place]), 1)
            cost = far + kilometres * RELATIONS.index(relation)
            rows.append((origin, reachable[place], far, relation, cost))
    return pd.DataFrame(rows, columns=["origin", "target", "kilometres", "relation", "cost"])


def _find_backups(assets: pd.DataFrame, day: date) -> set[tuple[str, str]]:
    """Return the pairs of facilities with an agreement that has not run out."""
    current = assets[(assets["asset_year"] <= day.year) & assets["backup_until"].notna()]
    valid = current[pd.to_datetime(current["backup_until"]) >= pd.Timestamp(day)]
    return set(zip(valid["ccn"], valid["backup_ccn"], strict=True))


def _relate(one: str, other: str, chains: pd.Series, backups: set[tuple[str, str]]) -> str:
    if (one, other) in backups:
        return _BACKUP
    mine, theirs = chains.get(one), chains.get(other)
    is_chain = isinstance(mine, str) and mine == theirs and mine.lower() != "independent"
    return _CHAIN if is_chain else _OTHER
