"""Chances of each reduction against the distribution that limits describe."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from esrd_pipeline.what_if.chances import DRAWS, estimate_chances
from esrd_pipeline_tests.what_if.facilities import make_facility

LIMITS = pd.DataFrame({"measure": ["shr"], "value": [1.125], "lower": [0.9], "upper": [1.40625]})
"""A log scale's limits: 1.125 / 0.8 above and 0.8 x 1.125 below; as wide as ln(1.25) each way."""
SPREAD = np.log(1.25) / norm.ppf(0.975)


def test_the_chance_of_no_reduction_is_that_of_so_few_events() -> None:
    """Half a percent needs at most 85.x events, no reduction 69.x (see test_targets)."""
    facility = make_facility()
    # SHR scores 3 up to a rate of 160 (9 x 20 / 90 + 1/2 = 2.5), 6 up to 130; events are
    # rate x 80 / 150.
    half, none = (norm.cdf(np.log(rate * 80 / 150 / 90) / SPREAD) for rate in (160, 130))
    chances = estimate_chances(facility, LIMITS)
    assert chances.drawn == ("shr",)
    assert chances.fixed == ("ltc", "sdoh_screening")
    assert sum(chances.reductions.values()) == pytest.approx(1)
    for share, expected in (
        (chances.reductions[0.0], none),
        (chances.reductions[0.5], half - none),
    ):
        assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / DRAWS)


def test_the_same_seed_gives_the_same_chances() -> None:
    facility = make_facility()
    first, again = (estimate_chances(facility, LIMITS) for _ in range(2))
    other = estimate_chances(facility, LIMITS, seed=1)
    assert first == again != other


def test_a_proportion_is_drawn_in_percent_or_as_a_fraction_alike() -> None:
    limits = pd.DataFrame({"measure": ["ltc"], "value": [0.15], "lower": [0.12], "upper": [0.18]})
    percent = limits.assign(value=15.0, lower=12.0, upper=18.0)
    facility = make_facility()
    assert estimate_chances(facility, limits) == estimate_chances(facility, percent)


def test_without_limits_the_reduction_is_certain() -> None:
    chances = estimate_chances(make_facility(), LIMITS.iloc[:0])
    assert chances.reductions == {1.0: 1.0}
    assert chances.drawn == ()
