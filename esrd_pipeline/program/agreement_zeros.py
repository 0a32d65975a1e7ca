"""Published TPS that follow from a score of 0 in a measure that no file of the year prints.

Payment year 2024 has no file of ICH CAHPS scores. Another file's footnote tells of most facilities
that the survey is not theirs; of a few of these the printed TPS has the survey in it, with 0.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.program.qip_arithmetic import TOP_SCORE, divide_half_up
from esrd_pipeline.program.qip_rules import QipRules
from esrd_pipeline.program.qip_weights import apply_weights, list_facilities, spread_scores

_HIGHEST_TPS = 100


def find_zeros(
    rules: QipRules, measure_scores: pd.DataFrame, published_results: pd.DataFrame
) -> frozenset[str]:
    """Return the CCNs whose published TPS is ours with a 0 in one measure without printed scores.

    Args:
        rules: the payment year's.
        measure_scores: program.qip_measure_score.
        published_results: facility.published_result, every score and TPS that CMS published.
    """
    qip = published_results[published_results["program"] == "qip"]
    printed = qip[qip["measure"] == "tps"].set_index("ccn")["score"].astype("float64")
    has_scores = set(qip.loc[qip["score"].notna(), "measure"])
    unprinted = [
        place for place, rule in enumerate(rules.domain_measures) if rule.measure not in has_scores
    ]
    ccns = list_facilities(measure_scores)
    theirs = printed.reindex(ccns).to_numpy(dtype="float64")
    spread = spread_scores(rules, measure_scores, ccns)
    known = ~spread.unknown.any(axis=1)
    found = np.zeros(len(ccns), dtype=bool)
    for place in unprinted:
        scored = spread.scored.copy()
        scored[:, place] = True
        weights = apply_weights(rules, scored, unknown=np.zeros_like(scored))
        points = _HIGHEST_TPS // TOP_SCORE * (weights.measures * spread.scores).sum(axis=1)
        found |= (
            known & ~spread.scored[:, place] & (divide_half_up(points, weights.total) == theirs)
        )
    return frozenset(ccns[found])
