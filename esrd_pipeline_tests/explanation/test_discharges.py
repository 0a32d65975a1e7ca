"""SRR of a facility with two index discharges, worked out by hand.

The median facility has log-odds of -1, hospital 010001 of 0.5; a woman 0.2. Ada is discharged from
010001, Bob from a hospital that the model does not know, which counts as average:

    Ada  1 / (1 + exp(-(-1 + 0.5 + 0.2))) = 0.425557
    Bob  1 / (1 + exp(-(-1)))             = 0.268941
"""

from pathlib import Path

import pytest

from esrd_pipeline.explanation.measures import explain_measure
from esrd_pipeline_tests.explanation.world import (
    CCN,
    HOSPITAL,
    PEOPLE,
    Row,
    ask,
    contract,
    fitted,
    store,
)
from esrd_pipeline_tests.sql.worked import day

pytestmark = pytest.mark.manual("2.10.10", "2.10.12")

ADA, BOB = 0.425557483188341, 0.2689414213699951


def discharge(patient: int, stay: int, on: str, **values: object) -> Row:
    found: Row = {"program": "dfc", "patient_id": patient, "stay": stay, "ccn": CCN}
    facts = {"hospital_ccn": HOSPITAL, "length_quarter": 1, "bmi_class": ">=30", "bmi": 31.0}
    return {**found, **facts, "discharge_date": day(on), **values}


def hospital_stay(patient: int, stay: int, first: str, last: str) -> Row:
    return {
        "patient_id": patient,
        "stay": stay,
        "admit_date": day(first),
        "discharge_date": day(last),
        "hospital_ccn": HOSPITAL,
        "kind": "acute",
        "episode_admit_date": day(first),
    }


def test_discharges_multiply_out_and_each_return_is_told(tmp_path: Path) -> None:
    warehouse = store(
        tmp_path / "warehouse",
        {
            "raw.eqrs_patient": PEOPLE,
            "history.inpatient_discharge": [
                hospital_stay(1, 1, "2024-02-01", "2024-02-05"),
                hospital_stay(1, 2, "2024-02-15", "2024-02-20"),
            ],
            "linkage.claim": [
                {
                    "source": "institutional",
                    "clm_id": 11,
                    "claim_year": 2024,
                    "claim_type": "60",
                    "patient_id": 1,
                    "from_date": day("2024-02-15"),
                    "admit_date": day("2024-02-15"),
                    "last_date": day("2024-02-20"),
                }
            ],
            "raw.claim": [{"clm_id": 11, "prvdr_num": HOSPITAL}],
            "cohort.srr": [
                discharge(1, 1, "2024-02-05", is_event=1, is_female=True, first_event_day=10),
                discharge(1, 2, "2024-02-20", reason="died_in_hospital", is_female=True),
                discharge(2, 1, "2024-05-05", hospital_ccn="010009"),
            ],
            "cohort.srr_expected": [
                {"program": "dfc", "patient_id": 1, "stay": 1, "observed": 1.0, "expected": ADA},
                {"program": "dfc", "patient_id": 2, "stay": 1, "observed": 0.0, "expected": BOB},
            ],
            "cohort.return_event": [
                {
                    "measure": "srr",
                    "program": "dfc",
                    "patient_id": 1,
                    "event_date": day("2024-02-15"),
                    "return_stay": 2,
                    "kind": "readmission",
                    "stay": 1,
                    "discharge_date": day("2024-02-05"),
                    "is_in_cohort": True,
                }
            ],
            "fit.srr": [
                *fitted("srr", "dfc", 1, "coefficient", is_female=0.2),
                *fitted("srr", "dfc", 3, "hospital_effect", **{HOSPITAL: 0.5}),
                *fitted("srr", "dfc", 3, "summary", median_effect=-1.0, events=30, discharges=100),
            ],
            "facility.srr": [
                contract(
                    "srr",
                    unit="discharges",
                    unit_count=2.0,
                    patients=2.0,
                    numerator=1.0,
                    denominator=ADA + BOB,
                    value=1 / (ADA + BOB),
                    rate=30 / (ADA + BOB),
                )
            ],
        },
    )
    srr = explain_measure(ask(warehouse, "srr"))
    ada, bob = srr.find("expected").to_dict("records")
    assert (ada["hospital_effect"], bob["hospital_effect"]) == (0.5, 0)
    assert (ada["log_odds"], bob["log_odds"]) == (pytest.approx(-0.3), -1)
    assert (ada["expected"], bob["expected"]) == (pytest.approx(ADA), pytest.approx(BOB))
    lines = srr.find("lines")
    assert lines["counts"].tolist() == ["yes", "no", "yes"]
    assert lines["in_numerator"].fillna("").tolist() == ["yes", "", "no"]
    assert lines["why"].tolist()[1] == "died in hospital"
    (readmission,) = srr.find("events").to_dict("records")
    assert (readmission["event"], readmission["claims"]) == ("readmission", "11")
    assert (readmission["event_date"], readmission["end_date"]) == (
        day("2024-02-15"),
        day("2024-02-20"),
    )
    assert readmission["counts"] == "yes"
    assert srr.broken == []
    assert {check.agrees for check in srr.checks} == {True}
