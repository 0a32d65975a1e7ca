"""Place, modality and frequency of treatment by month: manual 2.3.11, 2.8.11, 3.1.1, 3.1.4."""

from collections.abc import Sequence

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.histories import prescribed, spell
from esrd_pipeline_tests.sql.months import A, B, know
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

IN_CENTER = ("hemodialysis", "in center")


def treated(
    ccn: str,
    start: str,
    end: str,
    modality: str | None = "hemodialysis",
    setting: str | None = "in center",
    *,
    source: str = "eqrs",
) -> Row:
    return {
        "program": "dfc",
        "patient_id": 1,
        "start_date": day(start),
        "end_date": day(end),
        "state": "dialysis",
        "ccn": ccn,
        "modality": modality,
        "setting": setting,
        "source": source,
    }


def months(
    *treatments: Row,
    admissions: Sequence[Row] = (),
    prescriptions: Sequence[Row] = (),
    died: str | None = None,
) -> Case:
    return case(
        "history.admitted",
        "history.care_month",
        tables={
            **know(died=died),
            "history.treatment": list(treatments),
            "raw.eqrs_admission": list(admissions),
            "raw.eqrs_treatment": list(prescriptions),
        },
    ).read(lambda rows: rows[rows["program"] == "dfc"].reset_index(drop=True))


def march(*treatments: Row, **other: Sequence[Row]) -> Case:
    return months(*treatments, **other).read(
        lambda rows: rows[
            (rows["month"].astype(str).str[:7] == "2024-03") & (rows["ccn"] == "A")
        ].iloc[0]
    )


@pytest.mark.manual("2.1.11", "2.3.11", "2.4.11", "2.5.11", "2.6.11", "2.7.11", "2.8.11")
@worked
def test_a_month_is_whole_when_every_day_was_treated_there() -> Worked:
    first, second = yield (
        march(treated("A", "2024-02-10", "2024-04-10")),
        march(treated("A", "2024-03-01", "2024-03-30")),
    )
    assert (first["days"], first["is_whole"]) == (31, True)
    assert (second["days"], second["is_whole"]) == (30, False)


@worked
def test_two_spells_at_one_facility_may_make_a_month_whole() -> Worked:
    row = yield march(
        treated("A", "2024-02-10", "2024-03-14"),
        treated("A", "2024-03-15", "2024-04-10", setting="home"),
    )
    assert row["is_whole"]
    assert row["modality"] == "in-center and home hemodialysis"


@pytest.mark.manual("2.1.11", "2.3.11", "2.8.11")
@worked
def test_a_transfer_leaves_both_facilities_a_part() -> Worked:
    rows = yield months(
        treated("A", "2024-03-01", "2024-03-14"), treated("B", "2024-03-15", "2024-03-31")
    )
    assert rows[["ccn", "days", "is_whole"]].to_numpy().tolist() == [
        ["A", 14, False],
        ["B", 17, False],
    ]


@worked
def test_only_the_year_s_months_are_there() -> Worked:
    rows = yield months(treated("A", "2023-01-01", "2024-01-31"))
    assert rows["month"].astype(str).str[:7].tolist() == ["2024-01"]


@pytest.mark.manual("3.1.1")
@pytest.mark.parametrize(
    ("modality", "setting", "expected"),
    [
        ("hemodialysis", "in center", "in-center hemodialysis"),
        ("hemodialysis", "home", "home hemodialysis"),
        ("peritoneal", "home", "peritoneal dialysis"),
        (None, "home", "other"),
        (None, None, None),
    ],
)
@worked
def test_the_treatment_record_tells_the_modality(
    modality: str | None, setting: str | None, expected: str | None
) -> Worked:
    row = yield march(treated("A", "2024-03-01", "2024-03-31", modality, setting))
    assert (None if pd.isna(row["modality"]) else row["modality"]) == expected


@pytest.mark.manual("3.1.1")
@worked
def test_hemodialysis_and_peritoneal_dialysis_in_a_month_are_a_mix() -> Worked:
    row = yield march(
        treated("A", "2024-03-01", "2024-03-14"),
        treated("A", "2024-03-15", "2024-03-31", "peritoneal", "home"),
    )
    assert row["modality"] == "mixed"


@worked
def test_a_part_without_a_record_leaves_the_modality_unknown() -> Worked:
    row = yield march(
        treated("A", "2024-03-01", "2024-03-14"),
        treated("A", "2024-03-15", "2024-03-31", None, None),
    )
    assert pd.isna(row["modality"])


@pytest.mark.manual("3.1.1")
@worked
def test_claims_are_no_eqrs_record() -> Worked:
    row = yield march(treated("A", "2024-03-01", "2024-03-31", None, "home", source="claims"))
    assert pd.isna(row["modality"])


@pytest.mark.manual("2.8.11")
@pytest.mark.parametrize(
    ("stays", "is_admitted"),
    [
        ([spell(A, "2024-02-01")], True),
        ([spell(A, "2024-03-01", "2024-03-31", "Transfer Out")], True),
        ([spell(A, "2024-03-02")], False),
        ([spell(A, "2024-02-01", "2024-03-30", "Transfer Out")], False),
        ([spell(A, "2024-02-01", "2024-03-14", "Transfer Out"), spell(A, "2024-03-15")], True),
        ([spell(A, "2024-02-01", "2024-03-14", "Transfer Out"), spell(A, "2024-03-16")], False),
        ([spell(A, "2024-02-01", "2024-03-20", "Transfer Out"), spell(A, "2024-03-10")], True),
        ([spell(A, "2024-02-01", "2024-05-20", "Acute")], False),
    ],
)
@worked
def test_admitted_all_month_is_every_day_between_admission_and_discharge(
    stays: list[Row],
    is_admitted: bool,  # noqa: FBT001
) -> Worked:
    row = yield march(treated("A", "2024-03-01", "2024-03-10"), admissions=stays)
    assert row["is_admitted"] == is_admitted


@pytest.mark.parametrize(
    ("since", "admitted_in"),
    [
        # ESRD since long: whatever the facility calls the admission.
        ("2020-01-01", ["2024-03", "2024-04", "2024-05"]),
        # ESRD evident on 15 March, by CMS-2728 for instance: not admitted all of March.
        ("2024-03-15", ["2024-04", "2024-05"]),
        # Never in the year.
        ("2025-02-01", []),
        (None, []),
    ],
)
@worked
def test_an_admission_for_acute_kidney_injury_counts_once_esrd_is_evident(
    since: str | None, admitted_in: list[str]
) -> Worked:
    stay = spell(A, "2024-03-01", "2024-06-10", "Recover Function", admitted="Acute")
    known = {**know(since=since or "2020-01-01")}
    if since is None:
        known["linkage.first_service"] = []
    rows = yield case(
        "history.admitted",
        "history.care_month",
        tables={**known, "raw.eqrs_admission": [stay]},
    )
    mine = rows[(rows["program"] == "qip") & rows["is_admitted"]]
    assert mine["month"].astype(str).str[:7].tolist() == admitted_in


@pytest.mark.manual("2.8.11")
@worked
def test_death_ends_an_open_admission() -> Worked:
    stays = [spell(A, "2024-02-01")]
    rows = yield months(
        treated("A", "2024-02-01", "2024-03-10"), admissions=stays, died="2024-03-10"
    )
    assert rows["is_admitted"].tolist() == [True, False]


@pytest.mark.manual("2.8.11")
@worked
def test_a_patient_may_be_admitted_where_the_history_does_not_treat_them() -> Worked:
    rows = yield months(
        treated("A", "2024-03-01", "2024-03-31"), admissions=[spell(B, "2024-03-01")]
    )
    other = rows[rows["ccn"] == "B"].iloc[0]
    assert (other["days"], other["is_whole"], other["is_admitted"]) == (0, False, True)


def sessions(number: float | None, start: str = "2024-01-01", facility: int = A) -> Row:
    return {
        **prescribed(facility, start, "Hemodialysis", "Dialysis Facility/Center"),
        "sessions_per_week": number,
    }


@pytest.mark.manual("3.1.4")
@pytest.mark.parametrize(
    ("number", "frequency"),
    [(2, "infrequent"), (2.5, "usual"), (3, "usual"), (3.5, "usual"), (4, "frequent")],
)
@worked
def test_usual_is_more_than_two_and_fewer_than_four(number: float, frequency: str) -> Worked:
    row = yield march(treated("A", "2024-01-01", "2024-12-31"), prescriptions=[sessions(number)])
    assert (row["frequency"], row["frequency_source"]) == (frequency, "own facility")


@pytest.mark.manual("3.1.4")
@worked
def test_frequent_at_any_time_of_the_month_is_frequent() -> Worked:
    given = [sessions(3), sessions(5, "2024-03-31")]
    row = yield march(treated("A", "2024-01-01", "2024-12-31"), prescriptions=given)
    assert row["frequency"] == "frequent"


@pytest.mark.manual("3.1.4")
@worked
def test_where_the_facility_tells_nothing_another_of_the_month_does() -> Worked:
    given = [sessions(None), sessions(3, facility=B)]
    here = treated("A", "2024-03-01", "2024-03-20")
    first, second = yield (
        march(here, treated("B", "2024-03-21", "2024-03-31"), prescriptions=given),
        march(here, prescriptions=given),
    )
    assert (first["frequency"], first["frequency_source"]) == ("usual", "other facility")
    assert pd.isna(second["frequency"])


def guest(number: float | None = 3, *, stays: Sequence[Row] = (), own: float | None = None) -> Case:
    """March at A, and a guest at B from the 10th to the 20th."""
    admissions = [
        spell(A, "2024-01-01"),
        spell(B, "2024-03-10", "2024-03-20", "Transfer Out", admitted="Transient"),
        *stays,
    ]
    return march(
        treated("A", "2024-01-01", "2024-12-31"),
        admissions=admissions,
        prescriptions=[sessions(own), sessions(number, "2024-03-10", B)],
    )


@pytest.mark.manual("3.1.4")
@worked
def test_sessions_of_a_guest_s_facility_count_where_the_own_tells_none() -> Worked:
    usual, frequent, own, silent = yield guest(), guest(4), guest(4, own=3), guest(None)
    assert (usual["frequency"], usual["frequency_source"]) == ("usual", "other facility")
    assert (frequent["frequency"], frequent["frequency_source"]) == ("frequent", "other facility")
    assert (own["frequency"], own["frequency_source"]) == ("usual", "own facility")
    assert pd.isna(silent["frequency"])


@worked
def test_a_guest_s_facility_tells_of_the_months_of_the_visit_alone() -> Worked:
    rows = yield months(
        treated("A", "2024-01-01", "2024-12-31"),
        admissions=[
            spell(A, "2024-01-01"),
            spell(B, "2024-03-10", "2024-04-02", "Transfer Out", admitted="Transient"),
        ],
        prescriptions=[sessions(None), sessions(3, "2024-03-10", B)],
    )
    found = rows.loc[rows["frequency"].notna() & (rows["ccn"] == "A"), "month"]
    assert found.astype(str).str[:7].tolist() == ["2024-03", "2024-04"]


@pytest.mark.parametrize(
    ("kind", "setting", "expected"),
    [
        ("Hemodialysis", "Dialysis Facility/Center", "in-center hemodialysis"),
        ("Hemodialysis", "SNF/Long Term Care Facility", "home hemodialysis"),
        ("CCPD", "Home", "peritoneal dialysis"),
        ("Other", "Home", "other"),
    ],
)
@pytest.mark.manual("3.1.1")
@worked
def test_another_facility_s_record_tells_the_modality_where_the_own_has_none(
    kind: str, setting: str, expected: str
) -> Worked:
    record = prescribed(B, "2024-03-10", kind, setting)
    stays = [
        spell(A, "2024-01-01"),
        spell(B, "2024-03-10", "2024-03-20", "Transfer Out", admitted="Transient"),
    ]
    unknown = treated("A", "2024-01-01", "2024-12-31", None, None)
    known = treated("A", "2024-01-01", "2024-12-31")
    silent, own = yield (
        march(unknown, admissions=stays, prescriptions=[record]),
        march(known, admissions=stays, prescriptions=[record]),
    )
    assert silent["modality"] == expected
    assert own["modality"] == "in-center hemodialysis"


@worked
def test_a_facility_left_long_ago_tells_nothing_of_the_month() -> Worked:
    row = yield march(
        treated("A", "2024-01-01", "2024-12-31", None, None),
        admissions=[spell(A, "2024-01-01"), spell(B, "2023-01-01", "2023-12-31", "Transfer Out")],
        prescriptions=[prescribed(B, "2023-01-01", "CCPD")],
    )
    assert pd.isna(row["modality"])


@pytest.mark.manual("3.1.1", "3.1.4")
@worked
def test_a_prescription_of_an_ended_stay_says_nothing_of_the_next() -> Worked:
    stays = [spell(A, "2023-05-01", "2023-12-20", "Transfer Out"), spell(A, "2024-03-01")]
    first, second = yield [
        march(
            treated("A", "2024-03-01", "2024-12-31"),
            admissions=stays,
            prescriptions=[sessions(5, "2023-05-01"), *later],
        )
        for later in ([sessions(3, "2024-03-04")], [])
    ]
    assert first["frequency"] == "usual"
    # Where the new stay has none of its own the last one known goes on.
    assert second["frequency"] == "frequent"
