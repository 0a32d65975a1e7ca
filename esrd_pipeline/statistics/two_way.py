"""Poisson regression of counts with an effect of each facility and of each month.

The mean of facility i's count in month t is `expected` times exp(facility_i + month_t + terms).
Only the mean need be right (Gourieroux, Monfort & Trognon 1984): counts may be over-dispersed and a
facility's months may depend on each other, as long as errors are clustered by facility. Effects of
facilities are never estimated one by one: given the others, a facility's is its observed divided by
its fitted count, so that Newton's steps are taken over months and terms alone, and the scores are
those of the counts given each facility's sum (Hausman, Hall & Griliches 1984).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.rows import check_amounts

BoolArray = NDArray[np.bool_]
_STEPS = 100
_PRECISION = 1e-10
_LONGEST_STEP = 2.0
"""A Newton step is shortened to this many units of the log mean."""


class NoEventsError(FitError):
    """There are no events to fit or to compare."""


@dataclass(frozen=True, slots=True)
class TwoWayFit:
    """The fit of F facilities over T months with P terms.

    Attributes:
        is_used: cells the fit rests on, (F, T): those asked for in months with an event.
        mean: mean of every cell, used or not, (F, T); not a number in months without an effect.
        terms: coefficients of the terms, (P,).
        scores: each facility's weighted score of months and terms, (F, T + P).
        curvature: inverse of the matrix of second derivatives, (T + P, T + P), zero for what is not
            estimated.
        share: each facility's mean of the months' indicators and of the terms over its used cells,
            weighted by the cells' means, (F, T + P).
    """

    is_used: BoolArray
    mean: FloatArray
    terms: FloatArray
    scores: FloatArray
    curvature: FloatArray
    share: FloatArray


def fit_two_way(
    observed: FloatArray,
    expected: FloatArray,
    *,
    is_used: BoolArray,
    weight: FloatArray,
    terms: FloatArray | None = None,
) -> TwoWayFit:
    """Fit facility and month effects, and the terms' coefficients.

    Args:
        observed: counts, (F, T).
        expected: what is expected of them, (F, T); above 0 where a cell is used.
        is_used: cells to fit, (F, T).
        weight: how often each facility counts, (F,).
        terms: (P, F, T), none by default.

    Raises:
        NoEventsError: no used cell has an event.
        FitError: shapes differ, a number is negative or not finite, or the steps do not end.
    """
    _check(observed, expected, is_used, weight)
    months = observed.shape[1]
    design = np.zeros((0, *observed.shape)) if terms is None else terms
    seen = np.where(is_used, observed * weight[:, None], 0.0)
    has_effect = seen.sum(axis=0) > 0
    if not has_effect.any():
        raise NoEventsError("no event in the cells to fit")
    is_used = is_used & has_effect
    seen = np.where(is_used, seen, 0.0)
    base = np.where(is_used, expected * weight[:, None], 0.0)
    free = np.append(has_effect, np.ones(len(design), dtype=bool))
    # The facilities' effects take up the level: the first month with an event is the reference.
    free[int(np.argmax(has_effect))] = False
    beta = np.zeros(months + len(design))
    total = seen.sum(axis=1)
    for _ in range(_STEPS):
        mean, share, scores = _look(beta, base, seen, total, design)
        gradient = scores.sum(axis=0)
        inverse = _invert(mean, share, design, free)
        step = inverse @ gradient
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), _PRECISION))
        beta += step
        if np.abs(step).max() < _PRECISION:
            break
    else:
        raise FitError("facility and month effects: the steps do not end")
    mean, share, scores = _look(beta, base, seen, total, design)
    return TwoWayFit(
        is_used=is_used,
        mean=_spread(beta, expected, np.where(is_used, expected, 0.0), total / weight, design)
        * np.where(has_effect, 1.0, np.nan),
        terms=beta[months:],
        scores=scores,
        curvature=_invert(mean, share, design, free),
        share=share,
    )


def _check(
    observed: FloatArray, expected: FloatArray, is_used: BoolArray, weight: FloatArray
) -> None:
    if observed.ndim != 2:  # noqa: PLR2004 - facilities, months
        raise FitError(f"observed: shape {observed.shape} is not facilities by months")
    for name, array in (("expected", expected), ("is_used", is_used)):
        if array.shape != observed.shape:
            raise FitError(f"{name}: shape {array.shape} is not observed's, {observed.shape}")
    for name, array in (("observed", observed), ("expected", expected)):
        check_amounts(name, array.ravel(), rows=observed.size)
    check_amounts("weight", weight, rows=len(observed), is_positive=True)
    if not (expected[is_used] > 0).all():
        raise FitError("expected: not above 0 in a cell to fit")


def _look(
    beta: FloatArray, base: FloatArray, seen: FloatArray, total: FloatArray, design: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return means, shares and scores at coefficients; means add up to each facility's sum."""
    months = base.shape[1]
    shape = base * np.exp(beta[:months] + np.tensordot(beta[months:], design, axes=1))
    level = shape.sum(axis=1, keepdims=True)
    portion = np.divide(shape, level, out=np.zeros_like(shape), where=level > 0)
    mean = total[:, None] * portion
    share = np.column_stack([portion, np.einsum("ft,pft->fp", portion, design)])
    rest = seen - mean
    return mean, share, np.column_stack([rest, np.einsum("ft,pft->fp", rest, design)])


def _invert(mean: FloatArray, share: FloatArray, design: FloatArray, free: BoolArray) -> FloatArray:
    """Return the inverse of minus the second derivatives over what is free, zero elsewhere."""
    months = mean.shape[1]
    matrix = np.zeros((free.size, free.size))
    matrix[:months, :months] = np.diag(mean.sum(axis=0))
    cross = np.einsum("ft,pft->tp", mean, design)
    matrix[:months, months:], matrix[months:, :months] = cross, cross.T
    matrix[months:, months:] = np.einsum("ft,pft,qft->pq", mean, design, design)
    matrix -= (share * mean.sum(axis=1)[:, None]).T @ share
    inverse = np.zeros_like(matrix)
    kept = np.ix_(free, free)
    # A month that no facility links to the others has no effect of its own: left where it starts.
    inverse[kept] = np.linalg.pinv(matrix[kept], hermitian=True)
    return inverse


def _spread(
    beta: FloatArray, expected: FloatArray, used: FloatArray, total: FloatArray, design: FloatArray
) -> FloatArray:
    """Return the mean of every cell, also of those not fitted; `used` holds the fitted ones'."""
    months = expected.shape[1]
    factor = np.exp(beta[:months] + np.tensordot(beta[months:], design, axes=1))
    level = (used * factor).sum(axis=1)
    rate = np.divide(total, level, out=np.zeros_like(total), where=level > 0)
    return rate[:, None] * expected * factor
