"""Chances of each reduction against the distribution that limits describe."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, poisson

from esrd_pipeline.site.formats import write_percent
from esrd_pipeline.what_if.chances import DRAWS, Chances, estimate_chances, group_limits
from esrd_pipeline.what_if.ladders import Nation
from esrd_pipeline.what_if.terminal import describe_chances
from esrd_pipeline_tests.program.qip_frames import Row
from esrd_pipeline_tests.program.qip_frames import standards as standards_of
from esrd_pipeline_tests.what_if.facilities import CCN, SCREENING, SHR, STANDARDS, make_nation

LIMITS = pd.DataFrame(
    {"ccn": [CCN], "measure": ["shr"], "value": [1.125], "lower": [0.9], "upper": [1.40625]}
)
"""A log scale's limits: 1.125 / 0.8 above and 0.8 x 1.125 below; as wide as ln(1.25) each way."""
SPREAD = np.log(1.25) / norm.ppf(0.975)


def chances_of(nation: Nation, limits: pd.DataFrame, *, seed: int = 2728) -> Chances:
    return estimate_chances(nation, 0, group_limits(limits).get(CCN, {}), seed=seed)


def test_the_chance_of_no_reduction_is_that_of_so_few_events() -> None:
    """Half a percent needs at most 85 events, no reduction 69 (see test_targets)."""
    nation = make_nation()
    # Draws are rounded to whole events: up to 85.5 and 69.5.
    half, none = (norm.cdf(np.log(events / 90) / SPREAD) for events in (85.5, 69.5))
    chances = chances_of(nation, LIMITS)
    assert chances.drawn == ("shr",)
    assert chances.fixed == ("ltc", "sdoh_screening")
    assert sum(chances.reductions.values()) == pytest.approx(1)
    for share, expected in (
        (chances.reductions[0.0], none),
        (chances.reductions[0.5], half - none),
    ):
        assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / DRAWS)


def test_the_same_seed_gives_the_same_chances() -> None:
    nation = make_nation()
    first, again = (chances_of(nation, LIMITS) for _ in range(2))
    other = chances_of(nation, LIMITS, seed=1)
    assert first == again != other


def test_a_proportion_is_drawn_in_percent_or_as_a_fraction_alike() -> None:
    limits = LIMITS.assign(measure="ltc", value=0.15, lower=0.12, upper=0.18)
    percent = limits.assign(value=15.0, lower=12.0, upper=18.0)
    nation = make_nation()
    assert chances_of(nation, limits) == chances_of(nation, percent)


def test_without_limits_the_reduction_is_certain() -> None:
    chances = chances_of(make_nation(), LIMITS.iloc[:0])
    assert chances.reductions == {1.0: 1.0}
    assert chances.drawn == ()


def test_a_topic_of_a_drawn_measure_is_not_left_as_it_is() -> None:
    ktv: Row = {"measure": "ktv_adult_hd", "unit_count": 50, "numerator": 900.0, "value": 0.9}
    nation = make_nation(SHR, SCREENING, {**ktv, "denominator": 1000.0})
    marks = {"achievement_threshold": 0.85, "benchmark": 0.98, "small_facility_benchmark": 0.98}
    standards = standards_of([*STANDARDS, {"measure": "ktv_adult_hd", **marks}])
    nation = replace(nation, frames=replace(nation.frames, standards=standards))
    limits = LIMITS.assign(measure="ktv_adult_hd", value=0.9, lower=0.87, upper=0.92)
    chances = chances_of(nation, limits)
    assert chances.drawn == ("ktv_adult_hd",)
    assert chances.fixed == ("sdoh_screening", "shr")


def test_months_to_come_are_drawn_and_those_reported_stay() -> None:
    """With 9 of 12 months reported only a quarter of the year can move it: less spread, same mean.

    90 events so far; 30 are to come at that level, with a Poisson error and the level's own: the
    year's numerator, at 9 months' expected events, is 0.75 x (90 + rest). No reduction needs 69.5
    of them: a rest of 2.67 of 30. Half a percent needs 85.5: a rest of at most 24.
    """
    nation = make_nation()
    limits = group_limits(LIMITS)[CCN]
    chances = estimate_chances(nation, 0, limits, months=9)
    assert chances.reductions.get(0.0, 0.0) == 0
    # A Poisson number whose mean is lognormal, by numerical integration.
    level = norm.ppf((np.arange(4000) + 0.5) / 4000)
    expected = poisson.cdf(24, 30 * np.exp(SPREAD * level)).mean()
    error = 4 * np.sqrt(expected * (1 - expected) / DRAWS)
    assert abs(chances.reductions[0.5] - expected) < error


def test_a_chance_is_rounded_as_the_site_s_page_rounds_it() -> None:
    chances = Chances({0.5: 0.2055, 1.0: 0.7945}, ("shr",), (), 12)
    lines = describe_chances(chances, None)
    assert [line.split()[-1] for line in lines[1:3]] == ["20.6%", "79.5%"]
    assert [write_percent(share) for share in chances.reductions.values()] == ["20.6%", "79.5%"]
