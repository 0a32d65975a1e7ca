"""What a facility is shown of SFR and PPPW: every month of theirs, and why it counts or not."""

import pandas as pd

from esrd_pipeline_tests.sql.worked import Row, day, run


def month(patient: int, ccn: str = "A", **other: object) -> Row:
    return {
        "program": "dfc",
        "patient_id": patient,
        "month": day("2024-03-01"),
        "ccn": ccn,
        **other,
    }


FISTULAS = [
    month(
        1,
        is_event=1,
        access_type="AVFONLY",
        age=50,
        has_anemia_on_claims=True,
        is_medicare_covered=True,
    ),
    month(2, is_event=0, access_type="AVGONLY"),
    month(3, reason="younger than 18"),
    month(4, "B", is_event=1),
]
PEOPLE = [
    {"patient_id": patient, "has_form": True, "is_diabetes_cause": False, "bmi_class": ">=30"}
    for patient in range(1, 6)
]
WAITS = [month(1, is_event=0, age=60.5), month(5, reason="75 or older", age=80.0)]


def explain(measure: str) -> list[list[object]]:
    rows = run(
        "explain.access",
        tables={
            "cohort.sfr": FISTULAS,
            "cohort.pppw": WAITS,
            "history.patient_characteristics": PEOPLE,
        },
        ccn="A",
        measure=measure,
    )
    assert set(rows["measure"]) == {measure}
    shown = rows[["patient_id", "reason", "is_met", "access_type", "age", "adjusters"]]
    return [
        [None if pd.isna(value) else value for value in row]
        for row in shown.astype(object).to_numpy()
    ]


def test_the_fistula_rate_shows_access_and_adjusters() -> None:
    assert explain("sfr") == [
        [1, None, True, "AVFONLY", None, "anemia, Medicare coverage"],
        [2, None, False, "AVGONLY", None, ""],
        [3, "younger than 18", None, None, None, ""],
    ]


def test_the_waitlist_shows_age() -> None:
    assert explain("pppw") == [
        [1, None, False, None, 60.5, None],
        [5, "75 or older", None, None, 80.0, None],
    ]
