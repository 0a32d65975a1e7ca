"""SHR, the Standardized Hospitalization Ratio: manual 2.13, and the 2025 submission of CBE 1463.

The submission is a measure of its own, `shr_submission`, beside the manual's. Prevalent conditions
join the adjusters listed here: `parameters/prevalent_condition_group.csv`.
"""

from dataclasses import replace

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
from esrd_pipeline.measures.terms import Flag, Number
from esrd_pipeline.parameters.register import find_measure
from esrd_pipeline.parameters.rows import load_rows

SUBMISSION = "shr_submission"
_SUBMITTED = "2025 submission of CBE 1463: risk adjustment"

TERMS = {
    "manual": (
        *AGE_AND_SEX,
        *CAUSE,
        Number("ma_share", row="2.13.13"),
        *NURSING_HOME,
        *BMI,
        *AT_INCIDENCE,
        PREVALENT_MISSING,
        *COVID,
        *AGE_SEX_DIABETES,
    ),
    "submission": (
        *AGE_AND_SEX,
        Flag("is_diabetes_cause", row=_SUBMITTED),
        Number("ma_share", row=_SUBMITTED),
        *NURSING_HOME,
        *BMI,
        *SUBMITTED_AT_INCIDENCE,
        PREVALENT_MISSING,
        *AGE_SEX_DIABETES,
    ),
}
"""By specification (reading 22): the submission has no terms of COVID-19 or a missing cause, and
counts diabetes on CMS-2728 only where it is not the cause of ESRD (reading 123)."""


def is_submission_listed(performance_year: int) -> bool:
    """Whether `shr_submission.csv` has the submission computed for a year, beside the manual's."""
    return any(
        int(row["first_performance_year"] or performance_year)
        <= performance_year
        <= int(row["last_performance_year"] or performance_year)
        for row in load_rows("shr_submission")
    )


def specify(program: Program, performance_year: int) -> RateSpecification:
    """Return the manual's SHR by one program's rules, without the terms of conditions."""
    entry = find_measure("shr", program, performance_year)
    return RateSpecification(entry=entry, terms=TERMS["manual"])


def specify_submission(program: Program, performance_year: int) -> RateSpecification:
    """Return the submission's SHR, likewise; size, flag and scale are those of the manual's."""
    entry = find_measure("shr", program, performance_year)
    return RateSpecification(entry=replace(entry, measure=SUBMISSION), terms=TERMS["submission"])
