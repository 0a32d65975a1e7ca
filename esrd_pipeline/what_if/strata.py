"""The equity strata of the patients of those facilities that a scenario moves."""

import numpy as np
import pandas as pd

from esrd_pipeline.reports.suppression import LEAST_HIDDEN, is_few

_DIRECTIONS = ("higher", "lower")


def count_strata(moved: pd.DataFrame, strata: pd.DataFrame) -> pd.DataFrame:
    """Return which share of each stratum's patients is at facilities that move.

    A patient of two facilities counts in each. Where a share rests on 1 to 10 patients, or leaves
    so few, it is hidden, and with it the next smallest ones of the dimension until two are.

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
    """Hide the next smallest counts of each dimension that has a hidden one, until two are."""
    found = hidden.to_numpy(bool, copy=True)
    for _, rows in sums.groupby("dimension", sort=True):
        places = rows.index.to_numpy()
        if not found[places].any():
            continue
        open_ = places[~found[places]]
        order = open_[np.argsort(sums.loc[open_, name].to_numpy(), kind="stable")]
        missing = max(LEAST_HIDDEN - int(found[places].sum()), 0)
        found[order[:missing]] = True
    return pd.Series(found, index=sums.index)
