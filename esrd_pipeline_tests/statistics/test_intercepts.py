"""Group intercepts that reproduce given totals, checked against formulas and their sums."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.logistic import solve_intercepts


def test_intercepts_are_the_log_odds_less_a_common_offset() -> None:
    group = np.repeat([0, 1, 2], [10, 4, 5])
    offset = np.repeat([0.5, -2.0, 0.0], [10, 4, 5])
    intercepts, errors = solve_intercepts(offset=offset, group=group, totals=np.array([3, 2, 0.25]))
    np.testing.assert_allclose(intercepts, logit([0.3, 0.5, 0.05]) - [0.5, -2.0, 0.0], atol=1e-14)
    np.testing.assert_allclose(errors**-2, [10 * 0.21, 4 * 0.25, 5 * 0.05 * 0.95])


def test_intercepts_reproduce_their_totals_in_any_order() -> None:
    rng = np.random.default_rng(17)
    group, offset = rng.integers(0, 40, 2000), rng.normal(0, 3, 2000)
    totals = np.bincount(group, weights=rng.random(2000), minlength=40)
    intercepts, _ = solve_intercepts(offset=offset, group=group, totals=totals)
    reached = np.bincount(group, weights=expit(intercepts[group] + offset))
    np.testing.assert_allclose(reached, totals, rtol=1e-12)
    turn = rng.permutation(2000)
    again, _ = solve_intercepts(offset=offset[turn], group=group[turn], totals=totals)
    np.testing.assert_allclose(again, intercepts, rtol=1e-9)


@pytest.mark.parametrize("total", [1e-9, 1.0, 1.999999, 2.5, 3.0])
def test_intercepts_are_found_among_distant_offsets(total: float) -> None:
    offset = np.array([-400.0, -30.0, 30.0, 400.0])
    found, _ = solve_intercepts(
        offset=offset, group=np.zeros(4, dtype=int), totals=np.array([total])
    )
    assert expit(found + offset).sum() == pytest.approx(total, rel=1e-9)


def test_no_event_and_nothing_but_events_have_infinite_intercepts() -> None:
    group = np.array([0, 0, 2, 2, 2, 3])
    intercepts, errors = solve_intercepts(
        offset=np.zeros(6), group=group, totals=np.array([0, 0, 3, 0])
    )
    np.testing.assert_array_equal(intercepts, [-np.inf, np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(errors, [np.inf, np.nan, np.inf, np.inf])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"totals": np.array([3.0, 1.0])}, "totals: 1 are above the number of rows"),
        ({"totals": np.array([-1.0, 1.0])}, "totals: 1 values are negative"),
        ({"totals": np.array([1.0])}, "group: codes reach 1, but there are 1"),
        ({"offset": np.full(4, np.nan)}, "offset: 4 values are not finite"),
        ({"group": np.zeros(3, dtype=int)}, r"group has shape \(3,\)"),
    ],
)
def test_bad_groups_are_refused_by_name(change: dict[str, NDArray], message: str) -> None:
    given = {
        "offset": np.zeros(4),
        "group": np.array([0, 0, 1, 1]),
        "totals": np.array([1.0, 1.0]),
    }
    with pytest.raises(FitError, match=message):
        solve_intercepts(**(given | change))
