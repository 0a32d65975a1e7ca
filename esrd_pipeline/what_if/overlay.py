"""A scenario: a few values in place of stored ones, and what they lead to.

Numerator and denominator of a measure carry its value with them: `value = numerator / denominator
x scale`, with the measure's own scale in the year (1 of a proportion, the national rate of a
standardised ratio), which every reported row must share.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from esrd_pipeline.program.qip_rules import MeasureRule, QipRules
from esrd_pipeline.scoring_frames import ScoringFrames
from esrd_pipeline.what_if.changes import Change, ScenarioError
from esrd_pipeline.what_if.refusals import refuse_impossible, refuse_shares

CONTRACT_COLUMNS = ("numerator", "denominator", "value", "unit_count")
STANDARD_COLUMNS = ("achievement_threshold", "benchmark", "small_facility_benchmark")
RULES = ("minimum_tps",)
HEADER = ("table", "ccn", "measure", "column", "value")
_SAME_SCALE = 1e-9
"""Relative difference of two rows' scales that is rounding."""


@dataclass(frozen=True, slots=True)
class Overlaid:
    """Frames and rules as a scenario has them."""

    frames: ScoringFrames
    rules: QipRules


def parse_setting(text: str, ccn: str) -> Change:
    """Read a setting of the command line: `shr.numerator=40`, or `minimum_tps=60`.

    Raises:
        ScenarioError: it is no setting.
    """
    name, equals, number = text.partition("=")
    measure, dot, column = name.strip().rpartition(".")
    where = f"--set {text}"
    if not equals or (not dot and column not in RULES):
        raise ScenarioError(f"{where}: write MEASURE.COLUMN=NUMBER, for example shr.numerator=40")
    table = "rules" if not dot else "standard" if column in STANDARD_COLUMNS else "contract"
    of_facility = ccn if table == "contract" else ""
    return _check(Change(table, of_facility, measure, column, _parse(number, where), where))


def read_scenario(path: Path) -> list[Change]:
    """Read a scenario file: CSV with the columns table, ccn, measure, column, value.

    Raises:
        ScenarioError: it is no such file, or a row breaks a rule; names file and row.
    """
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as no:
        raise ScenarioError(f"{path.name}: cannot be read as CSV: {no}") from no
    if tuple(rows.columns) != HEADER:
        raise ScenarioError(f"{path.name}: its columns must be {', '.join(HEADER)}")
    if rows.empty:
        raise ScenarioError(f"{path.name}: it has no row")
    changes: list[Change] = []
    for number, row in enumerate(rows.to_dict("records"), start=2):
        where = f"{path.name}, row {number}"
        value = _parse(str(row["value"]), f"{where}, column 'value'")
        texts = {name: str(row[name]).strip() for name in HEADER[:-1]}
        changes.append(_check(Change(**texts, value=value, where=where)))
    return changes


def _parse(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ScenarioError(f"{where}: '{text.strip()}' is no number") from None
    if not np.isfinite(value) or value < 0:
        raise ScenarioError(f"{where}: {text.strip()} must be zero or more, and finite")
    return value


def _check(change: Change) -> Change:
    """Return the change if its table has the column and is named as its rows are."""
    known = {"contract": CONTRACT_COLUMNS, "standard": STANDARD_COLUMNS, "rules": RULES}
    if change.table not in known:
        raise ScenarioError(f"{change.where}: there is no table '{change.table}': {_list(known)}")
    if change.column not in known[change.table]:
        columns = _list(known[change.table])
        raise ScenarioError(f"{change.where}: '{change.column}' cannot be set: {columns} can")
    if change.table == "rules" and not change.value.is_integer():
        raise ScenarioError(f"{change.where}: {change.value:g} must be a whole number")
    needs = {"ccn": change.table == "contract", "measure": change.table != "rules"}
    for name, is_needed in needs.items():
        if bool(getattr(change, name)) != is_needed:
            must = "is needed" if is_needed else "must be empty"
            raise ScenarioError(f"{change.where}, column '{name}': {must} for {change.table}")
    return change


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def find_scales(current: pd.DataFrame) -> dict[str, float]:
    """Return each measure's scale: value over numerator / denominator, of its reported rows.

    A measure without such rows, or whose rows do not share one scale, has none.
    """
    rows = current[current["reportable"].astype(bool)]
    numbers = rows[["numerator", "denominator", "value"]].astype(float)
    usable = (numbers["numerator"] > 0) & (numbers["denominator"] > 0) & (numbers["value"] > 0)
    scale = numbers["value"] * numbers["denominator"] / numbers["numerator"]
    found = scale[usable].groupby(rows.loc[usable, "measure"]).agg(["min", "max"])
    alike = found[found["max"] <= found["min"] * (1 + _SAME_SCALE)]
    return {
        # A proportion's rows are 1 but for rounding.
        str(measure): 1.0 if abs(least - 1) < _SAME_SCALE else float(least)
        for measure, least in alike["min"].items()
    }


def overlay(
    frames: ScoringFrames,
    rules: QipRules,
    changes: Sequence[Change],
    scales: dict[str, float],
) -> Overlaid:
    """Return frames and rules with a scenario's values, and the rates that follow from them.

    `scales` are the nation's, by measure.

    Raises:
        ScenarioError: a change names a row that there is not, or one twice, or a measure whose
            value does not follow from numerator and denominator, or cannot be (`refusals`).
    """
    _refuse_repeats(changes)
    current, standards = frames.current.copy(), frames.standards.copy()
    for change in changes:
        match change.table:
            case "rules":
                rules = replace(rules, **{change.column: int(change.value)})
            case "standard":
                at = _find(standards["measure"] == change.measure, change)
                standards.loc[at, change.column] = change.value
            case _:
                is_row = (current["ccn"] == change.ccn) & (current["measure"] == change.measure)
                current.loc[_find(is_row, change), change.column] = change.value
    refuse_impossible(changes, rules, current, standards, frames.computed)
    by_measure = {rule.measure: rule for rule in rules.measures}
    for change in changes:
        if change.column in ("numerator", "denominator"):
            is_row = (current["ccn"] == change.ccn) & (current["measure"] == change.measure)
            # A number set to what it is leaves the stored value as it is, to the bit.
            if frames.current.loc[is_row, change.column].iloc[0] != change.value:
                scale, rule = scales.get(change.measure), by_measure.get(change.measure)
                own = [one for one in changes if _is_same_row(one, change)]
                if all(one.column != "value" for one in own):
                    _carry(current, is_row, change, scale, rule)
    refuse_shares(changes, rules, current)
    return Overlaid(replace(frames, current=current, standards=standards), rules)


def _refuse_repeats(changes: Sequence[Change]) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for change in changes:
        key = (change.table, change.ccn, change.measure, change.column)
        if key in seen:
            raise ScenarioError(f"{change.where}: sets the same number as {seen[key]}")
        seen[key] = change.where


def _is_same_row(one: Change, other: Change) -> bool:
    return (one.ccn, one.measure) == (other.ccn, other.measure)


def _find(is_row: pd.Series, change: Change) -> pd.Series:
    if not is_row.any():
        what = f"{change.measure} of {change.ccn}" if change.ccn else change.measure
        raise ScenarioError(f"{change.where}: the year's {change.table} has no row of {what}")
    return is_row


def _carry(
    current: pd.DataFrame,
    is_row: pd.Series,
    change: Change,
    scale: float | None,
    rule: MeasureRule | None,
) -> None:
    """Set the value that follows from a row's numerator and denominator.

    Where none follows and none is needed, because the counts alone are scored, there is none.
    """
    if scale is None and rule is not None and rule.scoring == "achievement_improvement":
        raise ScenarioError(
            f"{change.where}: the value of {change.measure} does not follow from numerator and"
            " denominator: set its value too"
        )
    top, bottom = (float(current.loc[is_row, name].iloc[0]) for name in CONTRACT_COLUMNS[:2])
    if bottom <= 0:
        raise ScenarioError(f"{change.where}: the denominator must be above zero")
    # The months to report are counted by the calendar where a file has none.
    is_counted = rule is not None and rule.reporting.months_from_calendar
    if np.isnan(top) or (np.isnan(bottom) and not is_counted):
        unknown = "numerator" if np.isnan(top) else "denominator"
        raise ScenarioError(
            f"{change.where}: the {unknown} of {change.measure} is not known: set it too"
        )
    current.loc[is_row, "value"] = np.nan if scale is None else top / bottom * scale
