"""SRR's index discharges of both programs: every exclusion, every branch of Figures 11 and 12."""

from collections.abc import Sequence

import pytest

from esrd_pipeline_tests.sql.discharges import elsewhere, judge_srr, stay
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, day, worked

pytestmark = pytest.mark.manual("2.10.16", "2.11.16")

INDEX = ("2024-03-01", "2024-03-05")
"""The discharge is on 5 March: day 3 is 8 March, day 4 the 9th, day 30 4 April."""
BOTH = ("dfc", "qip")


def outcome(*later: Row, program: str, **other: object) -> Case:
    """Reason and event of an index discharge of 5 March, with what came later."""
    return judge_srr(stay(1, *INDEX), *later, program=program, **other).read(
        lambda rows: (rows[1]["reason"], rows[1]["is_event"])
    )


@pytest.mark.parametrize("program", BOTH)
@worked
def test_a_discharge_that_nothing_follows_counts_without_event(program: str) -> Worked:
    result = yield outcome(program=program)
    assert result == (None, 0)


@pytest.mark.manual("2.10.8", "2.11.8")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"kind": "psychiatric", "episode": None}, "not_acute_care_hospital"),
        ({"kind": "other", "episode": None}, "not_acute_care_hospital"),
        ({"kind": "critical access"}, None),
        ({"is_cancer_hospital": True}, "cancer_hospital"),
        ({"is_covered": False}, "not_covered_by_medicare"),
        ({"is_transferred": True}, "transferred_to_acute_care_hospital"),
        ({"discharge_status": "20"}, "died_in_hospital"),
        ({"discharge_status": "30"}, "still_in_hospital"),
        ({"discharge_status": "07"}, "left_against_medical_advice"),
        ({"discharge_status": "03"}, None),
        ({"principal_category": 19}, "excluded_principal_diagnosis"),
        ({"principal_category": 657}, "excluded_principal_diagnosis"),
        ({"principal_category": 254}, "excluded_principal_diagnosis"),
        ({"principal_category": None}, None),
        ({"order_in_year": 12}, None),
        ({"order_in_year": 13}, "after_twelfth_admission_of_year"),
    ],
)
@pytest.mark.parametrize("program", BOTH)
@worked
def test_exclusions_of_the_stay_that_both_programs_share(
    program: str, changed: dict[str, object], reason: str | None
) -> Worked:
    rows = yield judge_srr(stay(1, *INDEX, **changed), program=program)
    assert rows[1]["reason"] == reason


@pytest.mark.manual("2.10.8", "2.11.8")
@pytest.mark.parametrize("program", BOTH)
@worked
def test_the_thirteenth_admission_is_of_the_calendar_year_it_begins_in(program: str) -> Worked:
    # Thirteenth of 2023, thirteenth of 2024 whose discharge nothing else rules out, and twelfth.
    over, last, next_to_last = (
        stay(1, "2023-12-28", "2024-01-03", order_in_year=13),
        stay(14, "2024-11-01", "2024-11-05", order_in_year=13),
        stay(13, "2024-08-01", "2024-08-05", order_in_year=12),
    )
    rows = yield judge_srr(over, next_to_last, last, program=program)
    assert rows[1]["reason"] is None
    assert rows[13]["reason"] is None
    assert rows[14]["reason"] == "after_twelfth_admission_of_year"


@pytest.mark.manual("2.10.8")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"is_rehabilitation": True}, "rehabilitation_revenue_center"),
        ({"episode_admit_date": day("2023-03-06")}, "stay_of_365_days_or_longer"),
        ({"episode_admit_date": day("2023-03-07")}, None),
    ],
)
@worked
def test_exclusions_of_the_stay_that_dfc_has_alone(
    changed: dict[str, object], reason: str | None
) -> Worked:
    dfc, qip = yield (
        judge_srr(stay(1, *INDEX, **changed)),
        judge_srr(stay(1, *INDEX, **changed), program="qip"),
    )
    assert dfc[1]["reason"] == reason
    assert qip[1]["reason"] is None


@pytest.mark.manual("2.10.8", "2.11.9")
@pytest.mark.parametrize(
    ("program", "who", "reason"),
    [
        ("dfc", {"state": "untreated", "ccn": None}, "not_on_dialysis_at_discharge"),
        ("qip", {"state": "withdrawn", "ccn": None}, "not_on_dialysis_at_discharge"),
        ("dfc", {"state": None, "ccn": None}, "not_on_dialysis_at_discharge"),
        (
            "dfc",
            {"state": "transplant", "ccn": None, "is_grafted": True},
            "not_on_dialysis_at_discharge",
        ),
        ("qip", {"state": "transplant", "ccn": None, "is_grafted": True}, "transplant"),
        # The graft fails on the day: dialysis by its state, yet functioning by 2.11.9.
        ("qip", {"is_grafted": True}, "transplant"),
        ("dfc", {"is_grafted": True}, None),
        ("dfc", {"ccn": None}, "facility_unknown"),
        ("qip", {"ccn": None}, "facility_unknown"),
        ("dfc", {"age": None}, "date_of_birth_unknown"),
        ("dfc", {"death_date": day("2024-03-05")}, "died_in_hospital"),
        ("qip", {"death_date": day("2024-03-04")}, "died_in_hospital"),
        ("dfc", {"age": 12}, None),
    ],
)
@worked
def test_exclusions_of_the_patient(program: str, who: Row, reason: str | None) -> Worked:
    rows = yield judge_srr(stay(1, *INDEX), program=program, who=who)
    assert rows[1]["reason"] == reason


@pytest.mark.manual("2.11.7", "3.4")
@worked
def test_months_of_an_exception_are_left_out_of_the_qip() -> Worked:
    march, april = [("2024-02-01", "2024-03-01")], [("2024-04-01", "2024-05-01")]
    first, second, third = yield (
        outcome(program="qip", excepted=march),
        outcome(program="qip", excepted=april),
        outcome(program="dfc", excepted=march),
    )
    assert first == ("extraordinary_circumstances_exception", 0)
    assert second == (None, 0)
    assert third == (None, 0)


@pytest.mark.manual("2.10.6", "2.10.10", "2.11.6", "2.11.11")
@pytest.mark.parametrize(
    ("admitted", "dfc", "qip"),
    [
        (
            "2024-03-06",
            ("hospitalized_within_3_days", 0),
            ("unplanned_readmission_within_3_days", 0),
        ),
        (
            "2024-03-08",
            ("hospitalized_within_3_days", 0),
            ("unplanned_readmission_within_3_days", 0),
        ),
        ("2024-03-09", (None, 1), (None, 1)),
        ("2024-04-04", (None, 1), (None, 1)),
        ("2024-04-05", (None, 0), (None, 0)),
    ],
)
@worked
def test_an_unplanned_readmission_counts_from_day_4_to_day_30(
    admitted: str, dfc: tuple[object, object], qip: tuple[object, object]
) -> Worked:
    later = stay(2, admitted, "2024-04-10")
    of_dfc, of_qip = yield outcome(later, program="dfc"), outcome(later, program="qip")
    assert of_dfc == dfc
    assert of_qip == qip


@pytest.mark.manual("2.10.8", "2.10.10")
@pytest.mark.parametrize(
    ("admitted", "dfc", "qip"),
    [
        ("2024-03-08", ("hospitalized_within_3_days", 0), (None, 0)),
        ("2024-03-09", (None, 0), (None, 0)),
        ("2024-04-04", (None, 0), (None, 0)),
    ],
)
@worked
def test_a_planned_readmission_is_no_event_and_within_three_days_excludes_in_dfc(
    admitted: str, dfc: tuple[object, object], qip: tuple[object, object]
) -> Worked:
    later = stay(2, admitted, "2024-04-10", is_planned=True)
    of_dfc, of_qip = yield outcome(later, program="dfc"), outcome(later, program="qip")
    assert of_dfc == dfc
    assert of_qip == qip


@pytest.mark.parametrize("program", BOTH)
@worked
def test_what_comes_first_decides(program: str) -> Worked:
    planned = stay(2, "2024-03-10", "2024-03-12", is_planned=True)
    unplanned = stay(3, "2024-03-20", "2024-03-22")
    first = stay(2, "2024-03-10", "2024-03-12")
    second = stay(3, "2024-03-20", "2024-03-22", is_planned=True)
    first_rows, second_rows = yield (
        outcome(planned, unplanned, program=program),
        outcome(first, second, program=program),
    )
    assert first_rows == (None, 0)
    assert second_rows == (None, 1)


@pytest.mark.manual("2.10.10", "2.11.11")
@pytest.mark.parametrize("kind", ["rehabilitation", "psychiatric", "long-term"])
@worked
def test_admission_elsewhere_competes_in_dfc_and_is_not_seen_in_the_qip(kind: str) -> Worked:
    there = elsewhere(2, "2024-03-10", "2024-03-15", kind)
    later = stay(3, "2024-03-20", "2024-03-22")
    dfc, qip = yield outcome(there, later, program="dfc"), outcome(there, later, program="qip")
    assert dfc == (None, 0)
    assert qip == (None, 1)


@pytest.mark.parametrize(
    ("admitted", "reason"),
    [
        ("2024-03-05", "hospitalized_within_3_days"),
        ("2024-03-08", "hospitalized_within_3_days"),
        ("2024-03-09", None),
    ],
)
@worked
def test_admission_elsewhere_within_three_days_excludes_in_dfc(
    admitted: str, reason: str | None
) -> Worked:
    there = elsewhere(2, admitted, "2024-03-30", "rehabilitation")
    dfc, qip = yield outcome(there, program="dfc"), outcome(there, program="qip")
    assert dfc == (reason, 0)
    assert qip == (None, 0)


@pytest.mark.manual("2.10.10", "2.11.11")
@worked
def test_swing_beds_and_stays_not_covered_are_no_hospitalisations() -> Worked:
    swing = elsewhere(2, "2024-03-05", "2024-03-20", "other")
    unpaid = stay(2, "2024-03-10", "2024-03-20", is_covered=False)
    first, second, third = yield (
        outcome(swing, program="dfc"),
        outcome(unpaid, program="dfc"),
        outcome(unpaid, program="qip"),
    )
    assert first == (None, 0)
    assert second == (None, 0)
    assert third == (None, 0)


@pytest.mark.manual("2.10.8")
@pytest.mark.parametrize(
    ("admitted", "reason"),
    [("2024-03-07", "hospitalized_within_3_days"), ("2024-03-09", None)],
)
@worked
def test_any_stay_within_three_days_excludes_whether_medicare_covers_it_or_not(
    admitted: str, reason: str | None
) -> Worked:
    unpaid = stay(2, admitted, "2024-03-20", is_covered=False)
    dfc, qip = yield outcome(unpaid, program="dfc"), outcome(unpaid, program="qip")
    assert dfc == (reason, 0)
    assert qip == (None, 0)


@pytest.mark.parametrize(
    ("died", "dfc", "qip"),
    [
        ("2024-03-08", "died_within_3_days", "died_within_30_days_without_readmission"),
        ("2024-03-09", None, "died_within_30_days_without_readmission"),
        ("2024-04-04", None, "died_within_30_days_without_readmission"),
        ("2024-04-05", None, None),
    ],
)
@worked
def test_a_death_without_readmission(died: str, dfc: str | None, qip: str | None) -> Worked:
    who = {"death_date": day(died)}
    of_dfc, of_qip = yield outcome(program="dfc", who=who), outcome(program="qip", who=who)
    assert of_dfc == (dfc, 0)
    assert of_qip == (qip, 0)


@pytest.mark.parametrize("program", BOTH)
@worked
def test_a_readmission_in_which_the_patient_dies_is_an_event(program: str) -> Worked:
    last = stay(2, "2024-03-10", "2024-03-12", discharge_status="20")
    result = yield outcome(last, program=program, who={"death_date": day("2024-03-12")})
    assert result == (None, 1)


@worked
def test_a_stay_after_whose_last_day_the_patient_was_dead_is_not_seen_in_the_qip() -> Worked:
    last = stay(2, "2024-03-10", "2024-03-12")
    who = {"death_date": day("2024-03-11")}
    qip, dfc = yield (
        outcome(last, program="qip", who=who),
        outcome(last, program="dfc", who=who),
    )
    assert qip == ("died_within_30_days_without_readmission", 0)
    assert dfc == (None, 1)


@pytest.mark.parametrize("program", BOTH)
@worked
def test_death_on_the_day_of_the_readmission_comes_after_it(program: str) -> Worked:
    last = stay(2, "2024-03-10", "2024-03-10", discharge_status="20")
    result = yield outcome(last, program=program, who={"death_date": day("2024-03-10")})
    assert result == (None, 1)


@pytest.mark.parametrize(
    ("transplant", "reason"),
    [
        ("2024-03-08", "transplant_within_3_days"),
        ("2024-03-09", None),
    ],
)
@worked
def test_a_transplant_competes_in_dfc(transplant: str, reason: str | None) -> Worked:
    later = stay(2, "2024-03-20", "2024-03-22")
    dfc, qip = yield (
        outcome(later, program="dfc", transplant=transplant),
        outcome(later, program="qip", transplant=transplant),
    )
    assert dfc == (reason, 0)
    assert qip == (None, 1)


@worked
def test_a_transplant_on_the_day_of_an_admission_is_what_it_was_for() -> Worked:
    graft = stay(2, "2024-03-20", "2024-03-24")
    result = yield outcome(graft, program="dfc", transplant="2024-03-20")
    assert result == (None, 0)


@pytest.mark.parametrize("state", ["withdrawn", "recovered", "lost"])
@worked
def test_withdrawal_recovery_and_loss_compete_in_dfc(state: str) -> Worked:
    later = stay(2, "2024-03-20", "2024-03-22")
    soon = "off_dialysis_within_3_days"
    first, second, third, fourth = yield (
        outcome(later, program="dfc", spells=[(state, "2024-03-08")]),
        outcome(later, program="dfc", spells=[(state, "2024-03-09")]),
        outcome(later, program="dfc", spells=[(state, "2024-03-21")]),
        outcome(later, program="qip", spells=[(state, "2024-03-09")]),
    )
    assert first == (soon, 0)
    assert second == (None, 0)
    assert third == (None, 1)
    assert fourth == (None, 1)


@pytest.mark.parametrize("program", BOTH)
@worked
def test_thirty_days_must_be_over_when_the_years_claims_end(program: str) -> Worked:
    first, second = yield (
        judge_srr(stay(1, "2024-11-25", "2024-12-01"), program=program),
        judge_srr(stay(1, "2024-11-25", "2024-12-02"), program=program),
    )
    inside = first[1]
    outside = second[1]
    assert inside["reason"] is None
    assert outside["reason"] == "follow_up_incomplete"


@pytest.mark.parametrize("program", BOTH)
@worked
def test_discharges_of_the_year_before_are_no_rows(program: str) -> Worked:
    before, this = stay(1, "2023-12-20", "2023-12-31"), stay(2, "2024-02-01", "2024-02-03")
    rows = yield judge_srr(before, this, program=program)
    assert list(rows) == [2]


@pytest.mark.parametrize("program", BOTH)
@worked
def test_a_readmission_is_an_index_discharge_of_its_own(program: str) -> Worked:
    rows = yield judge_srr(stay(1, *INDEX), stay(2, "2024-03-10", "2024-03-12"), program=program)
    assert [rows[number]["is_event"] for number in (1, 2)] == [1, 0]
    assert [rows[number]["reason"] for number in (1, 2)] == [None, None]


@worked
def test_joined_stays_are_one_index_discharge_and_one_readmission() -> Worked:
    first = stay(1, "2024-03-01", "2024-03-03", is_transferred=True, order_in_year=1)
    last = stay(
        2,
        "2024-03-04",
        "2024-03-08",
        hospital="100002",
        episode=1,
        episode_admit_date=day("2024-03-01"),
        is_admission=False,
        order_in_year=1,
    )
    for rows in (yield [judge_srr(first, last, program=program) for program in BOTH]):
        assert rows[1]["reason"] == "transferred_to_acute_care_hospital"
        assert (rows[2]["reason"], rows[2]["hospital_ccn"]) == (None, "100002")
        assert rows[2]["length_of_stay"] == 7


def outcome_of_december(
    *later: Row, program: str = "dfc", left: Sequence[tuple[str, str, str | None]] = (), **o: object
) -> Case:
    """Reason and event of a discharge of 20 December, followed to 31 March.

    `left` has admissions in EQRS: first day, reason of discharge and its day.
    """
    admissions = [
        {
            "patient_id": 1,
            "facilityid": place,
            "admit_date": day(start),
            "admit_reason": "Transfer In",
            "discharge_date": day(end) if end else None,
            "discharge_reason": reason if end else None,
        }
        for place, (start, reason, end) in enumerate(left, start=1)
    ]
    return judge_srr(
        stay(1, "2024-12-10", "2024-12-20"),
        *later,
        program=program,
        admissions=admissions,
        run_out="2025-03-31",
        **o,
    ).read(lambda rows: (rows[1]["reason"], rows[1]["is_event"], rows[1]["first_event"]))


READMITTED = stay(2, "2025-01-12", "2025-01-16")
"""On day 23 after 20 December, in the next year."""


@pytest.mark.manual("2.10.10", "2.11.11")
@worked
def test_what_happens_in_january_competes_with_a_readmission_of_january() -> Worked:
    nothing, transplanted, died, of_qip = yield (
        outcome_of_december(READMITTED),
        outcome_of_december(READMITTED, transplant="2025-01-08"),
        outcome_of_december(who={"death_date": day("2025-01-08")}),
        outcome_of_december(who={"death_date": day("2025-01-08")}, program="qip"),
    )
    assert nothing == (None, 1, "unplanned readmission")
    assert transplanted == (None, 0, "transplant")
    assert died == (None, 0, "death")
    assert of_qip == ("died_within_30_days_without_readmission", 0, None)


@pytest.mark.manual("2.10.10")
@pytest.mark.parametrize("reason", ["Recover Function", "Discontinue"])
@pytest.mark.parametrize(
    ("end", "event"),
    [
        ("2024-12-31", 0),
        ("2025-01-10", 0),
        # The day of discharge is the last on dialysis, and of one day a readmission comes first.
        ("2025-01-11", 1),
        ("2025-01-20", 1),
    ],
)
@worked
def test_recovery_and_withdrawal_after_the_years_end_compete(
    reason: str, end: str, event: int
) -> Worked:
    dfc, qip = yield (
        outcome_of_december(READMITTED, left=[("2020-01-01", reason, end)]),
        outcome_of_december(READMITTED, left=[("2020-01-01", reason, end)], program="qip"),
    )
    assert dfc == (None, event, "unplanned readmission" if event else "off dialysis")
    assert qip == (None, 1, "unplanned readmission")


@pytest.mark.manual("2.10.10")
@pytest.mark.parametrize(
    "left",
    [
        [("2020-01-01", "Transfer Out", "2025-01-05")],
        [("2020-01-01", "Recover Function", "2025-01-05"), ("2024-12-30", "", None)],
        [("2020-01-01", "Recover Function", "2025-01-05"), ("2025-01-06", "", None)],
    ],
)
@worked
def test_who_goes_on_elsewhere_in_january_has_not_left_dialysis(
    left: list[tuple[str, str, str | None]],
) -> Worked:
    result = yield outcome_of_december(READMITTED, left=left)
    assert result == (None, 1, "unplanned readmission")


@pytest.mark.manual("2.10.8")
@worked
def test_recovery_of_the_first_days_of_january_excludes_a_discharge_of_the_years_end() -> Worked:
    rows = yield judge_srr(
        stay(1, "2024-12-20", "2024-12-30"),
        admissions=[
            {
                "patient_id": 1,
                "facilityid": 1,
                "admit_date": day("2020-01-01"),
                "admit_reason": "Transfer In",
                "discharge_date": day("2025-01-01"),
                "discharge_reason": "Recover Function",
            }
        ],
        run_out="2025-03-31",
    )
    assert rows[1]["reason"] == "off_dialysis_within_3_days"
