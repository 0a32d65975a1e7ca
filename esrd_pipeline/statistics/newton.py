"""Newton's method for concave log-likelihoods; converges on the gradient and the decrement.

Boyd & Vandenberghe (2004), 9.5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from esrd_pipeline.statistics.design import find_aliased
from esrd_pipeline.statistics.fit import FitError, NotConvergedError, SeparationError

FloatArray = NDArray[np.float64]

GRADIENT_TOLERANCE = 1e-8
"""Convergence tolerance: distance of a coefficient from its estimate, in standard errors."""
ITERATION_LIMIT = 60
HALVING_LIMIT = 30
SEPARATION_SHARE = 1e-7
"""A term diverges if its information falls below this share of its first value."""
NARROW_SHARE = 1e-5
"""Share that rounding in float32, used for the steps' information, leaves of such a direction."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A log-likelihood at one point: value, score (p,) and information (p, p)."""

    log_likelihood: float
    score: FloatArray
    information: FloatArray


@dataclass(frozen=True, slots=True)
class Optimum:
    """The maximum of the log-likelihood and the convergence report."""

    coefficients: FloatArray
    evaluation: Evaluation
    iterations: int
    gradient_norm: float
    decrement: float


def maximise(
    evaluate: Callable[[FloatArray], Evaluation],
    start: FloatArray,
    *,
    names: tuple[str, ...],
    tolerance: float = GRADIENT_TOLERANCE,
    iteration_limit: int = ITERATION_LIMIT,
) -> Optimum:
    """Maximise from `start` (p,) until gradient and decrement are below tolerance.

    A step that lowers the log-likelihood is halved. The information may be approximate: only the
    score determines where the search ends. Column names are used in messages only.

    Raises:
        SeparationError: the likelihood rises without bound along a term.
        NotConvergedError: the search reached its limit of iterations or halvings.
        FitError: the information is not positive definite at the start, or not finite.
    """
    point = np.asarray(start, dtype=np.float64)
    current = evaluate(point)
    first = np.diag(current.information).copy()
    gradient_norm = np.inf
    for iteration in range(iteration_limit):
        factor = _factorise(current.information, names, is_start=iteration == 0)
        step = np.asarray(cho_solve(factor, current.score))
        decrement = float(current.score @ step)
        spread = np.sqrt(np.diag(current.information))
        gradient_norm = float(np.max(np.abs(current.score) / spread, initial=0.0))
        _check_separation(current.information, first, names)
        if gradient_norm <= tolerance and decrement <= tolerance:
            return Optimum(point, current, iteration, gradient_norm, decrement)
        point, current = _advance(evaluate, point, step, current, decrement)
    check_directions(current.information, names, tolerance=NARROW_SHARE)
    raise NotConvergedError(
        f"no maximum after {iteration_limit} Newton steps: the gradient is still"
        f" {gradient_norm:.3g} standard errors"
    )


def check_directions(
    information: FloatArray, names: tuple[str, ...], *, tolerance: float = SEPARATION_SHARE
) -> None:
    """Raise if a combination of terms diverged although no single term did.

    `information` (p, p) is the one at the end of the search; information below the share
    `tolerance` of a term's own counts as zero.

    Raises:
        SeparationError: with the terms that have no estimate given the earlier ones.
    """
    _, gone = find_aliased(information, names, tolerance=tolerance)
    if gone:
        raise SeparationError(
            f"separation: no finite estimate exists for {', '.join(gone.names)}"
            " beside the terms before",
            gone.names,
        )


def invert_information(information: FloatArray, names: tuple[str, ...]) -> FloatArray:
    """Return the covariance at the end of a search: the inverse of the information (p, p).

    Raises:
        SeparationError: as `check_directions`.
    """
    check_directions(information, names)
    factor = cho_factor(information, lower=True)
    return np.asarray(cho_solve(factor, np.eye(len(names))))


def _advance(
    evaluate: Callable[[FloatArray], Evaluation],
    point: FloatArray,
    step: FloatArray,
    current: Evaluation,
    decrement: float,
) -> tuple[FloatArray, Evaluation]:
    """Take the step, or halve it until the value does not fall."""
    # Rounding can lower the value by about this much even for an exact step.
    slack = 1e-12 * (1.0 + abs(current.log_likelihood))
    share = 1.0
    for _ in range(HALVING_LIMIT):
        candidate = point + share * step
        reached = evaluate(candidate)
        if reached.log_likelihood >= current.log_likelihood - slack:
            return candidate, reached
        share /= 2
    raise NotConvergedError(
        f"no part of a Newton step raises the log-likelihood (decrement {decrement:.3g})"
    )


def _factorise(
    information: FloatArray, names: tuple[str, ...], *, is_start: bool
) -> tuple[FloatArray, bool]:
    if not np.all(np.isfinite(information)):
        raise FitError("the information is not finite: a linear predictor is out of range")
    try:
        return cho_factor(information, lower=True)
    except LinAlgError as error:
        weakest = names[int(np.argmin(np.diag(information)))]
        if is_start:
            raise FitError(
                f"the information is not positive definite; weakest term: {weakest}"
            ) from error
        # The start was regular, so the information vanished as a coefficient diverged.
        raise SeparationError(
            f"separation: no finite estimate exists; weakest term: {weakest}", (weakest,)
        ) from error


def _check_separation(information: FloatArray, first: FloatArray, names: tuple[str, ...]) -> None:
    gone = np.flatnonzero(np.diag(information) < SEPARATION_SHARE * first)
    if gone.size:
        named = tuple(names[term] for term in gone)
        raise SeparationError(
            f"separation: no finite estimate exists for {', '.join(named)}", named
        )
