"""Turn measure scores into domain scores, final score, cut-offs and stars (manual 5.7, 5.8).

All frames have one row per facility.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from esrd_pipeline.program.star_rules import StarRules
from esrd_pipeline.statistics.scales import FloatArray

_NO_VALUE = {
    1: "no_value_in_star_domain_1",
    2: "no_value_in_star_domain_2",
    3: "no_value_in_star_domain_3",
    4: "no_value_in_star_domain_4",
}


@dataclass(frozen=True, slots=True)
class FinalScores:
    """The final scores and their parts; frames share one index of facilities.

    `scores` holds every measure's score with missing ones imputed, `domains` one column per
    domain number, `final` the weighted mean; `reason` gives why a facility has none, else None.
    """

    scores: pd.DataFrame
    domains: pd.DataFrame
    final: pd.Series
    reason: pd.Series


def combine_scores(
    *, rules: StarRules, scores: pd.DataFrame, is_peritoneal_only: pd.Series
) -> FinalScores:
    """Impute, average within domains and take the weighted mean of the domains.

    A facility needs one value in every domain it is rated on. Its missing measures get the mean
    score of all facilities with a score in that period (5.7.3).
    """
    reason = find_unrated(rules=rules, values=scores, is_peritoneal_only=is_peritoneal_only)
    imputed = scores.fillna(scores.mean())
    domains = pd.DataFrame(
        {domain: imputed[rules.measures_of(domain)].mean(axis=1) for domain in rules.weights}
    )
    domains.loc[is_peritoneal_only, rules.hemodialysis_domains] = np.nan
    final = _weigh(domains, rules.weights).mask(
        is_peritoneal_only, _weigh(domains, rules.peritoneal_weights)
    )
    is_rated = reason.isna()
    return FinalScores(
        scores=imputed[is_rated],
        domains=domains[is_rated],
        final=final[is_rated],
        reason=reason,
    )


def find_cutoffs(*, final: pd.Series, shares: Sequence[Fraction]) -> FloatArray:
    """Return the lowest final score of two, three, four and five stars (5.8.1).

    `shares` of the ratings, from one star up, sum to one. The count up to each cut-off is the
    cumulative share of the facilities, halves rounded up; the cut-off is the mean of the last
    score below and the first above. Facilities tied at a cut-off all get the higher rating. If
    no facility is below a rating, its cut-off is the lowest score; if none reaches it, just
    above the highest.

    Raises:
        ValueError: no facility has a final score.
    """
    ordered = np.sort(final.to_numpy(float))
    if not ordered.size:
        raise ValueError("no facility has a value in every star domain: cut-offs need one")
    cumulative = np.cumsum(np.array(shares, dtype=object))[:-1]
    positions = [int(share * ordered.size + Fraction(1, 2)) for share in cumulative]
    padded = np.concatenate([[ordered[0]], ordered, [np.inf]])
    return np.array(
        [
            np.nextafter(ordered[-1], np.inf)
            if position == ordered.size
            else (padded[position] + padded[position + 1]) / 2
            for position in positions
        ]
    )


def rate(final: pd.Series, cutoffs: FloatArray) -> pd.Series:
    """Return the stars: one, and one more for each cut-off the final score reaches."""
    stars = np.searchsorted(cutoffs, final.to_numpy(float), side="right") + 1
    return pd.Series(stars, index=final.index, name="rating")


def _weigh(domains: pd.DataFrame, weights: dict[int, Fraction]) -> pd.Series:
    """Sum in the order of the domains, so that equal domain scores give equal final scores."""
    total = pd.Series(0.0, index=domains.index)
    for domain, weight in weights.items():
        total = total + domains[domain] * float(weight)
    return total


def find_unrated(
    *, rules: StarRules, values: pd.DataFrame, is_peritoneal_only: pd.Series
) -> pd.Series:
    """List the domains in which a facility has no value; None where it has a value in all.

    Measure values and their scores give the same: a score is missing where its value is.
    """
    lacks = pd.DataFrame(
        {domain: values[rules.measures_of(domain)].isna().all(axis=1) for domain in rules.weights}
    )
    lacks.loc[is_peritoneal_only, rules.hemodialysis_domains] = False
    sentences = {
        pattern: _name_domains(
            [d for d, is_lacking in zip(rules.weights, pattern, strict=True) if is_lacking]
        )
        for pattern in set(lacks.itertuples(index=False, name=None))
    }
    return pd.Series(
        [sentences[pattern] for pattern in lacks.itertuples(index=False, name=None)],
        index=values.index,
        dtype=object,
    )


def _name_domains(domains: list[int]) -> str | None:
    """Return the reason codes of the domains, separated by spaces."""
    return " ".join(_NO_VALUE[domain] for domain in domains) or None
