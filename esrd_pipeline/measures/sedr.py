"""SEDR, the Standardized Emergency Department Encounter Ratio: manual 2.25, DFC only.

Prevalent conditions (`parameters/prevalent_condition_group.csv`) and calendar years join the
adjusters listed here. The model is of four years and the ratio of the last (reading 282). Of
"greater than five" patient-years (2.25.7) and "at least five" (2.25.17) the second is used.
"""

from esrd_pipeline.measures.recurrent_events import (
    AGE_AND_SEX,
    AGE_SEX_DIABETES,
    AT_INCIDENCE,
    BMI,
    CAUSE,
    NURSING_HOME,
    PREVALENT_MISSING,
)
from esrd_pipeline.measures.specification import RateSpecification
from esrd_pipeline.parameters.register import find_measure

YEARS = 4
"""Number of calendar years in the model; facilities are assessed by the last (Figure 27)."""

TERMS = (
    *AGE_AND_SEX,
    *CAUSE,
    *NURSING_HOME,
    *BMI,
    *AT_INCIDENCE,
    PREVALENT_MISSING,
    *AGE_SEX_DIABETES,
)


def specify(performance_year: int) -> RateSpecification:
    """Return SEDR, without the terms of conditions."""
    return RateSpecification(entry=find_measure("sedr", "dfc", performance_year), terms=TERMS)
