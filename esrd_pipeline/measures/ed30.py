"""ED30, emergency department encounters within 30 days of hospital discharge: manual 2.26.

Past-year conditions join the terms listed here: `parameters/discharge_condition_group.csv`,
Table 13.
"""

from esrd_pipeline.measures.discharges import BMI, LENGTH, NURSING_HOME
from esrd_pipeline.measures.specification import ThreeStageSpecification
from esrd_pipeline.measures.terms import Flag, Level, Number
from esrd_pipeline.parameters.register import find_measure

TERMS = (
    Flag("is_female", row="2.26.12: sex"),
    Level("is_age_18_to_24", "age", 18, 24, row="2.26.12: age"),
    Level("is_age_25_to_44", "age", 25, 44, row="2.26.12: age"),
    Level("is_age_45_to_59", "age", 45, 59, row="2.26.12: age"),
    Level("is_age_75_or_over", "age", 75, row="2.26.12: age"),
    Number("years_of_dialysis", row="2.26.12: years on dialysis"),
    Flag("is_diabetes_cause", row="2.26.12: diabetes as cause of ESRD"),
    *NURSING_HOME,
    *BMI,
    *LENGTH,
)


def specify(performance_year: int) -> ThreeStageSpecification:
    """Return ED30 without the terms of conditions.

    Small facilities are "excluded from the measure for the purposes of modeling" (2.26.13).
    """
    return ThreeStageSpecification(entry=find_measure("ed30", "dfc", performance_year), terms=TERMS)
