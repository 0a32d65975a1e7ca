"""What became of patients around an emergency: schedules, early and missed sessions, events."""

from collections.abc import Sequence
from datetime import date, timedelta

import pandas as pd

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, worked

DAY = date(2024, 9, 26)
"""A Thursday."""
TUESDAY, THURSDAY, SATURDAY = (5, 0, 2)
"""Weekdays as days after the emergency's own."""
USUAL = [
    place for place in range(-30, 7) if place % 7 in {TUESDAY, THURSDAY, SATURDAY} and place != -2
]
"""A patient's sessions in an ordinary year, but for the one two days before."""
BEFORE = [place for place in USUAL if place < 0]


def outcome(
    places: Sequence[int],
    *,
    elsewhere: Sequence[int] = (),
    stays: Sequence[tuple[int, int]] = (),
    visits: Sequence[int] = (),
    death: int | None = None,
    spells: Sequence[Row] | None = None,
    period: str = "day",
    bill: str = "72",
    refused: str | None = None,
    folder: int | None = None,
) -> Case:
    """The facility's row of one patient; days are places: days since the emergency's first.

    The claims are in their own year's folder, or in that of `folder`.
    """
    day_0 = DAY if period == "day" else DAY - timedelta(days=364)

    def on(place: int) -> date:
        return day_0 + timedelta(days=place)

    def in_folder(place: int) -> int:
        return folder or on(place).year

    sessions = [(place, "A") for place in places] + [(place, "B") for place in elsewhere]
    claims = [
        {
            "clm_id": number,
            "claim_year": in_folder(place),
            "source": "institutional",
            "patient_id": 1,
            "from_date": on(place),
            "last_date": on(place),
        }
        for number, (place, _) in enumerate(sessions, start=1)
    ]
    return case(
        "emergency.facility_outcome",
        tables={
            "history.treatment": spells or [spell(on(-400), on(29 if death is None else death))],
            "linkage.claim": claims,
            "raw.claim": [
                {
                    "clm_id": number,
                    "prvdr_num": ccn,
                    "performance_year": in_folder(place),
                    "clm_fac_type_cd": bill[0],
                    "clm_srvc_clsfctn_type_cd": bill[1],
                    "clm_mdcr_non_pmt_rsn_cd": refused,
                }
                for number, (place, ccn) in enumerate(sessions, start=1)
            ],
            "raw.claim_revenue": [
                {
                    "clm_id": number,
                    "clm_line_num": 1,
                    "rev_cntr": "0821",
                    "rev_cntr_dt": on(place),
                    "performance_year": in_folder(place),
                }
                for number, (place, _) in enumerate(sessions, start=1)
            ],
            "history.hospital_stay": [
                {"patient_id": 1, "admit_date": on(first), "discharge_date": on(last)}
                for first, last in stays
            ],
            "history.emergency_encounter": [
                {"patient_id": 1, "start_date": on(place), "end_date": on(place)}
                for place in visits
            ],
            "linkage.death": []
            if death is None
            else [{"program": "dfc", "patient_id": 1, "death_date": on(death)}],
        },
        day=DAY,
        alone=True,
    ).read(lambda rows: rows[rows["period"] == period])


def spell(start: date, end: date, **facts: object) -> Row:
    return {
        "program": "dfc",
        "patient_id": 1,
        "start_date": start,
        "end_date": end,
        "state": "dialysis",
        "ccn": "A",
        "modality": "hemodialysis",
        "setting": "in center",
        **facts,
    }


def read(rows: pd.DataFrame, *names: str) -> tuple[float, ...]:
    assert len(rows) == 1
    return tuple(float(rows[name].iloc[0]) for name in names)


SESSIONS = ("sessions", "usual_sessions")


@worked
def test_an_ordinary_week_is_as_the_weeks_before() -> Worked:
    rows = yield outcome(USUAL)
    names = ("patients", "patient_days", *SESSIONS, "dialysed_early", "treated_elsewhere")
    # Thursday and Saturday of the three closed days, as in each of the four weeks.
    assert read(rows, *names) == (1, 30, 2, 2, 0, 0)
    assert read(rows, "emergency_visits", "admissions", "deaths") == (0, 0, 0)


@worked
def test_the_same_weeks_a_year_before_are_a_row_of_their_own() -> Worked:
    rows = yield outcome(USUAL, period="year before")
    assert read(rows, "patients", *SESSIONS) == (1, 2, 2)


@worked
def test_late_claims_are_no_year_before() -> Worked:
    # The earlier year's folder is not stored; this year's has some of its claims.
    rows = yield outcome(USUAL, period="year before", folder=DAY.year)
    assert rows.empty


@worked
def test_sessions_of_the_closed_days_alone_can_be_missed() -> Worked:
    thursday, moved, late, fewer = yield (
        outcome([*BEFORE, 2, 5]),
        outcome([*BEFORE, 1, 2]),
        outcome([*BEFORE, 2, 3]),
        outcome([place for place in USUAL if place != -5]),
    )
    assert read(thursday, *SESSIONS) == (1, 2)
    # Another day of the three stands in for Thursday's; the day after them does not.
    assert read(moved, *SESSIONS) == (2, 2)
    assert read(late, *SESSIONS) == (1, 2)
    # One missed in the weeks before: Saturday's are three of four.
    assert read(fewer, *SESSIONS) == (2, 1.75)


@worked
def test_days_in_hospital_and_their_like_are_left_out() -> Worked:
    then, before = yield (
        outcome([*BEFORE, 0], stays=[(1, 4)]),
        outcome([place for place in USUAL if place != -14], stays=[(-15, -13)]),
    )
    # In hospital on Saturday: only Thursday is compared.
    assert read(then, *SESSIONS) == (1, 1)
    # In hospital on a Thursday before: only Saturday is.
    assert read(before, *SESSIONS) == (1, 1)


@worked
def test_early_is_on_a_weekday_without_usual_sessions() -> Worked:
    wednesday, tuesday, once, twice, monday = yield (
        outcome([*USUAL, -1]),
        outcome([*USUAL, -2]),
        outcome([*USUAL, -1, -8]),
        outcome([*USUAL, -1, -8, -15]),
        outcome([*USUAL, -3]),
    )
    early = "dialysed_early"
    # Wednesday, the day before.
    assert read(wednesday, early) == (1,)
    # Tuesday is a usual one.
    assert read(tuesday, early) == (0,)
    # One Wednesday of four is not usual, two are.
    assert read(once, early) == (1,)
    assert read(twice, early) == (0,)
    # Monday is no longer early.
    assert read(monday, early) == (0,)


@worked
def test_elsewhere_is_another_facilitys_claim_in_the_first_week() -> Worked:
    second, last, outside = yield (
        outcome([*BEFORE, 0], elsewhere=[2]),
        outcome(BEFORE, elsewhere=[6]),
        outcome(USUAL, elsewhere=[-1, 7]),
    )
    name = "treated_elsewhere"
    assert read(second, name, *SESSIONS) == (1, 2, 2)
    assert read(last, name) == (1,)
    assert read(outside, name) == (0,)


@worked
def test_events_of_thirty_days_count_until_death() -> Worked:
    rows, dead, late = yield (
        outcome(USUAL, stays=[(-2, -1), (0, 1), (29, 33), (30, 31)], visits=[-1, 0, 29, 30]),
        outcome(USUAL, death=9, visits=[9]),
        outcome(USUAL, death=30),
    )
    assert read(rows, "emergency_visits", "admissions") == (2, 2)
    assert read(dead, "deaths", "patient_days", "emergency_visits") == (1, 10, 1)
    assert read(late, "deaths", "patient_days") == (0, 30)


@worked
def test_only_regular_patients_of_one_facility_count() -> Worked:
    first, last = DAY - timedelta(days=400), DAY + timedelta(days=29)
    moved = [spell(first, DAY - timedelta(days=29)), spell(DAY - timedelta(days=28), last, ccn="B")]
    found = yield {
        "without a session": outcome([]),
        # Dialysis in hospital is on the hospital's claim; a refused claim is no evidence.
        "in hospital": outcome(USUAL, bill="11"),
        "refused": outcome(USUAL, refused="N"),
        "paid in part": outcome(USUAL, refused="P"),
        "moved": outcome(USUAL, spells=moved),
        "at home": outcome(USUAL, spells=[spell(first, last, setting="home")]),
        "of the QIP": outcome(USUAL, spells=[spell(first, last, program="qip")]),
        "from 30 days before": outcome(USUAL, spells=[spell(DAY - timedelta(days=30), DAY)]),
        "from 29 days before": outcome(USUAL, spells=[spell(DAY - timedelta(days=29), DAY)]),
    }
    assert {name for name, rows in found.items() if len(rows)} == {
        "paid in part",
        "from 30 days before",
    }
