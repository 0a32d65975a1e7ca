"""EQRS units that share a CCN are one facility: manual 3.3.4 step 3, 3.3.8; 3.1.4, 2.3.11."""

from collections.abc import Sequence

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.histories import prescribed, spell
from esrd_pipeline_tests.sql.months import A, B, know
from esrd_pipeline_tests.sql.test_care_month import treated
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("3.3.4", "3.3.8")


def hemodialysis(unit: int, start: str, sessions: float) -> Row:
    """A prescription of a unit, in center."""
    ordered = prescribed(unit, start, "Hemodialysis", "Dialysis Facility/Center")
    return {**ordered, "sessions_per_week": sessions}


def follow(*treatments: Row, admissions: Sequence[Row], prescriptions: Sequence[Row]) -> Case:
    """What the months of 2024 hold at CCN A, which both units have, by month."""
    known = know()
    return case(
        "history.dialysis_evidence",
        "history.admitted",
        "history.care_month",
        tables={
            **known,
            "linkage.facility_ccn": [{**row, "ccn": "A"} for row in known["linkage.facility_ccn"]],
            "history.treatment": treatments,
            "raw.eqrs_admission": list(admissions),
            "raw.eqrs_treatment": list(prescriptions),
        },
    ).read(
        lambda rows: {
            row["month"].isoformat()[:7]: row
            for row in rows[rows["program"] == "dfc"].to_dict("records")
        }
    )


@pytest.mark.manual("2.3.11")
@pytest.mark.parametrize("came", ["2024-03-31", "2024-04-01"])
@worked
def test_who_moves_to_another_unit_at_the_months_end_does_not_leave_the_facility(
    came: str,
) -> Worked:
    left = spell(A, "2024-01-01", "2024-03-31", "Transfer Out")
    orders = [hemodialysis(A, "2024-01-01", 3), prescribed(B, "2024-04-01", "CCPD")]
    center = treated("A", "2024-01-01", "2024-03-31")
    home = treated("A", "2024-04-01", "2024-12-31", "peritoneal", "home")
    stays, late = yield (
        follow(center, home, admissions=[left, spell(B, came)], prescriptions=orders),
        follow(center, admissions=[left, spell(B, "2024-04-02")], prescriptions=orders),
    )
    assert pd.isna(stays["2024-03"]["departure"])
    assert (stays["2024-03"]["is_whole"], stays["2024-04"]["is_whole"]) == (True, True)
    assert late["2024-03"]["departure"] == "discharge"


@pytest.mark.manual("3.1.4")
@pytest.mark.parametrize(
    "first",
    [spell(A, "2024-01-01", "2024-03-15", "Transfer Out"), spell(A, "2024-01-01")],
    ids=["discharged", "left open"],
)
@worked
def test_a_prescription_of_the_unit_left_says_nothing_of_later_months(first: Row) -> Worked:
    found = yield follow(
        treated("A", "2024-01-01", "2024-12-31"),
        admissions=[first, spell(B, "2024-03-15")],
        prescriptions=[hemodialysis(A, "2024-01-01", 5), hemodialysis(B, "2024-03-15", 3)],
    )
    # At any time of the month (3.1.4): the month of the move has both.
    assert [found[f"2024-{month:02d}"]["frequency"] for month in (2, 3, 4, 12)] == [
        "frequent",
        "frequent",
        "usual",
        "usual",
    ]


@pytest.mark.manual("3.1.4")
@pytest.mark.parametrize(
    "first",
    [spell(A, "2024-01-01", "2024-03-15", "Transfer Out"), spell(A, "2024-01-01")],
    ids=["discharged", "left open"],
)
@worked
def test_a_unit_that_prescribes_nothing_does_not_go_on_with_what_the_other_did(
    first: Row,
) -> Worked:
    """Reading 305: other facilities that have the patient, and claims, would tell it."""
    found = yield follow(
        treated("A", "2024-01-01", "2024-12-31"),
        admissions=[first, spell(B, "2024-03-15")],
        prescriptions=[hemodialysis(A, "2024-01-01", 3)],
    )
    assert found["2024-03"]["frequency"] == "usual"
    assert pd.isna(found["2024-06"]["frequency"])


def test_an_emergency_asks_for_the_sessions_of_the_unit_that_has_the_patient() -> None:
    spells = [
        {
            "program": "dfc",
            "patient_id": 1,
            "start_date": day("2024-01-01"),
            "end_date": day("2024-12-31"),
            "state": "dialysis",
            "ccn": "A",
            "modality": "hemodialysis",
            "setting": "in center",
        }
    ]
    places = [
        {
            "patient_id": 1,
            "source": "eqrs",
            "facilityid": unit,
            "start_date": day(start),
            "end_date": day(end),
            "is_new": True,
        }
        for unit, start, end in ((A, "2024-01-01", "2024-03-14"), (B, "2024-03-15", "2024-12-31"))
    ]
    orders = [
        {
            "patient_id": 1,
            "facilityid": unit,
            "start_date": day("1900-01-01"),
            "end_date": day("9999-12-31"),
            "sessions_per_week": sessions,
        }
        for unit, sessions in ((A, 5.0), (B, 3.0))
    ]
    rows = case(
        "emergency.patient_need",
        tables={
            "history.treatment": spells,
            "history.dialysis_evidence": places,
            "history.prescription": orders,
            "linkage.facility_ccn": [
                {"program": "dfc", "facilityid": unit, "start_date": day("1980-01-01"), "ccn": "A"}
                for unit in (A, B)
            ],
        },
        day=day("2024-09-27"),
    ).run()
    assert rows["sessions_per_week"].tolist() == [3]
