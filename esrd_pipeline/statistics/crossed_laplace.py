"""Laplace's approximation to the likelihood of crossed random intercepts, and its derivatives.

It is the penalised log-likelihood at the modes minus half of log|A|, where A = I + T Z'WZ at the
modes, T the variances, Z the indicators of the levels and W the rows' weights (Bates et al. 2015;
Tierney & Kadane 1986).
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.statistics.crossed_cells import (
    CrossedCells,
    Elimination,
    Spread,
    eliminate,
)
from esrd_pipeline.statistics.crossed_modes import Modes, Pair, find_modes
from esrd_pipeline.statistics.design import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Laplace:
    """The approximate log-likelihood at one point (intercept, larger and smaller variance).

    Attributes:
        point: shape (3,).
        value: the log-likelihood.
        modes: the effects at the mode.
        elimination: of the information at the modes.
    """

    point: FloatArray
    value: float
    modes: Modes
    elimination: Elimination


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """The derivatives of `Laplace` and their components.

    Attributes:
        gradient: shape (3,).
        scale: approximate diagonal of the information, shape (3,).
        movements: derivatives of the modes of the larger and the smaller factor, (levels, 3).
        variances: conditional variances of the larger and the smaller factor.
    """

    gradient: FloatArray
    scale: FloatArray
    movements: Pair
    variances: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class _Covariance:
    """The required parts of the conditional covariance of the effects, K = (T^-1 + Z'WZ)^-1.

    Attributes:
        variances: its diagonal, for the larger and the smaller factor.
        predictor: variance of a row's linear predictor, by cell.
        precisions: diagonal of (T + (Z'WZ)^-1)^-1, for the larger and the smaller factor.
    """

    variances: Pair
    predictor: FloatArray
    precisions: Pair


def approximate(
    cells: CrossedCells,
    point: FloatArray,
    *,
    start: Pair | None = None,
    elimination: Elimination | None = None,
) -> Laplace:
    """Evaluate at a point (intercept, variance of the larger factor, of the smaller).

    `start` holds the initial effects, `elimination` one computed at a point nearby.

    Raises:
        NotConvergedError: no modes were found.
    """
    spreads = (Spread(1.0, float(point[1])), Spread(1.0, float(point[2])))
    modes = find_modes(
        cells,
        spreads,
        start=start or (np.zeros(cells.larger_count), np.zeros(cells.smaller_count)),
        intercept=float(point[0]),
        elimination=elimination,
    )
    final = eliminate(cells, modes.sums.weights, spreads)
    value = modes.penalised - 0.5 * final.log_determinant
    return Laplace(point=point, value=value, modes=modes, elimination=final)


def move(cells: CrossedCells, current: Laplace, slope: Slope, point: FloatArray) -> Laplace:
    """Evaluate at a point nearby, starting from modes extrapolated with their derivatives."""
    change = point - current.point
    larger, smaller = current.modes.effects
    start = (larger + slope.movements[0] @ change, smaller + slope.movements[1] @ change)
    return approximate(cells, point, start=start, elimination=current.elimination)


def differentiate(cells: CrossedCells, at: Laplace) -> Slope:
    """Differentiate, with modes that depend on the parameters.

    The penalised log-likelihood is stationary in the modes; log|A| is not: its derivative is the
    sum over rows of the derivative of their weight times the variance of their linear predictor.
    This is added to the direct derivative by a variance, d log|A| / dv = sum of `precisions`.
    """
    sums = at.modes.sums
    covariance = _invert(cells, at)
    weights = (cells.sum_larger(sums.weights), cells.sum_smaller(sums.weights))
    scores = (cells.sum_larger(sums.residuals), cells.sum_smaller(sums.residuals))
    movements = _move_modes(at, weights, scores)
    third = sums.slopes * covariance.predictor
    moved = cells.sum_larger(third) @ movements[0] + cells.sum_smaller(third) @ movements[1]
    moved[0] += third.sum()
    predicted = weights[0] @ movements[0][:, 0] + weights[1] @ movements[1][:, 0]
    own = [sums.residuals.sum()]
    scale = [sums.weights.sum() + predicted]
    for score, precision in zip(scores, covariance.precisions, strict=True):
        own.append(0.5 * (score @ score - precision.sum()))
        scale.append(0.5 * (precision @ precision))
    return Slope(
        gradient=np.array(own) - 0.5 * moved,
        scale=np.array(scale),
        movements=movements,
        variances=covariance.variances,
    )


def _invert(cells: CrossedCells, at: Laplace) -> _Covariance:
    """Return the diagonal and the cells of the elimination's inverse."""
    first, second = at.elimination.spreads
    larger, smaller = cells.larger, cells.smaller
    inverse, products = at.elimination.invert()
    weights = at.modes.sums.weights
    own = 1 / at.elimination.diagonal
    touched = own * second.variance * cells.sum_larger(weights * products)
    share = (first.variance * own)[larger] * products
    conditional = own + first.variance * own * touched
    variances = (first.variance * conditional, second.variance * inverse)
    between = second.variance * share
    return _Covariance(
        variances=variances,
        predictor=variances[0][larger] - 2 * between + variances[1][smaller],
        precisions=(
            conditional * cells.sum_larger(weights) - touched,
            inverse * cells.sum_smaller(weights) - cells.sum_smaller(share * weights),
        ),
    )


def _move_modes(at: Laplace, weights: Pair, scores: Pair) -> Pair:
    """Differentiate the modes by intercept, larger and smaller variance: (levels, 3) each."""
    first, second = at.elimination.spreads
    return at.elimination.solve(
        np.column_stack([-first.variance * weights[0], scores[0], np.zeros_like(scores[0])]),
        np.column_stack([-second.variance * weights[1], np.zeros_like(scores[1]), scores[1]]),
    )
