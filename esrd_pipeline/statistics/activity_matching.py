"""Facilities never enrolled that stood where enrolled ones did when these were selected."""

import numpy as np

from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.two_way import BoolArray

MATCHES = 3
_HALF = 0.5
"""Added to observed and expected events, so that a facility without events has a level."""


def describe_baseline(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """Return what facilities are matched on, from their months of selection, shape (F, 3).

    Log of observed over expected events; its change from the first to the second half of the
    months; log of expected events, because chance, and so regression to the mean, is larger in a
    small facility. `observed` and `expected` are (F, T), with at least two months.

    Raises:
        FitError: fewer than two months.
    """
    middle = observed.shape[1] // 2
    if middle < 1:
        raise FitError("fewer than two months of selection to match on")
    level = _find_level(observed, expected)
    change = _find_level(observed[:, middle:], expected[:, middle:]) - _find_level(
        observed[:, :middle], expected[:, :middle]
    )
    size = np.log(expected.sum(axis=1) + _HALF)
    return np.column_stack([level, change, size])


def match_nearest(
    baseline: FloatArray, enrolled: BoolArray, pool: BoolArray, *, count: int = MATCHES
) -> IntArray:
    """Return the rows of each enrolled facility's nearest ones of the pool, (enrolled, count).

    A facility of the pool may be the match of several: the result does not depend on who chooses
    first. Distances are Euclidean in standard deviations of the pool; ties go to the earlier row.
    Fewer than `count` columns where the pool is smaller.

    Raises:
        FitError: the pool is empty.
    """
    candidates = np.flatnonzero(pool)
    if not candidates.size:
        raise FitError("no facility was never enrolled")
    spread = baseline[candidates].std(axis=0)
    scaled = baseline / np.where(spread > 0, spread, 1.0)
    distance = ((scaled[enrolled][:, None, :] - scaled[candidates][None, :, :]) ** 2).sum(axis=2)
    return candidates[np.argsort(distance, axis=1, kind="stable")[:, :count]]


def weigh(matches: IntArray, enrolled: BoolArray) -> FloatArray:
    """Return each facility's weight, (F,): 1 if enrolled, its share of matches else, 0 if none.

    Each enrolled facility's matches weigh 1 together.
    """
    weight = enrolled.astype(np.float64)
    np.add.at(weight, matches.ravel(), 1 / matches.shape[1])
    return weight


def _find_level(observed: FloatArray, expected: FloatArray) -> FloatArray:
    return np.log((observed.sum(axis=1) + _HALF) / (expected.sum(axis=1) + _HALF))
