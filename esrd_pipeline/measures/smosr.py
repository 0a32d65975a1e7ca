"""SMoSR, the modality switch ratio of incident patients, from in center to home: manual 2.27.

2.27.7 is a copy of another measure's text (reading 16): 2.27.15 requires 11 patients and two
expected switches. Years of incidence join the terms listed here.
"""

from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.measures.terms import AnyOf, Flag, Level, Spline, make_other_diabetes
from esrd_pipeline.parameters.register import find_measure

YEARS = 3
"""Number of years in which ESRD began; the last is the year before the performance year."""

_CONDITIONS = (
    "has_atherosclerotic_heart_disease",
    "has_other_cardiac_disease",
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
)
_ROW = "2.27.12: comorbidities at ESRD incidence"

TERMS = (
    Spline(
        "age",
        knots=(26, 36, 46, 56, 66, 76, 86),
        names=(
            "age_18_to_26",
            "age_26_to_36",
            "age_36_to_46",
            "age_46_to_56",
            "age_56_to_66",
            "age_66_to_76",
            "age_76_to_86",
            "age_over_86",
        ),
        start=18,
        row="2.27.12: age",
    ),
    Flag("is_diabetes_cause", row="2.27.12: diabetes as cause of ESRD"),
    Level("is_bmi_under_18", "bmi_class", values=("<18.5",), row="2.27.12: BMI; reading 17"),
    Level("is_bmi_18_to_25", "bmi_class", values=("18.5-25",), row="2.27.12: BMI; reading 17"),
    Level("is_bmi_25_to_30", "bmi_class", values=("25-30",), row="2.27.12: BMI; reading 17"),
    *(Flag(name, row=_ROW) for name in _CONDITIONS),
    make_other_diabetes(row=f"{_ROW}; reading 123"),
    AnyOf("has_any_condition", (*_CONDITIONS, "has_other_diabetes"), row=f"{_ROW}; reading 123"),
)


def specify(performance_year: int) -> CoxSpecification:
    """Return SMoSR, without the terms of years of incidence."""
    return CoxSpecification(
        entry=find_measure("smosr", "dfc", performance_year),
        terms=TERMS,
        second_stage=None,
        inference="exact",
    )
