"""Places for the displaced: a transportation problem, solved as a linear programme.

The constraint matrix of a transportation problem is totally unimodular, so a vertex of its optimum
is made of whole numbers; the dual simplex method of HiGHS ends in a vertex.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import FitError

IntArray = NDArray[np.int64]
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Assignment:
    """How many of each origin's go where.

    Attributes:
        moved: by pair, shape (P,).
        unplaced: by origin, shape (O,).
    """

    moved: IntArray
    unplaced: IntArray


def assign(
    *, demand: IntArray, room: IntArray, origin: IntArray, target: IntArray, cost: FloatArray
) -> Assignment:
    """Place as many as there is room for, at the least cost of all ways to place that many.

    Args:
        demand: those to be placed, of each of O origins.
        room: places of each of T targets.
        origin: position of the origin of each of P allowed pairs.
        target: position of the target of each pair.
        cost: of one placed by each pair, not negative.

    Raises:
        FitError: a cost is negative or not finite, or the programme has no solution.
    """
    pairs, origins = len(cost), len(demand)
    if not (np.isfinite(cost).all() and (cost >= 0).all()):
        raise FitError("costs of places are finite and not negative")
    if not pairs:
        return Assignment(np.zeros(0, dtype=np.int64), demand.astype(np.int64))
    # Placing one more can move others on along a chain of pairs, each target once: it never costs
    # more than this, so nobody stays unplaced to save a way.
    most = float(cost.max()) + 1.0
    penalty = most * (min(origins, len(room)) + 1)
    everyone = np.arange(origins)
    ones = np.ones(pairs)
    placed = coo_array(
        (
            np.concatenate([ones, np.ones(origins)]),
            (np.concatenate([origin, everyone]), np.arange(pairs + origins)),
        ),
        shape=(origins, pairs + origins),
    )
    taken = coo_array((ones, (target, np.arange(pairs))), shape=(len(room), pairs + origins))
    found = linprog(
        np.concatenate([cost, np.full(origins, penalty)]),
        A_eq=placed.tocsc(),
        b_eq=demand.astype(float),
        A_ub=taken.tocsc(),
        b_ub=room.astype(float),
        method="highs-ds",
    )
    if found.x is None or found.status != 0:
        raise FitError(f"no places were found: {found.message}")
    whole = np.rint(found.x)
    if np.abs(found.x - whole).max() > _TOLERANCE:
        raise FitError("the places found are no whole numbers")
    numbers = whole.astype(np.int64)
    return Assignment(numbers[:pairs], numbers[pairs:])
