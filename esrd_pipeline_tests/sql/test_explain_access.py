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
    month(1, is_event=1, access_type="AVFONLY"),
    month(2, is_event=0, access_type="AVGONLY"),
    month(3, reason="under_18_years"),
    month(4, "B", is_event=1),
]
WAITS = [month(1, is_event=0, age=60.5), month(5, reason="age_75_or_older", age=80.0)]


def explain(measure: str) -> Case:
    def read_rows(rows: pd.DataFrame) -> list[list[object]]:
        assert set(rows["measure"]) == {measure}
        shown = rows[["patient_id", "reason", "is_in_numerator", "access_type", "age"]]
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
        },
        ccn="A",
        measure=measure,
    ).read(read_rows)


@worked
def test_the_fistula_rate_shows_access() -> Worked:
    rows = yield explain("sfr")
    assert rows == [
        [1, None, True, "AVFONLY", None],
        [2, None, False, "AVGONLY", None],
        [3, "under_18_years", None, None, None],
    ]


@worked
def test_the_waitlist_shows_age() -> Worked:
    rows = yield explain("pppw")
    assert rows == [
        [1, None, False, None, 60.5],
        [5, "age_75_or_older", None, None, 80.0],
    ]
