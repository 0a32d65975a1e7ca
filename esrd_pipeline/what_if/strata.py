"""The equity strata of the patients of those facilities that a scenario moves."""

import numpy as np
import pandas as pd

from esrd_pipeline.reports.suppression import LEAST_HIDDEN, SMALLEST_SHOWN, is_few

_DIRECTIONS = ("higher", "lower")


def count_strata(moved: pd.DataFrame, strata: pd.DataFrame) -> pd.DataFrame:
    """Return which share of each stratum's patients is at facilities that move.

    A patient of two facilities counts in each. Where a share rests on 1 to 10 patients, or leaves
    so few, it is hidden, and with it the next smallest ones of the dimension by which it would
    follow.

    Args:
        moved: `scenario.list_moved`.
        strata: `report.facility_stratum`.

    Returns:
        dimension, stratum, and the shares `higher` and `lower`: null where hidden.
    """
    before, after = (moved[f"payment_reduction_{when}"].fillna(0) for when in ("before", "after"))
    ccns = {"higher": moved.loc[after > before, "ccn"], "lower": moved.loc[after < before, "ccn"]}
    rows = strata.assign(
        **{name: strata["patients"].where(strata["ccn"].isin(of), 0) for name, of in ccns.items()}
    )
    sums = rows.groupby(["dimension", "stratum"], as_index=False)[["patients", *ccns]].sum()
    for name in _DIRECTIONS:
        hidden = is_few(sums[name]) | is_few(sums["patients"] - sums[name])
        sums[name] = (sums[name] / sums["patients"]).mask(_hide_more(sums, name, hidden))
    return sums[["dimension", "stratum", *_DIRECTIONS]]


def _hide_more(sums: pd.DataFrame, name: str, hidden: pd.Series) -> pd.Series:
    """Hide the next smallest counts of each dimension that has a hidden one, until enough are.

    Enough are two above zero that come to 11 together: with the dimension's sum known, fewer would
    tell a hidden count, or that it is small.
    """
    found = hidden.to_numpy(bool, copy=True)
    for _, rows in sums.groupby("dimension", sort=True):
        places = rows.index.to_numpy()
        if not found[places].any():
            continue
        counts = sums.loc[places, name].to_numpy(dtype=np.float64)
        for at in np.argsort(counts, kind="stable"):
            gone = counts[found[places] & (counts > 0)]
            if len(gone) >= LEAST_HIDDEN and gone.sum() >= SMALLEST_SHOWN:
                break
            found[places[at]] |= counts[at] > 0
    return pd.Series(found, index=sums.index)
