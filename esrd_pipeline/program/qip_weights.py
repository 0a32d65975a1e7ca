"""Weights of QIP measures and domains as applied when some of them have no score.

Weights stay exact fractions from the rule set to the TPS (manual 4.2.7, 4.2.8, Tables 25 to 27;
reading 7). They are rounded to four decimals, halves up, only where they are shown.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import lcm

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.reasons import NOT_PRINTED
from esrd_pipeline.program.qip_arithmetic import (
    WEIGHT_SCALE,
    Bools,
    Units,
    divide_half_up,
)
from esrd_pipeline.program.qip_rules import QipRules


@dataclass(frozen=True, slots=True)
class AppliedWeights:
    """Exact shares of the TPS: one row per facility, columns in the order of the rules.

    A measure's share is `measures / total`, a domain's the sum of its measures' shares,
    `domains / total`. A measure or domain without a score has 0; where nothing is scored, all
    are 0 and `total` is 1.
    """

    total: Units
    domains: Units
    measures: Units

    def show_domains(self) -> Units:
        """Return the domains' shares of the TPS in ten-thousandths, halves up."""
        return divide_half_up(WEIGHT_SCALE * self.domains, self.total[:, np.newaxis])

    def show_measures(self, rules: QipRules) -> Units:
        """Return the measures' shares of their domains in ten-thousandths, halves up."""
        names = [domain.name for domain in rules.domains]
        at = [names.index(rule.domain) for rule in rules.domain_measures]
        return divide_half_up(WEIGHT_SCALE * self.measures, self.domains[:, at])


@cache
def share_domains(
    rules: QipRules, scored: frozenset[str], missing: frozenset[str] = frozenset()
) -> dict[str, Fraction]:
    """Weight the scored domains; a missing domain's weight goes where its row says (4.2.8.1).

    `missing` names the measures of these domains that have no score. Where a measure's row sends
    its weight to a scored domain, it goes there before its own domain's row is looked at
    (reading 190).
    """
    nominal = {domain.name: domain.weight for domain in rules.domains if domain.name in scored}
    applied = dict(nominal)
    for domain in rules.domains:
        left = domain.weight
        for rule in rules.measures_of(domain.name):
            is_missing = domain.name not in scored or rule.measure in missing
            if is_missing and rule.weight_to in scored:
                moved = domain.weight * (rule.weight or 0)
                applied[rule.weight_to] += moved
                left -= moved
        if domain.name in scored:
            applied[domain.name] -= domain.weight - left
            continue
        if domain.weight_to in scored:
            applied[domain.weight_to] += left
            continue
        for name, weight in nominal.items():
            applied[name] += left * (
                weight / sum(nominal.values())
                if domain.weight_to == "proportional"
                else Fraction(1, len(nominal))
            )
    return applied


@cache
def share_measures(
    rules: QipRules,
    domain: str,
    scored_domains: frozenset[str],
    scored: frozenset[str],
    missing: frozenset[str] = frozenset(),
) -> dict[str, Fraction]:
    """Weight the scored measures of a domain; the weights sum to 1.

    The weight of missing measures that stays in the domain, and what comes to it of other
    domains' weight, is added to each scored measure's share of the TPS: in equal parts (4.2.7.1,
    4.2.8.1), or in proportion, as the domain's row says. `scored_domains` names the domains with
    a score, this one among them, and `missing` the others' measures without one.
    """
    own = frozenset(rule.measure for rule in rules.measures_of(domain))
    applied = share_domains(rules, scored_domains, missing | (own - scored))[domain]
    row = next(item for item in rules.domains if item.name == domain)
    kept = {
        rule.measure: (rule.weight or Fraction(0)) * row.weight
        for rule in rules.measures_of(domain)
        if rule.measure in scored
    }
    if row.sharing == "proportional":
        return {measure: share / sum(kept.values()) for measure, share in kept.items()}
    added = (applied - sum(kept.values(), Fraction(0))) / len(kept)
    return {measure: (share + added) / applied for measure, share in kept.items()}


@cache
def share_tps(rules: QipRules, scored: frozenset[str]) -> dict[str, Fraction]:
    """Return the share of the TPS of each scored measure; the shares sum to 1."""
    by_domain = {
        domain.name: frozenset(rule.measure for rule in rules.measures_of(domain.name)) & scored
        for domain in rules.domains
    }
    present = frozenset(name for name, measures in by_domain.items() if measures)
    missing = frozenset(rule.measure for rule in rules.domain_measures) - scored
    domains = share_domains(rules, present, missing)
    return {
        measure: domains[name] * weight
        for name in sorted(present)
        for measure, weight in share_measures(
            rules, name, present, by_domain[name], missing
        ).items()
    }


def apply_weights(rules: QipRules, scored: Bools, *, unknown: Bools) -> AppliedWeights:
    """Compute each facility's weights from the measures it is scored on.

    `scored` has one row per facility and one column per measure of `rules.domain_measures`, and so
    has `unknown`: whether there may be a score that no file prints. Each pattern of scored measures
    is computed once, as whole numbers over a common denominator. Weights rest on every score, so
    that a facility with an unknown one has none.
    """
    measures = rules.domain_measures
    known = scored & ~np.any(unknown, axis=1, keepdims=True)
    codes = known @ (1 << np.arange(len(measures), dtype=np.int64))
    patterns, pattern_of = np.unique(codes, return_inverse=True)
    numerators = np.zeros((len(patterns), len(measures)), dtype=np.int64)
    total = np.ones(len(patterns), dtype=np.int64)
    for row, code in enumerate(patterns.tolist()):
        shares = share_tps(
            rules, frozenset(rule.measure for at, rule in enumerate(measures) if code >> at & 1)
        )
        total[row] = lcm(*(share.denominator for share in shares.values()))
        numerators[row] = [
            int(shares.get(rule.measure, Fraction(0)) * int(total[row])) for rule in measures
        ]
    domains = np.stack(
        [
            numerators[:, [rule.domain == domain.name for rule in measures]].sum(axis=1)
            for domain in rules.domains
        ],
        axis=1,
    )
    return AppliedWeights(
        total=total[pattern_of], domains=domains[pattern_of], measures=numerators[pattern_of]
    )


def list_facilities(frame: pd.DataFrame) -> pd.Index:
    """List the facilities of a frame, in order of CCN."""
    return pd.Index(sorted(frame["ccn"].unique()), dtype=object, name="ccn")


@dataclass(frozen=True, slots=True)
class Spread:
    """Measure scores: one row per facility, one column per measure of `rules.domain_measures`.

    A score that is not `scored` is 0; one is `unknown` where no file prints it and nothing says
    that there is none.
    """

    scores: Units
    scored: Bools
    unknown: Bools

    def by_domain(self, rules: QipRules) -> Bools:
        """Return which domains have a scored measure, in the order of the rules."""
        names = [rule.domain for rule in rules.domain_measures]
        columns = [[name == domain.name for name in names] for domain in rules.domains]
        return np.stack([np.any(self.scored[:, at], axis=1) for at in columns], axis=1)


def spread_scores(rules: QipRules, measure_scores: pd.DataFrame, facilities: pd.Index) -> Spread:
    """Spread the rows of measures by facility and measure; components are ignored.

    Reads the columns ccn, measure, score and, where there is one, reason.
    """
    rows = facilities.get_indexer(pd.Index(measure_scores["ccn"]))
    names = pd.Index([rule.measure for rule in rules.domain_measures])
    columns = names.get_indexer(pd.Index(measure_scores["measure"]))
    scores = measure_scores["score"].to_numpy(dtype=np.float64, na_value=np.nan)
    spread = np.full((len(facilities), len(names)), np.nan)
    unknown = np.zeros(spread.shape, dtype=bool)
    counts = (columns >= 0) & (rows >= 0)
    spread[rows[counts], columns[counts]] = scores[counts]
    if "reason" in measure_scores.columns:
        is_unknown = (measure_scores["reason"] == NOT_PRINTED).to_numpy(dtype=bool, na_value=False)
        unknown[rows[counts], columns[counts]] = is_unknown[counts]
    scored = ~np.isnan(spread)
    return Spread(scores=np.nan_to_num(spread).astype(np.int64), scored=scored, unknown=unknown)
