"""Cohort tables: the rows a measure's model is fitted to, and what became of every other day."""

from esrd_pipeline.tables.facility import PROGRAM, YEAR
from esrd_pipeline.tables.history import END, IN_ORDER, NOBODY, OF_A_FACILITY, OF_A_PATIENT, START
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Table

NOT_AT_RISK = (
    *NOBODY,
    "extraordinary circumstances exception",
    "month not observable in Medicare claims",
)
"""Why a day of a patient with ESRD is in no facility's SHR."""
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
"""Conditions of CMS-2728 that adjust SHR (2.13.13)."""

SHR_DAYS = Table(
    name="cohort.shr_days",
    grain="one stretch of one patient's days in the year, within a month: at risk, or why not",
    source="manual 2.13.9 to 2.13.11, 3.4; SHR submission, denominator",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column("ccn", "text", "Facility that answers; null where nobody does"),
        Column("period", "integer", "Order of the patient's periods", required=True, minimum=1),
        Column("interval", "integer", "Duration of ESRD, from 0", minimum=0, maximum=5),
        Column("covid_stage", "integer", "0 none, 1 to 3", required=True, minimum=0, maximum=3),
        Column("is_ma", "boolean", "Medicare Advantage in the month", required=True),
        Column("days", "integer", "Days", required=True, minimum=1, maximum=31),
        Column("reason", "text", "Why not at risk; null where at risk", allowed=NOT_AT_RISK),
        Column("admissions", "integer", "Stays that began then", required=True, minimum=0),
        Column(
            "covid_admissions",
            "integer",
            "Of these, index COVID-19 hospitalisations, which the manual does not count",
            required=True,
            minimum=0,
        ),
    ),
    rules=(IN_ORDER,),
    spans_of=("program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

_NUMBERS = (
    ("age_over_65", "Age at the period's start less 65", "years"),
    ("age_over_65_squared", "Its square", None),
    ("ma_share", "Share of the days at risk in Medicare Advantage; or 0, 1 (submission)", None),
    ("age_x_diabetes", "Age over 65 where diabetes is the cause of ESRD", "years"),
    ("age_x_female", "Age over 65 of women", "years"),
)
_INDICATORS = (
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
    ("is_covid_1", "Days 1 to 30 after the index COVID-19 stay"),
    ("is_covid_2", "Days 31 to 60"),
    ("is_covid_3", "Days 61 to 180"),
    ("female_x_diabetes", "Woman whose cause of ESRD is diabetes"),
    *((f"has_{name}", f"At incidence: {name.replace('_', ' ')}") for name in INCIDENT),
)

SHR = Table(
    name="cohort.shr",
    grain="one period of one patient at one facility in one interval of duration of ESRD",
    source="manual 2.13.10.1, 2.13.13; SHR submission, risk adjustment",
    key=("program", "patient_id", "period"),
    columns=(
        PROGRAM,
        PATIENT,
        Column("period", "integer", "Order of the patient's periods", required=True, minimum=1),
        YEAR,
        Column("ccn", "text", "Facility that answers", required=True),
        START,
        Column("interval", "integer", "Duration of ESRD", required=True, minimum=0, maximum=5),
        Column("days_at_risk", "integer", "Days at risk", required=True, minimum=1, maximum=366),
        Column("event_count", "integer", "Hospital admissions", required=True, minimum=0),
        *(Column(name, "number", text, unit=unit, required=True) for name, text, unit in _NUMBERS),
        *(
            Column(name, "integer", f"{text}: 1, else 0", required=True, minimum=0, maximum=1)
            for name, text in _INDICATORS
        ),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

TABLES = (SHR_DAYS, SHR)
