"""Events to the next point, and the fewest to a lower reduction, against worked cases."""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from esrd_pipeline.what_if.ladders import Nation
from esrd_pipeline.what_if.targets import Step, Way, find_reports, list_fixed
from esrd_pipeline.what_if.targets import find_steps as find_steps_at
from esrd_pipeline.what_if.ways import find_ways as find_ways_at
from esrd_pipeline_tests.what_if.copies import read_copies, score_copies
from esrd_pipeline_tests.what_if.facilities import (
    LTC,
    SCREENING,
    SHR,
    make_nation,
    numerator_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esrd_pipeline_tests.program.qip_frames import Row


def find_steps(nation: Nation) -> list[Step]:
    return [*find_steps_at(nation, 0), *find_reports(nation, 0)]


def find_ways(nation: Nation) -> "Sequence[Way]":
    return find_ways_at(nation, [0]).get(0, ())


@pytest.mark.manual("4.1.2.1")
def test_the_next_points_of_a_ratio() -> None:
    """SHR's rate is events / 80 x 150; achievement rounds 9 x (180 - rate) / 90 + 1/2."""
    steps = [step for step in find_steps(make_nation()) if step.measure == "shr"]
    # 85 events: 159.375, 2.5625; 86: 161.25, 2.375. 48: 90, the benchmark.
    assert steps[0] == Step("shr", 3, 5, 85.0)
    assert steps[-1] == Step("shr", 10, 42, 48.0)
    assert [step.score for step in steps] == [3, 4, 5, 6, 7, 8, 9, 10]


def test_each_step_is_the_first_event_that_reaches_its_score() -> None:
    nation = make_nation()
    for step in find_steps(nation):
        now = numerator_of(nation, step.measure)
        turn = np.sign(step.numerator - now)
        tried = np.array([step.numerator - turn, step.numerator])
        before, at = read_copies(score_copies(nation, {step.measure: tried}), step.measure)
        assert before < step.score <= at


def test_higher_is_better_moves_the_numerator_up() -> None:
    """A reporting measure scores numerator / denominator x 10: 45 of 100 are 4.5, rounded up."""
    (first, *_) = [s for s in find_steps(make_nation()) if s.measure == "sdoh_screening"]
    assert first == Step("sdoh_screening", 5, 5, 45.0)


def test_points_that_the_same_events_reach_are_one_step() -> None:
    """Of 4 patients each is 2.5 points: 3 of 4 are 7.5, rounded 8, and 7 is passed over."""
    small: Row = {**SCREENING, "numerator": 2.0, "denominator": 4.0, "value": 0.5}
    steps = [s for s in find_steps(make_nation(SHR, LTC, small)) if s.measure == small["measure"]]
    assert steps == [
        Step("sdoh_screening", 8, 1, 3.0),
        Step("sdoh_screening", 10, 2, 4.0),
    ]


def test_a_score_that_rounds_up_at_the_half_counts() -> None:
    """The TPS is 36.667; one point of SHR is 23/6 more: 40.5, rounded 41, the least of 0.5%."""
    nation = make_nation()
    nearest, *_ = find_ways(nation)
    assert (nearest.reduction, nearest.minimum, nearest.tps) == (0.5, 41, 41)
    assert nearest.steps == (Step("shr", 3, 5, 85.0),)


def test_no_other_steps_are_fewer() -> None:
    """Every combination of steps is scored: none with fewer events has as high a TPS."""
    nation = make_nation()
    steps = find_steps(nation)
    ways = find_ways(nation)
    assert [(way.reduction, way.events) for way in ways] == [(0.5, 5), (0.0, 21)]
    assert_cheapest(nation, steps, ways)


@pytest.mark.manual("2.17.9")
def test_a_complete_report_takes_the_zero_off_the_measure_that_rests_on_it() -> None:
    """BSI is 0 while dialysis events were reported in 9 of 12 months, whatever its own rate is."""
    bsi: Row = {
        "measure": "nhsn_bsi",
        "unit_count": 90,
        "numerator": 1.0,
        "denominator": 4.0,
        "value": 0.25,
    }
    report: Row = {
        "measure": "nhsn_dialysis_event",
        "unit_count": 12,
        "numerator": 9.0,
        "denominator": 12.0,
        "value": 0.75,
    }
    nation = make_nation(SHR, LTC, SCREENING, bsi, report)
    assert nation.points["nhsn_bsi"][0] == 0
    steps = find_steps(nation)
    assert [step for step in steps if step.measure == "nhsn_bsi"] == []
    (complete,) = [step for step in steps if step.measure == "nhsn_dialysis_event"]
    assert (complete.score, complete.events) == (None, 3)
    ways = find_ways(nation)
    # Without standards for it, a complete report leaves BSI unscored, and its weight to others;
    # with 5 fewer hospitalizations besides, no other steps are as few.
    assert (complete in ways[0].steps, ways[0].events) == (True, 8)


def test_who_has_no_reduction_has_no_way_to_a_lower_one() -> None:
    nation = make_nation(minimum_tps=30)
    assert list(find_ways(nation)) == []


def test_a_rate_without_its_counts_stays_as_it_is() -> None:
    published: Row = {**SHR, "numerator": None, "denominator": None}
    nation = make_nation(published, LTC, SCREENING)
    assert nation.points["shr"][0] == 2
    assert {step.measure for step in find_steps(nation)} == {"ltc", "sdoh_screening"}
    assert list_fixed(nation, 0) == ["shr"]


def test_who_has_no_tps_has_no_way() -> None:
    nation = make_nation(SHR)
    assert nation.scores.totals["tps"].isna().all()
    assert list(find_ways(nation)) == []


def test_a_ladder_tells_how_many_events_may_be_lost() -> None:
    """SHR's 90 events score 2, which needs a rate of 170 (90.7); one point needs 180: 96 events."""
    nation = make_nation()
    assert nation.ladders["shr"].reach[0].tolist()[:3] == [-6, 0, 5]
    assert nation.ladders["ltc"].reach[0].tolist()[9] == 50
    tried = np.array([96.0, 97.0])
    assert read_copies(score_copies(nation, {"shr": tried}), "shr").tolist() == [1, 0]


def test_components_of_a_topic_are_moved_together() -> None:
    """Kt/V: every combination of both components' steps is scored, and no cheaper one found."""
    parts: list[Row] = [
        {
            "measure": name,
            "unit_count": size,
            "numerator": float(met),
            "denominator": 100.0,
            "value": met / 100,
        }
        for name, size, met in (("ktv_adult_hd", 70, 85), ("ktv_adult_pd", 30, 80))
    ]
    nation = make_nation(SHR, LTC, SCREENING, *parts, minimum_tps=70)
    steps = find_steps(nation)
    ways = find_ways(nation)
    assert ways
    assert_cheapest(nation, steps, ways)


def assert_cheapest(nation: Nation, steps: list[Step], ways: "Sequence[Way]") -> None:
    by_measure = {
        name: [None, *(step for step in steps if step.measure == name)]
        for name in sorted({step.measure for step in steps})
    }
    every = list(product(*by_measure.values()))
    numerators = {
        name: np.array(
            [
                numerator_of(nation, name) if (at := one[n]) is None else at.numerator
                for one in every
            ]
        )
        for n, name in enumerate(by_measure)
    }
    tps = score_copies(nation, numerators).totals["tps"].to_numpy(dtype=float)
    events = np.array([sum(step.events for step in one if step) for one in every])
    for way in ways:
        assert events[tps >= way.minimum].min() == way.events
