"""Truncated z-scores and probit scores: two transforms to one scale (manual 5.6.1, 5.6.2).

A scale is fitted to the values of a baseline and then scores any later value; for the baseline's
values it returns the baseline's scores. Scores always increase with values: the caller decides
which direction is better.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PassScale:
    """A truncated z-score: the mean and standard deviation each pass subtracted and divided by."""

    means: FloatArray
    deviations: FloatArray
    bound: float

    def place(self, values: FloatArray) -> FloatArray:
        """Repeat every pass of the fit: standardise, then clip. NaN stays NaN."""
        scores = values
        for mean, deviation in zip(self.means, self.deviations, strict=True):
            scores = _clip_standardised(scores, mean, deviation, self.bound)
        return scores


@dataclass(frozen=True, slots=True)
class ProbitScale:
    """A probit score: the baseline's distinct values, rising, and the score of each."""

    values: FloatArray
    scores: FloatArray

    def place(self, values: FloatArray) -> FloatArray:
        """Interpolate between the baseline's values; beyond them use the outermost score."""
        scores = np.interp(values, self.values, self.scores)
        return np.where(np.isnan(values), np.nan, scores)


def fit_truncated_z(
    values: FloatArray, *, bound: float, tolerance: float, pass_limit: int
) -> PassScale:
    """Standardise and clip until clipped scores have mean 0 and variance 1 (manual 5.6.1.1).

    Standard deviations divide by n. Some distributions have no such limit (with two values, one
    of them rare, standardising undoes each clip): the passes also end when one more would change
    no score by more than `tolerance`, and at `pass_limit`.

    Raises:
        ValueError: there are no values.
    """
    scores = values[~np.isnan(values)]
    if not scores.size:
        raise ValueError("a scale needs at least one value")
    means: list[float] = []
    deviations: list[float] = []
    for _ in range(pass_limit):
        earlier = scores
        mean, deviation = float(np.mean(scores)), float(np.std(scores))
        means.append(mean)
        deviations.append(deviation)
        scores = _clip_standardised(scores, mean, deviation, bound)
        is_standard = abs(scores.mean()) <= tolerance and abs(scores.var() - 1) <= tolerance
        if is_standard or np.abs(scores - earlier).max() <= tolerance:
            break
    return PassScale(np.array(means), np.array(deviations), bound)


def fit_probit(values: FloatArray, *, bound: float) -> ProbitScale:
    """Score each value by the normal quantile of its mid-rank percentile (manual 5.6.1.2).

    The percentile is (rank - 0.5) / n; tied values share the mean of their ranks.

    Raises:
        ValueError: there are no values.
    """
    present = np.sort(values[~np.isnan(values)])
    if not present.size:
        raise ValueError("a scale needs at least one value")
    percentiles = (rankdata(present) - 0.5) / present.size
    distinct, first = np.unique(present, return_index=True)
    scores = np.clip(norm.ppf(percentiles[first]), -bound, bound)
    return ProbitScale(distinct, scores)


def _clip_standardised(
    values: FloatArray, mean: float, deviation: float, bound: float
) -> FloatArray:
    """Standardise and clip; if the baseline did not vary, any difference is set to the bound."""
    if deviation == 0:
        return np.sign(values - mean) * bound
    return np.clip((values - mean) / deviation, -bound, bound)
