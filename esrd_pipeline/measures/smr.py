"""SMR, the Standardized Mortality Ratio of four calendar years: manual 2.14.

Prevalent conditions (`parameters/prevalent_condition_group.csv`) and calendar years join the
adjusters listed here.
"""

from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

YEARS = 4
"""Number of calendar years; the last is the performance year (2.14.13)."""

_PATIENT = (
    "age_to_14",
    "age_14_to_61",
    "age_over_61",
    "is_female",
    "is_black",
    "is_asian",
    "is_native_or_other",
    "is_hispanic",
    "is_ethnicity_unknown",
    "is_diabetes_cause",
    "is_cause_missing",
    "is_under_1_year",
    "is_1_to_2_years",
    "is_2_to_3_years",
    "is_nursing_home_short",
    "is_nursing_home_long",
    "is_bmi_under_18",
    "is_bmi_18_to_25",
    "is_bmi_25_to_30",
    "is_bmi_missing",
    "ma_share",
    "is_covid",
)
_AT_INCIDENCE = (
    "has_alcohol_dependence",
    "has_atherosclerotic_heart_disease",
    "has_cerebrovascular_disease",
    "has_chronic_obstructive_pulmonary_disease",
    "has_congestive_heart_failure",
    "has_diabetes",
    "has_drug_dependence",
    "has_inability_to_ambulate",
    "has_inability_to_transfer",
    "has_malignant_neoplasm",
    "has_other_cardiac_disease",
    "has_peripheral_vascular_disease",
    "has_tobacco_use",
    "has_any_condition",
    "is_form_missing",
    "is_prevalent_missing",
)
_INTERACTIONS = (
    "black_x_age_14_to_61",
    "black_x_age_over_61",
    "hispanic_x_nonwhite",
    "diabetes_x_black",
    "diabetes_x_asian",
    "diabetes_x_native_or_other",
    "diabetes_x_under_1_year",
    "diabetes_x_1_to_2_years",
    "diabetes_x_2_to_3_years",
    "under_1_year_x_black",
    "under_1_year_x_asian",
    "under_1_year_x_native_or_other",
    "female_x_black",
)

ADJUSTERS = (*_PATIENT, *_AT_INCIDENCE, *_INTERACTIONS)


def specify(performance_year: int) -> CoxSpecification:
    """Return SMR, without the terms of conditions and calendar years."""
    return CoxSpecification(
        entry=find_measure("smr", "dfc", performance_year),
        terms=tuple(map(Number, ADJUSTERS)),
        second_stage="log_state_death_rate",
        inference="empirical_null",
    )
