"""Cohort tables of SHR, STrR and SEDR: rows their models are fitted to, and every other day."""

from esrd_pipeline.tables.facility import MEASURE, PROGRAM, YEAR
from esrd_pipeline.tables.history import (
    END,
    IN_ORDER,
    NOT_ATTRIBUTED,
    OF_A_FACILITY,
    OF_A_PATIENT,
    START,
)
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Rule, Table

EXCEPTION = "extraordinary_circumstances_exception"
UNOBSERVABLE = "month_not_observable_in_claims"
ADULTS_IN_TRADITIONAL_MEDICARE = (
    "date_of_birth_unknown",
    "under_18_years",
    "medicare_advantage",
    UNOBSERVABLE,
)
NOT_AT_RISK = {
    "shr": (*NOT_ATTRIBUTED, EXCEPTION, UNOBSERVABLE),
    "strr": (
        *NOT_ATTRIBUTED,
        EXCEPTION,
        *ADULTS_IN_TRADITIONAL_MEDICARE,
        "within_year_of_excluded_condition",
    ),
    "sedr": (*NOT_ATTRIBUTED, *ADULTS_IN_TRADITIONAL_MEDICARE, "hospice_in_month"),
}
"""Why a day of a patient with ESRD is in no facility's measure, in the order of the rules."""
INCIDENT = (
    "alcohol_dependence",
    "atherosclerotic_heart_disease",
    "cerebrovascular_disease",
    "chronic_obstructive_pulmonary_disease",
    "congestive_heart_failure",
    "diabetes",
    "drug_dependence",
    "inability_to_ambulate",
    "inability_to_transfer",
    "malignant_neoplasm",
    "other_cardiac_disease",
    "peripheral_vascular_disease",
    "tobacco_use",
    "any_condition",
)
"""Conditions of CMS-2728 that adjust SHR, STrR and SEDR (2.12.13, 2.13.13, 2.25.14)."""

PERIOD = Column("period", "integer", "Order of the patient's periods", required=True, minimum=1)


def _flag(name: str, text: str) -> Column:
    return Column(name, "boolean", text, required=True)


def _stage(name: str, text: str) -> Column:
    return Column(name, "integer", text, required=True, minimum=0, maximum=3)


DAYS = Table(
    name="cohort.days",
    grain="one segment of one patient's days in the year in which nothing changes",
    source="manual 2.12.9 to 2.12.13, 2.13.9 to 2.13.13, 2.25.9 to 2.25.13, 3.4",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column(
            "attribution_start", "date", "First day in the year of the span answered", required=True
        ),
        Column("ccn", "text", "Facility that answers; null where nobody does"),
        Column(
            "reason",
            "text",
            "Why nobody answers; null where a facility does",
            allowed=NOT_ATTRIBUTED,
        ),
        Column("interval", "integer", "Duration of ESRD, from 0", minimum=0, maximum=5),
        _stage("covid_stage", "After the first stay with COVID-19 (SHR): 0 none, 1 to 3"),
        _stage("covid_diagnosis_stage", "After the first diagnosis (STrR): 0 none, 1 to 3"),
        Column("is_adult", "boolean", "18 or older; null where birth is unknown"),
        _flag("is_ma", "Medicare Advantage in the month"),
        _flag("is_covered", "Month covered by Medicare claims"),
        _flag("is_observable", "Covered, or Medicare Advantage"),
        _flag("is_hospice", "Hospice in the month"),
        _flag("is_exception", "Month of an exception of the facility (QIP)"),
        _flag("is_transfusion_excluded", "Within a year of a condition that STrR excludes"),
    ),
    rules=(
        IN_ORDER,
        Rule("a day is a facility's or says why not", "(ccn IS NULL) = (reason IS NOT NULL)"),
    ),
    spans_of=("program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)


def days_table(measure: str, events: str, source: str) -> Table:
    """Return the table of the year's days as one measure sees them."""
    return Table(
        name=f"cohort.{measure}_days",
        grain="one segment of one patient's days in the year: at risk, within a month, or why not",
        source=source,
        key=("program", "patient_id", "start_date"),
        columns=(
            PROGRAM,
            PATIENT,
            START,
            END,
            YEAR,
            Column("ccn", "text", "Facility that answers; null where nobody does"),
            PERIOD,
            Column("interval", "integer", "Duration of ESRD, from 0", minimum=0, maximum=5),
            _stage("covid_stage", "0 none, 1 to 3, as the measure counts them"),
            _flag("is_ma", "Medicare Advantage in the month"),
            Column("days", "integer", "Days", required=True, minimum=1, maximum=366),
            Column(
                "reason",
                "text",
                "Why not at risk, by the first rule that applies; null where at risk",
                allowed=NOT_AT_RISK[measure],
            ),
            Column("events", "integer", f"{events} then", required=True, minimum=0),
            Column(
                "uncounted_events",
                "integer",
                "Of these, those the measure does not count (SHR: index COVID-19 stays)",
                required=True,
                minimum=0,
            ),
        ),
        rules=(IN_ORDER,),
        spans_of=("program", "patient_id"),
        references=(OF_A_PATIENT, OF_A_FACILITY),
    )


SHR_DAYS = days_table(
    "shr", "Stays that began", "manual 2.13.9 to 2.13.11, 3.4; SHR submission, denominator"
)
STRR_DAYS = days_table("strr", "Transfusions", "manual 2.12.7 to 2.12.12, Figure 14, 3.4")
SEDR_DAYS = days_table(
    "sedr", "Emergency encounters that began", "manual 2.25.9 to 2.25.13, Figure 27"
)

_NUMBERS = (
    ("age_over_65", "Age at the period's start less 65", "years"),
    ("age_over_65_squared", "Its square", None),
    ("ma_share", "Share of the days at risk in Medicare Advantage; or 0, 1 (submission)", None),
    ("age_x_diabetes", "Age over 65 where diabetes is the cause of ESRD", "years"),
    ("age_x_female", "Age over 65 of women", "years"),
)
_AGES = (
    ("is_age_18_to_24", "18 to 24 years at the period's start"),
    ("is_age_25_to_44", "25 to 44 years"),
    ("is_age_45_to_59", "45 to 59 years"),
    ("is_age_75_or_more", "75 years or older"),
)
_INDICATORS = (
    *_AGES,
    *(
        (f"{name.removeprefix('is_')}_x_diabetes", f"{text}, diabetes the cause")
        for name, text in _AGES
    ),
    *(
        (f"interval_{k}_x_diabetes", f"Duration of ESRD {k}, diabetes the cause")
        for k in range(1, 6)
    ),
    ("is_female", "Woman"),
    ("is_diabetes_cause", "Diabetes is the cause of ESRD"),
    ("is_cause_missing", "No cause of ESRD is known"),
    ("is_nursing_home_short", "1 to 89 days in nursing homes in the 365 before"),
    ("is_nursing_home_long", "90 or more"),
    ("is_bmi_under_18", "BMI below 18.5"),
    ("is_bmi_18_to_25", "BMI 18.5 to below 25"),
    ("is_bmi_25_to_30", "BMI 25 to below 30"),
    ("is_form_missing", "No CMS-2728"),
    ("is_prevalent_missing", "Fewer than 6 Medicare-covered months in the year before"),
    ("is_covid_1", "Days 1 to 30 after the first stay (STrR: diagnosis) with COVID-19"),
    ("is_covid_2", "Days 31 to 60"),
    ("is_covid_3", "Days 61 to 180 (STrR: 61 and later)"),
    ("female_x_diabetes", "Woman whose cause of ESRD is diabetes"),
    *((f"has_{name}", f"At incidence: {name.replace('_', ' ')}") for name in INCIDENT),
)

RATES = Table(
    name="cohort.rates",
    grain="one period of one patient at one facility in one interval, in one measure",
    source="manual 2.12.12, 2.12.13, 2.13.10.1, 2.13.13, 2.25.13, 2.25.14; SHR submission",
    key=("measure", "program", "patient_id", "period"),
    columns=(
        MEASURE,
        PROGRAM,
        PATIENT,
        PERIOD,
        YEAR,
        Column("ccn", "text", "Facility that answers", required=True),
        START,
        Column("interval", "integer", "Duration of ESRD", required=True, minimum=0, maximum=5),
        Column("days_at_risk", "integer", "Days at risk", required=True, minimum=1, maximum=366),
        Column("event_count", "integer", "Events counted", required=True, minimum=0),
        *(Column(name, "number", text, unit=unit, required=True) for name, text, unit in _NUMBERS),
        *(
            Column(name, "integer", f"{text}: 1, else 0", required=True, minimum=0, maximum=1)
            for name, text in _INDICATORS
        ),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

TABLES = (DAYS, SHR_DAYS, STRR_DAYS, SEDR_DAYS, RATES)
