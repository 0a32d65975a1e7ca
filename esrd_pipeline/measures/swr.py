"""SWR, the first-year waitlist ratio of incident patients: manual 2.15.

2.15.7 states the rule the wrong way round (reading 16): not reported below 11 patients or two
expected events.
"""

from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

YEARS = 3
"""Number of years in which dialysis began; the last is the year before the performance year."""

ADJUSTERS = (
    "age_to_12",
    "age_12_to_18",
    "age_18_to_64",
    "age_over_64",
    "has_heart_disease",
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


def specify(performance_year: int) -> CoxSpecification:
    """Return SWR, without the terms of years of incidence."""
    return CoxSpecification(
        entry=find_measure("swr", "dfc", performance_year),
        terms=tuple(map(Number, ADJUSTERS)),
        second_stage=None,
        inference="exact",
    )
