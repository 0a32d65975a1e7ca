"""SFR, the Standardized Fistula Rate: manual 2.2. Dialysis Facility Measures only.

Reference patients are 25 to 59 years old, in the first year of ESRD, with a BMI of 30 or more. The
cohort is cohort.sfr. A condition counts whether it is on CMS-2728 or on claims of the twelve months
before the month.
"""

from esrd_pipeline.measures.specification import GeeSpecification, Program
from esrd_pipeline.measures.terms import AnyOf, Flag, Level, make_other_diabetes
from esrd_pipeline.parameters.register import find_measure

_PATIENT = (
    Level("is_age_under_25", "age", high=24, row="2.2.14: age"),
    Level("is_age_60_to_74", "age", 60, 74, row="2.2.14: age"),
    Level("is_age_over_74", "age", 75, row="2.2.14: age"),
    Level("is_bmi_under_18", "bmi_class", values=("<18.5",), row="2.2.14: BMI; reading 17"),
    Level("is_bmi_18_to_25", "bmi_class", values=("18.5-25",), row="2.2.14: BMI; reading 17"),
    Level("is_bmi_25_to_30", "bmi_class", values=("25-30",), row="2.2.14: BMI; reading 17"),
    Level("is_nursing_home_short", "nursing_home_days", 1, 89, row="2.2.14; reading 17"),
    Level("is_nursing_home_long", "nursing_home_days", 90, row="2.2.14; reading 17"),
    Flag("has_nephrologist_care", row="2.2.14: nephrologist's care before ESRD"),
    Level("is_esrd_1_to_5_years", "esrd_years_over", 1, 1, row="2.2.14: duration of ESRD"),
    Level("is_esrd_5_to_9_years", "esrd_years_over", 5, 5, row="2.2.14: duration of ESRD"),
    Level("is_esrd_over_9_years", "esrd_years_over", 9, 9, row="2.2.14: duration of ESRD"),
    Flag(
        "is_immobile",
        ("has_inability_to_ambulate", "has_inability_to_transfer"),
        row="2.2.14: inability to ambulate or transfer",
    ),
    Flag("is_diabetes_cause", row="2.2.14: diabetes as cause of ESRD"),
)
_AT_INCIDENCE = {
    "has_heart_failure": ("has_congestive_heart_failure",),
    "has_other_heart_disease": ("has_atherosclerotic_heart_disease", "has_other_cardiac_disease"),
    "has_peripheral_vascular_disease": ("has_peripheral_vascular_disease",),
    "has_cerebrovascular_disease": ("has_cerebrovascular_disease",),
    "has_chronic_obstructive_pulmonary_disease": ("has_chronic_obstructive_pulmonary_disease",),
    "has_anemia": (),
    "has_infection": (),
    "has_drug_dependence": ("has_drug_dependence",),
}
"""Names of each condition on CMS-2728, which does not ask for anemia and infections."""
_CONDITIONS = (
    make_other_diabetes(
        "has_diabetes", "has_diabetes_on_claims", row="2.2.14: diabetes, not as cause of ESRD"
    ),
    *(
        Flag(name, (*at_incidence, f"{name}_on_claims"), row="2.2.14: comorbidities")
        for name, at_incidence in _AT_INCIDENCE.items()
    ),
    AnyOf(
        "has_any_condition",
        ("has_other_diabetes", *_AT_INCIDENCE),
        row="2.2.14: any of the comorbidities",
    ),
)
_KNOWLEDGE = (
    Flag("is_form_missing", ("has_form",), negated=True, row="2.2.14: no CMS-2728"),
    Flag("is_medicare_covered", row="2.2.14: Medicare coverage in the twelve months before"),
)
TERMS = (*_PATIENT, *_CONDITIONS, *_KNOWLEDGE)


def specify(program: Program, performance_year: int) -> GeeSpecification:
    """Return SFR; the QIP has no such measure."""
    return GeeSpecification(
        entry=find_measure("sfr", program, performance_year),
        terms=TERMS,
        national="facilities",
        inference="empirical_null",
        seed=202,
    )
