"""STrR's days: Figure 14 branch by branch, and the facility of each transfusion."""

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

pytestmark = pytest.mark.manual("2.12.12", "2.12.18")

follow = partial(follow_measure, "strr")
EXCLUDED = "within_year_of_excluded_condition"


@worked
def test_a_whole_year_of_an_adult_in_traditional_medicare_is_one_period() -> Worked:
    rows = yield follow(YEAR_AT_A, transfused=("2024-01-01", "2024-12-31"))
    assert (at_risk(rows), count(rows)) == (366, 2)
    assert rows["period"].unique().tolist() == [1]


@worked
def test_days_that_nobody_answers_for_keep_their_reason() -> Worked:
    rows = yield follow(
        answers(None, "2024-01-01", "2024-03-30", "first_days_of_esrd"),
        answers("A", "2024-03-31", "2024-12-31"),
        first_service="2024-01-01",
        transfused=("2024-03-30", "2024-03-31"),
    )
    assert left_out(rows) == {"first_days_of_esrd": 90}
    assert count(rows) == 1


@pytest.mark.manual("2.12.9")
@worked
def test_days_before_the_18th_birthday_are_left_out_and_their_transfusions() -> Worked:
    rows = yield follow(YEAR_AT_A, born="2006-05-10", transfused=("2024-05-09", "2024-05-10"))
    assert left_out(rows) == {"under_18_years": 31 + 29 + 31 + 30 + 9}
    assert count(rows) == 1
    assert rows.loc[rows["reason"].isna(), "start_date"].min() == day("2024-05-10")


@worked
def test_one_whose_birth_is_unknown_is_not_known_to_be_adult() -> Worked:
    rows = yield follow(YEAR_AT_A, born=None)
    assert left_out(rows) == {"date_of_birth_unknown": 366}


@pytest.mark.manual("2.12.9")
@worked
def test_months_of_medicare_advantage_are_left_out_though_claims_cover_them() -> Worked:
    seen = [
        *months(1, 2, 3, 4, 5, 6, 7),
        *months(8, is_ma=True, is_covered=True),
        *months(9, 10, 11, 12, is_ma=True),
    ]
    rows = yield follow(YEAR_AT_A, seen=seen, transfused=("2024-07-31", "2024-08-01"))
    assert left_out(rows) == {"medicare_advantage": 153}
    assert count(rows) == 1


@worked
def test_a_month_that_claims_do_not_cover_is_left_out_and_ends_the_period() -> Worked:
    rows = yield follow(YEAR_AT_A, seen=months(1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12))
    assert left_out(rows) == {"month_not_observable_in_claims": 30}
    counted = rows[rows["reason"].isna()]
    assert counted.groupby("period")["days"].sum().tolist() == [91, 245]


@pytest.mark.manual("2.12.9")
@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2023-06-01", "2024-01-01", 1),
        ("2023-06-01", "2023-12-31", 0),
        ("2024-12-31", "2025-12-30", 1),
        ("2024-03-04", "2025-03-03", 303),
    ],
)
@worked
def test_days_within_a_year_of_an_excluded_condition_are_left_out(
    start: str, end: str, days: int
) -> Worked:
    rows = yield follow(YEAR_AT_A, excluded=spans((start, end)))
    assert left_out(rows) == ({EXCLUDED: days} if days else {})


@worked
def test_a_transfusion_counts_from_the_day_after_an_excluded_span() -> Worked:
    rows = yield follow(
        YEAR_AT_A,
        excluded=spans(("2023-06-16", "2024-06-15")),
        transfused=("2024-06-15", "2024-06-16"),
    )
    assert (count(rows), int(rows["events"].sum())) == (1, 2)


@pytest.mark.manual("2.12.13")
@pytest.mark.parametrize(
    ("transfused", "stage"),
    [
        ("2024-03-01", 0),
        ("2024-03-02", 1),
        ("2024-03-31", 1),
        ("2024-04-01", 2),
        ("2024-04-30", 2),
        ("2024-05-01", 3),
        ("2024-12-31", 3),
    ],
)
@worked
def test_the_stages_of_covid_are_days_1_to_30_31_to_60_and_all_later_ones(
    transfused: str, stage: int
) -> Worked:
    rows = yield follow(YEAR_AT_A, diagnosed="2024-03-01", transfused=(transfused,))
    assert rows.loc[rows["events"] == 1, "covid_stage"].tolist() == [stage]
    assert rows.groupby("period")["days"].sum().tolist() == [61, 30, 30, 245]


@worked
def test_the_last_stage_of_a_diagnosis_long_ago_does_not_end() -> Worked:
    rows = yield follow(YEAR_AT_A, diagnosed="2020-04-01")
    assert rows["covid_stage"].unique().tolist() == [3]
    assert rows["period"].unique().tolist() == [1]


@worked
def test_the_stages_of_hospitalisation_are_none_of_strr() -> Worked:
    stage = {"stage": 1, "start_date": day("2024-05-10"), "end_date": day("2024-06-08")}
    rows = yield follow(YEAR_AT_A, stages=[stage])
    assert rows["covid_stage"].unique().tolist() == [0]
    assert rows["period"].unique().tolist() == [1]


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


@pytest.mark.manual("2.12.6", "2.12.11")
@pytest.mark.parametrize(("transfused", "owner"), [("2024-06-15", "A"), ("2024-06-16", "B")])
@worked
def test_a_transfusion_counts_where_the_patient_was_on_its_day(
    transfused: str, owner: str
) -> Worked:
    rows = yield follow(
        answers("A", "2024-01-01", "2024-06-15"),
        answers("B", "2024-06-16", "2024-12-31"),
        transfused=(transfused,),
    )
    assert rows.loc[rows["events"] == 1, "ccn"].tolist() == [owner]


@pytest.mark.manual("2.12.7", "3.4")
@worked
def test_an_exception_takes_its_months_from_qip_and_not_from_dfc() -> Worked:
    grant = {"ccn": "A", "first_month": day("2024-02-01"), "last_month": day("2024-03-01")}
    qip, dfc = yield (
        follow(YEAR_AT_A, exceptions=[grant], transfused=("2024-03-05",), program="qip"),
        follow(YEAR_AT_A, exceptions=[grant]),
    )
    assert left_out(qip) == {"extraordinary_circumstances_exception": 60}
    assert count(qip) == 0
    assert at_risk(dfc) == 366


@worked
def test_the_first_rule_that_applies_is_the_reason() -> Worked:
    grant = {"ccn": "A", "first_month": day("2024-01-01"), "last_month": day("2024-01-01")}
    rows = yield follow(
        YEAR_AT_A,
        born="2006-03-01",
        exceptions=[grant],
        seen=[*months(1, 2, 3, is_ma=True), *months(5, 6, 7, 8, 9, 10, 11, 12)],
        excluded=spans(("2024-01-01", "2024-06-30")),
        program="qip",
    )
    assert list(left_out(rows)) == sorted(
        {
            "extraordinary_circumstances_exception",
            "under_18_years",
            "medicare_advantage",
            "month_not_observable_in_claims",
            EXCLUDED,
        }
    )
    days = left_out(rows)
    assert days["extraordinary_circumstances_exception"] == 31
    assert days["under_18_years"] == 29
    assert days["medicare_advantage"] == 31
    assert days["month_not_observable_in_claims"] == 30
    assert days[EXCLUDED] == 61
