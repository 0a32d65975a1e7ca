"""SMoSR, the modality switch ratio of incident patients, from in center to home: manual 2.27.

2.27.7 is a copy of another measure's text (reading 16): 2.27.15 asks for 11 patients and two
expected switches. Years of incidence join the adjusters listed here.
"""

from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.measures.terms import Number

YEARS = 3
"""Years in which ESRD began, the last the year before the performance year."""

SMOSR = CoxSpecification(
    measure="smosr",
    program="dfc",
    terms=tuple(
        map(
            Number,
            (
                "age_18_to_26",
                "age_26_to_36",
                "age_36_to_46",
                "age_46_to_56",
                "age_56_to_66",
                "age_66_to_76",
                "age_76_to_86",
                "age_over_86",
                "is_diabetes_cause",
                "is_bmi_under_18",
                "is_bmi_18_to_25",
                "is_bmi_25_to_30",
                "has_atherosclerotic_heart_disease",
                "has_other_cardiac_disease",
                "has_diabetes",
                "has_congestive_heart_failure",
                "has_inability_to_ambulate",
                "has_chronic_obstructive_pulmonary_disease",
                "has_inability_to_transfer",
                "has_malignant_neoplasm",
                "has_peripheral_vascular_disease",
                "has_cerebrovascular_disease",
                "has_tobacco_use",
                "has_alcohol_dependence",
                "has_drug_dependence",
                "has_any_condition",
            ),
        )
    ),
    unit="patients",
    better="higher",
    minimum_units=11,
    minimum_expected=2,
    rate_scale=100,
    source="Manual v10.1 2.27; reading 16",
    second_stage=None,
    inference="exact",
)
