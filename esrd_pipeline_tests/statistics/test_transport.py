"""Places for the displaced: few cases by hand, and every way of small ones tried."""

import itertools

import numpy as np
import pytest

from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.transport import assign


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_the_near_place_is_given_up_so_that_another_finds_one() -> None:
    # The first could go to either; the second only to the one that is nearest to both.
    found = assign(
        demand=ints(5, 5),
        room=ints(5, 5),
        origin=ints(0, 0, 1),
        target=ints(0, 1, 0),
        cost=np.array([1.0, 90.0, 2.0]),
    )
    assert found.moved.tolist() == [0, 5, 5]
    assert found.unplaced.tolist() == [0, 0]


def test_who_has_no_place_is_counted() -> None:
    found = assign(
        demand=ints(7, 3),
        room=ints(4),
        origin=ints(0),
        target=ints(0),
        cost=np.array([10.0]),
    )
    assert (found.moved.tolist(), found.unplaced.tolist()) == ([4], [3, 3])
    none = assign(demand=ints(2), room=ints(), origin=ints(), target=ints(), cost=np.zeros(0))
    assert none.unplaced.tolist() == [2]


@pytest.mark.parametrize("seed", range(12))
def test_no_way_of_a_small_case_is_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    demand, room = rng.integers(0, 4, 2), rng.integers(0, 4, 3)
    pairs = [pair for pair in itertools.product(range(2), range(3)) if rng.random() < 0.8]
    origin, target = ints(*(o for o, _ in pairs)), ints(*(t for _, t in pairs))
    cost = rng.integers(0, 50, len(pairs)).astype(float)
    found = assign(demand=demand, room=room, origin=origin, target=target, cost=cost)
    placed = np.bincount(origin, found.moved, minlength=2)
    assert np.array_equal(placed + found.unplaced, demand)
    assert (np.bincount(target, found.moved, minlength=3) <= room).all()
    best = min(
        (int(demand.sum() - sum(way)), float(np.dot(cost, way)))
        for way in itertools.product(*(range(4) for _ in pairs))
        if (np.bincount(origin, way, minlength=2) <= demand).all()
        and (np.bincount(target, way, minlength=3) <= room).all()
    )
    assert (int(found.unplaced.sum()), float(cost @ found.moved)) == best


def test_a_cost_below_zero_is_refused() -> None:
    with pytest.raises(FitError, match="not negative"):
        assign(demand=ints(1), room=ints(1), origin=ints(0), target=ints(0), cost=np.array([-1.0]))
