"""Crossed random intercepts of facility and hospital: stage 2 of SRR and ED30 (2.10.12, 2.26.13).

logit P(y = 1) = intercept + u_facility + v_hospital + offset, with u and v independent, normal,
each with its own variance. The Laplace approximation to the marginal likelihood is maximised over
the intercept and both variances together, which is what lme4's glmer does with nAGQ = 1 (Bates et
al. 2015; Diggle et al. 2002). The offset is x'b of stage 1.
"""

import contextlib
import os
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from esrd_pipeline.statistics.crossed_cells import (
    Codes,
    CrossedCells,
    check_rows,
    count_levels,
    group_rows,
    sum_rows,
)
from esrd_pipeline.statistics.crossed_laplace import (
    Laplace,
    Slope,
    approximate,
    differentiate,
    move,
)
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import (
    CollinearError,
    Dropped,
    NotConvergedError,
    Regression,
    SeparationError,
)
from esrd_pipeline.statistics.newton import Evaluation, maximise

GRADIENT_TOLERANCE = 1e-8
"""Convergence tolerance: largest distance of a parameter from its estimate, in standard errors."""
STEP_LIMIT = 60
HALVING_LIMIT = 30
SIGMA_LIMIT = 30.0
"""On the logit scale: a larger standard deviation means that outcomes hardly vary within levels, so
it has no finite estimate."""
START_VARIANCE = 0.1
START_TOLERANCE = 1e-3
DIFFERENCE_SHARE = 1e-6
"""Step of the gradient differences that give the information, in standard errors."""
COINCIDENCE = 1e-6
"""Smallest eigenvalue of the information, scaled by its approximate diagonal, at which the two
variances count as identified."""
MANY_LEVELS = 1000
"""From as many levels on, factorising the matrix takes longer than threads wait for each other."""
NAMES = ("intercept", "sigma_facility", "sigma_hospital")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossedFit:
    """Crossed random intercepts of F facilities and H hospitals.

    Attributes:
        regression: intercept, sigma_facility and sigma_hospital, both of the latter standard
            deviations on the logit scale; its log-likelihood is Laplace's. Its covariance is
            the inverse of the information, computed from differences of the exact gradient
            (accurate to about 1e-6) and transformed from variances to standard deviations; NaN
            for a sigma held at zero, which `dropped` lists.
        facility_modes: conditional modes u, shape (F,); 0 for a facility without rows.
        facility_variances: conditional variances of u at the estimates, shape (F,).
        hospital_modes: conditional modes v, shape (H,).
        hospital_variances: conditional variances of v, shape (H,).
    """

    regression: Regression
    facility_modes: FloatArray
    facility_variances: FloatArray
    hospital_modes: FloatArray
    hospital_variances: FloatArray

    @property
    def intercept(self) -> float:
        """Log-odds where offset and both effects are 0."""
        return float(self.regression.coefficients[0])

    @property
    def sigma_facility(self) -> float:
        """Standard deviation of the facility effects."""
        return float(self.regression.coefficients[1])

    @property
    def sigma_hospital(self) -> float:
        """Standard deviation of the hospital effects, which stage 3 keeps fixed."""
        return float(self.regression.coefficients[2])


@contextlib.contextmanager
def sharing_cores(levels: int) -> Generator[None]:
    """Let all cores factorise a matrix of many levels; the package's own default is one."""
    if levels < MANY_LEVELS:
        yield
        return
    with threadpool_limits(os.cpu_count(), user_api="blas"):
        yield


def fit_crossed(
    *,
    offset: FloatArray,
    outcome: NDArray[np.number],
    facility: Codes,
    hospital: Codes,
    facility_count: int | None = None,
    hospital_count: int | None = None,
) -> CrossedFit:
    """Estimate the intercept and both standard deviations; arrays have shape (rows,).

    Rows need no order. A variance is reported as zero if the likelihood is largest there.

    Args:
        offset: x'b from stage 1, on the logit scale.
        outcome: 0 or 1.
        facility: codes 0..F-1.
        hospital: codes 0..H-1.
        facility_count: F; by default one more than the largest code.
        hospital_count: H; by default one more than the largest code.

    Raises:
        SeparationError: all outcomes are the same, or hardly vary within the levels of a factor.
        CollinearError: the two factors coincide, so their variances are not identified.
        NotConvergedError: the search reached its iteration limit.
        FitError: arrays differ in length or contain invalid values.
    """
    check_rows(offset=offset, outcome=outcome, facility=facility, hospital=hospital)
    facilities = count_levels("facility", facility, facility_count)
    hospitals = count_levels("hospital", hospital, hospital_count)
    is_swapped = facilities < hospitals
    cells = group_rows(
        larger=hospital if is_swapped else facility,
        smaller=facility if is_swapped else hospital,
        larger_count=max(facilities, hospitals),
        smaller_count=min(facilities, hospitals),
        offset=offset,
        outcome=outcome,
    )
    with sharing_cores(cells.smaller_count):
        summit = _search(cells)
    best = summit.laplace
    covariance = _invert_information(cells, summit)
    order = [0, 2, 1] if is_swapped else [0, 1, 2]
    sides = (1, 0) if is_swapped else (0, 1)
    values = np.array([best.point[0], *np.sqrt(best.point[1:])])[order]
    regression = Regression(
        names=NAMES,
        coefficients=values,
        model_covariance=covariance[np.ix_(order, order)],
        robust_covariance=None,
        iterations=summit.iterations,
        gradient_norm=summit.gradient_norm,
        decrement=summit.decrement,
        log_likelihood=best.value,
        row_count=cells.offset.size,
        event_count=float(cells.events.sum()),
        dropped=tuple(
            Dropped("standard deviations held at zero, where the likelihood is largest", 1, (name,))
            for name, value in zip(NAMES[1:], values[1:], strict=True)
            if value == 0
        ),
    )
    return CrossedFit(
        regression=regression,
        facility_modes=best.modes.effects[sides[0]],
        facility_variances=summit.slope.variances[sides[0]],
        hospital_modes=best.modes.effects[sides[1]],
        hospital_variances=summit.slope.variances[sides[1]],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Summit:
    """The point where the search ended."""

    laplace: Laplace
    slope: Slope
    iterations: int
    gradient_norm: float
    decrement: float


def _search(cells: CrossedCells) -> _Summit:
    """Maximise by quasi-Newton steps from the common intercept, keeping variances >= 0.

    Raises:
        SeparationError: a variance grows without bound.
        NotConvergedError: the search reached its iteration limit.
    """
    point = np.array([_start_intercept(cells), START_VARIANCE, START_VARIANCE])
    current = approximate(cells, point)
    slope = differentiate(cells, current)
    information = np.diag(slope.scale)
    norm = np.inf
    for iteration in range(STEP_LIMIT):
        free = np.flatnonzero((current.point > 0) | (slope.gradient > 0) | (np.arange(3) == 0))
        gradient = slope.gradient[free]
        step = np.zeros(3)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], gradient)
        decrement = float(gradient @ step[free])
        norm = float(np.max(np.abs(gradient) / np.sqrt(np.diag(information)[free])))
        if norm <= GRADIENT_TOLERANCE and decrement <= GRADIENT_TOLERANCE:
            return _Summit(
                laplace=current,
                slope=slope,
                iterations=iteration,
                gradient_norm=norm,
                decrement=decrement,
            )
        reached = _advance(cells, current, slope, step)
        if reached.point[1:].max() > SIGMA_LIMIT**2:
            raise SeparationError(
                "outcome: it hardly varies within facilities or within hospitals, so a standard"
                " deviation has no estimate"
            )
        ahead = differentiate(cells, reached)
        information = _correct(
            np.diag(ahead.scale), reached.point - current.point, slope.gradient - ahead.gradient
        )
        current, slope = reached, ahead
    raise NotConvergedError(
        f"no maximum after {STEP_LIMIT} steps: the gradient is still {norm:.3g} standard errors"
    )


def _advance(cells: CrossedCells, current: Laplace, slope: Slope, step: FloatArray) -> Laplace:
    """Take the step, or halve it until the value does not fall."""
    # Rounding can lower the value by about this much even for an exact step.
    slack = 1e-12 * (1.0 + abs(current.value))
    for halving in range(HALVING_LIMIT):
        point = current.point + step / 2**halving
        point[1:] = np.maximum(point[1:], 0.0)
        reached = move(cells, current, slope, point)
        if reached.value >= current.value - slack:
            return reached
    raise NotConvergedError("no part of a step raises the approximate log-likelihood")


def _correct(information: FloatArray, step: FloatArray, fall: FloatArray) -> FloatArray:
    """Return the BFGS update of the information; unchanged if the curvature is not positive."""
    found = float(step @ fall)
    if found <= 0:
        return information
    predicted = information @ step
    correction = np.outer(predicted, predicted) / float(step @ predicted)
    return information + np.outer(fall, fall) / found - correction


def _start_intercept(cells: CrossedCells) -> float:
    """Return the intercept of the model without effects.

    Raises:
        SeparationError: all outcomes are the same.
    """
    events = cells.events.sum()
    if events in (0, cells.offset.size):
        raise SeparationError("outcome: all values are the same, so the intercept has no estimate")

    def evaluate(point: FloatArray) -> Evaluation:
        sums = sum_rows(cells, np.repeat(point, cells.starts.size))
        score, information = sums.residuals.sum(), sums.weights.sum()
        return Evaluation(sums.log_likelihood, np.array([score]), np.array([[information]]))

    start = np.log(events / (cells.offset.size - events)) - cells.offset.mean()
    flat = maximise(evaluate, np.array([start]), names=NAMES[:1], tolerance=START_TOLERANCE)
    return float(flat.coefficients[0])


def _invert_information(cells: CrossedCells, summit: _Summit) -> FloatArray:
    """Return the covariance of the intercept and both standard deviations, (3, 3).

    Raises:
        CollinearError: the two variances are not identified.
    """
    at, slope = summit.laplace, summit.slope
    free = np.flatnonzero((at.point > 0) | (np.arange(3) == 0))
    information = np.zeros((free.size, free.size))
    for place, parameter in enumerate(free):
        point = at.point.copy()
        shift = DIFFERENCE_SHARE / np.sqrt(slope.scale[parameter])
        point[parameter] += shift
        ahead = differentiate(cells, move(cells, at, slope, point))
        information[place] = (slope.gradient - ahead.gradient)[free] / shift
    information = (information + information.T) / 2
    roots = np.sqrt(slope.scale[free])
    if not np.linalg.eigvalsh(information / np.outer(roots, roots))[0] > COINCIDENCE:
        raise CollinearError("facility and hospital coincide: their variances are not identified")
    covariance = np.full((3, 3), np.nan)
    deviations = np.array([1.0, *(2 * np.sqrt(at.point[1:]))])[free]
    covariance[np.ix_(free, free)] = np.linalg.inv(information) / np.outer(deviations, deviations)
    return covariance
