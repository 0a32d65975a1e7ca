"""STrR, the Standardized Transfusion Ratio: manual 2.12.

Neither sex nor prevalent conditions adjust it (2.12.13, Figure 14): those who had one of the
conditions that matter are not at risk. The reference is a patient of 60 to 74 years in the first
interval of ESRD whose cause of ESRD is another than diabetes.
"""

from esrd_pipeline.measures.recurrent_events import AT_INCIDENCE, BMI, CAUSE, COVID, NURSING_HOME
from esrd_pipeline.measures.specification import Program, RateSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

_AGE = ("is_age_18_to_24", "is_age_25_to_44", "is_age_45_to_59", "is_age_75_or_more")
_AGE_DIABETES = (
    "age_18_to_24_x_diabetes",
    "age_25_to_44_x_diabetes",
    "age_45_to_59_x_diabetes",
    "age_75_or_more_x_diabetes",
)
_DURATION_DIABETES = (
    "interval_1_x_diabetes",
    "interval_2_x_diabetes",
    "interval_3_x_diabetes",
    "interval_4_x_diabetes",
    "interval_5_x_diabetes",
)

ADJUSTERS = (
    *_AGE,
    *CAUSE,
    *NURSING_HOME,
    *BMI,
    *AT_INCIDENCE,
    *COVID,
    *_DURATION_DIABETES,
    *_AGE_DIABETES,
)


def specify(program: Program, performance_year: int) -> RateSpecification:
    """Return STrR as one program computes it."""
    return RateSpecification(
        entry=find_measure("strr", program, performance_year), terms=tuple(map(Number, ADJUSTERS))
    )
