"""The gate's questions, each on a year that passes and one that does not."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from esrd_pipeline.releases.gate import (
    Answer,
    Recorded,
    Stored,
    find_failing,
    judge_agreement_before,
    judge_changes,
    judge_stored,
    read_limits,
)
from esrd_pipeline_tests.releases.orders import CUTOFF, GOOD

END = date(2026, 12, 31)
NAN = float("nan")


def ask(stored: Stored, question: str) -> Answer:
    answers = judge_stored(stored, cutoff=CUTOFF, quarter_ends=END)
    (answer,) = [one for one in answers if one.question.startswith(question)]
    return answer


def agreement(*rows: tuple[str, int, int]) -> pd.DataFrame:
    """Rows of measure, decided and equal among them."""
    frame = pd.DataFrame(rows, columns=["measure", "decided_count", "decided_equal_count"])
    return frame.assign(program="dfc", kind="flag")


def account(*, found: int, accounted: int) -> pd.DataFrame:
    months = [pd.Timestamp(2025, month, 1) for month in range(1, 13)]
    return pd.DataFrame(
        {
            "measure": "smr",
            "program": "dfc",
            "kind": "death",
            "month": months,
            "outcome": "counted",
            "performance_year": 2025,
            "event_count": 100,
            "found_count": found,
            "accounted_count": accounted,
        }
    )


def test_a_good_year_passes_every_question() -> None:
    answers = judge_stored(GOOD, cutoff=CUTOFF, quarter_ends=END)
    assert {answer.outcome for answer in answers} == {"passes"}
    assert len(answers) == 8


@pytest.mark.parametrize(
    ("expected", "question", "text"),
    [
        (Recorded(expectations="failed"), "every table's expectations", "failed: facility.shr"),
        (Recorded(expectations="not run"), "every table's expectations", "not run: facility.shr"),
        (Recorded(expectations="unknown"), "every table's expectations", "unknown: facility.shr"),
        (
            Recorded(expectations="passed", older_than=("fit.shr",)),
            "no table is older",
            r"facility.shr (than fit.shr)",
        ),
    ],
)
def test_a_table_whose_record_is_not_good_fails(
    expected: Recorded, question: str, text: str
) -> None:
    tables = {**GOOD.tables, "facility.shr": expected}
    answer = ask(replace(GOOD, tables=tables), question)
    assert answer.outcome == "fails"
    assert text in answer.text


def test_a_warning_makes_a_candidate_and_is_told() -> None:
    tables = {"facility.shr": Recorded(expectations="passed", warns=True)}
    answer = ask(replace(GOOD, tables=tables), "the tables look")
    assert (answer.outcome, answer.text) == ("warns", "1 checks warn: facility.shr")


def test_tables_of_other_code_fail() -> None:
    answer = ask(replace(GOOD, other_code=("program.stars",)), "the tables were made")
    assert answer.outcome == "fails"
    assert "program.stars" in answer.text


def test_files_of_another_cut_off_or_none_fail_and_the_command_is_told() -> None:
    answer = ask(replace(GOOD, cutoffs={"raw.extract": None}), "the year's files")
    assert answer.outcome == "fails"
    assert answer.text == (
        "raw.extract by none, and not 2026-10-15: refresh the year with --cutoff 2026-10-15"
    )


def test_a_cut_off_after_the_quarter_fails() -> None:
    late = date(2027, 1, 15)
    answers = judge_stored(
        replace(GOOD, cutoffs={"raw.release": late}), cutoff=late, quarter_ends=END
    )
    assert [answer.text for answer in find_failing(answers)] == [
        "2027-01-15 is after the quarter's end"
    ]


@pytest.mark.parametrize(
    ("equal", "outcome"), [(1000, "passes"), (990, "passes"), (980, "warns"), (899, "fails")]
)
def test_agreement_is_judged_by_the_results_that_digits_decide(equal: int, outcome: str) -> None:
    rows = agreement(("shr", 1000, equal), ("ltc", 0, 0))
    answer = ask(replace(GOOD, agreement=rows), "results agree")
    assert answer.outcome == outcome
    assert "dfc shr flag" in answer.text


def test_a_fall_of_agreement_is_told() -> None:
    before = agreement(("shr", 1000, 1000), ("ltc", 500, 500))
    assert judge_agreement_before(before, before).outcome == "passes"
    warned = judge_agreement_before(agreement(("shr", 1000, 995), ("ltc", 500, 500)), before)
    assert (warned.outcome, warned.text) == ("warns", "fell: dfc shr flag by 0.50%")
    assert judge_agreement_before(agreement(("shr", 1000, 970)), before).outcome == "fails"
    assert judge_agreement_before(None, before).outcome == "passes"


def test_the_account_of_events_closes_or_the_gate_fails() -> None:
    has = replace(GOOD, has_patients=True)
    assert ask(GOOD, "every event").text == "the year has no patient-level files"
    assert ask(has, "every event").outcome == "fails"
    closed = replace(has, account=account(found=1200, accounted=1200))
    assert ask(closed, "every event").outcome == "passes"
    rows = account(found=1200, accounted=1199)
    assert ask(replace(has, account=rows), "every event").text == (
        "the account does not close: smr death"
    )
    odd = account(found=1200, accounted=1200)
    odd.loc[11, "event_count"] = 0
    assert ask(replace(has, account=odd), "every event").outcome == "warns"


def changes(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["kind", "measure", "before", "after"])
    return frame.assign(program="dfc")


def test_flags_that_moved_and_values_that_are_gone_are_judged_by_measure() -> None:
    facilities = pd.DataFrame({"program": "dfc", "measure": ["shr", "ltc"] * 100})
    few = changes(*[("flag", "shr", 0.0, 1.0)] * 5)
    assert [one.outcome for one in judge_changes(few, facilities)] == ["passes", "passes"]
    some = changes(*[("flag", "shr", 0.0, 1.0)] * 6, *[("value", "ltc", 1.0, NAN)] * 11)
    moved, lost = judge_changes(some, facilities)
    assert (moved.outcome, lost.outcome) == ("warns", "fails")
    assert "dfc shr 6.0%" in moved.text
    assert "dfc ltc 11.0%" in lost.text
    gained = changes(*[("value", "ltc", NAN, 1.0)] * 50)
    assert judge_changes(gained, facilities)[1].outcome == "passes"


@pytest.mark.parametrize("question", ["flags_moved", "values_lost", "agreement_fall"])
def test_beyond_the_limit_that_fails_is_beyond_the_one_that_warns(question: str) -> None:
    warns, fails = read_limits(question)
    assert 0 < warns < fails < 1
