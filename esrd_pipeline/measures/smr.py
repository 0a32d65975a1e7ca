"""SMR, the Standardized Mortality Ratio of four calendar years: manual 2.14.

Prevalent conditions (`parameters/prevalent_condition_group.csv`) and calendar years join the
terms listed here.
"""

from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.measures.terms import AnyOf, Flag, Level, Number, Product, Spline
from esrd_pipeline.parameters.register import find_measure
from esrd_pipeline.tables.history import INCIDENT_CONDITIONS

YEARS = 4
"""Number of calendar years; the last is the performance year (2.14.13)."""

_RACES = ("black", "asian", "native_or_other")
_PATIENT = (
    Spline(
        "age",
        knots=(14, 61),
        names=("age_to_14", "age_14_to_61", "age_over_61"),
        row="2.14.12: age",
    ),
    Flag("is_female", row="2.14.12: sex"),
    Level("is_black", "race_class", values=("black",), row="2.14.12: race"),
    Level("is_asian", "race_class", values=("asian or pacific islander",), row="2.14.12: race"),
    Level(
        "is_native_or_other",
        "race_class",
        values=("native american", "other"),
        row="2.14.12: race",
    ),
    Flag("is_hispanic", row="2.14.12: ethnicity"),
    Flag("is_ethnicity_unknown", row="2.14.12: ethnicity"),
    Flag("is_diabetes_cause", row="2.14.12: diabetes as cause of ESRD"),
    Flag("is_cause_missing", row="2.14.12: missing cause of ESRD"),
    Level("is_under_1_year", "esrd_days", high=364, row="2.14.12: duration of ESRD; reading 21"),
    Level("is_1_to_2_years", "esrd_days", 365, 729, row="2.14.12: duration of ESRD; reading 21"),
    Level("is_2_to_3_years", "esrd_days", 730, 1094, row="2.14.12: duration of ESRD; reading 21"),
    Level("is_nursing_home_short", "nursing_home_days", 1, 89, row="2.14.12: nursing home status"),
    Level("is_nursing_home_long", "nursing_home_days", 90, row="2.14.12: nursing home status"),
    Level("is_bmi_under_18", "bmi_class", values=("<18.5",), row="2.14.12: BMI; reading 17"),
    Level("is_bmi_18_to_25", "bmi_class", values=("18.5-25",), row="2.14.12: BMI; reading 17"),
    Level("is_bmi_25_to_30", "bmi_class", values=("25-30",), row="2.14.12: BMI; reading 17"),
    Flag("is_bmi_missing", row="2.14.12: missing BMI"),
    Number("ma_share", row="2.14.12: MA coverage"),
    Flag("is_covid", row="2.14.12: COVID-19 diagnosis"),
)
_AT_INCIDENCE = (
    *(
        Flag(f"has_{name}", row="2.14.12: comorbidities at incidence")
        for name in INCIDENT_CONDITIONS
    ),
    Flag("is_form_missing", ("has_form",), negated=True, row="2.14.12: no CMS-2728"),
    Flag("is_prevalent_missing", row="2.14.12, Table 10: prevalent comorbidities not seen"),
)
_DIABETES = "is_diabetes_cause"
_INTERACTIONS = (
    # Years to 14: the first piece of age with its origin there. It is 0 for everyone older, or the
    # product would be a second column of race.
    Product(
        "black_x_age_to_14",
        Product("is_black_child", "is_black", Level("is_child", "age", high=13)),
        Number("age", "age_from_14", origin=14),
        row="2.14.12: age by race; reading 131",
    ),
    Product("black_x_age_14_to_61", "is_black", "age_14_to_61", row="2.14.12: age by race"),
    Product("black_x_age_over_61", "is_black", "age_over_61", row="2.14.12: age by race"),
    Product(
        "hispanic_x_nonwhite",
        "is_hispanic",
        AnyOf("is_nonwhite", ("is_black", "is_asian", "is_native_or_other")),
        row="2.14.12: ethnicity by race",
    ),
    *(
        Product(f"diabetes_x_{race}", _DIABETES, f"is_{race}", row="2.14.12: diabetes by race")
        for race in _RACES
    ),
    *(
        Product(f"diabetes_x_{years}", _DIABETES, f"is_{years}", row="2.14.12: diabetes by vintage")
        for years in ("under_1_year", "1_to_2_years", "2_to_3_years")
    ),
    *(
        Product(
            f"under_1_year_x_{race}",
            "is_under_1_year",
            f"is_{race}",
            row="2.14.12: duration of ESRD by race",
        )
        for race in _RACES
    ),
    Product("female_x_black", "is_female", "is_black", row="2.14.12: sex by race"),
)

TERMS = (*_PATIENT, *_AT_INCIDENCE, *_INTERACTIONS)


def specify(performance_year: int) -> CoxSpecification:
    """Return SMR, without the terms of conditions and calendar years."""
    return CoxSpecification(
        entry=find_measure("smr", "dfc", performance_year),
        terms=TERMS,
        second_stage="log_state_death_rate",
        inference="empirical_null",
    )
