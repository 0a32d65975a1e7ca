"""The edges of attribution: the day before and the day after each rule, SMR's and SMoSR's days."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.histories import LAST, read
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked


def at(ccn: str | None, start: str, end: str = LAST, modality: str | None = None) -> Row:
    return {
        "ccn": ccn,
        "state": "dialysis",
        "modality": modality,
        "start_date": day(start),
        "end_date": day(end),
    }


def off(state: str, start: str, end: str = LAST) -> Row:
    return {"state": state, "start_date": day(start), "end_date": day(end)}


def attribute(*spells: Row, transplants: tuple[str, ...] = (), rule: str = "standard") -> Case:
    whose = {"program": "dfc", "patient_id": 1}
    return case(
        "history.attribution",
        tables={
            "history.treatment": [{**whose, **spell} for spell in spells],
            "linkage.transplant": [{**whose, "transplant_date": day(t)} for t in transplants],
        },
    ).read(lambda rows: rows[rows["rule"] == rule])


def answers(rows: pd.DataFrame) -> list[tuple[object, ...]]:
    """Who answers, from which day to which."""
    return read(rows[rows["ccn"].notna()], "ccn")


def nobody(rows: pd.DataFrame) -> list[tuple[object, ...]]:
    """Why nobody answers, from which day to which."""
    return read(rows[rows["ccn"].isna()], "reason")


@pytest.mark.manual("2.13.10", "2.12.10", "2.25.12")
@worked
def test_exactly_60_days_of_treatment_are_enough_to_answer_after_the_patient_left() -> Worked:
    # 1 March to 29 April are 60 days.
    rows = yield attribute(
        at("A", "2023-01-01", "2024-02-29"),
        at("B", "2024-03-01", "2024-04-29"),
        at("C", "2024-04-30"),
    )
    assert answers(rows)[1] == ("B", "2024-04-30", "2024-06-28")


@pytest.mark.manual("2.13.10")
@worked
def test_59_days_of_treatment_are_not_enough() -> Worked:
    rows = yield attribute(
        at("A", "2023-01-01", "2024-02-29"),
        at("B", "2024-03-01", "2024-04-28"),
        at("C", "2024-04-29"),
    )
    assert answers(rows) == [("A", "2023-04-01", "2024-04-29"), ("C", "2024-06-28", LAST)]
    assert nobody(rows)[1] == (
        "too_few_days_at_one_facility",
        "2024-04-30",
        "2024-06-27",
    )


@pytest.mark.manual("2.13.10")
@worked
def test_a_facility_left_on_day_90_of_esrd_answers_from_day_91_for_60_days() -> Worked:
    # Day 90 is 30 March; the 60 days before day 91 were A's (reading 28).
    rows = yield attribute(at("A", "2024-01-01", "2024-03-30"), at("B", "2024-03-31"))
    assert answers(rows) == [("A", "2024-03-31", "2024-05-29"), ("B", "2024-05-30", LAST)]


@pytest.mark.manual("2.13.10")
@worked
def test_a_facility_left_on_day_89_of_esrd_never_answered_and_so_does_not_go_on() -> Worked:
    rows = yield attribute(at("A", "2024-01-01", "2024-03-29"), at("B", "2024-03-30"))
    assert answers(rows) == [("B", "2024-05-29", LAST)]


@pytest.mark.manual("2.13.10")
@worked
def test_who_recovers_within_90_days_is_nobodys() -> Worked:
    rows = yield attribute(at("A", "2024-01-01", "2024-03-20"), off("recovered", "2024-03-21"))
    assert answers(rows) == []
    assert nobody(rows)[-1] == ("after_withdrawal_or_recovery", "2024-03-31", LAST)


@worked
def test_a_facility_reached_on_day_31_of_esrd_answers_on_day_91() -> Worked:
    rows = yield attribute(at("A", "2024-01-01", "2024-01-30"), at("B", "2024-01-31"))
    assert answers(rows) == [("B", "2024-03-31", LAST)]


@pytest.mark.manual("2.13.10")
@worked
def test_between_two_facilities_the_first_answers_for_60_days_and_then_nobody() -> Worked:
    rows = yield attribute(
        at("A", "2023-01-01", "2024-02-29"),
        off("untreated", "2024-03-01", "2024-05-31"),
        at("B", "2024-06-01"),
    )
    assert answers(rows) == [("A", "2023-04-01", "2024-04-29"), ("B", "2024-07-31", LAST)]
    assert nobody(rows)[1:] == [
        ("not_treated_by_any_facility", "2024-04-30", "2024-05-31"),
        ("too_few_days_at_one_facility", "2024-06-01", "2024-07-30"),
    ]


@pytest.mark.manual("2.13.10")
@worked
def test_one_day_away_breaks_the_60_days() -> Worked:
    rows = yield attribute(
        at("A", "2023-01-01", "2024-02-29"),
        off("untreated", "2024-03-01", "2024-03-01"),
        at("A", "2024-03-02"),
    )
    # 60 days after leaving end on 29 April; 60 unbroken days after the return on 30 April.
    assert answers(rows) == [("A", "2023-04-01", "2024-04-29"), ("A", "2024-05-01", LAST)]


@worked
def test_days_at_an_unknown_facility_break_the_60_days() -> Worked:
    rows = yield attribute(
        at("A", "2024-01-01", "2024-02-29"),
        at(None, "2024-03-01", "2024-03-10"),
        at("A", "2024-03-11"),
    )
    assert answers(rows) == [("A", "2024-05-10", LAST)]


@worked
def test_a_new_modality_in_the_same_facility_does_not_break_the_60_days() -> Worked:
    rows = yield attribute(
        at("A", "2023-12-01", "2024-02-10", "hemodialysis"),
        at("A", "2024-02-11", LAST, "peritoneal"),
    )
    assert answers(rows) == [("A", "2024-02-29", LAST)]


@worked
def test_back_on_dialysis_soon_after_withdrawal_begins_60_days_anew() -> Worked:
    rows = yield attribute(
        at("A", "2023-01-01", "2024-02-29"),
        off("withdrawn", "2024-03-01", "2024-03-15"),
        at("A", "2024-03-16"),
    )
    assert answers(rows) == [("A", "2023-04-01", "2024-04-29"), ("A", "2024-05-15", LAST)]


@worked
def test_the_day_of_death_is_the_facilitys() -> Worked:
    rows = yield attribute(at("A", "2023-01-01", "2024-05-20"))
    assert answers(rows) == [("A", "2023-04-01", "2024-05-20")]


@worked
def test_a_new_ccn_answers_from_its_own_61st_day() -> Worked:
    rows = yield attribute(at("OLD", "2023-01-01", "2024-04-30"), at("NEW", "2024-05-01"))
    assert answers(rows) == [("OLD", "2023-04-01", "2024-06-29"), ("NEW", "2024-06-30", LAST)]


@pytest.mark.manual("2.13.10")
@worked
def test_a_transplant_ends_the_days_after_a_transfer_too() -> Worked:
    rows = yield attribute(
        at("A", "2023-01-01", "2024-02-29"),
        at("B", "2024-03-01", "2024-03-19"),
        off("transplant", "2024-03-20"),
        transplants=("2024-03-20",),
    )
    assert answers(rows) == [("A", "2023-04-01", "2024-03-16")]
    assert nobody(rows)[-1] == ("transplant", "2024-03-17", LAST)


@worked
def test_a_graft_that_fails_at_once_does_not_bring_the_follow_up_days_back() -> Worked:
    rows = yield attribute(
        at("A", "2023-01-01", "2024-02-29"),
        off("transplant", "2024-03-01", "2024-03-05"),
        at("A", "2024-03-06"),
        transplants=("2024-03-01",),
    )
    assert answers(rows) == [("A", "2023-04-01", "2024-02-26"), ("A", "2024-05-05", LAST)]


@worked
def test_dialysis_after_a_second_graft_on_the_first_says_why_it_is_nobodys() -> Worked:
    rows = yield attribute(
        at("A", "2022-01-01", "2022-12-31"),
        off("transplant", "2023-01-01", "2024-11-30"),
        at("A", "2024-12-01"),
        transplants=("2023-01-01", "2024-03-01"),
    )
    assert nobody(rows)[1:] == [
        ("transplant", "2022-12-29", "2024-11-30"),
        ("too_few_days_at_one_facility", "2024-12-01", LAST),
    ]


@worked
def test_the_days_before_a_transplant_early_in_the_next_year_are_nobodys() -> Worked:
    rows = yield attribute(at("A", "2023-01-01"), transplants=("2025-01-02",))
    assert answers(rows) == [("A", "2023-04-01", "2024-12-29")]
    assert nobody(rows)[-1] == ("transplant", "2024-12-30", LAST)


@worked
def test_a_transplant_dated_after_death_takes_no_days() -> Worked:
    rows = yield attribute(at("A", "2023-01-01", "2024-05-20"), transplants=("2024-05-22",))
    assert answers(rows) == [("A", "2023-04-01", "2024-05-20")]


@pytest.mark.manual("2.13.10")
@worked
def test_whom_only_claims_placed_leaves_without_follow_up_days_when_lost() -> Worked:
    rows = yield attribute(at("A", "2022-01-01", "2024-02-29"), off("lost", "2024-03-01"))
    assert answers(rows) == [("A", "2022-04-01", "2024-02-29")]
    assert nobody(rows)[-1] == ("lost_to_follow_up", "2024-03-01", LAST)


@worked
def test_whom_eqrs_discharged_as_lost_is_the_facilitys_for_60_days() -> Worked:
    rows = yield attribute(
        at("A", "2022-01-01", "2023-02-28"),
        off("untreated", "2023-03-01", "2024-02-28"),
        off("lost", "2024-02-29"),
    )
    assert answers(rows) == [("A", "2022-04-01", "2023-04-29")]
    assert [reason for reason, *_ in nobody(rows)[1:]] == [
        "not_treated_by_any_facility",
        "lost_to_follow_up",
    ]


@pytest.mark.manual("2.14.10", "2.14.10.1", "2.14.10.3")
@worked
def test_smr_leaves_the_patient_with_the_facility_up_to_the_day_before_the_transplant() -> Worked:
    rows = yield attribute(
        at("A", "2023-01-01", "2024-05-31"),
        off("transplant", "2024-06-01"),
        transplants=("2024-06-01",),
        rule="smr",
    )
    assert answers(rows) == [("A", "2023-04-01", "2024-05-31")]


@pytest.mark.manual("2.27.10")
@worked
def test_smosr_begins_on_day_31_of_esrd() -> Worked:
    rows = yield attribute(at("A", "2024-01-01"), rule="smosr")
    assert answers(rows) == [("A", "2024-01-31", LAST)]


@pytest.mark.manual("2.27.10")
@worked
def test_smosr_credits_the_first_facility_for_30_days_after_a_transfer() -> Worked:
    rows = yield attribute(at("A", "2024-01-01", "2024-03-31"), at("B", "2024-04-01"), rule="smosr")
    assert answers(rows) == [("A", "2024-01-31", "2024-04-30"), ("B", "2024-05-01", LAST)]


@pytest.mark.manual("2.27.10")
@worked
def test_smosr_leaves_two_switches_within_30_days_to_nobody() -> Worked:
    rows = yield attribute(
        at("A", "2024-01-01", "2024-03-31"),
        at("B", "2024-04-01", "2024-04-20"),
        at("C", "2024-04-21"),
        rule="smosr",
    )
    assert answers(rows) == [("A", "2024-01-31", "2024-04-30"), ("C", "2024-05-21", LAST)]


@pytest.mark.parametrize("program", ["dfc", "qip"])
@worked
def test_each_program_attributes_by_its_own_history(program: str) -> Worked:
    tables = {
        "history.treatment": [
            {"program": "dfc", "patient_id": 1, **at("A", "2023-01-01", "2024-05-31")},
            {"program": "dfc", "patient_id": 1, **off("transplant", "2024-06-01")},
            {"program": "qip", "patient_id": 1, **at("A", "2023-01-01")},
        ],
        "linkage.transplant": [
            {"program": "dfc", "patient_id": 1, "transplant_date": day("2024-06-01")}
        ],
    }
    rows = yield case("history.attribution", tables=tables)
    rows = rows[rows["rule"] == "standard"]
    end = {"dfc": "2024-05-28", "qip": LAST}[program]
    assert answers(rows[rows["program"] == program]) == [("A", "2023-04-01", end)]


@pytest.mark.parametrize(("onset", "is_followed"), [("2022-12-31", False), ("2023-01-01", True)])
@worked
def test_smosr_follows_patients_of_the_year_and_the_one_before(
    onset: str, *, is_followed: bool
) -> Worked:
    rows = yield attribute(at("A", onset), rule="smosr")
    assert bool(answers(rows)) == is_followed


@worked
def test_each_rule_tiles_the_days_for_itself() -> Worked:
    tables = {
        "history.treatment": [{"program": "dfc", "patient_id": 1, **at("A", "2023-01-01")}],
    }
    rows = yield case("history.attribution", tables=tables)
    assert [(row["rule"], *read(rows.loc[[i]])[0]) for i, row in rows.iterrows()] == [
        ("smosr", "2023-01-01", "2023-01-30"),
        ("smosr", "2023-01-31", LAST),
        ("smr", "2023-01-01", "2023-03-31"),
        ("smr", "2023-04-01", LAST),
        ("standard", "2023-01-01", "2023-03-31"),
        ("standard", "2023-04-01", LAST),
    ]
