"""SHR, the Standardized Hospitalization Ratio: manual 2.13, and the 2025 submission of CBE 1463.

Prevalent conditions join the adjusters listed here: `parameters/prevalent_condition_group.csv`.
"""

from esrd_pipeline.measures.recurrent_events import (
    AGE_SEX_DIABETES,
    AT_INCIDENCE,
    BMI,
    CAUSE,
    COVID,
    NURSING_HOME,
)
from esrd_pipeline.measures.specification import Program, Specification
from esrd_pipeline.measures.terms import Number

_PATIENT = (
    "age_over_65",
    "age_over_65_squared",
    "is_female",
    *CAUSE,
    "ma_share",
    *NURSING_HOME,
    *BMI,
)

ADJUSTERS = {
    "manual": (*_PATIENT, *AT_INCIDENCE, "is_prevalent_missing", *COVID, *AGE_SEX_DIABETES),
    "submission": (*_PATIENT, *AT_INCIDENCE, "is_prevalent_missing", *AGE_SEX_DIABETES),
}
"""By specification (reading 22): the submission has no COVID-19 terms."""


def specify(program: Program, specification: str) -> Specification:
    """Return SHR as one program computes it under one specification, without conditions."""
    return Specification(
        measure="shr",
        program=program,
        terms=tuple(map(Number, ADJUSTERS[specification])),
        unit="patient_years",
        better="lower",
        minimum_units=5,
        rate_scale=100,
        source="Manual v10.1 2.13" if specification == "manual" else "CBE 1463, 2025 submission",
    )
