"""Truncated z and probit scores: brute force, ties and values outside the baseline."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from esrd_pipeline.statistics.scales import FloatArray, PassScale, fit_probit, fit_truncated_z

BOUND = 2.58
VALUES = st.lists(st.integers(0, 400), min_size=2, max_size=60)


def truncated_z(values: FloatArray) -> tuple[FloatArray, int]:
    """The rule as a person would follow it: standardise, clip, look, again."""
    scores = list(values)
    for count in range(1, 1001):
        mean = sum(scores) / len(scores)
        deviation = (sum((score - mean) ** 2 for score in scores) / len(scores)) ** 0.5
        scores = [min(BOUND, max(-BOUND, (score - mean) / deviation)) for score in scores]
        mean = sum(scores) / len(scores)
        variance = sum((score - mean) ** 2 for score in scores) / len(scores)
        if abs(mean) <= 1e-6 and abs(variance - 1) <= 1e-6:
            return np.array(scores), count
    raise AssertionError("no limit")


def fit(values: FloatArray) -> PassScale:
    return fit_truncated_z(values, bound=BOUND, tolerance=1e-6, pass_limit=1000)


@pytest.mark.parametrize("seed", range(5))
def test_truncated_z_is_the_rule_followed_by_hand(seed: int) -> None:
    values = np.random.default_rng(seed).gamma(shape=0.7, scale=3.0, size=400)
    scale = fit(values)
    expected, count = truncated_z(values)
    scores = scale.place(values)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12)
    assert len(scale.means) == len(scale.deviations) == count > 1
    assert abs(scores.mean()) <= 1e-6
    assert abs(scores.var() - 1) <= 1e-6
    assert scores.max() == BOUND


def test_values_within_the_bound_need_one_pass() -> None:
    scale = fit(np.array([40.0, 50.0, 60.0, 70.0, 80.0]))
    assert scale.means.tolist() == [60.0]
    assert scale.deviations[0] == pytest.approx(200**0.5)
    assert scale.place(np.array([60.0, 74.142135623730951, 1000.0])) == pytest.approx(
        [0.0, 1.0, BOUND]
    )


def test_a_later_value_goes_through_every_pass() -> None:
    values = np.append(np.arange(100.0), 10_000.0)
    scale = fit(values)
    score = (50.0 - scale.means[0]) / scale.deviations[0]
    for mean, deviation in zip(scale.means[1:], scale.deviations[1:], strict=True):
        score = (score - mean) / deviation
    assert scale.place(np.array([50.0]))[0] == pytest.approx(score, abs=1e-12)
    assert len(scale.means) > 1


def test_two_values_of_which_one_is_rare_have_no_limit_and_still_end() -> None:
    values = np.array([1.0] * 99 + [0.0])
    scale = fit(values)
    assert len(scale.means) < 10
    assert scale.place(np.array([0.0]))[0] == -BOUND


def test_a_measure_that_does_not_vary_scores_nothing() -> None:
    scale = fit(np.full(7, 97.0))
    assert scale.place(np.array([96.0, 97.0, 98.0])).tolist() == [-BOUND, 0.0, BOUND]


def test_probit_scores_the_mid_rank() -> None:
    scale = fit_probit(np.array([3.0, 1.0, 2.0, 5.0, 4.0]), bound=BOUND)
    assert scale.values.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert scale.scores == pytest.approx(norm.ppf([0.1, 0.3, 0.5, 0.7, 0.9]))


def test_tied_ratios_share_their_mean_rank() -> None:
    scale = fit_probit(np.array([0.0, 0.0, 0.0, 1.0, 2.0, 2.0]), bound=BOUND)
    ranks = np.array([2.0, 4.0, 5.5])
    assert scale.scores == pytest.approx(norm.ppf((ranks - 0.5) / 6))


def test_probit_is_clipped() -> None:
    scale = fit_probit(np.arange(1000.0), bound=BOUND)
    assert (scale.scores[0], scale.scores[-1]) == (-BOUND, BOUND)


def test_a_later_ratio_is_interpolated() -> None:
    scale = fit_probit(np.array([1.0, 2.0, 4.0]), bound=BOUND)
    low, middle, high = scale.scores
    placed = scale.place(np.array([0.5, 1.0, 1.25, 3.0, 9.0, np.nan]))
    assert placed[:5] == pytest.approx(
        [low, low, 0.75 * low + 0.25 * middle, (middle + high) / 2, high]
    )
    assert np.isnan(placed[5])


@given(VALUES, st.lists(st.integers(-50, 500), min_size=2, max_size=30))
def test_scores_rise_with_values_and_stay_within_the_bound(
    baseline: list[int], later: list[int]
) -> None:
    values, ordered = np.array(baseline, dtype=float), np.sort(np.array(later, dtype=float))
    for scale in (fit(values), fit_probit(values, bound=BOUND)):
        scores = scale.place(ordered)
        assert (np.diff(scores) >= 0).all()
        assert (np.abs(scores) <= BOUND).all()


@given(VALUES)
def test_the_order_of_values_does_not_matter(baseline: list[int]) -> None:
    values = np.array(baseline, dtype=float)
    np.testing.assert_array_equal(
        fit_probit(values, bound=BOUND).scores, fit_probit(values[::-1], bound=BOUND).scores
    )


def test_nothing_gives_no_scale() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        fit(np.array([np.nan]))
    with pytest.raises(ValueError, match="at least one value"):
        fit_probit(np.array([]), bound=BOUND)
