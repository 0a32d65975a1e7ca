"""What it would take of two facilities, as rows, and that the scoring confirms them."""

from dataclasses import replace

import pandas as pd
import pytest

from esrd_pipeline.what_if.ladders import Nation
from esrd_pipeline.what_if.tabulate import confirm_steps, tabulate_what_it_takes
from esrd_pipeline.what_if.targets import Step
from esrd_pipeline_tests.what_if.facilities import CCN, make_nation

LIMITS = pd.DataFrame(
    {"ccn": [CCN], "measure": ["shr"], "value": [1.125], "lower": [0.9], "upper": [1.40625]}
)
OTHER = "020002"


def make_two() -> Nation:
    """Return the facility and one like it with 60 hospitalizations."""
    one = make_nation()

    def twice(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([frame, frame.assign(ccn=OTHER)], ignore_index=True)

    frames = one.frames.with_facilities(twice)
    is_other = (frames.current["ccn"] == OTHER) & (frames.current["measure"] == "shr")
    frames.current.loc[is_other, ["numerator", "value"]] = (60.0, 60 / 80 * 150)
    return Nation(one.year, one.rules, frames, one.scales)


def test_each_facility_has_the_rows_it_has_alone() -> None:
    """The other's rate of 112.5 scores 7 (6.75 + 1); 8 needs 110, which 58 events come to."""
    tables = tabulate_what_it_takes(make_two(), LIMITS, months=12)
    alone = tabulate_what_it_takes(make_nation(), LIMITS, months=12)
    points = tables.points.set_index(["ccn", "measure"])
    assert list(points.loc[(CCN, "shr"), ["events", "next_numerator"]]) == [5, 85]
    assert list(points.loc[(OTHER, "shr"), ["score", "next_score", "events"]]) == [7, 8, 2]
    for both, one in (
        (tables.points, alone.points),
        (tables.ways, alone.ways),
        (tables.chances, alone.chances),
    ):
        mine = both[both["ccn"] == CCN].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, one, check_exact=True)


def test_ways_are_rows_of_their_measures_and_chances_add_up() -> None:
    tables = tabulate_what_it_takes(make_nation(), LIMITS, months=12)
    half = tables.ways[tables.ways["payment_reduction"] == 0.5]
    assert half[["measure", "events", "least_tps", "tps"]].to_numpy().tolist() == [
        ["shr", 5, 41, 41]
    ]
    assert tables.chances["chance"].sum() == pytest.approx(1)
    assert set(tables.chances["fixed"]) == {"ltc sdoh_screening"}


def test_a_step_that_is_not_the_first_is_not_confirmed() -> None:
    nation = make_nation()
    confirm_steps(nation, {0: [Step("shr", 3, 5, 85.0)]})
    for wrong in (Step("shr", 3, 6, 84.0), Step("shr", 3, 4, 86.0)):
        with pytest.raises(ValueError, match="is not confirmed"):
            confirm_steps(nation, {0: [wrong]})


def test_an_adjusted_percentage_has_no_events() -> None:
    """PPPW's numerator is the nation's months times the facility's value."""
    nation = make_nation()
    current, standards = nation.frames.current, nation.frames.standards
    pppw = current[current["measure"] == "ltc"].assign(measure="pppw")
    mine = standards[standards["measure"] == "ltc"].assign(
        measure="pppw", achievement_threshold=0.1, benchmark=0.3, small_facility_benchmark=0.3
    )
    frames = replace(
        nation.frames,
        current=pd.concat([current, pppw], ignore_index=True),
        standards=pd.concat([standards, mine], ignore_index=True),
    )
    scales = {**nation.scales, "pppw": 1.0}
    other = Nation(nation.year, nation.rules, frames, scales)
    assert other.points["pppw"][0] == 3
    assert "pppw" not in set(tabulate_what_it_takes(other, LIMITS, months=12).points["measure"])
