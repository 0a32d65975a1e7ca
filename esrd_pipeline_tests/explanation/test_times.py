"""SWR of a facility with one patient, worked out by hand, over three years of its model.

The nation's cumulative hazard is 0.01 after day 10 and 0.04 after day 30. Bob, who began dialysis
in the year before, is followed here from day 5 to day 20; Ada, under an earlier number of hers and
of the facility in the partition of 2023, from the first day to day 40, when she is listed. An
amputation has -0.5:

    Ada  (0.04 - 0)    x exp(-0.5) = 0.024261
    Bob  (0.01 - 0)    x exp(0)    = 0.010000
"""

import math
from pathlib import Path

import pytest

from esrd_pipeline.explanation.measures import explain_measure
from esrd_pipeline_tests.explanation.world import CCN, PEOPLE, Row, ask, contract, fitted, store
from esrd_pipeline_tests.sql.worked import day

pytestmark = pytest.mark.manual("2.15.13")

ADA, BOB = 0.04 * math.exp(-0.5), 0.01
EARLIER, OLD_CCN = 91, "013500"


def record(patient: int, first: str, start: int, stop: int, **values: object) -> Row:
    found: Row = {"program": "dfc", "patient_id": patient, "ccn": CCN, "age": 60}
    days = {"start_date": day(first), "start_day": start, "stop_day": stop}
    return {**found, **days, "end_date": day("2024-12-31"), **values}


def test_records_of_earlier_years_are_the_facilitys_own(tmp_path: Path) -> None:
    root = tmp_path / "warehouse"
    store(
        root,
        {
            "history.patient_characteristics": [{"patient_id": EARLIER, "has_amputation": True}],
            "cohort.swr": [
                record(EARLIER, "2022-03-01", 0, 40, is_event=1, ccn=OLD_CCN)
                | {"end_date": day("2022-04-09")}
            ],
            "cohort.followed_event": [
                {
                    "measure": "swr",
                    "program": "dfc",
                    "patient_id": EARLIER,
                    "event_date": day("2022-04-09"),
                    "kind": "waitlisting",
                    "is_in_cohort": True,
                }
            ],
        },
        year=2023,
    )
    warehouse = store(
        root,
        {
            "raw.eqrs_patient": PEOPLE,
            "linkage.earlier_patient": [{"earlier_patient_id": EARLIER, "patient_id": 1}],
            "linkage.provider_number": [
                {"program": "dfc", "provider_number": OLD_CCN, "ccn": CCN, "relation": "alternate"},
                {"program": "dfc", "provider_number": CCN, "ccn": CCN, "relation": "own"},
            ],
            "history.patient_characteristics": [{"patient_id": 2}],
            "cohort.swr": [record(2, "2024-01-06", 5, 20)],
            "cohort.swr_expected": [
                {
                    "program": "dfc",
                    "patient_id": patient,
                    "start_date": day(first),
                    "observed": observed,
                    "expected": expected,
                }
                for patient, first, observed, expected in (
                    (1, "2022-03-01", 1.0, ADA),
                    (2, "2024-01-06", 0.0, BOB),
                )
            ],
            "fit.swr": [
                *fitted("swr", "dfc", 1, "coefficient", has_amputation=-0.5),
                *(
                    {**row, "at": at, "term": "cumulative hazard"}
                    for row, at in zip(
                        fitted("swr", "dfc", 3, "baseline", first=0.01, second=0.04),
                        (10.0, 30.0),
                        strict=True,
                    )
                ),
                *fitted("swr", "dfc", 3, "summary", **{"events": 1, "days at risk": 36525}),
            ],
            "facility.swr": [
                contract(
                    "swr",
                    unit="patients",
                    unit_count=2.0,
                    patients=2.0,
                    numerator=1.0,
                    denominator=ADA + BOB,
                    value=1 / (ADA + BOB),
                    rate=1 / (ADA + BOB),
                )
            ],
        },
    )
    swr = explain_measure(ask(warehouse, "swr"))
    ada, bob = swr.find("expected").to_dict("records")
    assert (ada["last_name"], ada["row"], ada["hazard"]) == ("Canary", "2022-03-01", 0.04)
    assert ada["expected"] == pytest.approx(0.0242612264)
    assert (bob["hazard"], bob["expected"]) == (pytest.approx(0.01), pytest.approx(0.01))
    (listed,) = swr.find("events").to_dict("records")
    assert (listed["event_date"], listed["counts"]) == (day("2022-04-09"), "yes")
    assert listed["event"] == "waitlisting or living donor's kidney"
    assert swr.broken == []
