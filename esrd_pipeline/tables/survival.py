"""Tables of times to an event: patient-records of SMR, SWR and SMoSR, and their inputs."""

from esrd_pipeline.tables.facility import PROGRAM, YEAR
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
from esrd_pipeline.tables.recurrent_events import INCIDENT

MEASURES = ("smr", "swr", "smosr")
SMR_NOT_AT_RISK = (
    *NOT_ATTRIBUTED,
    "date_of_birth_unknown",
    "month_not_observable_in_claims",
)
"""Why a day of a patient with ESRD is not in any facility's SMR."""
SWR_NOT_AT_RISK = (
    "date_of_birth_unknown",
    "age_75_or_older",
    "in_nursing_home_at_first_dialysis",
    "in_hospice_at_first_dialysis",
    "waitlisted_before_dialysis",
    "transplanted_before_dialysis",
    "transplant",
    "after_withdrawal_or_recovery",
    "lost_to_follow_up",
    "not_treated_by_any_facility",
    "facility_unknown",
)
"""Why a day of the first year of dialysis is not in any facility's SWR."""
SMOSR_NOT_AT_RISK = (
    "date_of_birth_unknown",
    "under_18_years",
    "no_cms_2728",
    "after_first_hospice_claim",
    "before_first_in_center_day",
    "home_hemodialysis_in_nursing_home",
    *NOT_ATTRIBUTED,
)
"""Why a day of the first year of ESRD is not in any facility's SMoSR."""
SWR_CONDITIONS = (
    "heart_disease",
    "inability_to_ambulate",
    "chronic_obstructive_pulmonary_disease",
    "inability_to_transfer",
    "malignant_neoplasm",
    "peripheral_vascular_disease",
    "cerebrovascular_disease",
    "alcohol_dependence",
    "drug_dependence",
    "amputation",
    "needs_assistance",
)
"""Conditions of CMS-2728 that adjust SWR (Table 11)."""

_CLOCK_RULE = Rule("time at risk does not run backwards", "start_day <= stop_day")
_RISK_RULE = Rule("a counted row has time at risk", "reason IS NOT NULL OR start_day < stop_day")
_PLACED = Rule("a counted row has a facility", "reason IS NOT NULL OR ccn IS NOT NULL")


def _clock(since: str, most: int) -> tuple[Column, ...]:
    return (
        Column("start_day", "integer", f"Days before the first: {since}", required=True, minimum=0),
        Column(
            "stop_day",
            "integer",
            "Days up to and including the last",
            required=True,
            minimum=0,
            maximum=most,
        ),
        Column(
            "is_event",
            "integer",
            "Ends in the event: 1, else 0",
            required=True,
            minimum=0,
            maximum=1,
        ),
    )


def _flags(*named: tuple[str, str]) -> tuple[Column, ...]:
    return tuple(
        Column(name, "integer", f"{text}: 1, else 0", required=True, minimum=0, maximum=1)
        for name, text in named
    )


def _at_incidence(names: tuple[str, ...]) -> tuple[Column, ...]:
    return _flags(*((f"has_{name}", f"At incidence: {name.replace('_', ' ')}") for name in names))


def _ages(*bounds: tuple[str, str]) -> tuple[Column, ...]:
    return tuple(
        Column(name, "number", f"Years of age {text}", unit="years", required=True, minimum=0)
        for name, text in bounds
    )


_BMI = (
    ("is_bmi_under_18", "BMI below 18.5"),
    ("is_bmi_18_to_25", "BMI 18.5 to below 25"),
    ("is_bmi_25_to_30", "BMI 25 to below 30"),
)

COVID_PERIOD = Table(
    name="history.covid_period",
    grain="one segment of one patient's days within 90 of an inpatient diagnosis of COVID-19",
    source="manual 2.14.12",
    key=("patient_id", "start_date"),
    columns=(PATIENT, START, END, YEAR),
    rules=(IN_ORDER,),
    spans_of=("patient_id",),
)

SMR_DAYS = Table(
    name="cohort.smr_days",
    grain="one segment of one patient's days in the year within one record: at risk, or why not",
    source="manual 2.14.10, 2.14.11",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column("ccn", "text", "Facility it is attributed to; null where none"),
        Column("record", "integer", "Order of the patient's records", required=True, minimum=1),
        Column("is_covid", "boolean", "Within 90 days of inpatient COVID-19", required=True),
        Column("days", "integer", "Days", required=True, minimum=1, maximum=366),
        Column("ma_days", "integer", "Of these, in Medicare Advantage", required=True, minimum=0),
        Column("reason", "text", "Why not at risk; null where at risk", allowed=SMR_NOT_AT_RISK),
        Column(
            "death",
            "text",
            "Death on the last day; street drugs and accidents unrelated to treatment are excluded",
            allowed=("counted cause", "excluded cause"),
        ),
    ),
    rules=(IN_ORDER,),
    spans_of=("program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

SMR = Table(
    name="cohort.smr",
    grain="one segment of days at risk of one patient-record",
    source="manual 2.14.10.4, 2.14.12, 2.14.13",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        YEAR,
        Column("ccn", "text", "Facility it is attributed to", required=True),
        Column("record", "integer", "Order of the patient's records", required=True, minimum=1),
        *_clock("days at risk in the record", 366),
        Column(
            "log_state_death_rate",
            "number",
            "Log of the death rate of the patient's race in the facility's state, per 100,000",
            required=True,
        ),
        *_ages(
            ("age_to_14", "up to 14, at the record's start"),
            ("age_14_to_61", "from 14 to 61"),
            ("age_over_61", "over 61"),
        ),
        Column(
            "ma_share",
            "number",
            "Share of the record's days at risk in Medicare Advantage",
            required=True,
            minimum=0,
            maximum=1,
        ),
        *_ages(
            ("black_x_age_14_to_61", "from 14 to 61 of Black patients"),
            ("black_x_age_over_61", "over 61 of Black patients"),
        ),
        *_flags(
            ("is_female", "Woman"),
            ("is_black", "Black"),
            ("is_asian", "Asian or Pacific Islander"),
            ("is_native_or_other", "Native American, other or unknown"),
            ("is_hispanic", "Hispanic"),
            ("is_ethnicity_unknown", "Hispanic or not is unknown"),
            ("is_diabetes_cause", "Diabetes is the cause of ESRD"),
            ("is_cause_missing", "The cause of ESRD is unknown"),
            ("is_under_1_year", "Less than a year of ESRD"),
            ("is_1_to_2_years", "1 to 2 years"),
            ("is_2_to_3_years", "2 to 3 years"),
            ("is_nursing_home_short", "1 to 89 days in nursing homes in the 365 before"),
            ("is_nursing_home_long", "90 or more"),
            *_BMI,
            ("is_bmi_missing", "BMI missing or out of range"),
            ("is_form_missing", "No CMS-2728"),
            ("is_prevalent_missing", "Fewer than 6 Medicare-covered months in the year before"),
            ("is_covid", "Within 90 days of inpatient COVID-19"),
            ("hispanic_x_nonwhite", "Hispanic and not White"),
            ("diabetes_x_black", "Diabetes as the cause, Black"),
            ("diabetes_x_asian", "Diabetes as the cause, Asian or Pacific Islander"),
            ("diabetes_x_native_or_other", "Diabetes as the cause, Native American or other"),
            ("diabetes_x_under_1_year", "Diabetes as the cause, less than a year of ESRD"),
            ("diabetes_x_1_to_2_years", "Diabetes as the cause, 1 to 2 years"),
            ("diabetes_x_2_to_3_years", "Diabetes as the cause, 2 to 3 years"),
            ("under_1_year_x_black", "Less than a year of ESRD, Black"),
            ("under_1_year_x_asian", "Less than a year, Asian or Pacific Islander"),
            ("under_1_year_x_native_or_other", "Less than a year, Native American or other"),
            ("female_x_black", "Black woman"),
        ),
        *_at_incidence(INCIDENT),
    ),
    rules=(_CLOCK_RULE,),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

SWR = Table(
    name="cohort.swr",
    grain="one segment of days at one facility of a patient who began dialysis in the year before",
    source="manual 2.15.6 to 2.15.13, Table 11",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column("ccn", "text", "Facility that treats; null where none does"),
        Column("reason", "text", "Why not counted; null where counted", allowed=SWR_NOT_AT_RISK),
        *_clock("days since the first dialysis", 365),
        *_ages(
            ("age_to_12", "up to 12, at the first dialysis"),
            ("age_12_to_18", "from 12 to 18"),
            ("age_18_to_64", "from 18 to 64"),
            ("age_over_64", "over 64"),
        ),
        *_at_incidence(SWR_CONDITIONS),
    ),
    rules=(IN_ORDER, _CLOCK_RULE, _RISK_RULE, _PLACED),
    spans_of=("program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

SMOSR = Table(
    name="cohort.smosr",
    grain="one segment of days, by attributed facility, of a patient whose ESRD began in the year"
    " before",
    source="manual 2.27.8 to 2.27.13",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column("ccn", "text", "Facility it is attributed to; null where none"),
        Column("reason", "text", "Why not counted; null where counted", allowed=SMOSR_NOT_AT_RISK),
        *_clock("days at risk in the record", 365),
        *_ages(
            ("age_18_to_26", "from 18 to 26, on the first day of ESRD"),
            ("age_26_to_36", "from 26 to 36"),
            ("age_36_to_46", "from 36 to 46"),
            ("age_46_to_56", "from 46 to 56"),
            ("age_56_to_66", "from 56 to 66"),
            ("age_66_to_76", "from 66 to 76"),
            ("age_76_to_86", "from 76 to 86"),
            ("age_over_86", "over 86"),
        ),
        *_flags(("is_diabetes_cause", "Diabetes is the cause of ESRD"), *_BMI),
        *_at_incidence(INCIDENT),
    ),
    rules=(IN_ORDER, _CLOCK_RULE, _RISK_RULE, _PLACED),
    spans_of=("program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

TABLES = (COVID_PERIOD, SMR_DAYS, SMR, SWR, SMOSR)
