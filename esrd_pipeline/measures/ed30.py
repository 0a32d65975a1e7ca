"""ED30, emergency department encounters within 30 days of hospital discharge: manual 2.26.

Past-year conditions join the adjusters listed here: `parameters/discharge_condition_group.csv`,
Table 13.
"""

from esrd_pipeline.measures.specification import ThreeStageSpecification
from esrd_pipeline.measures.terms import Number

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

ED30 = ThreeStageSpecification(
    measure="ed30",
    program="dfc",
    terms=tuple(map(Number, ADJUSTERS)),
    unit="discharges",
    better="lower",
    minimum_units=11,
    rate_scale=100,
    source="Manual v10.1 2.26",
    # 2.26.13: "excluded from the measure for the purposes of modeling".
    minimum_modelled=11,
)
