"""Patients of a day: whose they are, the last treatment known, and when the next one is due."""

from collections.abc import Sequence

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

DAY = "2024-09-27"
COLUMNS = ["ccn", "modality", "sessions_per_week", "last_treatment", "next_due"]


def spell(start: str, end: str, **facts: object) -> Row:
    return {
        "program": "dfc",
        "patient_id": 1,
        "start_date": day(start),
        "end_date": day(end),
        "state": "dialysis",
        "ccn": "A",
        "modality": "hemodialysis",
        "setting": "in center",
        **facts,
    }


def need(
    *spells: Row,
    sessions: Sequence[str] = (),
    prescribed: float | None = None,
    code: str = "0821",
    on: str = DAY,
) -> Case:
    """A patient with sessions on claims, and a prescription of facility 7, whose CCN is A."""
    claims = [
        {
            "clm_id": number,
            "claim_year": 2024,
            "source": "institutional",
            "patient_id": 1,
            "from_date": day(text),
            "last_date": day(text),
        }
        for number, text in enumerate(sessions, start=1)
    ]
    lines = [
        {"clm_id": number, "clm_line_num": 1, "rev_cntr": code, "rev_cntr_dt": day(text)}
        for number, text in enumerate(sessions, start=1)
    ]
    ordered = {
        "patient_id": 1,
        "facilityid": 7,
        "start_date": day("2024-01-01"),
        "end_date": day("2024-12-31"),
        "sessions_per_week": prescribed,
    }
    known = {"program": "dfc", "facilityid": 7, "start_date": day("2020-01-01"), "ccn": "A"}
    return case(
        "emergency.patient_need",
        tables={
            "history.treatment": spells,
            "linkage.claim": claims,
            "raw.claim_revenue": lines,
            "history.prescription": [] if prescribed is None else [ordered],
            "linkage.facility_ccn": [known],
        },
        day=day(on),
    )


WHOLE = ("2024-01-01", "2024-12-31")


@worked
def test_the_last_session_before_the_day_counts_and_three_a_week_are_usual() -> Worked:
    rows = yield need(spell(*WHOLE), sessions=["2024-09-23", "2024-09-25", "2024-09-27"])
    assert len(rows) == 1
    found = rows.iloc[0]
    assert (found["ccn"], found["modality"]) == ("A", "in-center hemodialysis")
    assert str(found["last_treatment"])[:10] == "2024-09-25"
    # Seven days by three sessions, rounded up: the third day.
    assert (found["sessions_per_week"], str(found["next_due"])[:10]) == (3, "2024-09-28")


@worked
def test_a_prescription_says_how_long_the_gap_may_be() -> Worked:
    expected = {2.0: "2024-09-29", 4.0: "2024-09-27", 6.0: "2024-09-27", 7.0: "2024-09-26"}
    cases = {
        sessions: need(spell(*WHOLE), sessions=["2024-09-25"], prescribed=sessions)
        for sessions in expected
    }
    found = yield cases
    due = {sessions: str(rows["next_due"].iloc[0])[:10] for sessions, rows in found.items()}
    assert due == expected


@worked
def test_a_session_of_more_than_two_weeks_ago_or_none_is_not_known() -> Worked:
    edge, old, none = yield (
        need(spell(*WHOLE), sessions=["2024-09-13"]),
        need(spell(*WHOLE), sessions=["2024-09-12"]),
        need(spell(*WHOLE)),
    )
    assert str(edge["last_treatment"].iloc[0])[:10] == "2024-09-13"
    for rows in (old, none):
        assert rows[["last_treatment", "next_due"]].isna().all(axis=None)


@worked
def test_who_is_on_peritoneal_dialysis_is_due_on_no_day() -> Worked:
    rows, home = yield (
        need(
            spell(*WHOLE, modality="peritoneal", setting="home"),
            sessions=["2024-09-25"],
            code="0851",
        ),
        need(spell(*WHOLE, setting="home"), sessions=["2024-09-25"]),
    )
    assert rows["modality"].tolist() == ["peritoneal dialysis"]
    assert rows[["last_treatment", "next_due"]].isna().all(axis=None)
    assert home["modality"].tolist() == ["home hemodialysis"]


@worked
def test_only_who_is_treated_on_the_day_is_counted_at_the_place_of_that_day() -> Worked:
    moved, before, transplanted, qip = yield (
        need(spell("2024-01-01", "2024-09-26"), spell("2024-09-27", "2024-12-31", ccn="B")),
        need(spell("2024-01-01", "2024-09-26")),
        need(spell(*WHOLE, state="transplant", ccn=None)),
        need(spell(*WHOLE, program="qip")),
    )
    assert moved["ccn"].tolist() == ["B"]
    assert [len(rows) for rows in (before, transplanted, qip)] == [0, 0, 0]


@worked
def test_after_the_stored_year_patients_are_those_of_its_last_day() -> Worked:
    there, gone = yield (
        need(spell(*WHOLE), sessions=["2025-01-03"], prescribed=2.0, on="2025-01-10"),
        need(spell("2024-01-01", "2024-12-30"), on="2025-01-10"),
    )
    found = there.iloc[0]
    # Seven days by two sessions, rounded up, after a session in the run-out of the year's claims.
    assert [str(found[name])[:10] for name in ("ccn", "last_treatment", "next_due")] == [
        "A",
        "2025-01-03",
        "2025-01-07",
    ]
    assert gone.empty
