"""Whether report.trend agrees with the facility contract and with facility.level.

Reading 195: a group's sums are those of facilities whose numbers are shown, too. The nation's, with
those of the others added, are the sums that facility.level divides.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.reports.trend import (
    COUNTS,
    FLAGS,
    MEASURE,
    SUMS,
    find_published_as_rate,
    find_summed,
)
from esrd_pipeline.tables.trend import FACILITY, NATION, SUMMED

TOLERANCE = 1e-9
_SHOWN = ["value", "rate", "lower", "upper"]


def find_fault(
    *,
    performance_year: int,
    trend: pd.DataFrame,
    contract: pd.DataFrame,
    level: pd.DataFrame,
) -> str | None:
    """Return what is wrong with a year's report.trend, without counts of patients; None if nothing.

    Three things must hold: a facility has its own row of the contract; each level's groups add up
    to the nation; and of computed measures the nation has the counts and the level of
    facility.level.
    """
    faults = (
        *_compare_facilities(trend, contract),
        *_compare_levels(trend),
        *_compare_nation(performance_year, trend, contract, level),
    )
    return "; ".join(faults) or None


def _compare_facilities(trend: pd.DataFrame, contract: pd.DataFrame) -> list[str]:
    mine = trend.loc[trend["level"] == FACILITY].rename(columns={"group_name": "ccn"})
    theirs = contract[["ccn", *MEASURE, "reportable", *_SHOWN]]
    both = mine.merge(theirs, on=["ccn", *MEASURE], how="outer", suffixes=("", "_contract"))
    if len(both) != len(mine) or len(both) != len(theirs):
        return ["level facility has other facilities or measures than the contract"]
    is_shown = both["reportable"].astype(bool)
    wrong = [
        name
        for name in _SHOWN
        if not _is_equal(both[name], both[f"{name}_contract"].where(is_shown), tolerance=0).all()
    ]
    return [f"level facility: {name} is not the contract's" for name in wrong]


def _compare_levels(trend: pd.DataFrame) -> list[str]:
    counts = [*COUNTS, *FLAGS]
    sums = trend[["level", *MEASURE, *counts, *SUMS]].astype(dict.fromkeys([*counts, *SUMS], float))
    groups = sums.groupby(["level", *MEASURE], sort=True)
    whole = groups.sum()
    # A level one of whose groups has no sum has none itself.
    has_all = groups[SUMS].count().eq(groups["summed_count"].apply(_count_filled), axis=0)
    whole[SUMS] = whole[SUMS].where(has_all)
    faults = []
    if NATION not in whole.index.get_level_values("level"):
        return faults
    nation = whole.xs(NATION)
    for name in sorted(set(trend["level"]) - {NATION}):
        mine = whole.xs(name).reindex(nation.index)
        for column in (*counts, *SUMS):
            both = mine[column].notna() & nation[column].notna()
            if column in counts:
                both = pd.Series(data=True, index=mine.index)
            same = _is_equal(mine[column], nation[column], tolerance=TOLERANCE)
            if not (same | ~both).all():
                faults.append(f"level {name}: {column} does not add up to the nation's")
    return faults


def _count_filled(summed_count: pd.Series) -> int:
    return int((summed_count > 0).sum())


def _compare_nation(
    performance_year: int, trend: pd.DataFrame, contract: pd.DataFrame, level: pd.DataFrame
) -> list[str]:
    counts = ["facility_count", *FLAGS]
    computed = level[level["source"] == "computed"]
    if computed.empty:
        return []
    nation = trend[trend["level"] == NATION].drop(columns="national")
    both = computed[[*MEASURE, "national", *counts]].merge(
        nation, on=MEASURE, how="left", suffixes=("_level", "")
    )
    faults = [
        f"nation: {name} is not facility.level's"
        for name in counts
        if not _is_equal(both[f"{name}_level"], both[name], tolerance=0).all()
    ]
    hidden = contract[~find_summed(contract)]
    hidden = hidden[hidden[["numerator", "denominator", "value"]].notna().all(axis=1)]
    rest = hidden.groupby(MEASURE)[["numerator", "denominator"]].sum().astype(float).reset_index()
    both = both.merge(rest, on=MEASURE, how="left", suffixes=("", "_rest"))
    is_rate = find_published_as_rate(both, performance_year)
    # Facilities adjusted directly have a mean of their values as the level, no quotient of sums.
    is_summed = (both["method"] == SUMMED) & both["national"].notna()
    top, bottom = (
        both[name].astype(float) + both[f"{name}_rest"].fillna(0.0)
        for name in ("numerator", "denominator")
    )
    # The QIP's ratios, too, have as their level the national rate, which is that of a ratio of 1.
    is_rate |= (both["program"] == "qip") & both["rate"].notna()
    # The value where the quotient is 1: 100 of a percentage.
    mine = both["numerator"].astype(float) / both["denominator"].astype(float)
    ours = (top / bottom * both["value"] / mine).where(~is_rate, both["rate"] / mine)
    same = _is_equal(ours, both["national"], tolerance=TOLERANCE) | ours.isna()
    wrong = both.loc[is_summed & ~same, MEASURE]
    faults += [
        f"nation: {program} {measure} has not the level of facility.level"
        for program, measure in wrong.itertuples(index=False)
    ]
    return faults


def _is_equal(one: pd.Series, other: pd.Series, *, tolerance: float) -> pd.Series:
    mine, theirs = (column.to_numpy(float, na_value=np.nan) for column in (one, other))
    return pd.Series(
        np.isclose(mine, theirs, rtol=tolerance, atol=tolerance, equal_nan=True), one.index
    )
