"""One pass over memory for logit GEE with an exchangeable correlation: scores, information.

The inverse of an exchangeable correlation matrix of n rows is (I - c 11') / (1 - alpha) with
c = alpha / (1 + (n - 1) alpha), so that sums over a cluster follow from sums over its rows without
a matrix per cluster. Sums here omit their common factor 1 / (phi (1 - alpha)). Rows are read
through an index: the design is neither sorted nor copied.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray, Matrix
from esrd_pipeline.statistics.gee_clusters import Clusters

BLOCK_ROWS = 256
"""Rows, or patients' totals, per cross-product in BLAS, so that they fit one core's cache."""

# Sums may be reordered within a row, always in the same way; infinities are preserved.
_compile: Any = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GeeSums:
    """Sums at one point, F intercepts (a) and p terms (b), without 1 / (phi (1 - alpha)).

    Attributes:
        intercept_score: shape (F,).
        score: shape (p,).
        intercept_information: shape (F, F); facilities are coupled by the patients they share.
        excess: size of the derivative of each intercept's score minus its information, which is
            the expected size, at least 0; shape (F,).
        cross_information: shape (F, p).
        information: shape (p, p).
        dispersion: mean squared Pearson residual, phi.
        correlation: mean product of pairs of Pearson residuals over phi; 0 without pairs.
        log_likelihood: of independent rows.
    """

    intercept_score: FloatArray
    score: FloatArray
    intercept_information: FloatArray
    excess: FloatArray
    cross_information: FloatArray
    information: FloatArray
    dispersion: float
    correlation: float
    log_likelihood: float


def sum_clusters(
    matrix: Matrix,
    clusters: Clusters,
    *,
    intercepts: FloatArray,
    coefficients: FloatArray,
    correlation: float,
) -> GeeSums:
    """Compute all sums at `intercepts` (F,) and `coefficients` (p,) in one pass, in float64."""
    facilities, terms = intercepts.size, coefficients.size
    sums = (
        np.zeros(facilities),
        np.zeros(terms),
        np.zeros((facilities, facilities)),
        np.zeros(facilities),
        np.zeros((facilities, terms)),
        np.zeros((terms, terms)),
    )
    squares, products, log_likelihood = _sum_clusters(
        *_list_rows(matrix, clusters),
        intercepts,
        coefficients,
        correlation,
        clusters.largest,
        *sums,
    )
    dispersion = squares / clusters.order.size
    pairs = clusters.pair_count
    return GeeSums(
        intercept_score=sums[0],
        score=sums[1],
        intercept_information=sums[2],
        excess=sums[3],
        cross_information=sums[4],
        information=sums[5],
        dispersion=dispersion,
        correlation=products / pairs / dispersion if pairs and dispersion else 0.0,
        log_likelihood=log_likelihood,
    )


def iterate_scores(
    matrix: Matrix,
    clusters: Clusters,
    *,
    intercepts: FloatArray,
    coefficients: FloatArray,
    correlation: float,
    centres: FloatArray,
) -> Iterator[tuple[slice, FloatArray]]:
    """Yield scores of patients with x measured from their facility's centre, block by block.

    `centres` has shape (F, p): the inverse intercept information times the cross information,
    so that the sum of u u' over patients is the meat of the sandwich of the p terms, without the
    factor 1 / (phi (1 - alpha)). Each block is overwritten by the next.
    """
    scores = np.empty((BLOCK_ROWS, coefficients.size))
    count = clusters.patient.size
    for first in range(0, count, BLOCK_ROWS):
        last = min(first + BLOCK_ROWS, count)
        _score_clusters(
            *_list_rows(matrix, clusters),
            intercepts,
            coefficients,
            correlation,
            first,
            last,
            centres,
            scores,
        )
        yield slice(first, last), scores[: last - first]


def _list_rows(
    matrix: Matrix, clusters: Clusters
) -> tuple[Matrix, IntArray, IntArray, IntArray, FloatArray, FloatArray]:
    """Return the row arrays that every compiled pass reads, in the order of its arguments."""
    return (
        matrix,
        clusters.order,
        clusters.starts,
        clusters.facility,
        clusters.outcome,
        clusters.offset,
    )


@_compile
def _sum_clusters(  # noqa: PLR0917 - numba has no keyword-only arguments
    matrix: Matrix,
    order: IntArray,
    starts: IntArray,
    facility: IntArray,
    outcome: FloatArray,
    offset: FloatArray,
    intercepts: FloatArray,
    coefficients: FloatArray,
    correlation: float,
    largest: int,
    intercept_score: FloatArray,
    score: FloatArray,
    intercept_information: FloatArray,
    excess: FloatArray,
    cross_information: FloatArray,
    information: FloatArray,
) -> tuple[float, float, float]:
    """Add to the sums; return squares and products of residuals and the log-likelihood."""
    has_intercepts = intercepts.size > 0
    x = np.empty(coefficients.size)
    weighted = np.empty((BLOCK_ROWS + largest, coefficients.size))
    together = np.empty((BLOCK_ROWS, coefficients.size))
    row_count = cluster_count = 0
    # A patient's segments of rows at one facility: their places, and the sums of the roots of
    # mu (1 - mu), of the roots' derivatives and of the sizes of the residuals' derivatives.
    run_facility = np.empty(largest, dtype=np.intp)
    run_sums = np.empty((largest, 3))
    squares = products = log_likelihood = 0.0
    for cluster in range(starts.size - 1):
        start, end = starts[cluster], starts[cluster + 1]
        share = correlation / (1.0 + (end - start - 1) * correlation)
        total = together[cluster_count]
        total[:] = 0.0
        residual_sum = own_squares = 0.0
        runs = 0
        for place in range(start, end):
            predictor = offset[place] + _read_row(matrix[order[place]], coefficients, x)
            at = facility[place]
            if has_intercepts:
                predictor += intercepts[at]
            half = math.exp(predictor / 2)
            root = 1.0 / (half + 1.0 / half)
            residual = 1.0 / half if outcome[place] > 0 else -half
            log_likelihood -= math.log1p(residual * residual)
            residual_sum += residual
            own_squares += residual * residual
            _add_row(x, root, residual, weighted[row_count + place - start], total, score)
            if has_intercepts:
                if place == start or run_facility[runs - 1] != at:
                    run_facility[runs] = at
                    run_sums[runs] = 0.0
                    runs += 1
                run_sums[runs - 1, 0] += root
                run_sums[runs - 1, 1] += root * (0.5 - half * root)
                run_sums[runs - 1, 2] += abs(residual) / 2
                intercept_score[at] += root * residual
                intercept_information[at, at] += root * root
                _add_scaled(cross_information[at], root * root, x)
        squares += own_squares
        products += (residual_sum * residual_sum - own_squares) / 2
        _subtract_runs(
            run_facility[:runs],
            run_sums,
            share,
            residual_sum,
            total,
            intercept_score,
            intercept_information,
            excess,
            cross_information,
        )
        _add_scaled(score, -share * residual_sum, total)
        total *= math.sqrt(abs(share))
        row_count += end - start
        cluster_count += 1
        is_last = cluster == starts.size - 2
        if is_last or row_count >= BLOCK_ROWS or cluster_count == BLOCK_ROWS:
            _add_squares(information, weighted[:row_count], 1.0)
            _add_squares(information, together[:cluster_count], -np.sign(correlation))
            row_count = cluster_count = 0
    return squares, products, log_likelihood


@_compile
def _subtract_runs(  # noqa: PLR0917 - numba has no keyword-only arguments
    run_facility: IntArray,
    run_sums: FloatArray,
    share: float,
    residual_sum: float,
    total: FloatArray,
    intercept_score: FloatArray,
    intercept_information: FloatArray,
    excess: FloatArray,
    cross_information: FloatArray,
) -> None:
    """Subtract the contribution of the correlation within one patient to the intercept sums."""
    for run in range(run_facility.size):
        at = run_facility[run]
        roots, bends, slopes = run_sums[run, 0], run_sums[run, 1], run_sums[run, 2]
        intercept_score[at] -= share * roots * residual_sum
        excess[at] += share * (residual_sum * bends + roots * (roots - slopes))
        _add_scaled(cross_information[at], -share * roots, total)
        for other in range(run_facility.size):
            product = roots * run_sums[other, 0]
            intercept_information[at, run_facility[other]] -= share * product


@_compile
def _read_row(row: NDArray[np.number], coefficients: FloatArray, x: FloatArray) -> float:
    """Convert a row to float64 in x and return x'b."""
    predictor = 0.0
    for term in range(x.size):
        x[term] = np.float64(row[term])
        predictor += x[term] * coefficients[term]
    return predictor


@_compile
def _add_scaled(total: FloatArray, scale: float, values: FloatArray) -> None:
    for term in range(total.size):
        total[term] += scale * values[term]


@_compile
def _add_row(  # noqa: PLR0917 - numba has no keyword-only arguments
    x: FloatArray,
    root: float,
    residual: float,
    weighted: FloatArray,
    total: FloatArray,
    score: FloatArray,
) -> None:
    """Write the row times its root; add it to its patient's total and to the score."""
    for term in range(x.size):
        weighted[term] = root * x[term]
        total[term] += weighted[term]
        score[term] += residual * weighted[term]


@_compile
def _add_squares(total: FloatArray, rows: FloatArray, sign: float) -> None:
    total += sign * np.dot(rows.T, rows)


@_compile
def _score_clusters(  # noqa: PLR0917 - numba has no keyword-only arguments
    matrix: Matrix,
    order: IntArray,
    starts: IntArray,
    facility: IntArray,
    outcome: FloatArray,
    offset: FloatArray,
    intercepts: FloatArray,
    coefficients: FloatArray,
    correlation: float,
    first: int,
    last: int,
    centres: FloatArray,
    scores: FloatArray,
) -> None:
    """Write the scores of the patients first..last-1 into the block."""
    has_intercepts = intercepts.size > 0
    x = np.empty(coefficients.size)
    weighted = np.empty(coefficients.size)
    for cluster in range(first, last):
        start, end = starts[cluster], starts[cluster + 1]
        share = correlation / (1.0 + (end - start - 1) * correlation)
        total = scores[cluster - first]
        total[:] = 0.0
        weighted[:] = 0.0
        residual_sum = 0.0
        for place in range(start, end):
            predictor = offset[place] + _read_row(matrix[order[place]], coefficients, x)
            if has_intercepts:
                predictor += intercepts[facility[place]]
                _add_scaled(x, -1.0, centres[facility[place]])
            half = math.exp(predictor / 2)
            root = 1.0 / (half + 1.0 / half)
            residual = 1.0 / half if outcome[place] > 0 else -half
            residual_sum += residual
            _add_scaled(weighted, root, x)
            _add_scaled(total, root * residual, x)
        _add_scaled(total, -share * residual_sum, weighted)
