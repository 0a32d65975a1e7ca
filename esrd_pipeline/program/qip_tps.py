"""Total Performance Score and payment reduction of every facility (`program.qip_tps`).

Manual 4.2 (which facilities get a TPS), 4.2.6 to 4.2.8 and 4.3. `qip_domains` computes the domain
scores.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.reasons import RowReasons
from esrd_pipeline.program.qip_arithmetic import WEIGHT_SCALE, Bools, Floats, Units
from esrd_pipeline.program.qip_domains import SCORE_SCALE, write_weight
from esrd_pipeline.program.qip_rules import QipRules
from esrd_pipeline.program.qip_texts import Texts, no_texts
from esrd_pipeline.program.qip_weights import list_facilities, spread_scores
from esrd_pipeline.tables.program import QIP_TPS

_HIGHEST_TPS = 100
_TPS_SCALE = WEIGHT_SCALE * SCORE_SCALE


def score_tps(
    *,
    rules: QipRules,
    performance_year: int,
    domain_scores: pd.DataFrame,
    measure_scores: pd.DataFrame,
) -> pd.DataFrame:
    """Sum domain scores by their weights as applied, round halves up, and look up the reduction.

    Facilities with a score in fewer domains than the rules require get no TPS and no reduction;
    their `working` lists the measures they are scored on, from the columns ccn, measure and
    score of `measure_scores`.
    """
    facilities = list_facilities(domain_scores)
    scores = _spread(rules, domain_scores, facilities, column="score", scale=SCORE_SCALE)
    weights = _spread(rules, domain_scores, facilities, column="weight", scale=WEIGHT_SCALE)
    counted = (weights > 0).sum(axis=1)
    is_scored = counted >= rules.minimum_scored_domains
    total = (weights * scores).sum(axis=1)
    # Rounded weights can put a perfect facility slightly above 100, never by half a point.
    tps = np.minimum((2 * total + _TPS_SCALE) // (2 * _TPS_SCALE), _HIGHEST_TPS)
    reasons = RowReasons(len(facilities))
    reasons.add(~is_scored, "too_few_scored_domains", rules.minimum_scored_domains)
    working = _write_sums(weights, scores, total, tps, is_scored)
    measured = spread_scores(rules, measure_scores, facilities)
    for row in np.flatnonzero(~is_scored):
        working[row] = _explain(rules, int(counted[row]), ~np.isnan(measured[row]))
    frame = pd.DataFrame(
        {
            "ccn": facilities,
            "performance_year": performance_year,
            "payment_year": rules.payment_year,
            "scored_domain_count": counted,
            "unrounded_tps": np.where(is_scored, total / _TPS_SCALE, np.nan),
            "tps": np.where(is_scored, tps, np.nan),
            "minimum_tps": rules.minimum_tps,
            "payment_reduction": np.where(is_scored, reduce_payment(rules, tps), 0.0),
            "working": working,
            "reason": reasons.code,
            "reason_number": reasons.number,
        }
    )
    return frame.astype({"tps": "Int64"}).reindex(columns=QIP_TPS.column_names)


def reduce_payment(rules: QipRules, tps: Units) -> Floats:
    """Return the payment reduction in percent for each TPS (4.3, Table 28)."""
    starts = [reduction.points_below_minimum for reduction in rules.reductions]
    percents = np.array([reduction.percent for reduction in rules.reductions])
    below = np.maximum(rules.minimum_tps - tps, 0)
    return percents[np.searchsorted(starts, below, side="right") - 1]


def list_bands(rules: QipRules) -> list[tuple[int, int, float]]:
    """List the reduction bands: lowest TPS, highest TPS, percent (Table 28), highest first."""
    starts = [r.points_below_minimum for r in rules.reductions]
    ends = [*(start - 1 for start in starts[1:]), rules.minimum_tps]
    return [
        (
            max(0, rules.minimum_tps - end),
            _HIGHEST_TPS if start == 0 else rules.minimum_tps - start,
            reduction.percent,
        )
        for start, end, reduction in zip(starts, ends, rules.reductions, strict=True)
    ]


def unscored(*, performance_year: int, directory: pd.DataFrame, reason: str) -> pd.DataFrame:
    """Return every facility without a TPS, for a year that cannot be scored at all."""
    ccns = np.sort(directory["ccn"].to_numpy(dtype=object))
    frame = pd.DataFrame(
        {
            "ccn": ccns,
            "performance_year": performance_year,
            "payment_year": performance_year + 2,
            "scored_domain_count": 0,
            "unrounded_tps": np.nan,
            "tps": np.nan,
            "minimum_tps": np.nan,
            "payment_reduction": 0.0,
            "working": None,
            "reason": reason,
            "reason_number": np.nan,
        }
    )
    frame = frame.astype({"tps": "Int64", "minimum_tps": "Int64"})
    return frame.reindex(columns=QIP_TPS.column_names)


def _explain(rules: QipRules, domain_count: int, is_scored: Bools) -> str:
    """Describe what a facility without a TPS is scored on."""
    names = [
        rule.measure for rule, there in zip(rules.domain_measures, is_scored, strict=True) if there
    ]
    return (
        f"scored in {domain_count} of {len(rules.domains)} domains"
        f" ({', '.join(names) or 'on no measure'})"
    )


def _spread(
    rules: QipRules, domain_scores: pd.DataFrame, facilities: pd.Index, *, column: str, scale: int
) -> Units:
    """Spread one column by facility and domain, as integers; 0 where there is none."""
    rows = facilities.get_indexer(pd.Index(domain_scores["ccn"]))
    names = pd.Index([domain.name for domain in rules.domains])
    columns = names.get_indexer(pd.Index(domain_scores["domain"]))
    values = domain_scores[column].to_numpy(dtype=np.float64, na_value=np.nan)
    spread = np.zeros((len(facilities), len(names)), dtype=np.int64)
    spread[rows, columns] = np.rint(np.nan_to_num(values) * scale).astype(np.int64)
    return spread


def _write_sums(weights: Units, scores: Units, total: Units, tps: Units, is_scored: Bools) -> Texts:
    """Write out each facility's sum; None where there is no TPS."""
    sums = no_texts(len(weights))
    for row in np.flatnonzero(is_scored):
        terms = " + ".join(
            f"{write_weight(weight)} x {score / SCORE_SCALE:.3f}"
            for weight, score in zip(weights[row].tolist(), scores[row].tolist(), strict=True)
            if weight
        )
        sums[row] = f"{terms} = {total[row] / _TPS_SCALE:.7f}, rounded {tps[row]}"
    return sums
