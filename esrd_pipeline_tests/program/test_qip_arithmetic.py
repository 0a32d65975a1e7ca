"""Exact arithmetic against the manual's formulas in fractions, and against numpy."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esrd_pipeline.program.qip_arithmetic import (
    COUNT_SCALE,
    adjust_small_facility,
    divide_half_up,
    percentile,
    percentile_unrounded,
    round_half_up,
    score_achievement,
    score_improvement,
    to_units,
)

RATES = st.integers(min_value=0, max_value=10_000)


@pytest.mark.parametrize(
    ("written", "precision", "units"),
    [
        (0.12345, 4, 1235),
        (0.12355, 4, 1236),
        (0.00005, 4, 1),
        (1.005, 2, 101),
        (2.675, 2, 268),
        (0.124449, 4, 1244),
        (29.34, 2, 2934),
        (0.0, 3, 0),
    ],
)
def test_halves_round_up_from_the_written_number(
    written: float, precision: int, units: int
) -> None:
    assert to_units(np.array([written]), precision=precision).tolist() == [units]


def test_a_missing_rate_becomes_zero() -> None:
    assert to_units(np.array([np.nan]), precision=4).tolist() == [0]


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=4))
def test_rounding_follows_the_written_digits(thousandths: int, precision: int) -> None:
    written = float(f"{thousandths / 10**5:.5f}")
    exact = Fraction(f"{thousandths / 10**5:.5f}") * 10**precision
    assert to_units(np.array([written]), precision=precision)[0] == round_half_up(exact)


@pytest.mark.manual("4.1.2.1")
@given(RATES, RATES, RATES)
def test_achievement_is_the_manuals_formula(rate: int, threshold: int, benchmark: int) -> None:
    threshold, benchmark = sorted((threshold, benchmark))
    score = int(score_achievement(np.array([rate]), threshold=threshold, benchmark=benchmark)[0])
    if rate >= benchmark:
        assert score == 10
    elif rate < threshold:
        assert score == 0
    else:
        formula = 9 * Fraction(rate - threshold, benchmark - threshold) + Fraction(1, 2)
        assert score == round_half_up(formula)
        assert 1 <= score <= 9


@pytest.mark.manual("4.1.2.2")
@given(RATES, RATES, RATES)
def test_improvement_is_the_manuals_formula(rate: int, earlier: int, benchmark: int) -> None:
    scores, exists = score_improvement(
        np.array([rate]), earlier=np.array([earlier]), benchmark=benchmark
    )
    if rate >= benchmark or earlier >= benchmark:
        assert not exists[0]
    elif rate <= earlier:
        assert exists[0]
        assert scores[0] == 0
    else:
        formula = 10 * Fraction(rate - earlier, benchmark - earlier) - Fraction(1, 2)
        assert exists[0]
        assert scores[0] == round_half_up(formula)
        assert 0 <= scores[0] <= 9


@pytest.mark.manual("4.1.1")
@given(RATES, RATES, st.fractions(min_value=11, max_value=25, max_denominator=1000))
def test_the_adjustment_is_the_manuals_formula(rate: int, benchmark: int, count: Fraction) -> None:
    millionths = round_half_up(count * COUNT_SCALE)
    share = Fraction(millionths, 26 * COUNT_SCALE)
    adjusted = adjust_small_facility(
        np.array([rate]), unit_count=np.array([millionths]), upper=25, benchmark=benchmark
    )
    assert adjusted[0] == round_half_up(share * rate + (1 - share) * benchmark)
    assert min(rate, benchmark) <= adjusted[0] <= max(rate, benchmark)


@pytest.mark.manual("4.1.1")
@given(
    st.decimals(min_value=0, max_value=500, places=7),
    st.decimals(min_value=0, max_value=500, places=5),
    st.integers(min_value=11, max_value=25),
    st.sampled_from([2, 3, 4]),
)
def test_only_the_adjusted_rate_is_rounded(
    rate: Decimal, benchmark: Decimal, count: int, precision: int
) -> None:
    share = Fraction(count, 26)
    adjusted = adjust_small_facility(
        np.array([float(rate)]),
        unit_count=np.array([count * COUNT_SCALE]),
        upper=25,
        benchmark=float(benchmark),
        precision=precision,
    )
    exact = share * Fraction(rate) + (1 - share) * Fraction(benchmark)
    assert adjusted[0] == round_half_up(exact * 10**precision)


@pytest.mark.parametrize(
    ("rate", "count", "benchmark", "units"),
    [
        (0.2502, 11, 0.04765, 1333),  # (11 x .2502 + 15 x .04765) / 26 = .1333442...
        (0.2502, 11, 0.0477, 1334),  # .1333730...: B rounded first
        (0.25024, 11, 0.04765, 1334),  # .1333611...: p has more decimals than are printed
        (0.0001, 13, 0.0002, 2),  # .00015, a half
        (np.nan, 13, 0.0002, 1),
    ],
)
def test_the_adjustment_by_hand(rate: float, count: int, benchmark: float, units: int) -> None:
    adjusted = adjust_small_facility(
        np.array([rate]),
        unit_count=np.array([count * COUNT_SCALE]),
        upper=25,
        benchmark=benchmark,
        precision=4,
    )
    assert adjusted.tolist() == [units]


@given(st.lists(RATES, min_size=1, max_size=60), st.sampled_from([10, 15, 25, 50, 75, 85, 90]))
def test_an_unrounded_percentile_is_numpys(rates: list[int], percent: int) -> None:
    ordered = np.sort(np.array(rates)) / 10_000
    theirs = np.quantile(ordered, percent / 100, method="averaged_inverted_cdf")
    assert percentile_unrounded(ordered, percent=percent) == pytest.approx(theirs, abs=1e-12)


def test_an_unrounded_percentile_keeps_the_half_of_a_unit() -> None:
    assert percentile_unrounded(np.array([0.0476, 0.0477]), percent=50) == 0.04765
    assert percentile_unrounded(np.array([0.1, 0.123456789, 0.3]), percent=50) == 0.123456789


@given(st.lists(RATES, min_size=1, max_size=60), st.sampled_from([10, 15, 25, 50, 75, 85, 90]))
def test_percentiles_are_numpys_averaged_inverted_cdf(rates: list[int], percent: int) -> None:
    ordered = np.sort(np.array(rates, dtype=np.int64))
    theirs = np.quantile(2 * ordered, percent / 100, method="averaged_inverted_cdf")
    assert percentile(ordered, percent=percent) == round_half_up(Fraction(round(theirs), 2))


def test_a_percentile_between_two_rates_is_their_mean_rounded_up() -> None:
    assert percentile(np.array([10, 11]), percent=50) == 11
    assert percentile(np.arange(1, 21), percent=15) == 4
    assert percentile(np.arange(1, 21), percent=90) == 19
    assert percentile(np.arange(1, 22), percent=15) == 4


def test_a_sixth_is_rounded_to_four_decimals_upwards() -> None:
    assert round_half_up(Fraction(1, 6) * 10_000) == 1667
    assert divide_half_up(np.array([5, 3, 0]), np.array([2, 2, 0])).tolist() == [3, 2, 0]
