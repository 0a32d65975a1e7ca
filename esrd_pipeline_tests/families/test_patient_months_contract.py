"""Measures of patient-months in both programs: units, size rule, and the facility list."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline.families.patient_months_contract import NOTHING, assess_monthly
from esrd_pipeline.measures.patient_months import specify_all
from esrd_pipeline.tables.facility import CONTRACT_COLUMNS
from esrd_pipeline_tests.reason_texts import text_of

YEAR = 2024
FACILITIES = pd.DataFrame(
    {
        "ccn": ["A", "B", "C", "D"],
        "is_eligible": [True, True, True, False],
        "reason": [None, None, None, "closed"],
        "reporting_date": dt.date(2000, 1, 1),
    }
)
PATIENTS = {"A": 11, "B": 10, "D": 20}
"""Of every measure: each with twelve months, of which nine are met."""


def read_cohort(program: str, measure: str) -> pa.Table:
    """Nobody in pediatric peritoneal dialysis, in either program."""
    del program
    rows = [
        (ccn, number, 9, 12)
        for ccn, count in PATIENTS.items()
        for number in range(count if measure != "ktv_pediatric_pd" else 0)
    ]
    return pa.Table.from_pandas(
        pd.DataFrame(rows, columns=["ccn", "patient_id", "numerator", "denominator"]),
        preserve_index=False,
    )


@pytest.fixture(scope="module")
def contract() -> pd.DataFrame:
    return assess_monthly(YEAR, read_cohort, {"dfc": FACILITIES, "qip": FACILITIES})


def row(contract: pd.DataFrame, program: str, measure: str, ccn: str) -> dict[str, object]:
    chosen = contract[
        (contract["program"] == program)
        & (contract["measure"] == measure)
        & (contract["ccn"] == ccn)
    ]
    (found,) = chosen.to_dict("records")
    return found


def test_every_facility_of_the_list_has_a_row_of_every_measure(contract: pd.DataFrame) -> None:
    measures = {(one.program, one.measure) for one in specify_all(YEAR)}
    counts = contract.groupby(["program", "measure"])["ccn"].agg(set)
    assert set(counts.index) == measures
    assert len(measures) == 15
    assert all({"A", "B", "C"} <= ccns for ccns in counts)
    assert contract.columns.tolist() == [column.name for column in CONTRACT_COLUMNS]


@pytest.mark.parametrize(("program", "value"), [("dfc", 75.0), ("qip", 0.75)])
def test_percents_in_dfc_are_fractions_in_the_qip(
    contract: pd.DataFrame, program: str, value: float
) -> None:
    found = row(contract, program, "ltc", "A")
    assert (found["numerator"], found["denominator"]) == (99, 132)
    assert found["value"] == pytest.approx(value)
    assert found["reportable"]


@pytest.mark.manual("2.3.8")
@pytest.mark.parametrize("program", ["dfc", "qip"])
def test_eleven_patients_are_asked_for_whatever_their_months(
    contract: pd.DataFrame, program: str
) -> None:
    found = row(contract, program, "ktv_adult_hd", "B")
    assert (found["unit"], found["unit_count"]) == ("patients", 10)
    assert not found["reportable"]
    assert text_of(found) == "fewer than 11 patients"


def test_a_facility_without_a_patient_says_so_and_is_no_zero(contract: pd.DataFrame) -> None:
    found = row(contract, "dfc", "hypercalcemia", "C")
    assert found["reason"] == NOTHING
    assert pd.isna(found["value"])


def test_a_facility_off_the_list_is_not_reported(contract: pd.DataFrame) -> None:
    found = row(contract, "qip", "medication_reconciliation", "D")
    assert not found["reportable"]
    assert found["reason"] == "closed"


def test_a_measure_without_a_patient_in_the_nation_has_its_rows(contract: pd.DataFrame) -> None:
    rows = contract[contract["measure"] == "ktv_pediatric_pd"]
    assert set(rows["reason"]) <= {NOTHING, "closed"}
    assert not rows["reportable"].any()


def test_no_measure_of_months_has_a_category(contract: pd.DataFrame) -> None:
    assert contract["category"].isna().all()
