"""Whether strata add up to the whole of a measure, and groups and classes of patients to theirs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from esrd_pipeline.duckdb_text import scan_parquet
from esrd_pipeline.tables.trend import NATION, WHOLE_TOPICS

Query = Callable[..., pd.DataFrame]
Fault = tuple[str | None, str | None]
"""A warning, which there is none of, and what is wrong."""
TOLERANCE = 1e-6


def inspect_strata(query: Query, path: Path) -> Fault:
    """Compare the strata of each dimension of report.stratum with all of their measure."""
    rows = query(f"FROM {scan_parquet([path])}")
    return None, find_open_strata(rows)


def inspect_cohort(query: Query, path: Path) -> Fault:
    """Compare the Networks, states and classes of report.cohort with the nation and their bases."""
    rows = query(f"FROM {scan_parquet([path])}")
    return None, find_open_groups(rows)


def find_open_strata(rows: pd.DataFrame) -> str | None:
    """Return the measures and dimensions whose strata do not add up; None where all do."""
    counts = ["patients", "observed", "expected"]
    key = ["program", "measure"]
    sums = _sum(rows, [*key, "dimension"], counts)
    whole = sums[sums["dimension"] == "all"][[*key, *counts]]
    open_ = sums[~_agree(sums.merge(whole, on=key, how="left", suffixes=("", "_whole")), counts)]
    names = zip(*(open_[name] for name in (*key, "dimension")), strict=True)
    return "; ".join(f"strata do not add up: {' '.join(name)}" for name in names) or None


def find_open_groups(rows: pd.DataFrame) -> str | None:
    """Return the levels that are not the nation, the topics that are not whole; None if none."""
    counts = ["patients", "base_patients"]
    cell = ["program", "topic", "category"]
    sums = _sum(rows, [*cell, "level"], counts)
    whole = sums[sums["level"] == NATION][[*cell, *counts]]
    both = sums.merge(whole, on=cell, how="left", suffixes=("", "_whole"))
    levels = sorted(set(both.loc[~_agree(both, counts), "level"]))
    classes = rows[rows["topic"].isin(WHOLE_TOPICS)]
    group = ["program", "level", "group_name", "topic", "base_patients"]
    added = _sum(classes, group, ["patients"])
    topics = sorted(set(added.loc[added["patients"] != added["base_patients"], "topic"]))
    faults = [
        *(f"groups of level {level} do not add up to the nation" for level in levels),
        *(f"classes of {topic} do not add up" for topic in topics),
    ]
    return "; ".join(faults) or None


def _sum(rows: pd.DataFrame, key: Sequence[str], counts: Sequence[str]) -> pd.DataFrame:
    numbers = rows.astype(dict.fromkeys(counts, float))
    return numbers.groupby(list(key), sort=True)[list(counts)].sum().reset_index()


def _agree(both: pd.DataFrame, counts: Sequence[str]) -> pd.Series:
    """Return which rows have the sums of their whole."""
    same = pd.Series(data=True, index=both.index)
    for name in counts:
        whole = both[f"{name}_whole"]
        same &= (both[name] - whole).abs() <= TOLERANCE * (1 + whole.abs())
    return same
