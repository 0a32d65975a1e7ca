"""SWR, the first-year waitlist ratio of incident patients: manual 2.15.

2.15.7 states the rule the wrong way round (reading 16): not reported below 11 patients or two
expected events.
"""

from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.measures.terms import Flag, Spline
from esrd_pipeline.parameters.register import find_measure

YEARS = 3
"""Number of years in which dialysis began; the last is the year before the performance year."""

_CONDITIONS = (
    "has_inability_to_ambulate",
    "has_chronic_obstructive_pulmonary_disease",
    "has_inability_to_transfer",
    "has_malignant_neoplasm",
    "has_peripheral_vascular_disease",
    "has_cerebrovascular_disease",
    "has_alcohol_dependence",
    "has_drug_dependence",
    "has_amputation",
    "has_needs_assistance",
)

TERMS = (
    Spline(
        "age",
        knots=(12, 18, 64),
        names=("age_to_12", "age_12_to_18", "age_18_to_64", "age_over_64"),
        row="2.15.12: age",
    ),
    Flag(
        "has_heart_disease",
        (
            "has_congestive_heart_failure",
            "has_atherosclerotic_heart_disease",
            "has_other_cardiac_disease",
        ),
        row="2.15.12, Table 11: heart disease",
    ),
    *(Flag(name, row="2.15.12, Table 11: incident comorbidities") for name in _CONDITIONS),
)


def specify(performance_year: int) -> CoxSpecification:
    """Return SWR."""
    return CoxSpecification(
        entry=find_measure("swr", "dfc", performance_year),
        terms=TERMS,
        second_stage=None,
        inference="exact",
    )
