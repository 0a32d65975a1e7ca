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

from esrd_pipeline.program.qip_arithmetic import (
    WEIGHT_SCALE,
    Bools,
    Floats,
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
def share_domains(rules: QipRules, scored: frozenset[str]) -> dict[str, Fraction]:
    """Weight the scored domains; they share a missing domain's weight equally (4.2.8.1)."""
    missing = sum(
        (domain.weight for domain in rules.domains if domain.name not in scored), Fraction(0)
    )
    return {
        domain.name: domain.weight + missing / len(scored)
        for domain in rules.domains
        if domain.name in scored
    }


@cache
def share_measures(
    rules: QipRules, domain: str, scored_domains: frozenset[str], scored: frozenset[str]
) -> dict[str, Fraction]:
    """Weight the scored measures of a domain; the weights sum to 1.

    The weight of missing measures, and the part of missing domains' weight that comes to this
    domain, is added in equal parts to each scored measure's share of the TPS (4.2.7.1, 4.2.8.1).
    `scored_domains` names the domains with a score, this one among them.
    """
    applied = share_domains(rules, scored_domains)[domain]
    nominal = next(item.weight for item in rules.domains if item.name == domain)
    kept = {
        rule.measure: (rule.weight or Fraction(0)) * nominal
        for rule in rules.measures_of(domain)
        if rule.measure in scored
    }
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
    return {
        measure: share_domains(rules, present)[name] * weight
        for name in sorted(present)
        for measure, weight in share_measures(rules, name, present, by_domain[name]).items()
    }


def apply_weights(rules: QipRules, scored: Bools) -> AppliedWeights:
    """Compute each facility's weights from the measures it is scored on.

    `scored` has one row per facility and one column per measure of `rules.domain_measures`. Each
    pattern of scored measures is computed once, as whole numbers over a common denominator.
    """
    measures = rules.domain_measures
    codes = scored @ (1 << np.arange(len(measures), dtype=np.int64))
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


def spread_scores(rules: QipRules, measure_scores: pd.DataFrame, facilities: pd.Index) -> Floats:
    """Spread scores: one row per facility, one column per measure of `rules.domain_measures`.

    Components are ignored; a missing score is NaN.
    """
    rows = facilities.get_indexer(pd.Index(measure_scores["ccn"]))
    names = pd.Index([rule.measure for rule in rules.domain_measures])
    columns = names.get_indexer(pd.Index(measure_scores["measure"]))
    scores = measure_scores["score"].to_numpy(dtype=np.float64, na_value=np.nan)
    spread = np.full((len(facilities), len(names)), np.nan)
    counts = (columns >= 0) & (rows >= 0)
    spread[rows[counts], columns[counts]] = scores[counts]
    return spread
