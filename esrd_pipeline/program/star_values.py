"""Collect the star measures' values from the facility contract, one row per facility.

Pools Total Kt/V and finds the facilities that offer peritoneal dialysis only.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.program.star_rules import StarRules

_HEMODIALYSIS_SERVICES = ("has_in_center_hemodialysis", "has_home_hemodialysis_training")


def collect_values(
    *, rules: StarRules, facilities: pd.DataFrame, directory: pd.DataFrame
) -> pd.DataFrame:
    """Return the star measures' values: one row per facility (by ccn), one column per measure.

    Ratios and percents are taken from the contract unchanged; values that are not reportable are
    missing. Every facility of the directory has a row.
    """
    is_read = (
        (facilities["program"] == "dfc") & facilities["reportable"] & facilities["value"].notna()
    )
    rows = facilities.loc[is_read, ["ccn", "measure", "value", "denominator"]]
    index = pd.Index(sorted(directory["ccn"]), name="ccn", dtype=object)
    return pd.DataFrame(
        {
            measure.name: _pool(rows, measure.components)
            if measure.components
            else _value_of(rows, measure.name)
            for measure in rules.measures
        },
        index=index,
        dtype=float,
    )


def find_peritoneal_only(
    *, rules: StarRules, values: pd.DataFrame, directory: pd.DataFrame
) -> pd.Series:
    """Find the facilities rated without the hemodialysis domain (manual 5.2, 5.7.2).

    In the directory such a facility offers neither in-center hemodialysis nor home hemodialysis
    training, and none of the domain's measures has a value. A facility that trains for home
    hemodialysis but has too few such patients for a value is not peritoneal-only. A service that
    the directory does not record counts as offered.
    """
    services = directory.set_index("ccn")[list(_HEMODIALYSIS_SERVICES)].reindex(values.index)
    offers = services.astype("boolean").fillna(value=True).any(axis=1).to_numpy(bool)
    names = [name for domain in rules.hemodialysis_domains for name in rules.measures_of(domain)]
    has_value = values[names].notna().any(axis=1)
    return (~has_value & ~offers).rename("is_peritoneal_only")


def _value_of(rows: pd.DataFrame, measure: str) -> pd.Series:
    return rows[rows["measure"] == measure].set_index("ccn")["value"].astype(float)


def _pool(rows: pd.DataFrame, components: tuple[str, ...]) -> pd.Series:
    """Average each population's percent, weighted by patient-months (reading 14).

    A population without patient-months is left out.
    """
    parts = rows[rows["measure"].isin(components) & (rows["denominator"] > 0)]
    weight = parts["denominator"].astype(float)
    sums = pd.DataFrame(
        {
            "ccn": parts["ccn"],
            "weighted": parts["value"].astype(float) * weight,
            "weight": weight,
        }
    )
    totals = sums.sort_values(["ccn", "weight", "weighted"]).groupby("ccn").sum()
    return totals["weighted"] / totals["weight"].replace(0, np.nan)
