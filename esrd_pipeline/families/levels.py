"""National levels of every measure, computed or published, that facilities are compared with."""

from collections.abc import Iterator, Mapping
from typing import cast

import numpy as np
import pandas as pd

from esrd_pipeline.measures.specification import WHOLE, Program
from esrd_pipeline.sources.published_fields import load_measures
from esrd_pipeline.tables.facility import CATEGORIES, LEVEL

_KEY = ["program", "measure"]


def combine_levels(
    *,
    performance_year: int,
    contract: pd.DataFrame,
    published: pd.DataFrame,
    percentages: Mapping[tuple[str, str], float],
) -> pd.DataFrame:
    """Return facility.level: a computed measure's own level, the others' as published.

    A measure published or scored as a rate (reading 10) has the rate of a ratio of 1, which is the
    national rate of 2.11.12, 2.12.15 and 2.13.12; a standardised percentage that of its fit
    (`percentages`, by program and measure, in percent); every other measure the mean of its
    facilities weighted by their denominators, which is observed over expected, or numerator over
    denominator, of all facilities.

    Args:
        performance_year: the year of all frames.
        contract: facility.contract.
        published: facility.national.
        percentages: national percentages of the measures whose fit has one.
    """
    computed = contract[contract["origin"] == "computed"]
    published_as_rate = {
        (measure.program, measure.measure)
        for measure in load_measures("contract", performance_year)
        if measure.divide_by_national
    }
    rows = [
        {
            "program": program,
            "measure": measure,
            "national": (
                percentages[program, measure] / WHOLE["dfc"] * WHOLE[program]
                if (program, measure) in percentages
                else _level(mine, is_rate=(program, measure) in published_as_rate)
            ),
            "facility_count": int(mine["reportable"].astype(bool).sum()),
            **{f"{name}_count": int((mine["category"] == name).sum()) for name in CATEGORIES},
            "source": "computed",
        }
        for program, measure, mine in _group(computed)
    ]
    own = pd.DataFrame(rows, columns=LEVEL.column_names)
    known = set(map(tuple, own[_KEY].to_numpy()))
    is_known = [tuple(row) in known for row in published[_KEY].to_numpy()]
    rest = published[~np.array(is_known, dtype=bool)]
    table = pd.concat([part for part in (own, rest) if not part.empty] or [own])
    table = table.assign(performance_year=performance_year)
    counts = ["facility_count", *(f"{name}_count" for name in CATEGORIES)]
    table[counts] = table[counts].astype("Int64")
    return table.sort_values(_KEY, ignore_index=True)[LEVEL.column_names]


def _group(computed: pd.DataFrame) -> Iterator[tuple[Program, str, pd.DataFrame]]:
    for (program, measure), rows in computed.groupby(_KEY, sort=True):
        yield cast("Program", program), str(measure), rows


def _name_ratio(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of the QIP, whose value is the rate, with the ratio as their value."""
    expected = rows["denominator"].astype(float)
    return rows.assign(value=rows["numerator"].astype(float) / expected.where(expected > 0))


def find_national_rate(rows: pd.DataFrame) -> float:
    """Return the rate of a ratio of 1, from a measure's rows with ratio and rate.

    The median is not affected by rounding in single rows.
    """
    value, rate = (rows[name].to_numpy(dtype=float, na_value=np.nan) for name in ("value", "rate"))
    has_ratio = value > 0
    return float(np.median(rate[has_ratio] / value[has_ratio])) if has_ratio.any() else np.nan


def _level(program_rows: pd.DataFrame, *, is_rate: bool) -> float:
    if is_rate:
        return find_national_rate(program_rows)
    if (program_rows["program"] == "qip").all() and program_rows["rate"].notna().any():
        return find_national_rate(_name_ratio(program_rows))
    known = program_rows[["value", "denominator"]].astype(float).dropna()
    total = known["denominator"].sum()
    return float((known["value"] * known["denominator"]).sum() / total) if total else np.nan
