"""Limits of groups, with numbers a reader can check."""

import numpy as np

from esrd_pipeline.statistics.summed import (
    find_poisson_limits,
    find_proportion_limits,
    find_ratio_limits,
    list_proportion_squares,
    list_ratio_squares,
)


def test_one_facility_has_its_own_limits() -> None:
    # 9 events of 6 expected, error 1/3 as of a Poisson count.
    squares = list_ratio_squares(observed=np.array([9.0]), standard_error=np.array([1 / 3]))
    np.testing.assert_allclose(squares, [9.0])
    lower, upper = find_ratio_limits(
        observed=np.array([9.0]), expected=np.array([6.0]), squares=squares
    )
    np.testing.assert_allclose(lower, 1.5 * np.exp(-1.96 / 3))
    np.testing.assert_allclose(upper, 1.5 * np.exp(1.96 / 3))


def test_four_equal_facilities_halve_the_error() -> None:
    squares = list_ratio_squares(observed=np.full(4, 9.0), standard_error=np.full(4, 1 / 3)).sum()
    lower, upper = find_ratio_limits(
        observed=np.array([36.0]), expected=np.array([24.0]), squares=np.array([squares])
    )
    np.testing.assert_allclose(upper / 1.5, np.exp(1.96 / 6))
    np.testing.assert_allclose(lower / 1.5, np.exp(-1.96 / 6))


def test_groups_without_events_end_at_nothing() -> None:
    squares = list_ratio_squares(observed=np.zeros(1), standard_error=np.array([np.sqrt(2)]))
    np.testing.assert_allclose(squares, [0.5])
    lower, upper = find_ratio_limits(
        observed=np.zeros(1), expected=np.array([1.5]), squares=squares
    )
    assert lower == 0
    np.testing.assert_allclose(upper, 0.25 * np.exp(1.96 * np.sqrt(2)))


def test_nothing_expected_has_no_limits() -> None:
    lower, upper = find_ratio_limits(
        observed=np.zeros(1), expected=np.zeros(1), squares=np.zeros(1)
    )
    assert np.isnan(lower)
    assert np.isnan(upper)


def test_a_proportion_of_independent_patients_is_the_binomial() -> None:
    # 40 of 100 with the logit's error 1 / sqrt(n p q): the variance of the count is n p q = 24.
    squares = list_proportion_squares(
        numerator=np.array([40.0, 0.0, 5.0]),
        denominator=np.array([100.0, 10.0, 5.0]),
        logit_error=np.array([1 / np.sqrt(24), np.nan, np.nan]),
    )
    np.testing.assert_allclose(squares, [24.0, 0.0, 0.0])
    lower, upper = find_proportion_limits(
        numerator=np.array([40.0]), denominator=np.array([100.0]), squares=squares[:1]
    )
    odds = 40 / 60 * np.exp(np.array([-1.96, 1.96]) / np.sqrt(24))
    np.testing.assert_allclose([lower[0], upper[0]], odds / (1 + odds))


def test_exact_limits_are_garwoods() -> None:
    # Garwood's table: 10 events have the limits 4.795 and 18.390.
    lower, upper = find_poisson_limits(
        observed=np.array([10.0, 0.0]), expected=np.array([10.0, 0.0]), is_mid=False
    )
    np.testing.assert_allclose([lower[0], upper[0]], [0.4795, 1.8390], atol=1e-4)
    assert np.isnan([lower[1], upper[1]]).all()


def test_mid_p_limits_lie_within_exact_ones() -> None:
    events, expected = np.array([10.0]), np.array([10.0])
    exact = find_poisson_limits(observed=events, expected=expected, is_mid=False)
    mid = find_poisson_limits(observed=events, expected=expected, is_mid=True)
    assert exact[0] < mid[0] < mid[1] < exact[1]
