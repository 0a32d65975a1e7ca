"""SHR, the Standardized Hospitalization Ratio: manual 2.13, and the 2025 submission of CBE 1463.

Prevalent conditions join the adjusters listed here: `parameters/prevalent_condition_group.csv`.
"""

from esrd_pipeline.measures.recurrent_events import (
    AGE_AND_SEX,
    AGE_SEX_DIABETES,
    AT_INCIDENCE,
    BMI,
    CAUSE,
    COVID,
    NURSING_HOME,
    PREVALENT_MISSING,
)
from esrd_pipeline.measures.specification import Program, RateSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

_PATIENT = (
    *AGE_AND_SEX,
    *CAUSE,
    Number("ma_share", row="2.13.13"),
    *NURSING_HOME,
    *BMI,
    *AT_INCIDENCE,
    PREVALENT_MISSING,
)

TERMS = {
    "manual": (*_PATIENT, *COVID, *AGE_SEX_DIABETES),
    "submission": (*_PATIENT, *AGE_SEX_DIABETES),
}
"""By specification (reading 22): the submission has no COVID-19 terms."""


def choose_specification(performance_year: int) -> str:
    """Return the register's choice of the two specifications for a year (reading 22)."""
    return find_measure("shr", "dfc", performance_year).specification or "manual"


def specify(program: Program, performance_year: int) -> RateSpecification:
    """Return SHR by one program's rules, without the terms of conditions."""
    entry = find_measure("shr", program, performance_year)
    return RateSpecification(entry=entry, terms=TERMS[entry.specification or "manual"])
