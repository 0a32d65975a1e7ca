"""SRR, the Standardized Readmission Ratio: manual 2.10 (DFC) and 2.11 (QIP).

Past-year conditions join the adjusters listed here: `parameters/discharge_condition_group.csv`,
Table 4 (DFC) and Table 6 (QIP).
"""

from esrd_pipeline.measures.specification import Program, ThreeStageSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

_STAY = ("is_length_second", "is_length_third", "is_length_fourth", "is_high_risk", "is_covid")
ADJUSTERS: dict[Program, tuple[str, ...]] = {
    "dfc": (
        "is_female",
        "age_to_14",
        "age_14_to_60",
        "age_over_60",
        "is_diabetes_cause",
        "age_14_to_60_x_diabetes",
        "age_over_60_x_diabetes",
        "years_of_esrd",
        "is_bmi_under_18",
        "is_bmi_18_to_25",
        "is_bmi_25_to_30",
        "is_nursing_home_short",
        "is_nursing_home_long",
        "is_ma",
        *_STAY,
    ),
    "qip": ("is_female", "age", "is_diabetes_cause", "years_of_esrd", "bmi", *_STAY),
}


def specify(program: Program, performance_year: int) -> ThreeStageSpecification:
    """Return SRR as one program computes it, without conditions."""
    return ThreeStageSpecification(
        entry=find_measure("srr", program, performance_year),
        terms=tuple(map(Number, ADJUSTERS[program])),
    )
