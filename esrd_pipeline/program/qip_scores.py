"""Score every QIP measure, with the inputs of each score (`program.qip_measure_score`).

This module combines and weights the scores of all facilities; `qip_clinical` and `qip_reporting`
score the measures.
"""

from dataclasses import fields, replace

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.reasons import NOT_PRINTED
from esrd_pipeline.program.qip_arithmetic import WEIGHT_SCALE
from esrd_pipeline.program.qip_clinical import score_against_standards, score_components
from esrd_pipeline.program.qip_inputs import (
    Inputs,
    Scored,
    read_contract,
    read_rates,
    read_results,
    read_standards,
)
from esrd_pipeline.program.qip_period import Facilities, gather_facilities
from esrd_pipeline.program.qip_reporting import (
    score_as_published,
    score_if_printed,
    score_published_or_reported,
    score_reporting,
)
from esrd_pipeline.program.qip_rules import MeasureRule, QipRules
from esrd_pipeline.program.qip_weights import apply_weights
from esrd_pipeline.tables.program import QIP_MEASURE_SCORE

_INTEGERS = ("achievement_score", "improvement_score", "score")


def score_measures(
    *,
    rules: QipRules,
    performance_year: int,
    current: pd.DataFrame,
    improvement: pd.DataFrame | None,
    earlier: pd.DataFrame | None,
    standards: pd.DataFrame,
    directory: pd.DataFrame,
    ece_grants: pd.DataFrame,
    published_results: pd.DataFrame,
    computed: frozenset[str] = frozenset(),
) -> pd.DataFrame:
    """Score every facility on every measure and component of a payment year.

    `current` is the performance year's `facility.published` of the QIP. The earlier rate is the
    one published in this year's own file (`improvement`: `facility.published_improvement`) where
    that has a row, else that of `earlier`: `facility.published` of the year before.
    `published_results` gives the scores CMS publishes without counts. `ece_grants` has the
    columns ccn, first_month and last_month. `computed` names the measures whose rows are computed
    and not of the file. An unscored row gives its `reason`.
    """
    inputs = gather_inputs(
        performance_year=performance_year,
        current=current,
        improvement=improvement,
        earlier=earlier,
        standards=standards,
        directory=directory,
        ece_grants=ece_grants,
        published_results=published_results,
        computed=computed,
    )
    scored: dict[str, Scored] = {}
    for rule in rules.measures:
        own = score_rule(rules, rule, inputs)
        if own is not None:
            scored[rule.measure] = own
    for rule in rules.measures:
        parts = {part.measure: scored[part.measure] for part in rules.components_of(rule.measure)}
        if parts:
            scored[rule.measure], shares = score_components(
                rule, inputs, parts, rules.share_components(rule.measure)
            )
            for measure, share in shares.items():
                scored[measure] = replace(parts[measure], weight_in_parent=share)
    return _assemble(rules, inputs.facilities, scored)


def gather_inputs(
    *,
    performance_year: int,
    current: pd.DataFrame,
    improvement: pd.DataFrame | None,
    earlier: pd.DataFrame | None,
    standards: pd.DataFrame,
    directory: pd.DataFrame,
    ece_grants: pd.DataFrame,
    published_results: pd.DataFrame,
    computed: frozenset[str] = frozenset(),
) -> Inputs:
    """Align what `score_measures` is given to the facilities."""
    facilities = gather_facilities(
        performance_year=performance_year,
        directory=directory,
        current=current,
        ece_grants=ece_grants,
    )
    results = published_results.loc[published_results["program"] == "qip"]
    return Inputs(
        facilities=facilities,
        current=read_contract(current, facilities),
        improvement=read_rates(improvement, facilities),
        earlier=read_rates(earlier, facilities),
        results=read_results(results, facilities),
        standards=read_standards(standards),
        computed=computed,
    )


def score_rule(rules: QipRules, rule: MeasureRule, inputs: Inputs) -> Scored | None:
    """Score one measure from rows of its own; None of one that is made of components."""
    match rule.scoring:
        case "achievement_improvement":
            return score_against_standards(rule, inputs)
        case "reporting" | "reporting_steps":
            return score_reporting(rule, inputs)
        case "published":
            return score_as_published(rule, inputs)
        case "published_or_reported":
            return score_published_or_reported(rule, inputs)
        case "published_or_unknown":
            stated_by = tuple(
                footnote
                for footnote in rules.stated_by_footnotes
                if footnote.measure == rule.measure
            )
            return score_if_printed(rule, inputs, stated_by)
        case "components_by_unit_count" | "components_mean" | "components_weighted":
            return None


def _assemble(rules: QipRules, facilities: Facilities, scored: dict[str, Scored]) -> pd.DataFrame:
    """Combine all measures in a frame by CCN and measure, with the weights as applied."""
    spread = np.stack([scored[rule.measure].score for rule in rules.domain_measures], axis=1)
    reasons = np.stack([scored[rule.measure].reason for rule in rules.domain_measures], axis=1)
    applied = apply_weights(rules, ~np.isnan(spread), unknown=reasons == NOT_PRINTED)
    weights = applied.show_measures(rules) / WEIGHT_SCALE
    weight_of = {
        rule.measure: np.where(weights[:, at] > 0, weights[:, at], np.nan)
        for at, rule in enumerate(rules.domain_measures)
    }
    in_order = sorted(rules.measures, key=lambda rule: rule.measure)
    every = len(in_order)

    def repeat(texts: list[str | None]) -> pd.Series:
        return pd.Series(texts * facilities.count, dtype=object)

    columns: dict[str, object] = {
        "ccn": np.repeat(facilities.ccns, every),
        "performance_year": facilities.performance_year,
        "payment_year": rules.payment_year,
        "measure": repeat([rule.measure for rule in in_order]),
        "domain": repeat([rule.domain for rule in in_order]),
        "role": repeat([rule.role for rule in in_order]),
        "parent": repeat([rule.parent for rule in in_order]),
        "unit": repeat([rule.unit for rule in in_order]),
    }
    for field in fields(Scored):
        arrays = [getattr(scored[rule.measure], field.name) for rule in in_order]
        stacked = np.stack(arrays, axis=1).ravel()
        # Without an explicit dtype pandas inspects every text to infer one.
        columns[field.name] = pd.Series(stacked, dtype=stacked.dtype)
    none = np.full(facilities.count, np.nan)
    columns["weight_in_domain"] = np.stack(
        [weight_of.get(rule.measure, none) for rule in in_order], axis=1
    ).ravel()
    frame = pd.DataFrame(columns).astype(dict.fromkeys(_INTEGERS, "Int64"))
    return frame.reindex(columns=QIP_MEASURE_SCORE.column_names)
