"""STrR, the Standardized Transfusion Ratio: manual 2.12.

It is not adjusted for sex or prevalent conditions (2.12.13, Figure 14): patients with one of the
relevant conditions are not at risk. The reference is a patient of 60 to 74 years in the first
interval of ESRD with a cause of ESRD other than diabetes.
"""

from esrd_pipeline.measures.recurrent_events import AT_INCIDENCE, BMI, CAUSE, COVID, NURSING_HOME
from esrd_pipeline.measures.specification import Program, RateSpecification
from esrd_pipeline.measures.terms import Level, Product
from esrd_pipeline.parameters.register import find_measure

_ROW = "2.12.13"
_AGE = (
    Level("is_age_18_to_24", "age", 18, 24, row=_ROW),
    Level("is_age_25_to_44", "age", 25, 44, row=_ROW),
    Level("is_age_45_to_59", "age", 45, 59, row=_ROW),
    Level("is_age_75_or_more", "age", 75, row=_ROW),
)
_DURATION_DIABETES = tuple(
    Product(
        f"interval_{number}_x_diabetes",
        Level(f"interval_{number}", "interval", number, number),
        "is_diabetes_cause",
        row=_ROW,
    )
    for number in range(1, 6)
)
_AGE_DIABETES = tuple(
    Product(f"{age.name.removeprefix('is_')}_x_diabetes", age.name, "is_diabetes_cause", row=_ROW)
    for age in _AGE
)

TERMS = (
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
    """Return STrR by one program's rules."""
    return RateSpecification(entry=find_measure("strr", program, performance_year), terms=TERMS)
