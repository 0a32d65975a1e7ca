"""One facility's explanation of SFR and PPPW: every month, and why it counts or not."""

import pandas as pd

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked


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
    month(3, reason="under_18_years"),
    month(4, "B", is_event=1),
]
PEOPLE = [
    {"patient_id": patient, "has_form": True, "is_diabetes_cause": False, "bmi_class": ">=30"}
    for patient in range(1, 6)
]
WAITS = [month(1, is_event=0, age=60.5), month(5, reason="age_75_or_older", age=80.0)]


def explain(measure: str) -> Case:
    def read_rows(rows: pd.DataFrame) -> list[list[object]]:
        assert set(rows["measure"]) == {measure}
        shown = rows[["patient_id", "reason", "is_met", "access_type", "age", "adjusters"]]
        return [
            [None if pd.isna(value) else value for value in row]
            for row in shown.astype(object).to_numpy()
        ]

    return case(
        "explain.access",
        alone=True,
        tables={
            "cohort.sfr": FISTULAS,
            "cohort.pppw": WAITS,
            "history.patient_characteristics": PEOPLE,
        },
        ccn="A",
        measure=measure,
    ).read(read_rows)


@worked
def test_the_fistula_rate_shows_access_and_adjusters() -> Worked:
    rows = yield explain("sfr")
    assert rows == [
        [1, None, True, "AVFONLY", None, "anemia, Medicare coverage"],
        [2, None, False, "AVGONLY", None, ""],
        [3, "under_18_years", None, None, None, ""],
    ]


@worked
def test_the_waitlist_shows_age() -> Worked:
    rows = yield explain("pppw")
    assert rows == [
        [1, None, False, None, 60.5, None],
        [5, "age_75_or_older", None, None, 80.0, None],
    ]
