"""The empirical null distribution of z-scores, by facility size.

Efron (2004); Kalbfleisch & Wolfe (2013); manual 2.10.13, 2.12.16, 2.13.15, 2.14.14.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from esrd_pipeline.statistics.design import FloatArray, IntArray, check_finite
from esrd_pipeline.statistics.fit import Dropped, FitError, NotConvergedError
from esrd_pipeline.statistics.rows import check_amounts

STRATUM_COUNT = 4
BISQUARE_BOUND = 4.685
MAD_OF_NORMAL = 0.6745
"""Median of |z| of a standard normal, to the digits MASS::rlm uses (Venables & Ripley 2002)."""
TOLERANCE = 1e-8
ITERATION_LIMIT = 1000
MINIMUM_COUNT = 10
"""Minimum number of z-scores in a stratum: five per parameter (Rousseeuw & van Zomeren 1990)."""

PICTURE_BINS = 40
PICTURE_REACH = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumNull:
    """The null of the facilities of one size stratum.

    Attributes:
        mean: location of z under the null.
        deviation: its standard deviation.
        count: z-scores it was fitted to.
        iterations: taken by the estimate.
        smallest: smallest size among them.
        largest: largest size among them.
        bin_edges: of the histogram, rising, shape (bins + 1,).
        bin_counts: z-scores in each bin, shape (bins,); the outermost hold all that lie beyond.
        curve: z-scores expected in each bin under N(mean, deviation), shape (bins,).
    """

    mean: float
    deviation: float
    count: int
    iterations: int
    smallest: float
    largest: float
    bin_edges: FloatArray
    bin_counts: IntArray
    curve: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class EmpiricalNull:
    """The nulls of all strata: a size belongs to the first stratum whose edge is not below it.

    Attributes:
        size_edges: largest size of every stratum except the last, shape (strata - 1,).
        strata: from the smallest sizes to the largest.
        dropped: facilities without a z-score.
        rule: why it has fewer strata than the manual's, or is the theoretical null; else None.
    """

    size_edges: FloatArray
    strata: tuple[StratumNull, ...]
    dropped: tuple[Dropped, ...]
    rule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityNull:
    """The null of each of F facilities; arrays have shape (F,).

    Attributes:
        stratum: index of the size stratum, 0 for the smallest sizes.
        mean: location of z under the null.
        deviation: its standard deviation.
    """

    stratum: IntArray
    mean: FloatArray
    deviation: FloatArray


def fit_null(*, z: FloatArray, size: FloatArray) -> EmpiricalNull:
    """Fit the null by quartiles of size, or by what so few facilities allow (reading 209).

    The nation has thousands of facilities. An extract has the most strata, up to four, of which
    each has ten z-scores that are not mostly equal. If even one has not, the null is the
    theoretical one: standard normal.

    Raises:
        FitError: infinite z, or sizes that are missing or negative.
    """
    check_amounts("size", size, rows=z.size)
    check_finite("z", z[~np.isnan(z)])
    for count in range(STRATUM_COUNT, 0, -1):
        try:
            null = fit_empirical_null(z=z, size=size, stratum_count=count)
        except FitError:
            continue
        if count == STRATUM_COUNT:
            return null
        strata = "stratum" if count == 1 else "strata"
        return replace(
            null,
            rule=f"empirical null by {count} {strata} of size: too few facilities for"
            f" {STRATUM_COUNT} of {MINIMUM_COUNT} scores",
        )
    gone = int(np.count_nonzero(np.isnan(z)))
    rule = f"theoretical null, standard normal: fewer than {MINIMUM_COUNT} scores that differ"
    return EmpiricalNull(
        size_edges=np.empty(0),
        strata=(_describe_theory(z[~np.isnan(z)], size[~np.isnan(z)]),),
        dropped=(Dropped("facilities without a z-score", gone),) if gone else (),
        rule=rule,
    )


def fit_empirical_null(
    *,
    z: FloatArray,
    size: FloatArray,
    stratum_count: int = STRATUM_COUNT,
) -> EmpiricalNull:
    """Fit a normal null to the centre of the z-scores of each size stratum.

    Edges are observed sizes: edge j of 4 is the smallest size that at least j/4 of the facilities
    do not exceed, and all facilities of that size are in the stratum below it. So ties stay
    together and row order does not matter.

    Args:
        z: shape (F,); missing scores (NaN) are dropped.
        size: patient-years or discharges, >= 0, shape (F,).
        stratum_count: number of size strata.

    Raises:
        FitError: infinite z, sizes that are missing or negative, a stratum with too few
            z-scores or with more than half of them equal.
        NotConvergedError: an estimate does not converge.
    """
    check_amounts("size", size, rows=z.size)
    is_there = ~np.isnan(z)
    scores, sizes = z[is_there], size[is_there]
    check_finite("z", scores)
    if scores.size < stratum_count * MINIMUM_COUNT:
        raise FitError(
            f"z: {scores.size} scores are too few for {stratum_count} strata of {MINIMUM_COUNT}"
        )
    shares = np.arange(1, stratum_count) / stratum_count
    edges = np.quantile(sizes, shares, method="inverted_cdf")
    stratum = np.searchsorted(edges, sizes, side="left")
    strata: list[StratumNull] = []
    for index in range(stratum_count):
        among = stratum == index
        try:
            strata.append(_fit_stratum(scores[among], sizes[among]))
        except NotConvergedError as error:
            raise NotConvergedError(f"stratum {index + 1} of {stratum_count}: {error}") from error
        except FitError as error:
            raise FitError(f"stratum {index + 1} of {stratum_count}: {error}") from error
    gone = int(np.count_nonzero(~is_there))
    return EmpiricalNull(
        size_edges=edges,
        strata=tuple(strata),
        dropped=(Dropped("facilities without a z-score", gone),) if gone else (),
    )


def assign_null(null: EmpiricalNull, *, size: FloatArray) -> FacilityNull:
    """Return the null of facilities of these sizes (F,), of the fit or new ones.

    Raises:
        FitError: sizes are missing or negative.
    """
    check_amounts("size", size, rows=size.size)
    stratum = np.searchsorted(null.size_edges, size, side="left")
    return FacilityNull(
        stratum=stratum,
        mean=np.array([part.mean for part in null.strata])[stratum],
        deviation=np.array([part.deviation for part in null.strata])[stratum],
    )


def adjust_z(z: FloatArray, *, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """Return (z - mean) / deviation, which is standard normal under the null."""
    return (z - mean) / deviation


def two_sided_p(z: FloatArray) -> FloatArray:
    """Return the two-sided p-value of z under a standard normal."""
    return 2.0 * norm.sf(np.abs(z))


def _estimate_location(z: FloatArray) -> tuple[float, float, int]:
    """Return location, scale and iterations of Tukey's bisquare M-estimate of z (n,).

    Starts at the mean and iterates weighted means, with weights of the residuals divided by their
    scale, median of |z - location| / 0.6745, recomputed in each iteration, until both change by
    less than 1e-8 of the scale. This is MASS::rlm(z ~ 1) run to convergence (Venables & Ripley
    2002, 6.5).

    Raises:
        FitError: more than half of the z-scores are equal.
        NotConvergedError: the estimate reached its iteration limit.
    """
    location = float(z.mean())
    scale = 0.0
    for iteration in range(1, ITERATION_LIMIT + 1):
        earlier_location, earlier_scale = location, scale
        residuals = z - location
        scale = float(np.median(np.abs(residuals))) / MAD_OF_NORMAL
        if scale == 0:
            raise FitError("more than half of the z-scores are equal, so they have no scale")
        weights = _weigh_bisquare(residuals / scale)
        location = float(weights @ z / weights.sum())
        moved = max(abs(location - earlier_location), abs(scale - earlier_scale))
        if moved <= TOLERANCE * scale:
            return location, scale, iteration
    raise NotConvergedError(f"the M-estimate does not settle within {ITERATION_LIMIT} iterations")


def _weigh_bisquare(residuals: FloatArray) -> FloatArray:
    return (1.0 - np.minimum(1.0, np.abs(residuals) / BISQUARE_BOUND) ** 2) ** 2


def _fit_stratum(z: FloatArray, size: FloatArray) -> StratumNull:
    if z.size < MINIMUM_COUNT:
        raise FitError(f"{z.size} z-scores, at least {MINIMUM_COUNT} are needed")
    mean, deviation, iterations = _estimate_location(z)
    return _describe_stratum(z, size, mean=mean, deviation=deviation, iterations=iterations)


def _describe_theory(z: FloatArray, size: FloatArray) -> StratumNull:
    return _describe_stratum(z, size, mean=0.0, deviation=1.0, iterations=0)


def _describe_stratum(
    z: FloatArray, size: FloatArray, *, mean: float, deviation: float, iterations: int
) -> StratumNull:
    edges = mean + deviation * np.linspace(-PICTURE_REACH, PICTURE_REACH, PICTURE_BINS + 1)
    inner = edges[1:-1]
    inside = np.searchsorted(inner, z, side="right")
    below = np.concatenate([[0.0], norm.cdf(inner, loc=mean, scale=deviation), [1.0]])
    return StratumNull(
        mean=mean,
        deviation=deviation,
        count=z.size,
        iterations=iterations,
        smallest=float(size.min(initial=np.inf)) if size.size else 0.0,
        largest=float(size.max(initial=0.0)),
        bin_edges=edges,
        bin_counts=np.bincount(inside, minlength=PICTURE_BINS),
        curve=z.size * np.diff(below),
    )
