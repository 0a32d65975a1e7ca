"""Settings and scenario files, and what a value carries with it."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.what_if.changes import Change, ScenarioError
from esrd_pipeline.what_if.overlay import find_scales, overlay, parse_setting, read_scenario
from esrd_pipeline_tests.what_if.facilities import CCN, RATE, RULES, make_frames

HEADER = "table,ccn,measure,column,value\n"


def value_of(frame: pd.DataFrame, measure: str, column: str = "value") -> float:
    return float(frame.loc[frame["measure"] == measure, column].to_numpy(float)[0])


def set_(*settings: str) -> list[Change]:
    return [parse_setting(text, CCN) for text in settings]


def test_a_numerator_carries_the_rate_with_it() -> None:
    frames = make_frames()
    scales = find_scales(frames.current)
    assert scales == {"shr": RATE, "ltc": 1.0, "sdoh_screening": 1.0}
    changed = overlay(frames, RULES, set_("shr.numerator=40", "ltc.denominator=500"), scales)
    assert value_of(changed.frames.current, "shr") == 40 / 80 * RATE
    assert value_of(changed.frames.current, "ltc") == 150 / 500
    assert value_of(changed.frames.current, "sdoh_screening") == 0.4
    assert value_of(frames.current, "shr") == 90 / 80 * RATE


def test_a_value_that_is_set_stays_as_it_is_set() -> None:
    frames = make_frames()
    changed = overlay(frames, RULES, set_("shr.numerator=40", "shr.value=99"), {})
    assert value_of(changed.frames.current, "shr") == 99
    assert value_of(changed.frames.current, "shr", "numerator") == 40


def test_what_is_set_to_what_it_is_changes_nothing() -> None:
    frames = make_frames()
    # A rate that three numbers do not give to the last bit.
    frames.current.loc[frames.current["measure"] == "shr", "value"] = 168.7500000000003
    same = overlay(frames, RULES, set_("shr.numerator=90"), find_scales(frames.current))
    pd.testing.assert_frame_equal(same.frames.current, frames.current, check_exact=True)


def test_standards_and_rules_are_set_too() -> None:
    frames = make_frames()
    changed = overlay(frames, RULES, set_("ltc.benchmark=0.12", "minimum_tps=60"), {})
    assert value_of(changed.frames.standards, "ltc", "benchmark") == 0.12
    assert changed.rules.minimum_tps == 60


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("shr.numerator", "write MEASURE.COLUMN=NUMBER"),
        ("numerator=3", "write MEASURE.COLUMN=NUMBER"),
        ("shr.numerator=many", "'many' is no number"),
        ("shr.numerator=-1", "must be zero or more"),
        ("shr.numerator=inf", "must be zero or more, and finite"),
        ("minimum_tps=60.5", "60.5 must be a whole number"),
        ("shr.reportable=1", "'reportable' cannot be set: numerator, denominator, value"),
    ],
)
def test_a_setting_that_is_none_is_refused(setting: str, sentence: str) -> None:
    with pytest.raises(ScenarioError, match=sentence) as refused:
        parse_setting(setting, CCN)
    assert str(refused.value).startswith(f"--set {setting}: ")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (("smr.numerator=3",), "the year's contract has no row of smr of 010001"),
        (("smr.benchmark=3",), "the year's standard has no row of smr"),
        (("ltc.numerator=3", "ltc.numerator=4"), "sets the same number as --set ltc.numerator=3"),
        (("ltc.denominator=0",), "the denominator must be above zero"),
    ],
)
def test_a_scenario_that_touches_nothing_it_names_is_refused(
    settings: tuple[str, ...], sentence: str
) -> None:
    frames = make_frames()
    with pytest.raises(ScenarioError, match=sentence):
        overlay(frames, RULES, set_(*settings), find_scales(frames.current))


def test_a_measure_whose_value_is_no_quotient_needs_its_value() -> None:
    frames = make_frames()
    twice = pd.concat([frames.current, frames.current.assign(ccn="010002")], ignore_index=True)
    twice.loc[(twice["ccn"] == "010002") & (twice["measure"] == "ltc"), "value"] = 0.16
    scales = find_scales(twice)
    assert "ltc" not in scales
    with pytest.raises(ScenarioError, match="does not follow from numerator and denominator"):
        overlay(frames, RULES, set_("ltc.numerator=3"), scales)


def test_a_file_has_rows_of_all_tables(tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    path.write_text(
        HEADER + "contract,010001,shr,numerator,40\nstandard,,ltc,benchmark,0.12\nrules,,,"
        "minimum_tps,60\n",
        encoding="utf-8",
    )
    first, second, third = read_scenario(path)
    assert first == Change("contract", "010001", "shr", "numerator", 40.0, "plan.csv, row 2")
    assert (second.measure, second.value) == ("ltc", 0.12)
    assert (third.table, third.column) == ("rules", "minimum_tps")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "plan.csv: cannot be read as CSV"),
        ("ccn,value\n1,2\n", "plan.csv: its columns must be table, ccn, measure, column, value"),
        (HEADER, "plan.csv: it has no row"),
        (HEADER + "plan,010001,shr,numerator,4\n", "plan.csv, row 2: there is no table 'plan'"),
        (HEADER + "contract,010001,shr,numerator,x\n", "row 2, column 'value': 'x' is no number"),
        (HEADER + "contract,,shr,numerator,4\n", "row 2, column 'ccn': is needed for contract"),
        (HEADER + "standard,010001,ltc,benchmark,4\n", "column 'ccn': must be empty for standard"),
        (HEADER + "rules,,ltc,minimum_tps,4\n", "column 'measure': must be empty for rules"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "plan.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=sentence):
        read_scenario(path)
