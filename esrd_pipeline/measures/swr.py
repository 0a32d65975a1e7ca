"""SWR, the first-year waitlist ratio of incident patients: manual 2.15.

2.15.7 is printed the wrong way round (reading 16): not reported below 11 patients or two expected.
"""

from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.measures.terms import Number

YEARS = 3
"""Years in which dialysis began, the last the year before the performance year."""

SWR = CoxSpecification(
    measure="swr",
    program="dfc",
    terms=tuple(
        map(
            Number,
            (
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
            ),
        )
    ),
    unit="patients",
    better="higher",
    minimum_units=11,
    minimum_expected=2,
    rate_scale=100,
    source="Manual v10.1 2.15; reading 16",
    second_stage=None,
    inference="exact",
)
