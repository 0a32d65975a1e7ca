"""Attribution of days: one patient's treatment in, the facility of each day out."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.12.10", "2.13.10", "2.25.12")

LAST = "2024-12-31"


def at(ccn: str, start: str, end: str = LAST) -> Row:
    return {"ccn": ccn, "state": "dialysis", "start_date": day(start), "end_date": day(end)}


def off(state: str, start: str, end: str = LAST) -> Row:
    return {"ccn": None, "state": state, "start_date": day(start), "end_date": day(end)}


def follow(*spells: Row, transplant: str | None = None) -> Case:
    """The spans of the patient's days from the first spell on."""
    whose = {"program": "dfc", "patient_id": 1}
    first = min(str(spell["start_date"]) for spell in spells)
    grafts = [{**whose, "transplant_date": day(transplant)}] if transplant else []
    return case(
        "history.attribution",
        tables={
            "history.treatment": [{**whose, **spell} for spell in spells],
            "linkage.first_service": [{**whose, "first_service_date": day(first)}],
            "linkage.transplant": grafts,
        },
    ).read(lambda rows: rows[rows["rule"] == "standard"])


def answers(rows: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Who answers, from which day to which."""
    mine = rows[rows["ccn"].notna()]
    return [
        (row.ccn, f"{row.start_date:%Y-%m-%d}", f"{row.end_date:%Y-%m-%d}")
        for row in mine.itertuples()
    ]


@worked
def test_a_new_patients_first_facility_answers_from_day_91_of_esrd() -> Worked:
    # 1 January is day 1, 30 March is day 90 of 2024.
    rows = yield follow(at("A", "2024-01-01"))
    assert answers(rows) == [("A", "2024-03-31", LAST)]
    assert rows["reason"].iloc[0] == "first_days_of_esrd"


@worked
def test_a_facility_reached_on_day_50_answers_from_its_own_61st_day() -> Worked:
    # At B from 19 February (day 50): 60 days of treatment end on 18 April.
    rows = yield follow(at("A", "2024-01-01", "2024-02-18"), at("B", "2024-02-19"))
    assert answers(rows) == [("B", "2024-04-19", LAST)]


@worked
def test_after_a_transfer_the_old_facility_answers_for_60_days_then_the_new_one() -> Worked:
    rows = yield follow(at("A", "2022-01-01", "2024-05-31"), at("B", "2024-06-01"))
    assert answers(rows) == [("A", "2022-04-01", "2024-07-30"), ("B", "2024-07-31", LAST)]


@worked
def test_two_switches_within_60_days_leave_the_patient_to_nobody_until_60_unbroken_days() -> Worked:
    rows = yield follow(
        at("A", "2022-01-01", "2024-03-31"),
        at("B", "2024-04-01", "2024-04-30"),
        at("C", "2024-05-01"),
    )
    # A's 60 days end on 30 May; C has treated for 60 days on 29 June.
    assert answers(rows) == [("A", "2022-04-01", "2024-05-30"), ("C", "2024-06-30", LAST)]


@worked
def test_who_leaves_and_is_back_within_60_days_is_the_facilitys_then_nobodys_then_its_again() -> (
    Worked
):
    rows = yield follow(
        at("A", "2022-01-01", "2024-03-31"),
        at("B", "2024-04-01", "2024-04-20"),
        at("A", "2024-04-21"),
    )
    assert answers(rows) == [("A", "2022-04-01", "2024-05-30"), ("A", "2024-06-20", LAST)]


@worked
def test_a_change_of_modality_does_not_break_treatment() -> Worked:
    rows = yield follow(at("A", "2024-01-01", "2024-02-10"), at("A", "2024-02-11"))
    assert answers(rows) == [("A", "2024-03-31", LAST)]


@pytest.mark.parametrize("state", ["withdrawn", "recovered"])
@worked
def test_after_withdrawal_or_recovery_the_facility_answers_for_60_days(state: str) -> Worked:
    rows = yield follow(at("A", "2022-01-01", "2024-03-31"), off(state, "2024-04-01"))
    assert answers(rows) == [("A", "2022-04-01", "2024-05-30")]
    assert rows["reason"].iloc[-1] == "after_withdrawal_or_recovery"


@worked
def test_nobody_answers_from_the_third_day_before_a_transplant() -> Worked:
    rows = yield follow(
        at("A", "2022-01-01", "2024-06-09"),
        off("transplant", "2024-06-10"),
        transplant="2024-06-10",
    )
    assert answers(rows) == [("A", "2022-04-01", "2024-06-06")]
    assert rows["reason"].iloc[-1] == "transplant"


@worked
def test_after_a_transplant_has_failed_60_days_of_treatment_come_first() -> Worked:
    rows = yield follow(
        at("A", "2020-01-01", "2022-06-09"),
        off("transplant", "2022-06-10", "2024-02-29"),
        at("A", "2024-03-01"),
        transplant="2022-06-10",
    )
    assert answers(rows)[-1] == ("A", "2024-04-30", LAST)


@worked
def test_a_patient_lost_is_nobodys_and_found_again_needs_60_days_at_one_facility() -> Worked:
    rows = yield follow(
        at("A", "2020-01-01", "2022-03-31"),
        off("lost", "2022-04-01", "2024-01-31"),
        at("B", "2024-02-01"),
    )
    assert answers(rows) == [("A", "2020-03-31", "2022-03-31"), ("B", "2024-04-01", LAST)]


@worked
def test_a_patient_whose_facility_is_unknown_is_nobodys_and_says_so() -> Worked:
    unknown = {**at("A", "2022-01-01"), "ccn": None}
    rows = yield follow(unknown)
    assert answers(rows) == []
    assert rows["reason"].tolist() == ["first_days_of_esrd", "facility_unknown"]


@worked
def test_the_spans_tile_every_day_from_first_service_to_the_end() -> Worked:
    rows = yield follow(
        at("A", "2022-01-01", "2024-03-31"),
        at("B", "2024-04-01", "2024-04-20"),
        off("untreated", "2024-04-21", "2024-05-10"),
        at("C", "2024-05-11"),
    )
    starts, ends = pd.to_datetime(rows["start_date"]), pd.to_datetime(rows["end_date"])
    assert starts.iloc[0] == pd.Timestamp("2022-01-01")
    assert ends.iloc[-1] == pd.Timestamp(LAST)
    assert (starts.iloc[1:].to_numpy() - ends.iloc[:-1].to_numpy() == pd.Timedelta(days=1)).all()


@worked
def test_days_and_follow_up_are_parameters() -> Worked:
    rules = pd.DataFrame(
        {
            "rule": ["standard"],
            "program": ["dfc"],
            "treatment_days": [30],
            "follow_days": [30],
            "first_day": [1],
            "transplant_days": [3],
            "incident_years": [None],
        }
    )
    whose = {"program": "dfc", "patient_id": 1}
    rows = yield case(
        "history.attribution",
        tables={
            "history.treatment": [
                {**whose, **spell}
                for spell in (at("A", "2022-01-01", "2024-05-31"), at("B", "2024-06-01"))
            ],
            "linkage.first_service": [{**whose, "first_service_date": day("2022-01-01")}],
        },
        value_sets={"attribution_rule": rules},
    )
    assert answers(rows) == [("A", "2022-01-31", "2024-06-30"), ("B", "2024-07-01", LAST)]
