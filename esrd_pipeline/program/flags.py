"""Flag each DFC measure as better than, as or worse than expected.

`parameters/register.csv` gives each measure's reference, method and minimum size;
`measures/flag.py` implements the rule.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.measures.flag import (
    Results,
    add_size_reasons,
    flag_results,
)
from esrd_pipeline.parameters.reasons import RowReasons
from esrd_pipeline.parameters.register import RegisterEntry, list_measures
from esrd_pipeline.tables.program import FLAGS


def list_flagged(performance_year: int) -> tuple[RegisterEntry, ...]:
    """Return the flagged measures of a year, in the order of their names."""
    entries = list_measures("dfc", performance_year)
    return tuple(entry for entry in entries if entry.flag is not None)


def flag_facilities(
    *,
    performance_year: int,
    facilities: pd.DataFrame,
    national: pd.DataFrame,
    published_results: pd.DataFrame,
) -> pd.DataFrame:
    """Flag every facility and flagged measure of the contract (`program.flags`).

    `facilities` are rows of the facility contract; those of program dfc are read. Where the
    measure's own test is not available, the interval decides, and `method` records it.

    Raises:
        ValueError: `national` lacks the level a rule compares its facilities with.
    """
    rows = facilities[facilities["program"] == "dfc"]
    parts = [
        _flag_measure(entry, rows[rows["measure"] == entry.measure], national)
        for entry in list_flagged(performance_year)
    ]
    flagged = pd.concat(parts, ignore_index=True).assign(performance_year=performance_year)
    published = published_results.loc[
        published_results["program"] == "dfc", ["ccn", "measure", "category"]
    ].rename(columns={"category": "published_category"})
    flagged = flagged.merge(published, on=["ccn", "measure"], how="left", validate="one_to_one")
    return flagged.sort_values(["ccn", "measure"], ignore_index=True)[FLAGS.column_names]


def _flag_measure(entry: RegisterEntry, rows: pd.DataFrame, national: pd.DataFrame) -> pd.DataFrame:
    """Flag the facilities of one measure."""
    reference = np.nan if entry.flag is None else entry.flag.reference
    if reference is None:
        has_value = rows["value"].notna().any()
        level = _find_reference(national=national, measure=entry.measure) if has_value else np.nan
        reference = level
    results = Results(
        value=_floats(rows["value"]),
        lower=_floats(rows["lower"]),
        upper=_floats(rows["upper"]),
        p_value=_floats(rows["p_value"]),
        z=_floats(rows["z"]),
    )
    reasons = _find_reasons(entry, rows, results)
    flags = flag_results(entry, results, national=reference)
    category = flags.category.copy()
    category[~reasons.is_silent] = None
    return pd.DataFrame(
        {
            "ccn": rows["ccn"].to_numpy(object),
            "measure": entry.measure,
            "unit_count": _floats(rows["unit_count"]),
            "value": results.value,
            "lower": results.lower,
            "upper": results.upper,
            "reference": reference,
            "method": flags.method,
            "category": category,
            "unit": rows["unit"].to_numpy(object),
            "reason": reasons.code,
            "reason_number": reasons.number,
        }
    )


def _find_reference(*, national: pd.DataFrame, measure: str) -> float:
    """Return the national level of a DFC measure, in the unit of its published value.

    Raises:
        ValueError: there is not exactly one.
    """
    is_measure = (national["program"] == "dfc") & (national["measure"] == measure)
    levels = national.loc[is_measure, "national"].dropna()
    if len(levels) != 1:
        raise ValueError(f"facility.level has {len(levels)} levels of {measure}; one is needed")
    return float(levels.iloc[0])


def _find_reasons(entry: RegisterEntry, rows: pd.DataFrame, results: Results) -> RowReasons:
    """Find why facilities have no category; the size rule applies where the row has its unit."""
    reasons = RowReasons(len(rows))
    reasons.add(
        ~rows["reportable"].to_numpy(bool),
        rows["reason"].to_numpy(object),
        _floats(rows["reason_number"]),
    )
    has_unit = (rows["unit"] == entry.unit).fillna(value=False).to_numpy(bool)
    add_size_reasons(
        reasons,
        entry,
        unit_count=np.where(has_unit, _floats(rows["unit_count"]), np.nan),
        expected=_floats(rows["denominator"]),
    )
    reasons.add(np.isnan(results.value), "no_value")
    reasons.add(results.is_untested, "no_limits_and_no_test")
    return reasons


def _floats(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=float, na_value=np.nan)
