"""SHR's days: every day of the year at risk, or not and why; the facility of each admission.

By the manual, and by SHR's 2025 submission where that differs (reading 22).
"""

from functools import partial

import pytest

from esrd_pipeline_tests.sql.recurrent_event_days import (
    answers,
    at_risk,
    count,
    left_out,
    months,
    stays,
)
from esrd_pipeline_tests.sql.recurrent_event_days import follow as follow_measure
from esrd_pipeline_tests.sql.worked import Worked, day, worked

follow = partial(follow_measure, "shr")
submit = partial(follow_measure, "shr_submission")


@pytest.mark.manual("2.13.9", "2.13.10.1")
@worked
def test_a_whole_year_at_one_facility_is_one_period_of_366_days_in_2024() -> Worked:
    rows = yield follow(answers("A", "2023-03-01", "2024-12-31"))
    assert at_risk(rows) == 366
    assert rows["period"].unique().tolist() == [1]
    assert rows["interval"].unique().tolist() == [5]
    assert rows["start_date"].iloc[0] == day("2024-01-01")


@pytest.mark.manual("2.13.10")
@worked
def test_days_that_nobody_answers_for_keep_their_reason() -> Worked:
    rows = yield follow(
        answers(None, "2024-01-01", "2024-03-30", "first_days_of_esrd"),
        answers("A", "2024-03-31", "2024-12-31"),
        first_service="2024-01-01",
    )
    assert rows.groupby("reason")["days"].sum().to_dict() == {"first_days_of_esrd": 90}
    assert at_risk(rows) == 366 - 90


@pytest.mark.manual("2.13.10.1")
@worked
def test_a_new_facility_is_a_new_period() -> Worked:
    rows = yield follow(
        answers("A", "2024-01-01", "2024-06-15"), answers("B", "2024-06-16", "2024-12-31")
    )
    assert rows.groupby(["period", "ccn"])["days"].sum().to_dict() == {
        (1, "A"): 167,
        (2, "B"): 199,
    }


@pytest.mark.manual("2.13.10.1")
@worked
def test_a_cut_point_of_the_duration_of_esrd_is_a_new_period() -> Worked:
    # 183 days after the first service date is 2 July 2024, 365 days after is 31 December.
    rows = yield follow(answers("A", "2024-04-01", "2024-12-31"), first_service="2024-01-01")
    firsts = rows.groupby("period").agg(start=("start_date", "min"), interval=("interval", "first"))
    assert firsts["start"].tolist() == [day(d) for d in ("2024-04-01", "2024-07-02", "2024-12-31")]
    assert firsts["interval"].tolist() == [0, 1, 2]


@pytest.mark.manual("2.13.9", "2.13.10.1")
@worked
def test_a_month_that_medicare_cannot_see_is_not_at_risk_and_ends_no_period() -> Worked:
    rows = yield follow(
        answers("A", "2024-01-01", "2024-12-31"), seen=months(1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12)
    )
    unseen = rows[rows["reason"].notna()]
    assert unseen["reason"].tolist() == ["month_not_observable_in_claims"]
    assert unseen["days"].tolist() == [30]
    assert rows["period"].unique().tolist() == [1]


@pytest.mark.manual("2.13.13")
@worked
def test_a_covid_stage_is_a_period_of_its_own_under_the_manual() -> Worked:
    stage = {"stage": 1, "start_date": day("2024-05-10"), "end_date": day("2024-06-08")}
    year = answers("A", "2024-01-01", "2024-12-31")
    rows, submitted = yield (
        follow(year, stages=[stage]),
        submit(year, stages=[stage]),
    )
    assert rows.groupby("period")["days"].sum().tolist() == [130, 30, 206]
    assert rows.groupby("period")["covid_stage"].first().tolist() == [0, 1, 0]
    assert submitted["period"].unique().tolist() == [1]
    assert submitted["covid_stage"].unique().tolist() == [0]


@worked
def test_joining_medicare_advantage_is_a_new_period_under_the_submission_alone() -> Worked:
    year = answers("A", "2024-01-01", "2024-12-31")
    seen = [*months(*range(1, 8)), *months(*range(8, 13), is_ma=True)]
    first, rows = yield follow(year, seen=seen), submit(year, seen=seen)
    assert first["period"].unique().tolist() == [1]
    assert rows.groupby("period")["days"].sum().tolist() == [213, 153]
    assert rows.groupby("period")["is_ma"].first().tolist() == [False, True]


@pytest.mark.manual("2.13.7", "3.4")
@worked
def test_an_exception_takes_its_months_from_qip_and_not_from_dfc() -> Worked:
    grant = {"ccn": "A", "first_month": day("2024-02-01"), "last_month": day("2024-03-01")}
    year = answers("A", "2024-01-01", "2024-12-31")
    admitted = stays("2024-03-05", "2024-04-05")
    qip, dfc = yield (
        follow(year, exceptions=[grant], admitted=admitted, program="qip"),
        follow(year, exceptions=[grant], program="dfc"),
    )
    excepted = qip[qip["reason"] == "extraordinary_circumstances_exception"]
    assert excepted["days"].tolist() == [29, 31]
    assert excepted["events"].tolist() == [0, 1]
    assert at_risk(dfc) == 366


@worked
def test_an_exception_of_another_facility_changes_nothing() -> Worked:
    grant = {"ccn": "B", "first_month": day("2024-02-01"), "last_month": day("2024-03-01")}
    rows = yield follow(answers("A", "2024-01-01", "2024-12-31"), exceptions=[grant], program="qip")
    assert at_risk(rows) == 366


@pytest.mark.manual("2.13.11")
@pytest.mark.parametrize(
    ("admitted", "owner"),
    [("2024-06-15", "A"), ("2024-06-16", "B"), ("2024-01-01", "A"), ("2024-12-31", "B")],
)
@worked
def test_an_admission_counts_where_the_patient_was_on_its_first_day(
    admitted: str, owner: str
) -> Worked:
    rows = yield follow(
        answers("A", "2024-01-01", "2024-06-15"),
        answers("B", "2024-06-16", "2024-12-31"),
        admitted=stays(admitted),
    )
    assert rows.groupby("ccn")["events"].sum().to_dict() == {
        owner: 1,
        "B" if owner == "A" else "A": 0,
    }


@pytest.mark.manual("2.13.13")
@worked
def test_an_index_covid_stay_counts_under_the_submission_alone() -> Worked:
    year, admitted = (
        answers("A", "2024-01-01", "2024-12-31"),
        stays("2024-02-02", "2024-05-01", covid="2024-05-01"),
    )
    first, second = yield (
        follow(year, admitted=admitted),
        submit(year, admitted=admitted),
    )
    assert (first["events"].sum(), first["uncounted_events"].sum()) == (2, 1)
    assert (second["events"].sum(), second["uncounted_events"].sum()) == (2, 0)


@pytest.mark.manual("2.13.6", "2.13.11")
@worked
def test_two_admissions_of_one_month_are_both_counted() -> Worked:
    rows = yield follow(
        answers("A", "2024-01-01", "2024-12-31"), admitted=stays("2024-02-02", "2024-02-20")
    )
    assert rows["events"].max() == 2


@worked
def test_the_days_after_a_death_are_in_no_row() -> Worked:
    rows = yield follow(answers("A", "2024-01-01", "2024-02-10"))
    assert rows["days"].sum() == 41
    assert rows["end_date"].max() == day("2024-02-10")


@worked
def test_what_only_other_measures_look_at_ends_no_period_and_leaves_no_day_out() -> Worked:
    rows = yield follow(
        answers("A", "2024-01-01", "2024-12-31"),
        born="2006-03-07",
        diagnosed="2024-05-10",
        excluded=[{"start_date": day("2024-08-08"), "end_date": day("2024-09-09")}],
        hospice=(11, 12),
    )
    assert at_risk(rows) == 366
    assert rows["period"].unique().tolist() == [1]
    assert rows["covid_stage"].unique().tolist() == [0]


@worked
def test_the_submission_leaves_out_the_days_before_the_18th_birthday() -> Worked:
    year, admitted = answers("A", "2024-01-01", "2024-12-31"), stays("2024-03-01", "2024-08-01")
    first, second = yield (
        follow(year, born="2006-07-01", admitted=admitted),
        submit(year, born="2006-07-01", admitted=admitted),
    )
    assert at_risk(first) == 366
    assert left_out(second) == {"under_18_years": 182}
    assert count(second) == 1
    # The birthday is no cut: the facts are those of the first day of the year.
    assert second["period"].unique().tolist() == [1]


@worked
def test_one_whose_birth_is_unknown_is_left_out_and_a_child_is_not() -> Worked:
    year = answers("A", "2024-01-01", "2024-12-31")
    unknown, submitted, child = yield (
        follow(year, born=None),
        submit(year, born=None),
        follow(year, born="2015-07-01"),
    )
    assert left_out(unknown) == {"date_of_birth_unknown": 366}
    assert left_out(submitted) == {"date_of_birth_unknown": 366}
    assert at_risk(child) == 366


@worked
def test_the_submission_leaves_out_what_the_manual_leaves_out() -> Worked:
    grant = {"ccn": "A", "first_month": day("2024-02-01"), "last_month": day("2024-02-01")}
    rows = yield submit(
        answers(None, "2024-01-01", "2024-01-31", "first_days_of_esrd"),
        answers("A", "2024-02-01", "2024-06-30"),
        answers("B", "2024-07-01", "2024-12-31"),
        seen=months(*range(1, 12)),
        exceptions=[grant],
        program="qip",
    )
    assert left_out(rows) == {
        "first_days_of_esrd": 31,
        "extraordinary_circumstances_exception": 29,
        "month_not_observable_in_claims": 31,
    }
    assert rows.groupby("ccn")["period"].unique().map(list).to_dict() == {"A": [2], "B": [3]}


@worked
def test_where_the_submission_is_not_chosen_it_has_no_rows() -> Worked:
    rows = yield submit(answers("A", "2024-01-01", "2024-12-31"), is_chosen=False)
    assert rows.empty
