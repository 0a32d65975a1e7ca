"""Better, as or worse than expected: each DFC measure held against its reference.

Which measure is held against what, by which method and from which size on stands in
`parameters/flag_rule.csv`. How limits, p-values and z-scores come about belongs to the families.
"""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import pandas as pd
from scipy.stats import norm

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.tables.program import FLAGS

Method = Literal["interval", "p_value", "wald_z"]


@dataclass(frozen=True, slots=True)
class FlagRule:
    """How one measure is flagged.

    `reference` is None where the facility is held against the national level of its year.
    `minimum_units` binds only where the contract counts in `unit`.
    """

    measure: str
    method: Method
    reference: float | None
    higher_is_better: bool
    minimum_units: float | None
    unit: str | None
    minimum_expected: float | None
    significance: float


def load_flag_rules() -> tuple[FlagRule, ...]:
    """Read the rule of every flagged measure, in the order of the measures' names."""
    table = load_parameters("flag_rule").sort_values("measure")
    return tuple(
        FlagRule(
            measure=row["measure"],
            method=cast("Method", row["method"]),
            reference=None if row["reference"] == "national" else float(row["reference"]),
            higher_is_better=row["better"] == "higher",
            minimum_units=_number(row["minimum_units"]),
            unit=None if pd.isna(row["unit"]) else row["unit"],
            minimum_expected=_number(row["minimum_expected"]),
            significance=float(row["significance"]),
        )
        for row in table.to_dict("records")
    )


def flag_facilities(
    *,
    performance_year: int,
    facilities: pd.DataFrame,
    national: pd.DataFrame,
    published_results: pd.DataFrame,
) -> pd.DataFrame:
    """Flag every facility and flagged measure of the contract (`program.flags`).

    `facilities` are rows of the facility contract; those of program dfc are read. The measure's
    own test decides where its p-value or z-score is at hand; else the interval does, and
    `method` says so. An interval that only touches the reference contains it: as expected. A
    limit that is absent (no event, or no bound) cannot exclude the reference on its side.

    Raises:
        ValueError: `national` lacks the level a rule holds its facilities against.
    """
    rows = facilities[facilities["program"] == "dfc"]
    parts = [
        _flag_measure(rule=rule, rows=rows[rows["measure"] == rule.measure], national=national)
        for rule in load_flag_rules()
    ]
    flagged = pd.concat(parts, ignore_index=True).assign(performance_year=performance_year)
    published = published_results.loc[
        published_results["program"] == "dfc", ["ccn", "measure", "category"]
    ].rename(columns={"category": "published_category"})
    flagged = flagged.merge(published, on=["ccn", "measure"], how="left", validate="one_to_one")
    return flagged.sort_values(["ccn", "measure"], ignore_index=True)[FLAGS.column_names]


def _flag_measure(*, rule: FlagRule, rows: pd.DataFrame, national: pd.DataFrame) -> pd.DataFrame:
    """Flag the facilities of one measure."""
    reference = np.nan if rule.reference is None else rule.reference
    if rule.reference is None and rows["value"].notna().any():
        reference = _find_reference(national=national, measure=rule.measure)
    reason = _find_reasons(rule=rule, rows=rows)
    method, is_above, is_below = _compare(rule=rule, rows=rows, reference=reference)
    above, below = ("better", "worse") if rule.higher_is_better else ("worse", "better")
    category = pd.Series(np.select([is_above, is_below], [above, below], "as"), dtype=object)
    return pd.DataFrame(
        {
            "ccn": rows["ccn"].to_numpy(object),
            "measure": rule.measure,
            "unit_count": _floats(rows["unit_count"]),
            "value": _floats(rows["value"]),
            "lower": _floats(rows["lower"]),
            "upper": _floats(rows["upper"]),
            "reference": reference,
            "method": method,
            "category": category.where(pd.isna(reason), None),
            "reason": reason,
        }
    )


def _find_reference(*, national: pd.DataFrame, measure: str) -> float:
    """Give the national level of a DFC measure, in the unit of its published value.

    Raises:
        ValueError: there is none.
    """
    is_measure = (national["program"] == "dfc") & (national["measure"] == measure)
    levels = national.loc[is_measure, "national"].dropna()
    if len(levels) != 1:
        raise ValueError(f"facility.level has {len(levels)} levels of {measure}; one is needed")
    return float(levels.iloc[0])


def _find_reasons(*, rule: FlagRule, rows: pd.DataFrame) -> np.ndarray:
    """Say why a facility has no category; None where it has one."""
    units, expected = _floats(rows["unit_count"]), _floats(rows["denominator"])
    is_silent = np.isnan(
        np.column_stack([_floats(rows[name]) for name in ("lower", "upper", "p_value", "z")])
    ).all(axis=1)
    is_small = np.zeros(len(rows), dtype=bool)
    if rule.minimum_units is not None:
        has_unit = (rows["unit"] == rule.unit).fillna(value=False).to_numpy(bool)
        is_small = has_unit & (units < rule.minimum_units)
    is_unexpected = np.zeros(len(rows), dtype=bool)
    if rule.minimum_expected is not None:
        is_unexpected = expected < rule.minimum_expected
    is_withheld = ~rows["reportable"].to_numpy(bool)
    unit = (rule.unit or "units").replace("_", "-")
    return np.select(
        [
            is_withheld,
            is_small,
            is_unexpected,
            np.isnan(_floats(rows["value"])),
            is_silent,
        ],
        [
            rows["reason"].astype(object).to_numpy(),
            f"fewer than {rule.minimum_units or 0:g} {unit}",
            f"fewer than {rule.minimum_expected or 0:g} expected events",
            "no value",
            "neither limits nor a test",
        ],
        np.array(None, dtype=object),
    )


def _compare(
    *, rule: FlagRule, rows: pd.DataFrame, reference: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Say by which method, and whether, each facility lies above or below the reference."""
    value = _floats(rows["value"])
    is_above = _floats(rows["lower"]) > reference
    is_below = _floats(rows["upper"]) < reference
    method = np.full(len(rows), "interval", dtype=object)
    if rule.method == "p_value":
        p_value = _floats(rows["p_value"])
        is_tested, is_significant = ~np.isnan(p_value), p_value < rule.significance
    elif rule.method == "wald_z":
        z = np.abs(_floats(rows["z"]))
        is_tested, is_significant = ~np.isnan(z), z > norm.ppf(1 - rule.significance / 2)
    else:
        return method, is_above, is_below
    method[is_tested] = rule.method
    return (
        method,
        np.where(is_tested, is_significant & (value > reference), is_above),
        np.where(is_tested, is_significant & (value < reference), is_below),
    )


def _floats(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _number(cell: str | None) -> float | None:
    return None if cell is None or pd.isna(cell) else float(cell)
