"""Registrations on the transplant waitlist: their patients, first and last days."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.people import BORN, KNOWN, PATIENT, SSN
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.16.11")


def listed(start: str, removed: str | None = None, *, person: int = 3) -> Row:
    """A registration of the patient."""
    return {
        "pers_id": person,
        "pers_ssn": SSN,
        "pers_birth_dt": BORN,
        "can_listing_dt": day(start),
        "can_rem_dt": day(removed) if removed else None,
        "wl_org": "KI",
    }


def find(*registrations: Row) -> Case:
    def read_rows(rows: pd.DataFrame) -> list[list[str | None]]:
        assert set(rows["patient_id"]) <= {PATIENT}
        return [
            [None if pd.isna(value) else str(value)[:10] for value in pair]
            for pair in rows[["start_date", "end_date"]].astype(object).to_numpy()
        ]

    return case(
        "linkage.waitlist",
        tables={"raw.eqrs_patient": [KNOWN], "raw.optn_waitlist": registrations},
    ).read(read_rows)


@worked
def test_a_registration_lasts_to_the_day_before_its_removal() -> Worked:
    listings = yield find(listed("2023-05-10", "2024-03-31"))
    assert listings == [["2023-05-10", "2024-03-30"]]


@worked
def test_who_is_not_removed_is_still_listed() -> Worked:
    listings = yield find(listed("2023-05-10"))
    assert listings == [["2023-05-10", None]]


@worked
def test_listed_and_removed_on_one_day_is_listed_that_day() -> Worked:
    listings = yield find(listed("2023-05-10", "2023-05-10"))
    assert listings == [["2023-05-10", "2023-05-10"]]


@worked
def test_removed_before_listed_says_nothing() -> Worked:
    listings = yield find(listed("2023-05-10", "2023-05-09"))
    assert listings == []


@worked
def test_listings_after_the_year_are_not_of_the_year() -> Worked:
    first, second = yield find(listed("2025-01-01")), find(listed("2024-12-31"))
    assert first == []
    assert second == [["2024-12-31", None]]


@pytest.mark.parametrize(
    ("second", "spans"),
    [
        ("2023-08-15", [["2023-05-10", "2024-05-31"]]),
        ("2023-09-01", [["2023-05-10", "2024-05-31"]]),
        ("2023-09-02", [["2023-05-10", "2023-08-31"], ["2023-09-02", "2024-05-31"]]),
    ],
)
@worked
def test_registrations_without_a_day_between_are_one(
    second: str, spans: list[list[str | None]]
) -> Worked:
    listings = yield find(listed("2023-05-10", "2023-09-01"), listed(second, "2024-06-01"))
    assert listings == spans


@worked
def test_a_registration_within_another_does_not_end_it() -> Worked:
    listings = yield find(
        listed("2023-01-01"),
        listed("2023-02-01", "2023-03-01", person=4),
        listed("2024-02-01", "2024-03-01"),
    )
    assert listings == [["2023-01-01", None]]


@pytest.mark.parametrize(
    "other", [{"pers_ssn": "900000023"}, {"pers_birth_dt": day("1950-03-04")}, {"pers_ssn": None}]
)
@worked
def test_number_and_birth_must_both_be_the_patient_s(other: Row) -> Worked:
    listings = yield find({**listed("2023-05-10"), **other})
    assert listings == []
