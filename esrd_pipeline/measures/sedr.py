"""SEDR, the Standardized Emergency Department Encounter Ratio: manual 2.25, DFC only.

Prevalent conditions join the adjusters listed here: `parameters/prevalent_condition_group.csv`.
The calendar year, an adjuster of 2.25.14, is left out: it is the same for every row of a model of
one calendar year (2.25.10). Of "greater than five" patient-years (2.25.7) and "at least five"
(2.25.17) the second is used.
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
