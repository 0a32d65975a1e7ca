"""Exact tests of counts checked against closed forms, enumeration, another formula and R."""

import json
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import binom, norm

from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.poisson_binomial import (
    FacilityCounts,
    adjust_counts,
    compare_counts,
    find_count_distribution,
)

FOLDER = Path(__file__).with_name("r")
R = json.loads((FOLDER / "poisson_binomial.json").read_text(encoding="utf-8"))
ROWS = pd.read_csv(FOLDER / "poisson_binomial.csv")
OFFSET, FACILITY = ROWS["offset"].to_numpy(), ROWS["facility"].to_numpy()
OBSERVED = np.array(R["observed"])
INPUTS = {"offset": OFFSET, "facility": FACILITY}


@cache
def get_counts() -> FacilityCounts:
    return compare_counts(effect=R["effect"], observed=OBSERVED, **INPUTS)


def one_facility(probability: np.ndarray, observed: int) -> FacilityCounts:
    return compare_counts(
        effect=0.0,
        offset=logit(probability),
        facility=np.zeros(probability.size, dtype=int),
        observed=np.array([observed]),
    )


def test_equal_chances_are_binomial() -> None:
    assert find_count_distribution(np.full(40, 0.3)) == pytest.approx(
        binom.pmf(np.arange(41), 40, 0.3), rel=1e-12
    )
    counts = one_facility(np.full(40, 0.3), 20)
    upper = binom.sf(20, 40, 0.3) + binom.pmf(20, 40, 0.3) / 2
    assert counts.upper_tail == pytest.approx([upper], rel=1e-12)
    assert counts.p_value == pytest.approx([2 * upper], rel=1e-12)
    assert counts.z == pytest.approx([norm.isf(upper)], rel=1e-12)
    assert counts.expected == pytest.approx([12.0])


def test_two_trials_by_hand() -> None:
    # P(0) = 0.5 x 0.8, P(1) = 0.5 x 0.8 + 0.5 x 0.2, P(2) = 0.5 x 0.2.
    assert find_count_distribution(np.array([0.5, 0.2])) == pytest.approx([0.4, 0.5, 0.1])
    counts = one_facility(np.array([0.5, 0.2]), 1)
    assert (counts.lower_tail[0], counts.upper_tail[0]) == pytest.approx((0.65, 0.35))
    assert counts.p_value == pytest.approx([0.7])
    assert counts.ratio == pytest.approx([1 / 0.7])


def test_all_outcomes_of_ten_trials_are_enumerated() -> None:
    chances = np.random.default_rng(2).uniform(0.02, 0.9, 10)
    total = np.zeros(11)
    for outcome in product([0, 1], repeat=10):
        happened = np.array(outcome)
        total[happened.sum()] += np.prod(np.where(happened, chances, 1 - chances))
    assert find_count_distribution(chances) == pytest.approx(total, rel=1e-12)


def test_the_characteristic_function_gives_the_same_distribution() -> None:
    # Hong (2013), equation 2: a discrete Fourier transform of the product of the trials'.
    chances = np.random.default_rng(3).uniform(0.05, 0.5, 150)
    angle = 2j * np.pi * np.arange(151) / 151
    transform = np.prod(1 - chances + chances * np.exp(angle)[:, None], axis=1)
    assert find_count_distribution(chances) == pytest.approx(
        np.fft.fft(transform).real / 151, abs=1e-14
    )


@pytest.mark.parametrize("effect", [-3.0, -0.4, 0.0, 0.7, 2.5])
def test_tails_of_the_tilted_distribution_are_those_convolved_anew(effect: float) -> None:
    offset = np.random.default_rng(4).normal(-1, 1, 60)
    anew = find_count_distribution(expit(effect + offset))
    for observed in (0, 7, 18, 45, 60):
        counts = compare_counts(
            effect=effect,
            offset=offset,
            facility=np.zeros(60, dtype=int),
            observed=np.array([observed]),
        )
        half = anew[observed] / 2
        assert counts.lower_tail == pytest.approx([anew[:observed].sum() + half], rel=1e-10)
        assert counts.upper_tail == pytest.approx([anew[observed + 1 :].sum() + half], rel=1e-10)


def test_r_gives_the_same_tails_scores_and_limits() -> None:
    assert get_counts().lower_tail == pytest.approx(np.array(R["lower_tail"]), rel=1e-9)
    assert get_counts().upper_tail == pytest.approx(np.array(R["upper_tail"]), rel=1e-9, abs=1e-15)
    assert get_counts().z == pytest.approx(np.array(R["z"]), rel=1e-6)
    plain = adjust_counts(get_counts(), **INPUTS)
    assert plain.lower == pytest.approx(np.array(R["lower"]), rel=1e-6, abs=1e-12)
    assert plain.upper == pytest.approx(np.array(R["upper"]), rel=1e-6)
    null = {
        "mean": np.full(OBSERVED.size, R["mean"]),
        "deviation": np.full(OBSERVED.size, R["deviation"]),
    }
    adjusted = adjust_counts(get_counts(), **INPUTS, **null)
    assert adjusted.lower == pytest.approx(np.array(R["adjusted_lower"]), rel=1e-6, abs=1e-12)
    assert adjusted.upper == pytest.approx(np.array(R["adjusted_upper"]), rel=1e-6)


def test_limits_leave_out_one_where_the_p_value_is_below_one_in_twenty() -> None:
    null = {"mean": np.full(OBSERVED.size, 0.2), "deviation": np.full(OBSERVED.size, 0.8)}
    adjusted = adjust_counts(get_counts(), **INPUTS, **null)
    is_outside = (adjusted.lower > 1) | (adjusted.upper < 1)
    assert np.array_equal(is_outside, adjusted.p_value < 0.05)
    assert is_outside.any()


def test_no_events_and_only_events_have_one_limit_at_the_end() -> None:
    counts = compare_counts(
        effect=0.0,
        offset=np.zeros(10),
        facility=np.repeat([0, 1], 5),
        observed=np.array([0, 5]),
    )
    adjusted = adjust_counts(counts, offset=np.zeros(10), facility=np.repeat([0, 1], 5))
    assert adjusted.lower_effect[0] == -np.inf
    assert adjusted.upper_effect[1] == np.inf
    # None of five: (1 - q)^5 / 2 = 0.025 at the upper limit, and q / 0.5 is the ratio.
    q = 1 - 0.05 ** (1 / 5)
    assert (adjusted.lower[0], adjusted.upper[0]) == (0.0, pytest.approx(q / 0.5))
    assert (adjusted.lower[1], adjusted.upper[1]) == (pytest.approx((1 - q) / 0.5), 2.0)


def test_a_facility_without_discharges_is_set_aside() -> None:
    counts = compare_counts(
        effect=0.0,
        offset=np.zeros(3),
        facility=np.array([0, 0, 2]),
        observed=np.array([1, 0, 1]),
    )
    assert np.isnan(counts.ratio[1])
    assert np.isnan(counts.z[1])
    assert [(aside.rule, aside.count) for aside in counts.dropped] == [
        ("facilities without discharges", 1)
    ]


def test_far_out_scores_keep_their_digits() -> None:
    counts = one_facility(np.full(1500, 0.1), 1500)
    assert counts.upper_tail[0] == 0.0
    # P(all) / 2 = 0.1^1500 / 2.
    assert norm.logsf(counts.z[0]) == pytest.approx(1500 * np.log(0.1) - np.log(2), rel=1e-9)


def test_order_of_rows_does_not_matter() -> None:
    order = np.random.default_rng(6).permutation(OFFSET.size)
    again = compare_counts(
        effect=R["effect"], offset=OFFSET[order], facility=FACILITY[order], observed=OBSERVED
    )
    assert again.z == pytest.approx(get_counts().z, rel=1e-9)


def test_the_test_has_its_size_and_limits_cover() -> None:
    generator = np.random.default_rng(9)
    facilities, size = 4000, 60
    facility = np.repeat(np.arange(facilities), size)
    offset = generator.normal(-1, 0.7, facility.size)
    happened = generator.random(facility.size) < expit(offset + 0.2)
    observed = np.bincount(facility, weights=happened).astype(int)
    rows = {"offset": offset, "facility": facility}
    counts = compare_counts(effect=0.2, observed=observed, **rows)
    assert np.mean(counts.p_value < 0.05) == pytest.approx(0.05, abs=0.01)
    assert np.mean(counts.p_value < 0.5) == pytest.approx(0.5, abs=0.04)
    limits = adjust_counts(counts, **rows)
    covered = (limits.lower_effect <= 0.2) & (limits.upper_effect >= 0.2)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.01)


def test_one_discharge_has_its_own_chance() -> None:
    counts = one_facility(np.array([0.3]), 1)
    assert (counts.lower_tail[0], counts.upper_tail[0]) == (
        pytest.approx(0.85),
        pytest.approx(0.15),
    )
    assert counts.z == pytest.approx([norm.ppf(0.85)])
    limits = adjust_counts(counts, offset=logit([0.3]), facility=np.array([0]))
    # P(1) / 2 = 0.025 at the lower limit; 1 / 0.3 is the largest ratio there is.
    assert (limits.lower[0], limits.upper[0]) == (pytest.approx(0.05 / 0.3), pytest.approx(1 / 0.3))


def test_non_events_for_events_turn_the_score_and_the_limits() -> None:
    sizes = np.bincount(FACILITY)
    turned = compare_counts(
        effect=-R["effect"], offset=-OFFSET, facility=FACILITY, observed=sizes - OBSERVED
    )
    assert turned.z == pytest.approx(-get_counts().z, rel=1e-9)
    assert turned.p_value == pytest.approx(get_counts().p_value, rel=1e-9)
    limits = adjust_counts(get_counts(), **INPUTS)
    mirrored = adjust_counts(turned, offset=-OFFSET, facility=FACILITY)
    assert mirrored.lower_effect == pytest.approx(-limits.upper_effect, rel=1e-9)
    assert mirrored.upper_effect == pytest.approx(-limits.lower_effect, rel=1e-9)


def test_a_null_far_from_zero_is_answered_at_the_end() -> None:
    # Without events z stays below 0; a null of 5 rejects every effect, the smallest least.
    counts = one_facility(np.full(5, 0.5), 0)
    rows = {"offset": np.zeros(5), "facility": np.zeros(5, dtype=int)}
    limits = adjust_counts(counts, **rows, mean=np.array([5.0]))
    assert (limits.lower[0], limits.upper[0]) == (0.0, 0.0)
    # A null of -5 has both limits: Phi(-5 + 1.96) and Phi(-5 - 1.96) are (1 - q)^5 / 2.
    limits = adjust_counts(counts, **rows, mean=np.array([-5.0]))
    reach = norm.ppf(0.975)
    chances = 1 - (2 * norm.cdf([-5 + reach, -5 - reach])) ** 0.2
    assert (limits.lower[0], limits.upper[0]) == pytest.approx(tuple(chances / 0.5), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effect": np.nan}, "effect: not within 100 of 0"),
        ({"offset": OFFSET + 200}, "offset: .* values are not within 100 of 0"),
        ({"offset": np.full(OFFSET.size, np.nan)}, "offset: .* values are not finite"),
        ({"offset": OFFSET[1:]}, "facility has shape"),
        ({"observed": OBSERVED[1:]}, "facility: codes reach 39, but there are 39"),
        ({"observed": OBSERVED + 0.5}, "observed: 40 values are not whole"),
    ],
)
def test_bad_rows_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    given = {"effect": R["effect"], "observed": OBSERVED, **INPUTS}
    with pytest.raises(FitError, match=message):
        compare_counts(**(given | change))


def test_bad_inputs_are_refused() -> None:
    with pytest.raises(FitError, match="probability: 1 values are not between 0 and 1"):
        find_count_distribution(np.array([0.5, 1.5]))
    with pytest.raises(FitError, match="level: not between 0 and 1"):
        adjust_counts(get_counts(), **INPUTS, level=1.0)
    with pytest.raises(FitError, match="mean: 3 facilities, the counts have 40"):
        adjust_counts(get_counts(), **INPUTS, mean=np.zeros(3))
    with pytest.raises(FitError, match="deviation: 40 values are not above zero"):
        adjust_counts(get_counts(), **INPUTS, deviation=np.zeros(40))
    with pytest.raises(FitError, match="observed"):
        compare_counts(effect=0.0, observed=OBSERVED + 1000, **INPUTS)
