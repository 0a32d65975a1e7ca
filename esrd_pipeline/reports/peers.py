"""Peers of a facility: up to five others of its kind, nearest in size.

ESRD KHARES & 18 ESRD Networks: best practices of facilities that are alike. Of a
kind are facilities that all belong to a chain or all do not, and all treat in center or all do not,
as far as the directory tells; no stored table tells which are rural. Size is the number of
patients of the PPPW, the one that counts nearly all of a year, and of facilities without one the
number of stations; facilities are compared with those whose size counts the same.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.tables.network import PEER, PEERS

INDEPENDENT = "INDEPENDENT"
SIZE_MEASURE = "pppw"
_KIND = ["size_unit", "is_of_chain", "has_in_center"]


def find_peers(
    *, performance_year: int, directory: pd.DataFrame, contract: pd.DataFrame
) -> pd.DataFrame:
    """Return the rows of network.peer.

    Facilities of a kind are ordered by size and CCN; of two that are as near in size the one
    nearer in that order comes first, then the smaller one.
    """
    sized = _size(directory, contract)
    if sized.empty:
        return pd.DataFrame(columns=PEER.column_names)
    kind = sized.groupby(_KIND, dropna=False, sort=True).ngroup().to_numpy()
    order = np.lexsort((sized["ccn"].to_numpy(str), sized["size"].to_numpy(), kind))
    rows = sized.iloc[order].reset_index(drop=True)
    kind = kind[order]
    size = rows["size"].to_numpy(np.float64)
    # The nearest of a sorted row lie at most as many places away as are wanted.
    steps = np.array([sign * step for step in range(1, PEERS + 1) for sign in (-1, 1)])
    places = np.arange(len(rows))[:, None] + steps[None, :]
    is_there = (places >= 0) & (places < len(rows))
    found = places.clip(0, len(rows) - 1)
    is_there &= kind[found] == kind[:, None]
    away = np.where(is_there, np.abs(size[found] - size[:, None]), np.inf)
    # A stable sort keeps the order of the steps, nearer places first, among equal distances.
    nearest = np.argsort(away, axis=1, kind="stable")[:, :PEERS]
    chosen = np.take_along_axis(found, nearest, axis=1)
    is_peer = np.take_along_axis(is_there, nearest, axis=1)
    mine, rank = np.nonzero(is_peer)
    other = chosen[mine, rank]
    frame = pd.DataFrame(
        {
            "ccn": rows["ccn"].to_numpy(object)[mine],
            "rank": rank + 1,
            "performance_year": performance_year,
            "peer_ccn": rows["ccn"].to_numpy(object)[other],
            "size": size[mine],
            "peer_size": size[other],
            **{name: rows[name].to_numpy(object)[mine] for name in _KIND},
        }
    )
    return frame.sort_values(list(PEER.key), ignore_index=True)[PEER.column_names]


def _size(directory: pd.DataFrame, contract: pd.DataFrame) -> pd.DataFrame:
    """Return the facilities with a size: ccn, size and kind."""
    is_counted = (
        (contract["program"] == "dfc")
        & (contract["measure"] == SIZE_MEASURE)
        & (contract["unit"] == "patients").fillna(value=False).astype(bool)
    )
    patients = contract[is_counted].set_index("ccn")["unit_count"].astype(np.float64)
    chain = directory["chain_organization"]
    mine = directory[["ccn"]].assign(
        patients=directory["ccn"].map(patients).astype(np.float64),
        stations=directory["station_count"].astype(np.float64),
        is_of_chain=(chain.str.strip().str.upper() != INDEPENDENT)
        .astype(object)
        .where(chain.notna(), None),
        has_in_center=directory["has_in_center_hemodialysis"]
        .astype(object)
        .where(directory["has_in_center_hemodialysis"].notna(), None),
    )
    mine["size"] = mine["patients"].fillna(mine["stations"])
    mine["size_unit"] = np.where(mine["patients"].notna(), "patients", "stations")
    return mine[mine["size"].notna()].reset_index(drop=True)
