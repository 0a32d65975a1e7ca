"""A Network's page of activities: numbers, sentences, and what it must not show."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.site.build import build_site
from esrd_pipeline.tables import standing
from esrd_pipeline_tests.browsing import find_faults, measure_width, open_browser, open_page
from esrd_pipeline_tests.site.small import YEAR, fill
from esrd_pipeline_tests.site.tracing import Page, trace
from esrd_pipeline_tests.site.whole import BESIDE, FAR, NEAR, make_data, make_frames

SHARED = {
    "activity": "fewer_stays",
    "network": 6,
    "priority": "coordination",
    "goal": 1.25,
    "goal_unit": "ratio",
    "goal_direction": "at_most",
}


def make_site(
    folder: Path, measure: str = "shr"
) -> tuple[Path, dict[tuple[str, int], pd.DataFrame]]:
    frames = make_frames()
    enrolment = {**SHARED, "measure": measure, "program": "dfc", "place": "in"}
    frames[standing.ENROLMENT_STANDING.name, YEAR] = fill(
        standing.ENROLMENT_STANDING,
        *(
            {
                **enrolment,
                "ccn": ccn,
                "start_date": date(YEAR, 2, 1),
                "value": value,
                "reaches_goal": value <= 1.25,
                "contact_count": contacts,
                "escalation": level,
                "mentor_count": 1,
            }
            for ccn, value, contacts, level in ((NEAR, 1.22, 7, 0), (BESIDE, 1.31, 5, 3))
        ),
    )
    frames[standing.ACTIVITY_STANDING.name, YEAR] = fill(
        standing.ACTIVITY_STANDING,
        {
            **SHARED,
            "measure": measure,
            "selection_rule": "worst tenth of SHR",
            "measurement_first": date(YEAR, 1, 1),
            "measurement_last": date(YEAR, 12, 31),
            "enrolled_count": 12,
            "in_count": 6,
            "graduated_count": 4,
            "left_count": 2,
            "measured_count": 9,
            "at_goal_count": 5,
            "escalated_count": 1,
            "mentored_count": 3,
        },
    )
    frames[standing.GOAL_STANDING.name, YEAR] = fill(
        standing.GOAL_STANDING,
        *(
            {
                "network": network,
                "priority": "coordination",
                "indicator": "admission",
                "first_month": date(YEAR, 1, 1),
                "last_month": date(YEAR, 12, 1),
                "goal": 9.0,
                "direction": "at_most",
                "unit": "per 100 patient-months",
                "month_count": 12,
                "size": 900.0,
                "events": events,
                "value": events / 9,
                "reaches_goal": events <= 81,
            }
            for network, events in ((6, 83), (2, 9))
        ),
    )
    idea = {"priority": "coordination", "driver": "follow-up", "text": "Call after each stay."}
    frames[standing.CHANGE_PACKAGE.name, YEAR] = fill(
        standing.CHANGE_PACKAGE,
        {**idea, "idea": "a", "source_ccn": FAR, "high_rule_count": 1},
        {**idea, "idea": "b", "reference": "A paper"},
    )
    build_site(make_data(frames), folder, workers=1)
    return folder, frames


def test_sentences_and_numbers_are_the_stored_rows(tmp_path: Path) -> None:
    site, frames = make_site(tmp_path / "site")
    text = (site / "activities" / "6.html").read_text(encoding="utf-8")
    traced = trace(text, frames, YEAR)
    assert traced.wrong == []
    assert traced.columns.count("network.enrolment_standing.value") == 2
    found = " ".join(piece for _, piece in Page(text).pieces).replace(" .", ".")
    message = (
        "12 facilities took part in the year; 6 still in it at the end, 4 graduated, 2 left without"
        " graduating. Of 9 with a value, how many are at the goal is not shown, because results of"
        " few patients are among them. Escalated at the end: 1. Mentored: 3."
    )
    columns = {name for name in traced.columns if name.startswith("network.activity_standing")}
    counts = ("enrolled", "in", "graduated", "left", "measured", "escalated", "mentored")
    assert columns == {
        "network.activity_standing.goal",
        *(f"network.activity_standing.{name}_count" for name in counts),
    }
    for part in ("at the goal", "short of it", "a high performer this year", "A paper"):
        assert part in text
    assert message in found
    assert "9.22" in text
    assert traced.columns.count("network.goal_standing.value") == 1
    assert "activities/6.html" in (site / "networks" / "6.html").read_text(encoding="utf-8")
    # Network 2 has a goal alone, of too few admissions to be shown.
    few = (site / "activities" / "2.html").read_text(encoding="utf-8")
    assert trace(few, frames, YEAR).wrong == []
    assert "at the goal" not in few
    assert "1.00" not in few


def test_a_network_without_goals_and_activities_has_no_page(tmp_path: Path) -> None:
    build_site(make_data(make_frames()), tmp_path / "site", workers=1)
    assert not (tmp_path / "site" / "activities").exists()
    text = (tmp_path / "site" / "networks" / "6.html").read_text(encoding="utf-8")
    assert "activities/6.html" not in text


def test_a_value_of_few_patients_is_not_shown() -> None:
    """Seven patients are in the measure: neither value nor whether it is at the goal is shown."""
    frames = make_frames()
    row = {**SHARED, "ccn": FAR, "start_date": date(YEAR, 2, 1), "place": "in"}
    row |= {"measure": "ltc", "program": "dfc", "value": 1.19, "reaches_goal": True}
    row |= {"contact_count": 0, "escalation": 0, "mentor_count": 0}
    frames[standing.ENROLMENT_STANDING.name, YEAR] = fill(standing.ENROLMENT_STANDING, row)
    (shown,) = make_data(frames).rows(standing.ENROLMENT_STANDING)
    assert (shown["value"], shown["reaches_goal"]) == (None, None)
    few = {**row, "measure": "admission", "program": None, "size": 140.0, "events": 9}
    frames[standing.ENROLMENT_STANDING.name, YEAR] = fill(standing.ENROLMENT_STANDING, few)
    (shown,) = make_data(frames).rows(standing.ENROLMENT_STANDING)
    assert (shown["value"], shown["events"], shown["reaches_goal"]) == (None, None, None)


@pytest.mark.slow
def test_the_page_is_read_on_a_phone_and_by_a_screen_reader(tmp_path: Path) -> None:
    site, _ = make_site(tmp_path / "site")
    with open_browser() as browser, open_page(browser, width=320, height=640) as page:
        page.goto((site / "activities" / "6.html").as_uri())
        assert measure_width(page) <= 320
        assert find_faults(page) == []
        assert page.get_by_role("row", name="admission").is_visible()
