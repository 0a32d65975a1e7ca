"""Laplace's approximation checked against dense algebra, finite differences and quadrature."""

import numpy as np
import pytest
from scipy.special import expit, logsumexp

from esrd_pipeline.statistics.crossed_cells import CrossedCells, group_rows
from esrd_pipeline.statistics.crossed_laplace import approximate, differentiate
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline_tests.statistics.discharges import Discharges, simulate

POINTS = [(-0.4, 0.5, 0.2), (-0.4, 0.0, 0.2), (-0.4, 0.3, 0.0), (-0.4, 0.0, 0.0), (1.0, 6.0, 3.0)]


def group(rows: Discharges) -> CrossedCells:
    return group_rows(
        larger=rows.facility,
        smaller=rows.hospital,
        larger_count=int(rows.facility.max()) + 1,
        smaller_count=int(rows.hospital.max()) + 1,
        offset=rows.offset,
        outcome=rows.outcome,
    )


def indicate(cells: CrossedCells, rows: Discharges) -> FloatArray:
    """Indicators of both factors' levels, shape (rows, levels)."""
    indicators = np.zeros((rows.offset.size, cells.larger_count + cells.smaller_count))
    indicators[np.arange(rows.offset.size), rows.facility] = 1
    indicators[np.arange(rows.offset.size), cells.larger_count + rows.hospital] = 1
    return indicators


def spread_out(cells: CrossedCells, point: FloatArray) -> FloatArray:
    """Variance of every effect."""
    return np.repeat(point[1:], [cells.larger_count, cells.smaller_count])


def log_likelihood(rows: Discharges, predictor: FloatArray) -> float:
    return float(np.sum(rows.outcome * predictor - np.logaddexp(0, predictor)))


def penalise(rows: Discharges, indicators: FloatArray, spread: FloatArray, x: FloatArray) -> float:
    """Log-likelihood with intercept x[0] and effects x[1:], penalised."""
    predictor = x[0] + rows.offset + indicators @ x[1:]
    held = spread > 0
    return log_likelihood(rows, predictor) - 0.5 * float(np.sum(x[1:][held] ** 2 / spread[held]))


@pytest.mark.parametrize("point", POINTS)
def test_the_value_is_that_of_dense_algebra(point: tuple[float, ...]) -> None:
    rows = simulate(1)
    cells = group(rows)
    at = approximate(cells, np.array(point))
    effects = np.concatenate(at.modes.effects)
    indicators, spread = indicate(cells, rows), spread_out(cells, np.array(point))
    predictor = point[0] + rows.offset + indicators @ effects
    probability = expit(predictor)
    weights = indicators.T @ (indicators * (probability * (1 - probability))[:, None])
    whole = np.eye(spread.size) + spread[:, None] * weights
    value = penalise(rows, indicators, spread, np.array([point[0], *effects]))
    value -= 0.5 * np.linalg.slogdet(whole)[1]
    assert at.value == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(
        np.concatenate(differentiate(cells, at).variances),
        np.diag(np.linalg.solve(whole, np.diag(spread))),
        rtol=1e-9,
        atol=1e-15,
    )


@pytest.mark.parametrize("point", POINTS)
def test_the_gradient_is_the_difference_of_values(point: tuple[float, ...]) -> None:
    cells = group(simulate(2))
    slope = differentiate(cells, approximate(cells, np.array(point)))
    differences: list[float] = []
    for parameter in range(3):
        shift = np.zeros(3)
        shift[parameter] = 1e-4
        steps = (0, 1, 2) if point[parameter] == 0 else (-1, 0, 1)
        before, here, after = (
            approximate(cells, np.array(point) + step * shift).value for step in steps
        )
        forward = (4 * here - 3 * before - after) / 2e-4
        differences.append(forward if point[parameter] == 0 else (after - before) / 2e-4)
    np.testing.assert_allclose(slope.gradient, differences, rtol=1e-4, atol=1e-4)


def test_modes_move_with_the_parameters_as_foretold() -> None:
    cells = group(simulate(3))
    point = np.array([-0.4, 0.5, 0.2])
    slope = differentiate(cells, approximate(cells, point))
    for parameter in range(3):
        shift = np.zeros(3)
        shift[parameter] = 1e-5
        before, after = (approximate(cells, point + sign * shift) for sign in (-1, 1))
        for side in range(2):
            moved = (after.modes.effects[side] - before.modes.effects[side]) / 2e-5
            np.testing.assert_allclose(slope.movements[side][:, parameter], moved, atol=1e-6)


def test_at_the_modes_the_penalised_likelihood_is_flat_and_curves_as_stated() -> None:
    rows = simulate(4, rows=200, facilities=8, hospitals=5)
    cells = group(rows)
    point = np.array([-0.4, 0.5, 0.2])
    at = approximate(cells, point)
    indicators, spread = indicate(cells, rows), spread_out(cells, point)
    x = np.array([point[0], *np.concatenate(at.modes.effects)])
    size = spread.size

    def value(first: int, second: int, step: float, other: float) -> float:
        shifted = x.copy()
        shifted[1 + first] += step
        shifted[1 + second] += other
        return penalise(rows, indicators, spread, shifted)

    for effect in range(size):
        rise = value(effect, effect, 1e-5, 0) - value(effect, effect, -1e-5, 0)
        assert abs(rise / 2e-5) < 1e-6
    h = 1e-3
    curvature = np.array(
        [
            [
                value(i, j, h, h) - value(i, j, h, -h) - value(i, j, -h, h) + value(i, j, -h, -h)
                for j in range(size)
            ]
            for i in range(size)
        ]
    ) / (4 * h * h)
    np.testing.assert_allclose(
        np.concatenate(differentiate(cells, at).variances),
        np.diag(np.linalg.inv(-curvature)),
        rtol=1e-5,
    )


def test_the_approximation_is_near_the_integral_over_all_effects() -> None:
    rng = np.random.default_rng(5)
    facility, hospital = rng.integers(0, 2, 120), rng.integers(0, 2, 120)
    outcome = (rng.random(120) < 0.4).astype(np.intp)
    rows = Discharges(rng.normal(0, 0.5, 120), outcome, facility, hospital)
    point = np.array([-0.5, 0.3, 0.2])
    at, weight = np.polynomial.hermite_e.hermegauss(21)
    grid = np.stack(np.meshgrid(at, at, at, at, indexing="ij"), axis=-1).reshape(-1, 4)
    log_weight = np.log(weight / weight.sum())
    log_weights = np.add.outer(np.add.outer(log_weight, log_weight), log_weight)
    log_weights = np.add.outer(log_weights, log_weight).ravel()
    effects = grid * np.sqrt([0.3, 0.3, 0.2, 0.2])
    value = np.zeros(len(grid))
    for row in range(120):
        predictor = point[0] + rows.offset[row]
        predictor = predictor + effects[:, facility[row]] + effects[:, 2 + hospital[row]]
        value += outcome[row] * predictor - np.logaddexp(0, predictor)
    exact = float(logsumexp(value + log_weights))
    assert approximate(group(rows), point).value == pytest.approx(exact, abs=0.02)
