"""Events to the next point, and the fewest to a lower reduction, against worked cases."""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from esrd_pipeline.what_if.copies import read_copies
from esrd_pipeline.what_if.targets import Step, find_steps, find_ways, list_fixed
from esrd_pipeline_tests.what_if.facilities import LTC, SCREENING, SHR, make_facility

if TYPE_CHECKING:
    from esrd_pipeline_tests.program.qip_frames import Row


@pytest.mark.manual("4.1.2.1")
def test_the_next_points_of_a_ratio() -> None:
    """SHR's rate is events / 80 x 150; achievement rounds 9 x (180 - rate) / 90 + 1/2."""
    steps = [step for step in find_steps(make_facility()) if step.measure == "shr"]
    # 85 events: 159.375, 2.5625; 86: 161.25, 2.375. 48: 90, the benchmark.
    assert steps[0] == Step("shr", 3, 5, 85.0)
    assert steps[-1] == Step("shr", 10, 42, 48.0)
    assert [step.score for step in steps] == [3, 4, 5, 6, 7, 8, 9, 10]


def test_each_step_is_the_first_event_that_reaches_its_score() -> None:
    facility = make_facility()
    for step in find_steps(facility):
        now = facility.number(step.measure, "numerator")
        turn = np.sign(step.numerator - now)
        tried = np.array([step.numerator - turn, step.numerator])
        before, at = read_copies(facility.score_copies({step.measure: tried}), step.measure)
        assert before < step.score <= at


def test_higher_is_better_moves_the_numerator_up() -> None:
    """A reporting measure scores numerator / denominator x 10: 45 of 100 are 4.5, rounded up."""
    (first, *_) = [s for s in find_steps(make_facility()) if s.measure == "sdoh_screening"]
    assert first == Step("sdoh_screening", 5, 5, 45.0)


def test_points_that_the_same_events_reach_are_one_step() -> None:
    """Of 4 patients each is 2.5 points: 3 of 4 are 7.5, rounded 8, and 7 is passed over."""
    small: Row = {**SCREENING, "numerator": 2.0, "denominator": 4.0, "value": 0.5}
    steps = [s for s in find_steps(make_facility(SHR, LTC, small)) if s.measure == small["measure"]]
    assert steps == [
        Step("sdoh_screening", 8, 1, 3.0),
        Step("sdoh_screening", 10, 2, 4.0),
    ]


def test_a_score_that_rounds_up_at_the_half_counts() -> None:
    """The TPS is 36.667; one point of SHR is 23/6 more: 40.5, rounded 41, the least of 0.5%."""
    facility = make_facility()
    nearest, *_ = find_ways(facility, find_steps(facility))
    assert (nearest.reduction, nearest.minimum, nearest.tps) == (0.5, 41, 41)
    assert nearest.steps == (Step("shr", 3, 5, 85.0),)


def test_no_other_steps_are_fewer() -> None:
    """Every combination of steps is scored: none with fewer events has as high a TPS."""
    facility = make_facility()
    steps = find_steps(facility)
    ways = find_ways(facility, steps)
    assert [(way.reduction, way.events) for way in ways] == [(0.5, 5), (0.0, 21)]
    by_measure = {
        name: [None, *(step for step in steps if step.measure == name)]
        for name in sorted({step.measure for step in steps})
    }
    every = list(product(*by_measure.values()))
    numerators = {
        name: np.array(
            [
                facility.number(name, "numerator") if one[at] is None else one[at].numerator
                for one in every
            ]
        )
        for at, name in enumerate(by_measure)
    }
    tps = facility.score_copies(numerators).totals["tps"].to_numpy(dtype=float)
    events = np.array([sum(step.events for step in one if step) for one in every])
    for way in ways:
        assert events[tps >= way.minimum].min() == way.events


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
    facility = make_facility(SHR, LTC, SCREENING, bsi, report)
    assert facility.points["nhsn_bsi"] == 0
    steps = find_steps(facility)
    assert [step for step in steps if step.measure == "nhsn_bsi"] == []
    (complete,) = [step for step in steps if step.measure == "nhsn_dialysis_event"]
    assert (complete.score, complete.events) == (None, 3)
    ways = find_ways(facility, steps)
    # Without standards for it, a complete report leaves BSI unscored, and its weight to others;
    # with 5 fewer hospitalizations besides, no other steps are as few.
    assert (complete in ways[0].steps, ways[0].events) == (True, 8)


def test_who_has_no_reduction_has_no_way_to_a_lower_one() -> None:
    facility = make_facility(minimum_tps=30)
    assert find_ways(facility, find_steps(facility)) == []


def test_a_rate_without_its_counts_stays_as_it_is() -> None:
    published: Row = {**SHR, "numerator": None, "denominator": None}
    facility = make_facility(published, LTC, SCREENING)
    assert facility.points["shr"] == 2
    assert {step.measure for step in find_steps(facility)} == {"ltc", "sdoh_screening"}
    assert list_fixed(facility) == ["shr"]


def test_who_has_no_tps_has_no_way() -> None:
    facility = make_facility(SHR)
    assert facility.scores.totals["tps"].isna().all()
    assert find_ways(facility, find_steps(facility)) == []
