"""Adjusters that SHR, STrR and SEDR share: manual 2.12.13, 2.13.13, 2.25.14."""

CAUSE = ("is_diabetes_cause", "is_cause_missing")
NURSING_HOME = ("is_nursing_home_short", "is_nursing_home_long")
BMI = ("is_bmi_under_18", "is_bmi_18_to_25", "is_bmi_25_to_30")
AT_INCIDENCE = (
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
)
COVID = ("is_covid_1", "is_covid_2", "is_covid_3")
AGE_SEX_DIABETES = ("female_x_diabetes", "age_x_diabetes", "age_x_female")
"""Interactions of SHR and SEDR."""
