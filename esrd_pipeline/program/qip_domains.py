"""Domain scores of the QIP from measure scores (`program.qip_domain_score`).

Manual 4.2.1 to 4.2.5 and 4.2.7.2.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.parameters.reasons import NOT_PRINTED
from esrd_pipeline.program.qip_arithmetic import WEIGHT_SCALE, Floats, Units
from esrd_pipeline.program.qip_missing import Domain
from esrd_pipeline.program.qip_rules import QipRules
from esrd_pipeline.program.qip_texts import text_where
from esrd_pipeline.program.qip_weights import (
    Spread,
    apply_weights,
    list_facilities,
    spread_scores,
)
from esrd_pipeline.tables.program import QIP_DOMAIN_SCORE

SCORE_SCALE = 1000
"""Domain scores have exactly three decimals: four-decimal weight x whole score x 10."""


def score_domains(
    *, rules: QipRules, performance_year: int, measure_scores: pd.DataFrame
) -> pd.DataFrame:
    """Sum each domain's measure scores, weighted as applied, times 10.

    Reads the columns ccn, measure, score and reason of `measure_scores` and ignores components.
    Every facility gets every domain, without a score where the weights rest on a score that no
    file prints. These are the scores as the manual shows them: weights are rounded
    to four decimals before they multiply, so that six sixths of 10 give 100.020. The TPS is not
    summed from them (reading 7; `qip_tps`).
    """
    facilities = list_facilities(measure_scores)
    spread = spread_scores(rules, measure_scores, facilities)
    weights = apply_weights(rules, spread.scored, unknown=spread.unknown)
    measure_weights, domain_weights = weights.show_measures(rules), weights.show_domains()
    names = [rule.measure for rule in rules.domain_measures]
    frames: list[pd.DataFrame] = []
    for place, domain in enumerate(rules.domains):
        at = [names.index(rule.measure) for rule in rules.measures_of(domain.name)]
        frames.append(
            _score_domain(
                facilities,
                domain,
                spread=Spread(spread.scores[:, at], spread.scored[:, at], spread.unknown[:, at]),
                weights=measure_weights[:, at],
                domain_weight=domain_weights[:, place],
            )
        )
    frame = pd.concat(frames, ignore_index=True).assign(
        performance_year=performance_year, payment_year=rules.payment_year
    )
    frame = frame.sort_values(["ccn", "domain"], ignore_index=True)
    return frame.reindex(columns=QIP_DOMAIN_SCORE.column_names)


def _write_weight(weight: int) -> str:
    """Format a weight in ten-thousandths as the manual writes it: .3429, 1.0000."""
    return f"{weight / WEIGHT_SCALE:.4f}".removeprefix("0")


def _score_domain(
    facilities: pd.Index, domain: Domain, *, spread: Spread, weights: Units, domain_weight: Units
) -> pd.DataFrame:
    """Score one domain for all facilities; a weight of 0 marks a measure that does not count."""
    is_scored = np.any(weights > 0, axis=1)
    thousandths = (weights * spread.scores).sum(axis=1)
    is_missing = ~np.any(spread.scored | spread.unknown, axis=1)
    reason = text_where(~is_scored, NOT_PRINTED)
    reason[is_missing] = "no_measure_scored"
    return pd.DataFrame(
        {
            "ccn": facilities,
            "domain": domain.name,
            "nominal_weight": float(domain.weight),
            "weight": _where(is_scored, domain_weight / WEIGHT_SCALE),
            "measure_count": weights.shape[1],
            "scored_count": spread.scored.sum(axis=1),
            "score": _where(is_scored, thousandths / SCORE_SCALE),
            "working": _write_sums(weights, spread.scores, thousandths),
            "reason": reason,
        }
    )


def _write_sums(weights: Units, scores: Units, thousandths: Units) -> list[str | None]:
    """Write out each facility's sum; None where there is none."""
    columns = [_write_terms(weights[:, at], scores[:, at]) for at in range(weights.shape[1])]
    sums: list[str | None] = []
    for terms, total in zip(zip(*columns, strict=True), thousandths.tolist(), strict=True):
        there = [term for term in terms if term]
        sums.append(f"({' + '.join(there)}) x 10 = {total / SCORE_SCALE:.3f}" if there else None)
    return sums


def _write_terms(weights: Units, scores: Units) -> list[str]:
    """Write out each facility's weight x score of one measure; empty where the weight is 0."""
    text_of = {
        (weight, score): f"{_write_weight(weight)} x {score}" if weight else ""
        for weight, score in set(zip(weights.tolist(), scores.tolist(), strict=True))
    }
    return [text_of[pair] for pair in zip(weights.tolist(), scores.tolist(), strict=True)]


def _where(known: NDArray[np.bool_], values: Floats) -> Floats:
    return np.where(known, values, np.nan)
