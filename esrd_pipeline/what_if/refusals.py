"""Scenarios that are none: values that no facility can have, or that nothing is scored from."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.parameters.register import is_ratio
from esrd_pipeline.program.qip_rules import MeasureRule, QipRules
from esrd_pipeline.what_if.changes import Change, ScenarioError

_MOST_TPS = 100
_COUNTS = ("numerator", "denominator")


def refuse_impossible(
    changes: Sequence[Change],
    rules: QipRules,
    current: pd.DataFrame,
    standards: pd.DataFrame,
    computed: frozenset[str],
) -> None:
    """Look at each change with the rows as the scenario has them.

    Raises:
        ScenarioError: the payment year does not score the measure, or not by this number, the
            facility's row is not reported, events are no whole number or more than there are to
            count, or a standard's threshold is better than its benchmark.
    """
    by_measure = {rule.measure: rule for rule in rules.measures}
    reports = {rule.compliance.measure for rule in rules.measures if rule.compliance}
    for change in changes:
        match change.table:
            case "rules":
                if change.value > _MOST_TPS:
                    raise ScenarioError(f"{change.where}: no TPS is above {_MOST_TPS}")
            case "standard":
                rule = by_measure.get(change.measure)
                _check_standard(change, rule, standards)
                _check_adjusted(change, rule, current)
            case _:
                is_row = (current["ccn"] == change.ccn) & (current["measure"] == change.measure)
                rule = by_measure.get(change.measure)
                if rule is None and change.measure not in reports:
                    raise ScenarioError(
                        f"{change.where}: payment year {rules.payment_year} does not score"
                        f" {change.measure}"
                    )
                columns = list_scored(change.measure, rules, computed)
                _check_column(change, columns, rules.payment_year)
                _check_row(change, rule, current[is_row].iloc[0], is_report=rule is None)


def refuse_shares(changes: Sequence[Change], rules: QipRules, current: pd.DataFrame) -> None:
    """Look at the values of shares that a scenario comes to.

    Raises:
        ScenarioError: one is above 1.
    """
    shares = {
        rule.measure for rule in rules.measures if not is_ratio(rule.measure, rule.entry.family)
    }
    for change in changes:
        if change.table != "contract" or change.measure not in shares:
            continue
        is_row = (current["ccn"] == change.ccn) & (current["measure"] == change.measure)
        value = current.loc[is_row, "value"].iloc[0]
        if pd.notna(value) and float(value) > 1:
            raise ScenarioError(
                f"{change.where}: the value of {change.measure} would be {value:g}: a share is at"
                " most 1"
            )


def list_scored(measure: str, rules: QipRules, computed: frozenset[str]) -> frozenset[str]:
    """Return the columns of a measure's row that the payment year scores something by.

    None of a measure whose score is the printed one; `computed` are the measures of computed rows.
    """
    reports = {rule.compliance.measure for rule in rules.measures if rule.compliance}
    columns = {*_COUNTS} if measure in reports else set[str]()
    for rule in rules.measures:
        if rule.measure != measure:
            continue
        match rule.scoring:
            case "achievement_improvement":
                columns |= {*_COUNTS, "value", "unit_count"}
            case "reporting" | "reporting_steps":
                columns |= {*_COUNTS, "unit_count"}
            case "published_or_reported" if measure in computed:
                columns |= {*_COUNTS, "unit_count"}
            case "components_by_unit_count" | "components_mean" | "components_weighted":
                columns.add("unit_count")
            case _:
                pass
    return frozenset(columns)


def _check_column(change: Change, columns: frozenset[str], payment_year: int) -> None:
    if change.column in columns:
        return
    if not columns:
        raise ScenarioError(
            f"{change.where}: payment year {payment_year} takes the score of {change.measure} as"
            f" CMS printed it, whatever its {change.column}"
        )
    raise ScenarioError(
        f"{change.where}: payment year {payment_year} scores {change.measure} by its"
        f" {', '.join(sorted(columns))}, whatever its {change.column}"
    )


def _check_standard(change: Change, rule: MeasureRule | None, standards: pd.DataFrame) -> None:
    row = standards[standards["measure"] == change.measure].iloc[0]
    threshold, benchmark = (row[name] for name in ("achievement_threshold", "benchmark"))
    if rule is None or pd.isna(threshold) or pd.isna(benchmark):
        return
    turn = 1 if rule.direction == "higher" else -1
    if turn * float(threshold) > turn * float(benchmark):
        raise ScenarioError(
            f"{change.where}: the achievement threshold {threshold:g} would be better than the"
            f" benchmark {benchmark:g}; of {change.measure} {rule.direction} is better"
        )


def _check_adjusted(change: Change, rule: MeasureRule | None, current: pd.DataFrame) -> None:
    """Refuse a benchmark of the small facility adjustment where no rate is adjusted by it."""
    if change.column != "small_facility_benchmark" or rule is None:
        return
    if rule.small_facility is None:
        raise ScenarioError(f"{change.where}: {change.measure} has no small facility adjustment")
    rows = current[(current["measure"] == change.measure) & current["reportable"].astype(bool)]
    if rows["is_adjusted"].astype("boolean").fillna(value=False).all():
        raise ScenarioError(
            f"{change.where}: no reported rate of {change.measure} is adjusted here: CMS printed"
            " them adjusted"
        )


def _check_row(
    change: Change, rule: MeasureRule | None, row: pd.Series, *, is_report: bool
) -> None:
    if not bool(row["reportable"]) and not is_report:
        (why,) = describe_rows(pd.DataFrame([row]))
        raise ScenarioError(
            f"{change.where}: {change.ccn} has no score in {change.measure}, whatever its"
            f" {change.column}: {why or 'it is not reported'}"
        )
    if change.column != "numerator" or (rule is not None and rule.entry.family == "access"):
        return
    if not change.value.is_integer():
        raise ScenarioError(f"{change.where}: {change.value:g} events are no whole number")
    denominator = float(row["denominator"]) if pd.notna(row["denominator"]) else np.nan
    is_share = rule is None or not is_ratio(rule.measure, rule.entry.family)
    if is_share and change.value > denominator:
        raise ScenarioError(
            f"{change.where}: {change.value:g} is more than the denominator, {denominator:g}, of"
            f" {change.measure}, which is a share"
        )
