"""Terms that SHR, STrR and SEDR share: manual 2.12.13, 2.13.13, 2.25.14."""

from esrd_pipeline.measures.terms import AnyOf, Flag, Level, Number, Product, make_other_diabetes
from esrd_pipeline.tables.history import INCIDENT_CONDITIONS

_ROW = "2.12.13, 2.13.13, 2.25.14"

CAUSE = (Flag("is_diabetes_cause", row=_ROW), Flag("is_cause_missing", row=_ROW))
NURSING_HOME = (
    Level("is_nursing_home_short", "nursing_home_days", 1, 89, row=_ROW),
    Level("is_nursing_home_long", "nursing_home_days", 90, row=_ROW),
)
BMI = (
    Level("is_bmi_under_18", "bmi_class", values=("<18.5",), row=_ROW),
    Level("is_bmi_18_to_25", "bmi_class", values=("18.5-25",), row=_ROW),
    Level("is_bmi_25_to_30", "bmi_class", values=("25-30",), row=_ROW),
)
AT_INCIDENCE = (
    *(Flag(f"has_{name}", row="Table 11: CMS-2728") for name in INCIDENT_CONDITIONS),
    Flag("is_form_missing", ("has_form",), negated=True, row=_ROW),
)
_SUBMITTED = tuple(
    f"has_{name}" for name in INCIDENT_CONDITIONS if name not in ("diabetes", "any_condition")
)
_SUBMISSION = "2025 submission of CBE 1463: comorbidities at ESRD incidence; reading 123"
SUBMITTED_AT_INCIDENCE = (
    *(Flag(name, row=_SUBMISSION) for name in _SUBMITTED),
    make_other_diabetes(row=_SUBMISSION),
    AnyOf("has_any_condition", (*_SUBMITTED, "has_other_diabetes"), row=_SUBMISSION),
    Flag("is_form_missing", ("has_form",), negated=True, row=_SUBMISSION),
)
COVID = tuple(
    Level(f"is_covid_{stage}", "covid_stage", stage, stage, row="2.12.13, 2.13.13")
    for stage in (1, 2, 3)
)
# Of SHR and SEDR alone.
AGE_AND_SEX = (
    Number("age", "age_over_65", origin=65, row="2.13.13, 2.25.14"),
    Product("age_over_65_squared", "age_over_65", "age_over_65", row="2.13.13, 2.25.14"),
    Flag("is_female", row="2.13.13, 2.25.14"),
)
PREVALENT_MISSING = Level("is_prevalent_missing", "covered_months", high=5, row="2.13.13, 2.25.14")
AGE_SEX_DIABETES = (
    Product("female_x_diabetes", "is_female", "is_diabetes_cause", row="2.13.13, 2.25.14"),
    Product("age_x_diabetes", "age_over_65", "is_diabetes_cause", row="2.13.13, 2.25.14"),
    Product("age_x_female", "age_over_65", "is_female", row="2.13.13, 2.25.14"),
)
