"""Access to a fistula and to the waitlist: patient-months of SFR and PPPW, and what SFR needs."""

from esrd_pipeline.tables.clinical import ACCESS_TYPES
from esrd_pipeline.tables.facility import CCN, PROGRAM, YEAR
from esrd_pipeline.tables.history import OF_A_FACILITY, OF_A_PATIENT
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.tables.month_history import MONTH
from esrd_pipeline.tables.patient_months import REASONS

CONDITIONS = (
    ("has_heart_failure", "heart failure"),
    ("has_other_heart_disease", "coronary and other heart disease"),
    ("has_peripheral_vascular_disease", "peripheral vascular disease"),
    ("has_cerebrovascular_disease", "cerebrovascular disease"),
    ("has_chronic_obstructive_pulmonary_disease", "chronic obstructive pulmonary disease"),
    ("has_anemia", "anemia, not of kidney disease"),
    ("has_infection", "pneumonia, hepatitis, HIV or tuberculosis"),
    ("has_drug_dependence", "drug dependence"),
)

ACCESS_CONDITION = Table(
    name="history.access_condition",
    grain="one month of the year of one patient with a condition of 2.2.14 on claims before it",
    source="manual 2.2.14, Table 2",
    key=("patient_id", "month"),
    columns=(
        PATIENT,
        MONTH,
        YEAR,
        *(
            Column(name, "boolean", f"On claims of the 12 months before: {text}", required=True)
            for name, text in (("has_diabetes", "diabetes"), *CONDITIONS)
        ),
    ),
    references=(OF_A_PATIENT,),
)

COUNTED = Rule("a month is counted or says why not", "(reason IS NULL) = (is_event IS NOT NULL)")
_SFR_INDICATORS = (
    ("is_age_under_25", "18 to 24 years old on the month's first day"),
    ("is_age_60_to_74", "60 to 74"),
    ("is_age_over_74", "75 or older"),
    ("is_bmi_under_18", "BMI below 18.5"),
    ("is_bmi_18_to_25", "BMI 18.5 to below 25"),
    ("is_bmi_25_to_30", "BMI 25 to below 30"),
    ("is_nursing_home_short", "1 to 89 days in nursing homes in the 365 before"),
    ("is_nursing_home_long", "90 or more"),
    ("has_nephrologist_care", "Nephrologist's care before ESRD"),
    ("is_esrd_1_to_5_years", "ESRD for more than 1 year, up to 5"),
    ("is_esrd_5_to_9_years", "More than 5, up to 9"),
    ("is_esrd_over_9_years", "More than 9"),
    ("is_immobile", "At incidence: inability to ambulate or to transfer"),
    ("is_diabetes_cause", "Diabetes is the cause of ESRD"),
    ("has_other_diabetes", "Diabetes that is not the cause of ESRD"),
    *((name, f"At incidence or on claims: {text}") for name, text in CONDITIONS),
    ("has_any_condition", "One of these, from diabetes that is not the cause on"),
    ("is_form_missing", "No CMS-2728"),
    ("is_medicare_covered", "6 covered months or 1 of Medicare Advantage in the 12 before"),
)

SFR = Table(
    name="cohort.sfr",
    grain="one month of one patient at one facility that treated or admitted them",
    source="manual 2.2.7 to 2.2.14",
    key=("program", "patient_id", "month", "ccn"),
    columns=(
        PROGRAM,
        PATIENT,
        MONTH,
        CCN,
        YEAR,
        Column("access_type", "text", "Last access reported", allowed=ACCESS_TYPES),
        Column("reason", "text", "Why not counted; null where counted", allowed=REASONS),
        Column("is_event", "integer", "1 a fistula alone; null if not counted", maximum=1),
        *(
            Column(name, "integer", f"{text}: 1, else 0", required=True, minimum=0, maximum=1)
            for name, text in _SFR_INDICATORS
        ),
    ),
    rules=(COUNTED,),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

NOT_WAITING = (
    "transplant",
    "not_on_dialysis",
    "facility_unknown",
    "extraordinary_circumstances_exception",
    "date_of_birth_unknown",
    "age_75_or_older",
    "nursing_home_in_month",
    "hospice_in_month",
    "nursing_home_at_incidence",
)
"""Why a month of a patient with ESRD is in no facility's PPPW."""

PPPW = Table(
    name="cohort.pppw",
    grain="one month of one patient in treatment history on the month's last day",
    source="manual 2.16.6 to 2.16.13",
    key=("program", "patient_id", "month"),
    columns=(
        PROGRAM,
        PATIENT,
        MONTH,
        YEAR,
        Column("ccn", "text", "Facility that treats them on the last day"),
        Column("reason", "text", "Why not counted; null where counted", allowed=NOT_WAITING),
        Column("is_event", "integer", "1 on the waitlist that day; null if not counted", maximum=1),
        Column("age", "number", "Age on the last day", unit="years"),
        Column("age_over_15", "number", "Years over 15, else 0", unit="years", minimum=0),
        Column("age_over_55", "number", "Years over 55, else 0", unit="years", minimum=0),
        Column("age_over_70", "number", "Years over 70, else 0", unit="years", minimum=0),
    ),
    rules=(COUNTED,),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

MEASURES = ("sfr", "pppw")
TABLES = (ACCESS_CONDITION, SFR, PPPW)
