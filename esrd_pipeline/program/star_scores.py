"""Rate a year's facilities against a stored baseline (manual 5.6.2, 5.7, 5.8.2).

Computes the adjustment factors, every measure's score and every facility's stars;
`star_baseline` makes the baseline.
"""

from dataclasses import dataclass

import pandas as pd

from esrd_pipeline.program.star_baseline import (
    StoredBaseline,
    national_level,
    place_values,
    read_baseline,
)
from esrd_pipeline.program.star_final import FinalScores, combine_scores, rate
from esrd_pipeline.program.star_rules import StarRules
from esrd_pipeline.program.star_values import collect_values, find_peritoneal_only
from esrd_pipeline.tables.program import STAR_ADJUSTMENT, STAR_MEASURE_SCORE, STARS


@dataclass(frozen=True, slots=True)
class StarRatings:
    """A year's `program.star_adjustment`, `program.star_measure_score` and `program.stars`."""

    adjustment: pd.DataFrame
    measure_scores: pd.DataFrame
    stars: pd.DataFrame


def score_stars(
    *,
    performance_year: int,
    baseline: pd.DataFrame,
    facilities: pd.DataFrame,
    directory: pd.DataFrame,
    national: pd.DataFrame,
    published_results: pd.DataFrame,
    baseline_scored: pd.DataFrame,
) -> StarRatings:
    """Rate every facility of the directory against `baseline` (a `program.star_baseline`).

    `baseline_scored` is `fit.baseline_scored`, which may have no row. For the baseline's own
    year the result is the baseline's own stars.

    Raises:
        ValueError: `baseline` is empty or mixes baselines, or a ratio has no national level for
            the adjustment.
    """
    stored = read_baseline(baseline)
    rules = stored.rules
    values = collect_values(rules=rules, facilities=facilities, directory=directory)
    adjustment = adjust_ratios(
        stored=stored,
        performance_year=performance_year,
        values=values,
        national=national,
        baseline_scored=baseline_scored,
    )
    factors = adjustment.set_index("measure")["factor"].reindex(rules.names, fill_value=1.0)
    adjusted = values * factors
    scores = place_values(rules=rules, scales=stored.scales, values=adjusted)
    is_peritoneal_only = find_peritoneal_only(rules=rules, values=values, directory=directory)
    combined = combine_scores(rules=rules, scores=scores, is_peritoneal_only=is_peritoneal_only)
    return StarRatings(
        adjustment=adjustment,
        measure_scores=_list_measure_scores(
            performance_year=performance_year,
            rules=rules,
            values=values,
            adjusted=adjusted,
            combined=combined,
        ),
        stars=_list_stars(
            performance_year=performance_year,
            stored=stored,
            combined=combined,
            is_peritoneal_only=is_peritoneal_only,
            published_results=published_results,
        ),
    )


def adjust_ratios(
    *,
    stored: StoredBaseline,
    performance_year: int,
    values: pd.DataFrame,
    national: pd.DataFrame,
    baseline_scored: pd.DataFrame,
) -> pd.DataFrame:
    """Compute the factor that adjusts each ratio to the baseline (`program.star_adjustment`).

    Where the baseline year's model has scored this year (`baseline_scored`, rows of
    `fit.baseline_scored`), the factor is this year's observed events over the model's expected
    events; elsewhere it is this year's national crude rate over the baseline's (reading 13). If
    events have become more frequent, ratios rise. A ratio without values this year has no
    factor.

    Raises:
        ValueError: the national level of a ratio with values is missing or zero.
    """
    names = sorted(stored.rules.ratios)
    if performance_year == stored.year:
        factors = dict.fromkeys(names, 1.0)
        sources = dict.fromkeys(names, "same year")
    else:
        mine = baseline_scored[baseline_scored["baseline_year"] == stored.year].set_index("measure")
        modelled = (mine["observed"] / mine["expected"]).to_dict()
        sources = {
            name: "baseline model" if name in modelled else "national crude rates" for name in names
        }
        has_value = values.notna().any()
        factors = {
            name: float("nan")
            if not has_value[name]
            else float(modelled[name])
            if name in modelled
            else _find_factor(name, stored=stored, national=national)
            for name in names
        }
    return pd.DataFrame(
        {
            "performance_year": performance_year,
            "measure": names,
            "baseline_year": stored.year,
            "factor": [factors[name] for name in names],
            "factor_source": [sources[name] for name in names],
        }
    )[STAR_ADJUSTMENT.column_names]


def unrated(
    *,
    performance_year: int,
    directory: pd.DataFrame,
    published_results: pd.DataFrame,
    reason: str,
) -> StarRatings:
    """Return every facility of the directory without stars, with the reason: no baseline yet."""
    stars = pd.DataFrame({"ccn": sorted(directory["ccn"])}).assign(
        performance_year=performance_year, reason=reason
    )
    stars["published_rating"] = _published_ratings(published_results).reindex(stars["ccn"]).array
    return StarRatings(
        adjustment=pd.DataFrame(columns=STAR_ADJUSTMENT.column_names),
        measure_scores=pd.DataFrame(columns=STAR_MEASURE_SCORE.column_names),
        stars=stars.reindex(columns=STARS.column_names),
    )


def _find_factor(measure: str, *, stored: StoredBaseline, national: pd.DataFrame) -> float:
    now, then = national_level(national, measure), stored.national[measure]
    if not (now > 0 and then > 0):
        raise ValueError(
            f"{measure} has the national level {now} now and {then} in {stored.year}:"
            " its ratios cannot be placed on the baseline"
        )
    return now / then


def _list_measure_scores(
    *,
    performance_year: int,
    rules: StarRules,
    values: pd.DataFrame,
    adjusted: pd.DataFrame,
    combined: FinalScores,
) -> pd.DataFrame:
    """List the scores behind every rated facility's domains, imputed ones included.

    A measure without values this year has no mean to impute and no rows.
    """
    facilities = combined.scores.index
    parts = [
        pd.DataFrame(
            {
                "ccn": facilities,
                "performance_year": performance_year,
                "measure": measure.name,
                "domain": measure.domain,
                "value": values.loc[facilities, measure.name].to_numpy(),
                "adjusted_value": adjusted.loc[facilities, measure.name].to_numpy(),
                "score": combined.scores[measure.name].to_numpy(),
                "is_imputed": values.loc[facilities, measure.name].isna().to_numpy(),
            }
        )[combined.domains[measure.domain].notna().to_numpy()]
        for measure in rules.measures
    ]
    table = pd.concat(parts, ignore_index=True).dropna(subset="score")
    return table.sort_values(["ccn", "measure"], ignore_index=True)[STAR_MEASURE_SCORE.column_names]


def _list_stars(
    *,
    performance_year: int,
    stored: StoredBaseline,
    combined: FinalScores,
    is_peritoneal_only: pd.Series,
    published_results: pd.DataFrame,
) -> pd.DataFrame:
    """List every facility's domain scores, final score and stars, or why it has none."""
    facilities = combined.reason.index
    domains = combined.domains.reindex(index=facilities, columns=[1, 2, 3, 4])
    ratings = rate(combined.final, stored.cutoffs).astype("Int64")
    table = domains.rename(columns=lambda domain: f"domain_{domain}").assign(
        performance_year=performance_year,
        baseline_year=stored.year,
        measure_set=stored.rules.measure_set,
        is_peritoneal_only=is_peritoneal_only,
        final_score=combined.final.reindex(facilities),
        rating=ratings.reindex(facilities),
        published_rating=_published_ratings(published_results).reindex(facilities),
        reason=combined.reason,
    )
    return table.reset_index()[STARS.column_names]


def _published_ratings(published_results: pd.DataFrame) -> pd.Series:
    is_star = (published_results["program"] == "dfc") & (
        published_results["measure"] == "star_rating"
    )
    scores = published_results[is_star].set_index("ccn")["score"].astype(float)
    return scores.astype("Int64")
