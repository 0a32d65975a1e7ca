"""Weights of QIP measures and domains as applied when some of them have no score.

Weights are redistributed as exact fractions (manual 4.2.7, 4.2.8, Tables 25 to 27; reading 7)
and rounded to four decimals, halves up, only where they multiply scores.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import pandas as pd

from esrd_pipeline.program.qip_arithmetic import (
    WEIGHT_SCALE,
    Bools,
    Floats,
    Units,
    round_half_up,
)
from esrd_pipeline.program.qip_rules import QipRules


@dataclass(frozen=True, slots=True)
class AppliedWeights:
    """Weights in ten-thousandths: one row per facility, columns in the order of the rules."""

    domains: Units
    measures: Units


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


def apply_weights(rules: QipRules, scored: Bools) -> AppliedWeights:
    """Compute each facility's weights from the measures it is scored on.

    `scored` has one row per facility and one column per measure of `rules.domain_measures`. Each
    pattern of scored measures and domains is computed once; the weight is 0 without a score.
    """
    names = [rule.measure for rule in rules.domain_measures]
    columns = [
        np.array([names.index(rule.measure) for rule in rules.measures_of(domain.name)])
        for domain in rules.domains
    ]
    has_domain = np.stack([scored[:, at].any(axis=1) for at in columns], axis=1)
    domains = np.zeros(has_domain.shape, dtype=np.int64)
    measures = np.zeros(scored.shape, dtype=np.int64)
    for rows, pattern in _patterns(has_domain):
        present = frozenset(
            domain.name for domain, there in zip(rules.domains, pattern, strict=True) if there
        )
        if not present:
            continue
        shares = share_domains(rules, present)
        domains[rows] = [_rounded(shares.get(domain.name)) for domain in rules.domains]
        for domain, at in zip(rules.domains, columns, strict=True):
            if domain.name not in present:
                continue
            for within, mask in _patterns(scored[np.ix_(rows, at)]):
                which = frozenset(names[j] for j, there in zip(at, mask, strict=True) if there)
                weights = share_measures(rules, domain.name, present, which)
                measures[np.ix_(rows[within], at)] = [_rounded(weights.get(names[j])) for j in at]
    return AppliedWeights(domains=domains, measures=measures)


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


def _patterns(scored: Bools) -> list[tuple[Units, list[bool]]]:
    """List each distinct pattern with its rows."""
    codes = scored @ (1 << np.arange(scored.shape[1], dtype=np.int64))
    return [
        (np.flatnonzero(codes == code), [bool(code >> j & 1) for j in range(scored.shape[1])])
        for code in np.unique(codes)
    ]


def _rounded(weight: Fraction | None) -> int:
    return 0 if weight is None else round_half_up(weight * WEIGHT_SCALE)
