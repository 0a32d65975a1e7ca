"""What a facility's explanation adds up to, by program and reason."""

import pandas as pd

from esrd_pipeline.families.explanation import add_up_months, add_up_patients

MONTHS = pd.DataFrame(
    {
        "program": "dfc",
        "patient_id": [1, 1, 2, 3],
        "month": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-01-01", "2024-01-01"]),
        "reason": [None, None, None, "younger than 18"],
        "is_met": [True, False, True, None],
    }
)


def test_months_without_a_reason_are_the_denominator() -> None:
    counted, young = add_up_months(MONTHS).to_dict("records")
    assert counted == {
        "program": "dfc",
        "reason": "counted",
        "patients": 2,
        "months": 3,
        "numerator": 2,
    }
    assert (young["reason"], young["months"], young["numerator"]) == ("younger than 18", 1, 0)


def test_patients_without_a_reason_are_the_denominator() -> None:
    patients = MONTHS.drop_duplicates("patient_id").drop(columns="month")
    counted, young = add_up_patients(patients).to_dict("records")
    assert (counted["patients"], counted["numerator"]) == (2, 2)
    assert (young["patients"], young["numerator"]) == (1, 0)
