"""From the facility contract to one row of star measure values a facility.

Pools Total Kt/V and tells which facilities offer peritoneal dialysis only. Scores do not belong
here.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.program.star_rules import StarRules

_HEMODIALYSIS_SERVICES = ("has_in_center_hemodialysis", "has_home_hemodialysis_training")


def collect_values(
    *, rules: StarRules, facilities: pd.DataFrame, directory: pd.DataFrame
) -> pd.DataFrame:
    """Give the star measures' values: one row a facility (rising ccn), one column a measure.

    Ratios and percents come as the contract has them; what is not reportable is missing. Every
    facility of the directory has a row.
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
    """Tell the facilities rated without the hemodialysis domain (manual 5.2, 5.7.2).

    By the directory such a facility offers neither in-center hemodialysis nor training for
    hemodialysis at home, and none of the domain's measures has a value. One that trains for
    home hemodialysis but cares for too few such patients to have a value is not peritoneal-only.
    A service the directory does not speak of counts as offered.
    """
    services = directory.set_index("ccn")[list(_HEMODIALYSIS_SERVICES)].reindex(values.index)
    offers = services.astype("boolean").fillna(value=True).any(axis=1).to_numpy(bool)
    names = [name for domain in rules.hemodialysis_domains for name in rules.measures_of(domain)]
    has_value = values[names].notna().any(axis=1)
    return (~has_value & ~offers).rename("is_peritoneal_only")


def _value_of(rows: pd.DataFrame, measure: str) -> pd.Series:
    return rows[rows["measure"] == measure].set_index("ccn")["value"].astype(float)


def _pool(rows: pd.DataFrame, components: tuple[str, ...]) -> pd.Series:
    """Weigh each population's percent by its patient-months (reading 14).

    A population without patient-months has no weight and is left out.
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
