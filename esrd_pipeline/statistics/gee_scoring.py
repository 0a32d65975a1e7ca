"""Fisher scoring for logit GEE with eliminated intercepts and a re-estimated correlation.

The search first treats rows as independent, and as correlated once it is near the root of the
independence equations. Fisher scoring overshoots if patients whose outcome never changes are
treated in facilities that differ much: an intercept's score then changes faster than its
information. Steps use the larger of the two, and Anderson acceleration (Walker & Ni 2011) combines
them. `gee_sums` passes over the rows; `gee` computes covariances, groups and results.
"""

import contextlib
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import logit

from esrd_pipeline.statistics.design import (
    BLOCK_ROWS,
    ROUNDING_SHARE,
    Design,
    FloatArray,
    IntArray,
    find_estimable,
)
from esrd_pipeline.statistics.fit import Dropped, FitError, NotConvergedError, SeparationError
from esrd_pipeline.statistics.gee_clusters import Clusters
from esrd_pipeline.statistics.gee_sums import GeeSums, sum_clusters
from esrd_pipeline.statistics.newton import GRADIENT_TOLERANCE, SEPARATION_SHARE
from esrd_pipeline.statistics.rows import sum_by

CORRELATION_TOLERANCE = 1e-10
CORRELATION_LIMIT = 0.95
"""The working correlation is clipped to this share of its possible range, -1 / (n - 1) to 1.

If outcomes never change within patients, the moment estimate is near or above 1. The equations then
depend on differences within patients and may have no root: months whose predictors differ by d have
weight d^2 / (1 - alpha). Estimates stay consistent and sandwiches valid under any working
correlation; at this limit patients, not months, have nearly equal weight.
"""
NARROWER_LIMITS = (0.9, 0.8)
"""Shares that the search is repeated with where it finds no root.

With a range up to nearly 1 the correlation may jump to its end and back and miss a root that it has
well inside. A root with an estimate inside the narrower range is one of the same equations; beyond
it the correlation is held there.
"""
ITERATION_LIMIT = 100
MEMORY = 10
"""Number of steps that the acceleration combines."""
NEAR_ROOT = 3.0
"""Acceleration and correlation start once the gradient is below this many standard errors."""
LEVEL_STEP, PREDICTOR_STEP = 1.0, 5.0
"""Largest change of a predictor in one step, by a facility's level or a term at its spread."""
REPEATING_TERMS = "terms that repeat the facilities or earlier terms"
SEPARATED_TERMS = "separation: terms whose rows that are not zero agree in outcome"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point of the search with its sums, for all p terms of the design."""

    intercepts: FloatArray
    coefficients: FloatArray
    correlation: float
    sums: GeeSums

    @property
    def scale(self) -> float:
        """The factor of the inverse information: phi (1 - alpha)."""
        return self.sums.dispersion * (1 - self.correlation)

    @property
    def vector(self) -> FloatArray:
        """Intercepts, coefficients and correlation."""
        return np.concatenate((self.intercepts, self.coefficients, [self.correlation]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Elimination:
    """The terms' equations after elimination of the intercepts.

    Attributes:
        score: shape (p,).
        information: shape (p, p).
        centres: inverse intercept information times cross information, shape (F, p).
        moves: inverse intercept information times intercept score, shape (F,).
    """

    score: FloatArray
    information: FloatArray
    centres: FloatArray
    moves: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The step from a point, the terms' information, and the distance from the root.

    Gradient and decrement are in standard errors.
    """

    intercepts: FloatArray
    coefficients: FloatArray
    information: FloatArray
    gradient_norm: float
    decrement: float

    @property
    def is_small(self) -> bool:
        """Whether the point is a root within the tolerance."""
        return max(self.gradient_norm, self.decrement) <= GRADIENT_TOLERANCE


def find_start(clusters: Clusters) -> FloatArray:
    """Return intercepts near each facility's own logit."""
    if not clusters.codes.size:
        return np.empty(0)
    counts = np.bincount(clusters.facility)
    events = sum_by(clusters.facility, clusters.outcome)
    offsets = sum_by(clusters.facility, clusters.offset)
    return np.asarray(logit((events + 0.5) / (counts + 1.0))) - offsets / counts


def evaluate(
    design: Design,
    clusters: Clusters,
    *,
    intercepts: FloatArray,
    coefficients: FloatArray,
    correlation: float,
) -> Point:
    """Evaluate the sums at a point in one pass over the rows.

    Raises:
        FitError: the sums are not finite.
    """
    sums = sum_clusters(
        design.matrix,
        clusters,
        intercepts=intercepts,
        coefficients=coefficients,
        correlation=correlation,
    )
    if not (np.all(np.isfinite(sums.information)) and np.isfinite(sums.dispersion)):
        raise FitError(f"a linear predictor is out of range; {design.describe_values()}")
    return Point(
        intercepts=intercepts, coefficients=coefficients, correlation=correlation, sums=sums
    )


def eliminate(sums: GeeSums, *, is_step: bool = False) -> Elimination:
    """Eliminate the intercepts; for a step, their information is at least the derivative.

    Raises:
        SeparationError: an intercept has no information.
    """
    centres, moves = np.zeros(sums.cross_information.shape), np.zeros(sums.excess.size)
    if moves.size:
        among = sums.intercept_information
        if is_step:
            among = among + np.diag(np.maximum(sums.excess, 0.0))
        try:
            factor = cho_factor(among, lower=True)
        except LinAlgError as error:
            raise SeparationError("separation: an intercept has no finite estimate") from error
        centres = np.asarray(cho_solve(factor, sums.cross_information))
        moves = np.asarray(cho_solve(factor, sums.intercept_score))
    return Elimination(
        score=sums.score - sums.intercept_score @ centres,
        information=sums.information - sums.cross_information.T @ centres,
        centres=centres,
        moves=moves,
    )


def find_step(point: Point, kept: IntArray, names: tuple[str, ...], *, is_step: bool) -> Step:
    """Solve for these terms and the intercepts; Fisher's step unless `is_step` (see `eliminate`).

    Raises:
        SeparationError: the information is singular; the message states the weakest term.
    """
    reduced = eliminate(point.sums, is_step=is_step)
    score, information = reduced.score[kept], reduced.information[np.ix_(kept, kept)]
    try:
        factor = cho_factor(information, lower=True)
    except LinAlgError as error:
        weakest = names[int(np.argmin(np.diag(information)))]
        raise SeparationError(
            f"separation: the information is lost on the way out; weakest term: {weakest}",
            (weakest,),
        ) from error
    own = np.asarray(cho_solve(factor, score))
    coefficients = np.zeros(point.coefficients.size)
    coefficients[kept] = own
    among = np.diag(point.sums.intercept_information)
    gradient = np.concatenate(
        (score / np.sqrt(np.diag(information)), point.sums.intercept_score / np.sqrt(among))
    )
    return Step(
        intercepts=reduced.moves - reduced.centres @ coefficients,
        coefficients=coefficients,
        information=information,
        gradient_norm=float(np.max(np.abs(gradient), initial=0.0) / np.sqrt(point.scale)),
        decrement=float(score @ own + point.sums.intercept_score @ reduced.moves) / point.scale,
    )


def iterate(
    design: Design, clusters: Clusters, kept: IntArray, names: tuple[str, ...], point: Point
) -> tuple[Point, int]:
    """Iterate until gradient, decrement and correlation converge; return root and iterations.

    Raises:
        SeparationError: a term has no finite estimate.
        NotConvergedError: the search reached its iteration limit.
    """
    try:
        return _search(design, clusters, kept, names, point, limit=CORRELATION_LIMIT)
    except NotConvergedError as error:
        for limit in NARROWER_LIMITS:
            with contextlib.suppress(NotConvergedError):
                return _search(design, clusters, kept, names, point, limit=limit)
        raise error from None


def _search(
    design: Design,
    clusters: Clusters,
    kept: IntArray,
    names: tuple[str, ...],
    point: Point,
    *,
    limit: float,
) -> tuple[Point, int]:
    """Iterate with a correlation clipped to a share of its range (see `iterate`)."""
    count = point.intercepts.size
    limits = (-limit / max(clusters.largest - 1, 1), limit)
    centre, spread = _find_middle(point, clusters)
    points: list[FloatArray] = []
    moves: list[FloatArray] = []
    step = find_step(point, kept, names, is_step=True)
    first = np.diag(step.information)
    is_near = False
    for iteration in range(ITERATION_LIMIT):
        # Rows count as independent until that root is near: far from it, the equations for
        # correlated rows may lead to no root.
        if not is_near and step.gradient_norm < NEAR_ROOT:
            is_near, points, moves = True, [], []
        change = 0.0
        if is_near:
            change = float(np.clip(point.sums.correlation, *limits)) - point.correlation
        if is_near and step.is_small and abs(change) <= CORRELATION_TOLERANCE:
            return point, iteration
        move = np.concatenate((step.intercepts, step.coefficients, [change]))
        points = [*points[1 - MEMORY :], point.vector]
        moves = [*moves[1 - MEMORY :], _limit(move, centre, spread)]
        if step.gradient_norm < NEAR_ROOT:
            move = _join_steps(points, moves, _weigh(point, clusters))
        following = points[-1] + _limit(move, centre, spread)
        point = evaluate(
            design,
            clusters,
            intercepts=following[:count],
            coefficients=following[count:-1],
            correlation=float(np.clip(following[-1], *limits)),
        )
        step = find_step(point, kept, names, is_step=True)
        _check_separation(np.diag(step.information), first, names)
    raise NotConvergedError(
        f"no root of the estimating equations after {ITERATION_LIMIT} steps: the gradient is"
        f" still {step.gradient_norm:.3g} standard errors"
    )


def _weigh(point: Point, clusters: Clusters) -> FloatArray:
    """Return the weights that scale intercepts, coefficients and correlation to their errors."""
    own = np.diag(point.sums.intercept_information)
    terms = np.diag(point.sums.information)
    return np.sqrt(np.concatenate((own, terms, [clusters.order.size])))


def _find_middle(start: Point, clusters: Clusters) -> tuple[FloatArray, FloatArray]:
    """Return centre and spread of each term at the start, where alpha is 0, shapes (p,).

    Without facilities the centre is 0, as there is no intercept to compensate, and a row's weight
    is at most a quarter.
    """
    sums = start.sums
    squares = np.diag(sums.information)
    if not start.intercepts.size:
        return np.zeros(squares.size), np.sqrt(4 * squares / clusters.order.size)
    weight = np.trace(sums.intercept_information)
    centre = sums.cross_information.sum(axis=0) / weight
    return centre, np.sqrt(np.maximum(squares / weight - centre**2, 0.0))


def _limit(move: FloatArray, centre: FloatArray, spread: FloatArray) -> FloatArray:
    """Shorten a move to limit the change of predictors, by intercepts and by single terms."""
    count = move.size - spread.size - 1
    terms = move[count:-1]
    shorter = terms * (PREDICTOR_STEP / np.max(np.abs(terms) * spread, initial=PREDICTOR_STEP))
    levels = np.clip(move[:count] + terms @ centre, -LEVEL_STEP, LEVEL_STEP)
    return np.concatenate((levels - shorter @ centre, shorter, move[-1:]))


def _join_steps(
    points: list[FloatArray], moves: list[FloatArray], weights: FloatArray
) -> FloatArray:
    """Return the move of Anderson acceleration, which minimises the combined earlier moves."""
    if len(points) == 1:
        return moves[-1]
    changes = np.diff(np.array(moves), axis=0).T
    shifts = np.diff(np.array(points), axis=0).T
    shares = np.linalg.lstsq(changes * weights[:, None], moves[-1] * weights, rcond=1e-10)[0]
    return moves[-1] - (shifts + changes) @ shares


def split_terms(design: Design, start: Point) -> tuple[IntArray, Dropped | None]:
    """Split the terms into estimable and aliased ones at the start, where alpha is 0."""
    return find_estimable(
        eliminate(start.sums).information,
        design.names,
        rounding=ROUNDING_SHARE * np.diag(start.sums.information),
        rule=REPEATING_TERMS,
    )


def split_separated(
    design: Design, clusters: Clusters, kept: IntArray
) -> tuple[IntArray, Dropped | None]:
    """Split off the terms that are nonzero only in rows with events, or only in rows without.

    Their likelihood has no maximum, yet the equations may have a distant root.
    """
    counts, events = np.zeros((2, design.term_count))
    for start in range(0, clusters.order.size, BLOCK_ROWS):
        places = slice(start, start + BLOCK_ROWS)
        present = design.matrix[clusters.order[places]] != 0
        counts += present.sum(axis=0)
        events += clusters.outcome[places] @ present
    is_gone = ((events == 0) | (events == counts))[kept]
    gone = tuple(design.names[term] for term in kept[is_gone])
    return kept[~is_gone], Dropped(SEPARATED_TERMS, len(gone), gone) if gone else None


def _check_separation(information: FloatArray, first: FloatArray, names: tuple[str, ...]) -> None:
    gone = np.flatnonzero(information < SEPARATION_SHARE * first)
    if gone.size:
        raise SeparationError(
            f"separation: no finite estimate exists for {_list(names, gone)}",
            tuple(names[term] for term in gone),
        )


def _list(names: tuple[str, ...], which: IntArray) -> str:
    return ", ".join(names[term] for term in which)
