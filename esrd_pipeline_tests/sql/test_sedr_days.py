"""SEDR's days: Figure 27 branch by branch, and the facility of each encounter."""

from functools import partial

import pytest

from esrd_pipeline_tests.sql.recurrent_event_days import (
    YEAR_AT_A,
    answers,
    at_risk,
    count,
    left_out,
    months,
    spans,
)
from esrd_pipeline_tests.sql.recurrent_event_days import follow as follow_measure
from esrd_pipeline_tests.sql.worked import Worked, day, worked

pytestmark = pytest.mark.manual("2.25.13", "2.25.19")

follow = partial(follow_measure, "sedr")


@pytest.mark.manual("2.25.6")
@worked
def test_every_encounter_of_a_year_at_risk_counts() -> Worked:
    rows = yield follow(
        YEAR_AT_A,
        encounters=spans(("2024-01-01", "2024-01-01"), ("2024-07-04", "2024-07-06"))
        + spans(("2024-07-20", "2024-07-20"), ("2024-12-31", "2024-12-31")),
    )
    assert (at_risk(rows), count(rows)) == (366, 4)
    assert rows["period"].unique().tolist() == [1]


@worked
def test_an_encounter_that_began_in_the_year_before_is_not_this_years() -> Worked:
    rows = yield follow(YEAR_AT_A, encounters=spans(("2023-12-31", "2024-01-01")))
    assert count(rows) == 0


@worked
def test_days_that_nobody_answers_for_keep_their_reason() -> Worked:
    rows = yield follow(
        answers(None, "2024-01-01", "2024-03-30", "first_days_of_esrd"),
        answers("A", "2024-03-31", "2024-12-31"),
        first_service="2024-01-01",
        encounters=spans(("2024-03-30", "2024-03-31"), ("2024-03-31", "2024-03-31")),
    )
    assert left_out(rows) == {"first_days_of_esrd": 90}
    assert (count(rows), int(rows["events"].sum())) == (1, 2)


@pytest.mark.manual("2.25.9")
@worked
def test_days_before_the_18th_birthday_are_left_out() -> Worked:
    rows = yield follow(
        YEAR_AT_A, born="2006-12-31", encounters=spans(("2024-12-30", "2024-12-31"))
    )
    assert left_out(rows) == {"under_18_years": 365}
    assert count(rows) == 0


@worked
def test_one_whose_birth_is_unknown_is_not_known_to_be_adult() -> Worked:
    rows = yield follow(YEAR_AT_A, born=None)
    assert left_out(rows) == {"date_of_birth_unknown": 366}


@pytest.mark.manual("2.25.9")
@worked
def test_months_of_medicare_advantage_are_left_out() -> Worked:
    seen = [*months(*range(1, 8)), *months(*range(8, 13), is_ma=True)]
    rows = yield follow(YEAR_AT_A, seen=seen, encounters=spans(("2024-08-01", "2024-08-01")))
    assert left_out(rows) == {"medicare_advantage": 153}
    assert count(rows) == 0


@worked
def test_a_month_that_claims_do_not_cover_is_left_out_and_ends_the_period() -> Worked:
    rows = yield follow(YEAR_AT_A, seen=months(1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12))
    assert left_out(rows) == {"month_not_observable_in_claims": 30}
    counted = rows[rows["reason"].isna()]
    assert counted.groupby("period")["days"].sum().tolist() == [91, 245]


@pytest.mark.manual("2.25.9")
@worked
def test_months_with_hospice_are_left_out_whole() -> Worked:
    rows = yield follow(
        YEAR_AT_A,
        hospice=(11, 12),
        encounters=spans(("2024-10-31", "2024-11-02"), ("2024-11-30", "2024-11-30")),
    )
    assert left_out(rows) == {"hospice_in_month": 61}
    assert count(rows) == 1


@worked
def test_a_condition_that_strr_excludes_and_covid_are_nothing_to_sedr() -> Worked:
    rows = yield follow(
        YEAR_AT_A, excluded=spans(("2024-02-03", "2025-02-02")), diagnosed="2024-05-05"
    )
    assert at_risk(rows) == 366
    assert rows["period"].unique().tolist() == [1]
    assert rows["covid_stage"].unique().tolist() == [0]


@worked
def test_a_new_facility_and_a_cut_point_are_new_periods() -> Worked:
    rows = yield follow(
        answers("A", "2024-04-01", "2024-06-15"),
        answers("B", "2024-06-16", "2024-12-31"),
        first_service="2024-01-01",
    )
    firsts = rows.groupby("period").agg(start=("start_date", "min"), ccn=("ccn", "first"))
    assert firsts["ccn"].tolist() == ["A", "B", "B", "B"]
    assert firsts["start"].tolist() == [
        day(d) for d in ("2024-04-01", "2024-06-16", "2024-07-02", "2024-12-31")
    ]


@pytest.mark.manual("2.25.11")
@pytest.mark.parametrize(("start", "owner"), [("2024-06-15", "A"), ("2024-06-16", "B")])
@worked
def test_an_encounter_counts_where_the_patient_was_on_its_first_day(
    start: str, owner: str
) -> Worked:
    rows = yield follow(
        answers("A", "2024-01-01", "2024-06-15"),
        answers("B", "2024-06-16", "2024-12-31"),
        encounters=spans((start, "2024-06-18")),
    )
    assert rows.loc[rows["events"] == 1, "ccn"].tolist() == [owner]


@worked
def test_the_qip_has_no_sedr() -> Worked:
    rows = yield follow(YEAR_AT_A, program="qip")
    assert rows.empty


@worked
def test_the_first_rule_that_applies_is_the_reason() -> Worked:
    rows = yield follow(
        YEAR_AT_A,
        born="2006-03-01",
        seen=[*months(1, 2, 3, is_ma=True), *months(5, 6, 7, 8, 9, 10, 11, 12)],
        hospice=(1, 3, 4, 5),
    )
    assert left_out(rows) == {
        "under_18_years": 60,
        "medicare_advantage": 31,
        "month_not_observable_in_claims": 30,
        "hospice_in_month": 31,
    }
    assert rows.loc[rows["reason"].isna(), "start_date"].min() == day("2024-06-01")
