"""SFR, the Standardized Fistula Rate: manual 2.2. Dialysis Facility Measures only.

Reference patients are 25 to 59 years old, in the first year of ESRD, with a BMI of 30 or more. Who
is counted: cohort.sfr.
"""

from esrd_pipeline.measures.specification import GeeSpecification, Program
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

_PATIENT = (
    "is_age_under_25",
    "is_age_60_to_74",
    "is_age_over_74",
    "is_bmi_under_18",
    "is_bmi_18_to_25",
    "is_bmi_25_to_30",
    "is_nursing_home_short",
    "is_nursing_home_long",
    "has_nephrologist_care",
    "is_esrd_1_to_5_years",
    "is_esrd_5_to_9_years",
    "is_esrd_over_9_years",
    "is_immobile",
    "is_diabetes_cause",
)
_CONDITIONS = (
    "has_other_diabetes",
    "has_heart_failure",
    "has_other_heart_disease",
    "has_peripheral_vascular_disease",
    "has_cerebrovascular_disease",
    "has_chronic_obstructive_pulmonary_disease",
    "has_anemia",
    "has_infection",
    "has_drug_dependence",
    "has_any_condition",
)
_KNOWLEDGE = ("is_form_missing", "is_medicare_covered")


def specify(program: Program, performance_year: int) -> GeeSpecification:
    """Return SFR; the QIP has no such measure."""
    return GeeSpecification(
        entry=find_measure("sfr", program, performance_year),
        terms=tuple(map(Number, (*_PATIENT, *_CONDITIONS, *_KNOWLEDGE))),
        national="facilities",
        seed=202,
    )
