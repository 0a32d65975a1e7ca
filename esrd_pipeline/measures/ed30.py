"""ED30, emergency department encounters within 30 days of hospital discharge: manual 2.26.

Past-year conditions join the adjusters listed here: `parameters/discharge_condition_group.csv`,
Table 13.
"""

from esrd_pipeline.measures.specification import ThreeStageSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

ADJUSTERS = (
    "is_female",
    "is_age_18_to_24",
    "is_age_25_to_44",
    "is_age_45_to_59",
    "is_age_75_or_over",
    "years_of_dialysis",
    "is_diabetes_cause",
    "is_nursing_home_short",
    "is_nursing_home_long",
    "is_bmi_under_18",
    "is_bmi_18_to_25",
    "is_bmi_25_to_30",
    "is_length_second",
    "is_length_third",
    "is_length_fourth",
)


def specify(performance_year: int) -> ThreeStageSpecification:
    """Return ED30, without conditions.

    Small facilities are "excluded from the measure for the purposes of modeling" (2.26.13).
    """
    return ThreeStageSpecification(
        entry=find_measure("ed30", "dfc", performance_year), terms=tuple(map(Number, ADJUSTERS))
    )
