"""A measure's cohort read once: rows, patients' characteristics and conditions in one design."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from esrd_pipeline.families.cohort import CohortError, read_cohort
from esrd_pipeline.measures.terms import Condition, Flag, Level, Number, Product
from esrd_pipeline_tests.families.recurrent_events_nation import SHR

MODEL = replace(
    SHR,
    terms=(
        Number("age", "age_over_65", origin=65),
        Flag("is_female"),
        Level("is_thin", "bmi_class", values=("<18.5",)),
        Condition("ccs_098"),
        Product("age_x_female", "age_over_65", "is_female"),
    ),
)
ROWS = pa.table(
    {
        "ccn": ["012502", "012501", "012501", "012502"],
        "patient_id": [7, 3, 7, 3],
        "performance_year": [2023, 2023, 2024, 2024],
        "age": [70, 50, 71, 51],
    }
)
PATIENTS = pa.table(
    {"patient_id": [3, 7], "is_female": [True, False], "bmi_class": ["30+", "<18.5"]}
)
CONDITIONS = pa.table({"patient_id": [7], "condition_group": ["ccs_098"]})


def test_facts_come_from_rows_patients_and_conditions_in_the_order_of_the_rows() -> None:
    cohort = read_cohort(MODEL, ROWS, patients=PATIENTS, conditions=CONDITIONS)
    assert cohort.design.names == MODEL.adjusters
    assert cohort.design.matrix.dtype == np.float32
    assert cohort.design.matrix.tolist() == [
        [5, 0, 1, 1, 0],
        [-15, 1, 0, 0, -15],
        [6, 0, 1, 1, 0],
        [-14, 1, 0, 0, -14],
    ]
    assert cohort.ccns.tolist() == ["012501", "012502"]
    assert cohort.facility.tolist() == [1, 0, 0, 1]
    assert cohort.patient.tolist() == [1, 0, 1, 0]


def test_conditions_and_characteristics_of_a_year_are_those_of_its_rows_alone() -> None:
    later = {"performance_year": pa.array([2024])}
    conditions = pa.table({**dict(zip(CONDITIONS.column_names, CONDITIONS, strict=True)), **later})
    patients = pa.concat_tables(
        [
            PATIENTS.append_column("performance_year", pa.array([2023, 2023])),
            PATIENTS.set_column(1, "is_female", pa.array([False, False])).append_column(
                "performance_year", pa.array([2024, 2024])
            ),
        ]
    )
    cohort = read_cohort(MODEL, ROWS, patients=patients, conditions=conditions)
    columns = dict(zip(cohort.design.names, cohort.design.matrix.T.tolist(), strict=True))
    assert columns["ccs_098"] == [0, 0, 1, 0]
    assert columns["is_female"] == [0, 1, 0, 0]


def test_a_term_dropped_is_a_column_less_and_rows_taken_know_their_facilities_alone() -> None:
    cohort = read_cohort(MODEL, ROWS, patients=PATIENTS, conditions=CONDITIONS)
    narrow = cohort.drop(["is_thin", "age_x_female"])
    assert narrow.design.names == ("age_over_65", "is_female", "ccs_098")
    assert narrow.design.matrix[1].tolist() == [-15, 1, 0]
    assert narrow.table is cohort.table
    few = cohort.take(np.array([3, 0]))
    assert few.ccns.tolist() == ["012502"]
    assert few.design.matrix[:, 0].tolist() == [-14, 5]
    assert few.numbers("age").tolist() == [51, 70]


def test_what_a_term_reads_and_nobody_has_is_an_error_that_names_it() -> None:
    with pytest.raises(CohortError, match="cohort of shr: column bmi_class is missing"):
        read_cohort(MODEL, ROWS, patients=PATIENTS.drop_columns(["bmi_class"]))
    with pytest.raises(CohortError, match="cohort of shr: column ccs_098 is missing"):
        read_cohort(MODEL, ROWS, patients=PATIENTS)
    with pytest.raises(CohortError, match="cohort of shr: 2 rows of patients without"):
        read_cohort(MODEL, ROWS, patients=PATIENTS.slice(0, 1), conditions=CONDITIONS)
