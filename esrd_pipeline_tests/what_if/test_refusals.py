"""Scenarios that a reader may try and that are none: each is refused with its place and rule."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.what_if.changes import Change, ScenarioError
from esrd_pipeline.what_if.overlay import find_scales, overlay, parse_setting, read_scenario
from esrd_pipeline_tests.what_if.facilities import CCN, RULES, make_frames


def set_(*settings: str, ccn: str = CCN) -> list[Change]:
    return [parse_setting(text, ccn) for text in settings]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (("shr.rate=3",), "'rate' cannot be set: numerator, denominator, value, unit_count can"),
        (("shr.numerator=-3",), "-3 must be zero or more"),
        (("shr.numerator=nan",), "nan must be zero or more, and finite"),
        (("shr.numerator=40,5",), "'40,5' is no number"),
        (("shr.numerator=40.5",), "40.5 events are no whole number"),
        (("ltc.numerator=1001",), "1001 is more than the denominator, 1000, of ltc, which is a"),
        (("ltc.denominator=100",), "the value of ltc would be 1.5: a share is at most 1"),
        (("ltc.denominator=0",), "the denominator must be above zero"),
        (("ltc.value=1.5",), "the value of ltc would be 1.5: a share is at most 1"),
        (("ktv_adult_hd.numerator=3",), "the year's contract has no row of ktv_adult_hd of 010001"),
        (("ltc.benchmark=0.3",), "threshold 0.2 would be better than the benchmark 0.3; of ltc"),
        (("ltc.numerator=3", "ltc.numerator=4"), "sets the same number as --set ltc.numerator=3"),
        (("minimum_tps=101",), "no TPS is above 100"),
        (("minimum_tps=60.5",), "60.5 must be a whole number"),
        (("shr",), "write MEASURE.COLUMN=NUMBER"),
    ],
)
def test_fifteen_scenarios_are_refused(settings: tuple[str, ...], sentence: str) -> None:
    frames = make_frames()
    with pytest.raises(ScenarioError, match=sentence) as refused:
        overlay(frames, RULES, set_(*settings), find_scales(frames.current))
    assert str(refused.value).startswith("--set ")


def test_a_ratio_may_be_above_what_is_expected() -> None:
    frames = make_frames()
    overlay(frames, RULES, set_("shr.numerator=200"), find_scales(frames.current))


def test_a_measure_the_facility_has_no_score_in_says_why() -> None:
    frames = make_frames()
    current = frames.current.assign(
        reportable=frames.current["measure"] != "ltc",
        reason=pd.Series([None, "below_minimum_units", None]),
        reason_number=pd.Series([np.nan, 11.0, np.nan]),
    )
    with pytest.raises(ScenarioError, match="010001 has no score in ltc, whatever its numerator: "):
        overlay(replace(frames, current=current), RULES, set_("ltc.numerator=3"), {"ltc": 1.0})


def test_a_measure_that_the_payment_year_does_not_score_is_named() -> None:
    frames = make_frames()
    rules = replace(RULES, measures=tuple(r for r in RULES.measures if r.measure != "ltc"))
    with pytest.raises(ScenarioError, match="payment year 2027 does not score ltc"):
        overlay(frames, rules, set_("ltc.numerator=3"), {"ltc": 1.0})


def test_two_overlays_of_one_cell_name_both_rows(tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    row = f"contract,{CCN},shr,numerator,"
    path.write_text(f"table,ccn,measure,column,value\n{row}40\n{row}41\n", encoding="utf-8")
    frames = make_frames()
    with pytest.raises(ScenarioError, match=r"plan.csv, row 3: sets the same number as"):
        overlay(frames, RULES, read_scenario(path), find_scales(frames.current))


def test_a_printed_score_rests_on_no_number_of_a_scenario() -> None:
    """Payment year 2024 takes every score as printed, 2026 that of hypercalcemia."""
    frames = replace(make_frames(), computed=frozenset())
    with pytest.raises(ScenarioError, match="2024 takes the score of shr as CMS printed it"):
        overlay(frames, load_rules(2024), set_("shr.numerator=40"), {"shr": 150.0})
    frames = make_frames({"measure": "hypercalcemia", "numerator": 40.0, "denominator": 100.0})
    changes = set_("hypercalcemia.numerator=90")
    overlay(frames, load_rules(2026), changes, {})
    with pytest.raises(ScenarioError, match="hypercalcemia as CMS printed it, whatever its num"):
        overlay(replace(frames, computed=frozenset()), load_rules(2026), changes, {})


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("covid_vaccination.value=0.5", "by its denominator, numerator, unit_count, whatever its"),
        ("nhsn_dialysis_event.unit_count=9", "by its denominator, numerator, whatever its unit_c"),
        ("ich_cahps.value=0.5", "by its denominator, numerator, unit_count, whatever its value"),
        ("ich_cahps.numerator=1", "the denominator of ich_cahps is not known: set it too"),
    ],
)
def test_a_number_that_nothing_is_scored_by_is_refused(setting: str, sentence: str) -> None:
    frames = make_frames(
        {"measure": "covid_vaccination", "numerator": 12.0, "denominator": 12.0},
        {"measure": "nhsn_dialysis_event", "numerator": 12.0, "denominator": 12.0},
        {"measure": "ich_cahps", "unit_count": 40},
    )
    with pytest.raises(ScenarioError, match=sentence):
        overlay(frames, RULES, set_(setting), {})


@pytest.mark.manual("2.20.10", "2.18.9", "2.17.9")
@pytest.mark.parametrize(
    ("payment_year", "settings", "measure", "points"),
    [
        # 6 / 12 x 12 - 2, where the file prints the months alone and no rate.
        (2026, ("covid_vaccination.numerator=6",), "covid_vaccination", 4),
        # One month missed: the step of 6 to 11 months; from 2027 on infections score 0.
        (2026, ("nhsn_dialysis_event.numerator=11",), "nhsn_dialysis_event", 2),
        (2027, ("nhsn_dialysis_event.numerator=11",), "nhsn_bsi", 0),
        (2027, ("ich_cahps.numerator=1", "ich_cahps.denominator=2"), "ich_cahps", 0),
    ],
)
def test_reports_are_scored_by_their_counts_alone(
    payment_year: int, settings: tuple[str, ...], measure: str, points: int
) -> None:
    rules = load_rules(payment_year)
    frames = make_frames(
        {"measure": "covid_vaccination", "numerator": 12.0},
        {"measure": "nhsn_dialysis_event", "numerator": 12.0, "denominator": 12.0},
        {"measure": "nhsn_bsi", "value": 0.5, "unit_count": 40},
        {"measure": "ich_cahps", "unit_count": 40},
    )
    scenario = overlay(frames, rules, set_(*settings), {})
    scores = scenario.frames.score(rules, rules.performance_year).set_index("measure")["score"]
    assert scores[measure] == points


@pytest.mark.manual("4.1.1")
def test_a_benchmark_by_which_no_rate_is_adjusted_is_refused() -> None:
    frames = make_frames()
    changes = set_("ltc.small_facility_benchmark=0.05")
    changed = overlay(frames, RULES, changes, {}).frames.standards.set_index("measure")
    assert changed.loc["ltc", "small_facility_benchmark"] == 0.05
    printed = replace(frames, current=frames.current.assign(is_adjusted=True))
    with pytest.raises(ScenarioError, match="no reported rate of ltc is adjusted here: CMS"):
        overlay(printed, RULES, changes, {})
    staff = frames.standards.iloc[:1].assign(
        measure="ich_cahps_staff", achievement_threshold=0.5, benchmark=0.8
    )
    with pytest.raises(ScenarioError, match="ich_cahps_staff has no small facility adjustment"):
        overlay(
            replace(frames, standards=staff),
            RULES,
            set_("ich_cahps_staff.small_facility_benchmark=0.9"),
            {},
        )
