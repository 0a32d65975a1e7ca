"""Totals of a facility's explanation, by program and reason."""

import pandas as pd
import pyarrow.compute as pc
import pytest

from esrd_pipeline.families.cohort import read_cohort
from esrd_pipeline.families.explanation import (
    add_up_months,
    add_up_patients,
    describe_reasons,
    list_adjusters,
)
from esrd_pipeline.families.fits import read_regression
from esrd_pipeline.families.recurrent_events import fit_measure
from esrd_pipeline_tests.families.recurrent_events_nation import SHR, make_cohort

MONTHS = pd.DataFrame(
    {
        "program": "dfc",
        "patient_id": [1, 1, 2, 3],
        "month": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-01-01", "2024-01-01"]),
        "reason": [None, None, None, "under_18_years"],
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
    assert (young["reason"], young["months"], young["numerator"]) == ("under_18_years", 1, 0)


def test_patients_without_a_reason_are_the_denominator() -> None:
    patients = MONTHS.drop_duplicates("patient_id").drop(columns="month")
    counted, young = add_up_patients(patients).to_dict("records")
    assert (counted["patients"], counted["numerator"]) == (2, 2)
    assert (young["patients"], young["numerator"]) == (1, 0)


def test_people_read_the_text_of_a_reason_and_counted_months_have_none() -> None:
    described = describe_reasons(MONTHS)
    assert described["reason"].fillna("").tolist() == ["", "", "", "younger than 18 years"]
    counted, young = add_up_months(described)["reason"]
    assert (counted, young) == ("counted", "younger than 18 years")
    assert MONTHS["reason"].iloc[-1] == "under_18_years"


def test_a_reason_that_has_no_text_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"reason\.csv has no code too_blue"):
        describe_reasons(MONTHS.assign(reason="too_blue"))


def test_adjusters_are_those_of_the_facilitys_rows_that_are_not_0_with_their_coefficients() -> None:
    table, _ = make_cohort(facility_count=40)
    cohort = read_cohort(SHR, table)
    fit = fit_measure(SHR, 2024, cohort)
    ccn = str(cohort.ccns[3])
    told = list_adjusters(cohort, fit, ccn=ccn, row="interval")
    mine = table.filter(pc.field("ccn") == ccn).to_pandas()
    assert len(told) == int((mine[list(SHR.adjusters)] != 0).to_numpy().sum())
    first = mine.iloc[0]
    shown = told[
        (told["patient_id"] == first["patient_id"]) & (told["row"] == str(first["interval"]))
    ]
    assert shown.set_index("term")["value"].to_dict() == {
        name: first[name] for name in SHR.adjusters if first[name]
    }
    coefficients = read_regression(fit, stage=1)
    assert set(told["coefficient"]) <= set(coefficients.coefficients)
    unknown = list_adjusters(cohort.drop([]), fit, ccn="999999", row="interval")
    assert unknown.empty
