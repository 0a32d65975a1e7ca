"""SHR, the Standardized Hospitalization Ratio: manual 2.13, and the 2025 submission of CBE 1463.

Prevalent conditions join the adjusters listed here: `parameters/prevalent_condition_group.csv`.
"""

from esrd_pipeline.measures.specification import Program, Specification

_PATIENT = (
    "age_over_65",
    "age_over_65_squared",
    "is_female",
    "is_diabetes_cause",
    "is_cause_missing",
    "ma_share",
    "is_nursing_home_short",
    "is_nursing_home_long",
    "is_bmi_under_18",
    "is_bmi_18_to_25",
    "is_bmi_25_to_30",
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
)
_INTERACTIONS = ("female_x_diabetes", "age_x_diabetes", "age_x_female")
_COVID = ("is_covid_1", "is_covid_2", "is_covid_3")

ADJUSTERS = {
    "manual": (*_PATIENT, *_AT_INCIDENCE, "is_prevalent_missing", *_COVID, *_INTERACTIONS),
    "submission": (*_PATIENT, *_AT_INCIDENCE, "is_prevalent_missing", *_INTERACTIONS),
}
"""By specification (reading 22): the submission has no COVID-19 terms."""


def specify(program: Program, specification: str) -> Specification:
    """Return SHR as one program computes it under one specification, without conditions."""
    return Specification(
        measure="shr",
        program=program,
        adjusters=ADJUSTERS[specification],
        unit="patient_years",
        better="lower",
        minimum_units=5,
        rate_scale=100,
        source="Manual v10.1 2.13" if specification == "manual" else "CBE 1463, 2025 submission",
    )
