"""Poisson tests and limits of facilities' ratios: by hand, against R, and their coverage."""

import json
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_ndtr
from scipy.stats import norm

from esrd_pipeline.statistics.fit import FitError, NotConvergedError
from esrd_pipeline.statistics.poisson_test import (
    find_exact_limits,
    find_exact_p,
    find_mid_z,
    find_null_limits,
)

R = json.loads((Path(__file__).with_name("r") / "poisson_test.json").read_text(encoding="utf-8"))
OBSERVED, EXPECTED = np.array(R["observed"], dtype=float), np.array(R["expected"])
STANDARD = {"mean": np.zeros(OBSERVED.size), "deviation": np.ones(OBSERVED.size)}


def test_r_gives_the_same_limits_tails_and_scores() -> None:
    lower, upper = find_exact_limits(OBSERVED, EXPECTED)
    assert lower == pytest.approx(np.array(R["lower"]), rel=1e-12, abs=1e-15)
    assert upper == pytest.approx(np.array(R["upper"]), rel=1e-12)
    assert find_exact_p(OBSERVED, EXPECTED) == pytest.approx(np.array(R["p_value"]), rel=1e-12)
    assert find_mid_z(OBSERVED, EXPECTED) == pytest.approx(np.array(R["mid_z"]), rel=1e-9)


def test_no_event_by_hand() -> None:
    # P(X = 0) = exp(-4.5); the upper limit solves exp(-D) = 0.025.
    none, expected = np.zeros(1), np.array([4.5])
    assert find_exact_p(none, expected) == pytest.approx([2 * np.exp(-4.5)])
    assert find_exact_limits(none, expected)[1] == pytest.approx([-np.log(0.025) / 4.5])
    assert find_mid_z(none, expected) == pytest.approx([norm.ppf(np.exp(-4.5) / 2)])
    lower, upper = find_null_limits(none, expected, mean=np.zeros(1), deviation=np.ones(1))
    # The mid-p limit solves exp(-D) / 2 = 0.025.
    assert (lower[0], upper[0]) == (0.0, pytest.approx(-np.log(0.05) / 4.5))


def test_limits_leave_out_one_where_the_p_value_is_below_one_in_twenty() -> None:
    observed = np.repeat(np.arange(60.0), 40)
    expected = np.tile(np.linspace(0.5, 60, 40), 60)
    lower, upper = find_exact_limits(observed, expected)
    assert np.array_equal((lower > 1) | (upper < 1), find_exact_p(observed, expected) < 0.05)


def test_null_limits_are_where_the_score_meets_the_null() -> None:
    mean, deviation = np.full(OBSERVED.size, 0.3), np.full(OBSERVED.size, 1.4)
    lower, upper = find_null_limits(OBSERVED, EXPECTED, mean=mean, deviation=deviation)
    some = OBSERVED > 0
    at_lower = find_mid_z(OBSERVED[some], (lower * EXPECTED)[some])
    assert (at_lower - 0.3) / 1.4 == pytest.approx(norm.isf(0.025), abs=1e-8)
    assert (find_mid_z(OBSERVED, upper * EXPECTED) - 0.3) / 1.4 == pytest.approx(
        norm.ppf(0.025), abs=1e-8
    )


def test_null_limits_leave_out_one_where_the_adjusted_score_is_beyond() -> None:
    observed = np.repeat(np.arange(60.0), 20)
    expected = np.tile(np.linspace(1, 60, 20), 60)
    mean, deviation = np.full(observed.size, -0.2), np.full(observed.size, 1.3)
    lower, upper = find_null_limits(observed, expected, mean=mean, deviation=deviation)
    z = (find_mid_z(observed, expected) - mean) / deviation
    assert np.array_equal(lower > 1, z > norm.isf(0.025))
    assert np.array_equal(upper < 1, z < norm.ppf(0.025))


def test_a_wider_null_gives_wider_limits() -> None:
    narrow = find_null_limits(OBSERVED, EXPECTED, **STANDARD)
    wide = find_null_limits(
        OBSERVED, EXPECTED, mean=STANDARD["mean"], deviation=2 * STANDARD["deviation"]
    )
    assert np.all(wide[0] <= narrow[0])
    assert np.all(wide[1] > narrow[1])


def log_mid_tail(observed: int, expected: int) -> float:
    """The logarithm of the smaller mid-p tail, added up in 50 digits."""
    with localcontext(prec=50):
        rate = Decimal(expected)
        term, total, count = Decimal(1), Decimal("0.5"), observed
        while count >= 0 and term > total * Decimal("1e-30"):
            count += 1 if observed > expected else -1
            term *= rate / count if observed > expected else (count + 1) / rate
            total += term
        factorial = sum(Decimal(number).ln() for number in range(1, observed + 1))
        return float(observed * rate.ln() - rate - factorial + total.ln())


@pytest.mark.parametrize(
    ("observed", "expected"),
    [(4, 3), (0, 7), (200, 150), (2000, 1000), (900, 10), (600, 60), (100, 1200), (2, 3000)],
)
def test_scores_keep_their_digits_however_far_out(observed: int, expected: int) -> None:
    z = find_mid_z(np.array([float(observed)]), np.array([float(expected)]))
    assert log_ndtr(-np.abs(z)) == pytest.approx([log_mid_tail(observed, expected)], rel=1e-12)


def test_mid_p_is_twice_the_smaller_mid_tail() -> None:
    z = find_mid_z(np.array([4.0]), np.array([3.0]))
    # P(X > 4) + P(X = 4) / 2 with E = 3: 1 - e^-3 (1 + 3 + 4.5 + 4.5 + 3.375 / 2).
    assert 2 * norm.sf(z) == pytest.approx([2 * (1 - np.exp(-3) * (13 + 3.375 / 2))])


def test_a_limit_beyond_all_doubles_is_an_error() -> None:
    one = np.ones(1)
    with pytest.raises(NotConvergedError, match="outside every bracket"):
        find_null_limits(one, one, mean=np.zeros(1), deviation=np.array([300.0]))


def test_a_level_is_between_0_and_1() -> None:
    with pytest.raises(FitError, match=r"level: 1\.5 is not between 0 and 1"):
        find_exact_limits(np.ones(1), np.ones(1), level=1.5)


@pytest.mark.parametrize(("observed", "expected"), [(900.0, 10.0), (0.0, 3000.0), (1.0, 1e-12)])
def test_scores_are_finite_however_far_out(observed: float, expected: float) -> None:
    z = find_mid_z(np.array([observed]), np.array([expected]))[0]
    assert np.isfinite(z)
    assert (z > 5) == (observed > expected)


def test_mid_p_limits_cover_and_exact_ones_never_cover_less_than_said() -> None:
    generator = np.random.default_rng(4)
    expected = np.full(20_000, 12.0)
    observed = generator.poisson(1.3 * expected).astype(float)
    lower, upper = find_null_limits(
        observed, expected, mean=np.zeros(20_000), deviation=np.ones(20_000)
    )
    assert np.mean((lower <= 1.3) & (upper >= 1.3)) == pytest.approx(0.95, abs=0.01)
    lower, upper = find_exact_limits(observed, expected)
    assert np.mean((lower <= 1.3) & (upper >= 1.3)) >= 0.95


@pytest.mark.parametrize(
    ("observed", "expected", "message"),
    [
        ([1.5], [1.0], "observed: 1 values are not whole numbers"),
        ([1.0], [0.0], "expected: 1 values are not above zero"),
        ([-1.0], [1.0], "observed: 1 values are negative"),
    ],
)
def test_bad_inputs_are_refused(observed: list[float], expected: list[float], message: str) -> None:
    with pytest.raises(FitError, match=message):
        find_exact_p(np.array(observed), np.array(expected))
