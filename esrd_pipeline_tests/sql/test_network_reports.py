"""The Networks' indicators of whole health and of exchange of data."""

from collections.abc import Sequence

import pytest

from esrd_pipeline_tests.sql.network import began, count, listed, present, treated
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, day, worked

# --- whole health ----------------------------------------------------------------------------

NEEDS = ("food", "housing", "transportation", "utilities", "safety")


def screening(patients: dict[int, str], **other: list[Row]) -> Case:
    """Patients by birth date, all there in January and February."""
    return count(
        "whole_health",
        {
            "linkage.facility": [listed("A")],
            "linkage.facility_ccn": [
                {"program": "dfc", "facilityid": 10, "ccn": "A", "start_date": day("2000-01-01")}
            ],
            "linkage.provider_number": [
                {"program": "dfc", "provider_number": number, "ccn": "A"} for number in ("A", "H")
            ],
            "linkage.patient": [
                {"patient_id": patient, "date_of_birth": day(born)}
                for patient, born in patients.items()
            ],
            "history.care_month": [
                present(patient, month)
                for patient in patients
                for month in ("2024-01-01", "2024-02-01")
            ],
            **{name.replace("__", "."): rows for name, rows in other.items()},
        },
    )


@pytest.mark.manual("2.9.2")
@worked
def test_a_screening_counts_from_the_month_of_its_report_on() -> Worked:
    """Conditions 3 and 6 are no screening; who is 12 in February is asked from then on."""

    def assessed(patient: int, when: str, condition: int) -> Row:
        return {
            "patient_id": patient,
            "facilityid": 10,
            "record_number": 1,
            "assessment_date": day(when),
            "condition": condition,
        }

    counts = yield screening(
        {1: "1960-01-01", 2: "1960-01-01", 3: "2012-02-15"},
        raw__eqrs_depression_screening=[assessed(1, "2024-02-10", 4), assessed(2, "2024-01-10", 3)],
    )
    assert counts["A", "depression_screened", 1] == (0, 2)
    assert counts["A", "depression_screened", 2] == (1, 3)


def asked(patient: int, when: str, *needs: str, **other: object) -> Row:
    return {
        "patient_id": patient,
        "facilityid": 10,
        "record_number": 1,
        "screening_date": day(when),
        "is_opted_out": False,
        "is_unable": False,
        **{f"is_screened_{need}": need in needs for need in NEEDS},
        **other,
    }


@pytest.mark.manual("2.23", "2.24")
@worked
def test_social_needs_are_asked_about_in_parts_and_refused() -> Worked:
    """Patient 1 is asked about four needs in January and the fifth in February."""
    counts = yield screening(
        {1: "1960-01-01", 2: "1960-01-01", 3: "1960-01-01"},
        raw__eqrs_social_screening=[
            asked(1, "2024-01-05", *NEEDS[:4], result_food="yes"),
            asked(1, "2024-02-05", "safety", record_number=2),
            asked(2, "2024-02-01", is_opted_out=True),
            asked(3, "2024-01-31", *NEEDS, result_food="no"),
        ],
    )
    assert counts["A", "social_need_screened", 1] == (1, 3)
    assert counts["A", "social_need_screened", 2] == (2, 2)
    assert counts["A", "social_need_found", 1] == (0, 1)
    assert counts["A", "social_need_found", 2] == (1, 2)


@pytest.mark.manual("2.20.9", "2.21.5")
@worked
def test_the_last_whole_week_of_a_month_tells_who_is_vaccinated() -> Worked:
    """The week of 28 January lacks a category; of 21 January the facility's own number counts."""
    categories = (
        "employees",
        "licensed independent practitioners",
        "adult students, trainees and volunteers",
        "other contract personnel",
    )

    def week(ccn: str, end: str, up_to_date: int, number: int = 4) -> list[Row]:
        return [
            {
                "ccn": ccn,
                "week_end_date": day(end),
                "personnel_category": category,
                "personnel": 5,
                "contraindicated": 1,
                "up_to_date": up_to_date,
            }
            for category in categories[:number]
        ]

    counts = yield screening(
        {},
        raw__nhsn_vaccination=[
            *week("A", "2024-01-21", 2),
            *week("H", "2024-01-21", 4),
            *week("A", "2024-01-28", 4, number=3),
            # More than there are without a contraindication.
            *week("A", "2024-02-25", 5),
        ],
    )
    assert counts == {
        ("A", "personnel_vaccinated", 1): (8, 16),
        ("A", "personnel_vaccinated", 2): (16, 16),
    }


# --- interoperability ------------------------------------------------------------------------


def exchanging(**tables: Sequence[Row]) -> Case:
    return count(
        "interoperability",
        {
            "linkage.facility": [listed("A")],
            "linkage.provider_number": [
                {"program": "dfc", "provider_number": number, "ccn": "A"} for number in ("A", "H")
            ],
            **{name.replace("__", "."): rows for name, rows in tables.items()},
        },
    )


@worked
def test_a_form_is_of_the_month_in_which_it_was_due() -> Worked:
    """45 days after 17 November 2023 are over on 1 January; after 17 November 2024 next year."""

    def form(patient: int, signed: str) -> Row:
        return {"patient_id": patient, "form_number": 1, "signature_date": day(signed)}

    counts = yield exchanging(
        linkage__first_service=[
            began(1, "2023-11-17"),
            began(2, "2023-11-17"),
            began(3, "2023-11-17"),
            began(4, "2024-11-17"),
        ],
        history__treatment=[
            treated(patient, "2023-11-17", "2024-12-31", "A") for patient in (1, 2, 3)
        ]
        + [treated(4, "2024-11-17", "2024-12-31", "A")],
        raw__cms_2728=[form(1, "2024-01-01"), form(2, "2024-01-02")],
    )
    assert counts == {("A", "form_2728_in_45_days", 1): (1, 3)}


@worked
def test_a_death_asks_for_a_form_fourteen_days_later() -> Worked:
    counts = yield exchanging(
        linkage__death=[
            {"program": "dfc", "patient_id": patient, "death_date": day("2024-02-20")}
            for patient in (1, 2)
        ],
        history__treatment=[
            treated(patient, "2023-11-17", "2024-02-20", "A") for patient in (1, 2)
        ],
        raw__cms_2746=[{"patient_id": 2, "death_date": day("2024-02-20")}],
    )
    assert counts == {("A", "form_2746_filed", 3): (1, 2)}


@pytest.mark.manual("2.18.10")
@worked
def test_a_quarter_is_told_in_its_last_month_whatever_number_reported_it() -> Worked:
    def quarter(ccn: str, number: int, months: int) -> Row:
        return {"ccn": ccn, "quarter": number, "months_reported": months}

    counts = yield exchanging(
        history__care_month=[
            {**present(1, month, is_whole=False), "days": days}
            for month, days in (("2024-01-01", 12), ("2024-05-01", 3), ("2024-08-01", 0))
        ],
        raw__nhsn_bloodstream_infection=[
            quarter("A", 1, 2),
            quarter("H", 1, 2),
            quarter("A", 3, 3),
        ],
    )
    assert counts == {
        ("A", "nhsn_month_reported", 3): (3, 3),
        ("A", "nhsn_month_reported", 6): (0, 3),
    }


@pytest.mark.manual("2.3.12", "2.8.12")
@worked
def test_a_month_is_complete_with_a_ktv_and_a_calcium() -> Worked:
    def reported(patient: int, **other: object) -> Row:
        return {
            "program": "dfc",
            "patient_id": patient,
            "month": day("2024-04-01"),
            "ccn": "A",
            "has_calcium": True,
            "is_frequent": False,
            **other,
        }

    counts = yield exchanging(
        history__care_month=[
            {**present(patient, "2024-04-01"), "modality": "peritoneal dialysis"}
            for patient in (1, 2, 3, 4)
        ]
        + [{**present(5, "2024-04-01", is_whole=False), "modality": "peritoneal dialysis"}],
        history__clinical_month=[
            reported(1, hd_ktv=1.4),
            reported(2, is_frequent=True),
            reported(3),
            reported(5, pd_ktv=1.9),
        ],
    )
    assert counts == {("A", "eqrs_month_complete", 4): (2, 4)}
