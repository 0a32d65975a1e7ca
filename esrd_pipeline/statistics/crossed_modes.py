"""Modes of the effects of two crossed factors under the penalised likelihood.

Penalised iteratively reweighted least squares (Bates et al. 2015, section 5; Breslow & Clayton
1993) equals Newton's method here because the logit is the canonical link. A factorisation is reused
while its steps converge fast enough, because it costs far more than a pass over the rows.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.statistics.crossed_cells import (
    CellSums,
    CrossedCells,
    Elimination,
    Spread,
    eliminate,
    sum_rows,
)
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import NotConvergedError

MODE_TOLERANCE = 1e-10
"""Convergence tolerance: largest distance of an effect from its mode, in conditional standard
errors."""
STEP_LIMIT = 100
HALVING_LIMIT = 30
KEEP_SHARE = 0.2
"""A factorisation is reused while its step reduces the gradient to less than this share."""

Pair = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """The maximum of the penalised log-likelihood.

    Attributes:
        effects: of the larger and the smaller factor.
        sums: sums over the rows at the modes.
        penalised: the penalised log-likelihood: that of the rows minus half the sum of
            effect^2 / variance over the factors with normal effects.
        elimination: the last one used; its weights may be those of an earlier step.
        iterations: steps taken.
        gradient_norm: largest score component over the root of its information, at the end.
        decrement: score' information^-1 score at the end.
    """

    effects: Pair
    sums: CellSums
    penalised: float
    elimination: Elimination
    iterations: int
    gradient_norm: float
    decrement: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """A point of the search; `forces` are variance x score - pull x effect of each factor."""

    effects: Pair
    sums: CellSums
    penalised: float
    forces: Pair
    gradient_norm: float


def find_modes(
    cells: CrossedCells,
    spreads: tuple[Spread, Spread],
    *,
    start: Pair,
    intercept: float = 0.0,
    elimination: Elimination | None = None,
    tolerance: float = MODE_TOLERANCE,
) -> Modes:
    """Maximise from the effects in `start`; pass an `elimination` from nearby to save one.

    Effects whose variance is 0 must start at 0 and stay there.

    Raises:
        NotConvergedError: the search reached its limit of steps or halvings.
        FitError: the information is not finite or not positive definite.
    """
    if elimination is not None and _list_zeros(elimination.spreads) != _list_zeros(spreads):
        elimination = None
    begin = (start[0] * (spreads[0].variance > 0), start[1] * (spreads[1].variance > 0))
    state = _evaluate(cells, spreads, intercept, begin)
    for iteration in range(STEP_LIMIT):
        is_fresh = elimination is None
        if elimination is None:
            elimination = eliminate(cells, state.sums.weights, spreads)
        step = elimination.solve(*state.forces)
        decrement = _sum_decrement(spreads, state.forces, step)
        if state.gradient_norm <= tolerance and decrement <= tolerance:
            return Modes(
                effects=state.effects,
                sums=state.sums,
                penalised=state.penalised,
                elimination=elimination,
                iterations=iteration,
                gradient_norm=state.gradient_norm,
                decrement=decrement,
            )
        reached = _advance(cells, spreads, intercept, state, step, limit=HALVING_LIMIT * is_fresh)
        if reached is None and is_fresh:
            raise NotConvergedError("no part of a Newton step raises the penalised log-likelihood")
        if reached is None or reached.gradient_norm > KEEP_SHARE * state.gradient_norm:
            elimination = None
        state = reached or state
    raise NotConvergedError(
        f"no mode of the effects after {STEP_LIMIT} steps: the gradient is still"
        f" {state.gradient_norm:.3g} standard errors"
    )


def _evaluate(
    cells: CrossedCells, spreads: tuple[Spread, Spread], intercept: float, effects: Pair
) -> _State:
    larger, smaller = effects
    sums = sum_rows(cells, intercept + larger[cells.larger] + smaller[cells.smaller])
    scores = (cells.sum_larger(sums.residuals), cells.sum_smaller(sums.residuals))
    weights = (cells.sum_larger(sums.weights), cells.sum_smaller(sums.weights))
    penalised = sums.log_likelihood
    forces: list[FloatArray] = []
    norm = 0.0
    for spread, effect, score, weight in zip(spreads, effects, scores, weights, strict=True):
        force = spread.variance * score - spread.pull * effect
        forces.append(force)
        if spread.variance > 0:
            penalised -= 0.5 * spread.pull * float(effect @ effect) / spread.variance
            spans = np.sqrt(spread.variance * (spread.pull + spread.variance * weight))
            norm = max(norm, float(np.max(np.abs(force) / spans, initial=0.0)))
    return _State(
        effects=effects,
        sums=sums,
        penalised=penalised,
        forces=(forces[0], forces[1]),
        gradient_norm=norm,
    )


def _advance(
    cells: CrossedCells,
    spreads: tuple[Spread, Spread],
    intercept: float,
    state: _State,
    step: Pair,
    *,
    limit: int,
) -> _State | None:
    """Take the step, halved up to `limit` times until the value does not fall; else None."""
    # Rounding can lower the value by about this much even for an exact step.
    slack = 1e-12 * (1.0 + abs(state.penalised))
    share = 1.0
    for _ in range(1 + limit):
        candidate = (state.effects[0] + share * step[0], state.effects[1] + share * step[1])
        reached = _evaluate(cells, spreads, intercept, candidate)
        if reached.penalised >= state.penalised - slack:
            return reached
        share /= 2
    return None


def _list_zeros(spreads: tuple[Spread, Spread]) -> list[bool]:
    return [spread.variance == 0 for spread in spreads]


def _sum_decrement(spreads: tuple[Spread, Spread], forces: Pair, step: Pair) -> float:
    return sum(
        float(force @ part) / spread.variance
        for spread, force, part in zip(spreads, forces, step, strict=True)
        if spread.variance > 0
    )
