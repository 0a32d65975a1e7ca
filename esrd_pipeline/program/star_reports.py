"""Reports on the star ratings: means by rating (manual Table 29) and a factor analysis.

They read finished star tables and change no rating.
"""

import warnings

import numpy as np
import pandas as pd

from esrd_pipeline.program.star_rules import load_star_rules
from esrd_pipeline.statistics.scales import FloatArray
from esrd_pipeline.tables.report import STAR_FACTOR, STAR_PROFILE

_FINAL_SCORE = "final_score"
_LOADING_DECIMALS = 6


def rotated_factors(correlations: FloatArray, *, factor_count: int) -> FloatArray | None:
    """Estimate maximum likelihood factors with statsmodels, varimax rotated (measures x factors).

    Factors are in descending order of the variance they explain, each signed so that its loadings
    sum to a positive number. None where the likelihood maximisation fails: a factor of two
    measures is barely identified, and a few facilities may not suffice.
    """
    from statsmodels.multivariate.factor import Factor
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    model = Factor(corr=correlations, n_factor=factor_count, method="ml")
    # Asked for the answer, not caught as an error: filters of warnings are the whole process's, and
    # other steps run beside this one.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # The library draws random starting values: a fixed seed gives the same bytes.
        fitted = model.fit(em_iter=200, opt={"gtol": 1e-4}, rng=0)
    if not fitted.mle_retvals.success:
        return None
    fitted.rotate("varimax")
    turned = np.asarray(fitted.loadings, dtype=np.float64)
    turned = turned[:, np.argsort(-np.square(turned).sum(axis=0), kind="stable")]
    return np.round(turned * np.where(turned.sum(axis=0) < 0, -1.0, 1.0), _LOADING_DECIMALS)


def profile(
    *, performance_year: int, measure_set: str, stars: pd.DataFrame, measure_scores: pd.DataFrame
) -> pd.DataFrame:
    """Compute each rating's mean measure values and final score (`report.star_profile`, Table 29).

    Means are over the facilities that have the value; imputed scores do not count. Every rating
    and measure has a row, with a missing mean where no facility has a value.
    """
    rules = load_star_rules(measure_set, performance_year)
    ratings = pd.Index(range(1, len(rules.shares) + 1), name="rating")
    rated = stars.loc[stars["rating"].notna(), ["ccn", "rating", _FINAL_SCORE]]
    values = rated.merge(measure_scores[["ccn", "measure", "value"]], on="ccn")
    finals = rated.assign(measure=_FINAL_SCORE, value=rated[_FINAL_SCORE])
    means = (
        pd.concat([finals, values])[["rating", "measure", "value"]]
        .astype({"value": float})
        .groupby(["rating", "measure"])["value"]
        .mean()
        .rename("mean")
    )
    every = pd.MultiIndex.from_product(
        [ratings, sorted([*rules.names, _FINAL_SCORE])], names=["rating", "measure"]
    )
    counts = rated["rating"].value_counts().reindex(ratings, fill_value=0)
    table = means.reindex(every).reset_index()
    table["facility_count"] = table["rating"].map(counts).astype("Int64")
    table["facility_share"] = table["facility_count"] / max(len(rated), 1)
    return table.assign(performance_year=performance_year)[STAR_PROFILE.column_names]


def factor_loadings(
    *, performance_year: int, measure_set: str, measure_scores: pd.DataFrame
) -> pd.DataFrame:
    """Factor the scores of the facilities that have every measure (`report.star_factor`).

    There are as many rotated factors as the set has domains. There are no rows where there are
    fewer such facilities than twice the measures, or where a measure does not vary among them.
    """
    rules = load_star_rules(measure_set, performance_year)
    own = measure_scores[~measure_scores["is_imputed"].astype(bool)]
    scores = own.pivot_table(index="ccn", columns="measure", values="score")
    complete = scores.reindex(columns=rules.names).dropna().astype(float)
    is_constant = complete.max() == complete.min()
    if len(complete) < 2 * len(rules.names) or is_constant.any():
        return pd.DataFrame(columns=STAR_FACTOR.column_names)
    correlations = np.corrcoef(complete.to_numpy(), rowvar=False)
    loadings = rotated_factors(correlations, factor_count=len(rules.weights))
    if loadings is None:
        return pd.DataFrame(columns=STAR_FACTOR.column_names)
    factor_count = loadings.shape[1]
    table = pd.DataFrame(
        {
            "performance_year": performance_year,
            "measure": np.repeat(rules.names, factor_count),
            "factor": np.tile(np.arange(1, factor_count + 1), len(rules.names)),
            "domain": np.repeat([measure.domain for measure in rules.measures], factor_count),
            "loading": loadings.ravel(),
            "communality": np.repeat(np.square(loadings).sum(axis=1), factor_count),
            "is_largest": (np.abs(loadings) == np.abs(loadings).max(axis=1, keepdims=True)).ravel(),
        }
    )
    return table.sort_values(["measure", "factor"], ignore_index=True)[STAR_FACTOR.column_names]
