"""The intervals published with DFC measures, and the categories they imply.

They have a realistic width but are not the manual's: the pipeline reads them as given.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import chi2

from esrd_pipeline.synthetic.care import Proportion, Ratio

LOWER_TAIL = 0.025
CATEGORIES = {
    "better": "Better than Expected",
    "as": "As Expected",
    "worse": "Worse than Expected",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits as published, and the national level that they are compared with."""

    lower: np.ndarray
    upper: np.ndarray
    reference: float


def ratio_limits(ratio: Ratio, dispersion: float) -> tuple[np.ndarray, np.ndarray]:
    """Return exact Poisson limits of observed over expected, events counted in clusters.

    `dispersion` is the variance of the events over that of a Poisson count.
    """
    expected = np.where(ratio.expected > 0, ratio.expected, np.nan)
    clusters = ratio.observed / dispersion
    lower = chi2.ppf(LOWER_TAIL, 2 * np.maximum(clusters, 1e-9)) / 2
    upper = chi2.ppf(1 - LOWER_TAIL, 2 * (clusters + 1)) / 2
    lower = np.where(ratio.observed > 0, lower, 0)
    return lower * dispersion / expected, upper * dispersion / expected


def percent_limits(proportion: Proportion, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Return limits in percent, symmetric on the log odds.

    Half the interval is `width` times the standard error of the log odds with one answer per unit.
    """
    months = np.where(proportion.denominator > 0, proportion.denominator, np.nan)
    share = proportion.numerator / months
    inside = (proportion.units * share + 0.5) / (proportion.units + 1)
    half = width / np.sqrt(np.maximum(proportion.units, 1) * inside * (1 - inside))
    lower, upper = expit(logit(inside) - half), expit(logit(inside) + half)
    return 100 * np.minimum(lower, share), 100 * np.maximum(upper, share)


def categorise(limits: Limits, *, higher_is_better: bool) -> np.ndarray:
    """Return the published category of each facility.

    A missing lower limit is never above the reference.
    """
    below, above = limits.upper < limits.reference, limits.lower > limits.reference
    better, worse = (above, below) if higher_is_better else (below, above)
    category = np.select(
        [better, worse], [CATEGORIES["better"], CATEGORIES["worse"]], default=CATEGORIES["as"]
    )
    return category.astype(object)
