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
    SUBMITTED_AT_INCIDENCE,
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
)

TERMS = {
    "manual": (*_PATIENT, *AT_INCIDENCE, PREVALENT_MISSING, *COVID, *AGE_SEX_DIABETES),
    "submission": (*_PATIENT, *SUBMITTED_AT_INCIDENCE, PREVALENT_MISSING, *AGE_SEX_DIABETES),
}
"""By specification (reading 22): the submission has no COVID-19 terms, and counts diabetes on
CMS-2728 as a comorbidity only where it is not the cause of ESRD (reading 123)."""


def choose_specification(performance_year: int) -> str:
    """Return the register's choice of the two specifications for a year (reading 22)."""
    return find_measure("shr", "dfc", performance_year).specification or "manual"


def specify(program: Program, performance_year: int) -> RateSpecification:
    """Return SHR by one program's rules, without the terms of conditions."""
    entry = find_measure("shr", program, performance_year)
    return RateSpecification(entry=entry, terms=TERMS[entry.specification or "manual"])
