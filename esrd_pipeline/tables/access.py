"""Tables of SFR and PPPW: their patient-months, and the conditions on claims that SFR needs."""

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

_CLAIMED = (("has_diabetes", "diabetes"), *CONDITIONS)

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
            for name, text in _CLAIMED
        ),
    ),
    references=(OF_A_PATIENT,),
)

COUNTED = Rule("a month is counted or has a reason", "(reason IS NULL) = (is_event IS NOT NULL)")
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
        Column("is_event", "integer", "1 if a fistula alone; null if not counted", maximum=1),
        Column("age", "integer", "Completed years on the month's first day", minimum=0),
        Column(
            "esrd_years_over",
            "integer",
            "Largest of 0, 1, 5 and 9 years that the duration of ESRD exceeds",
            required=True,
            minimum=0,
            maximum=9,
        ),
        Column(
            "nursing_home_days",
            "integer",
            "Days in nursing homes in the 365 before the month",
            required=True,
            minimum=0,
            maximum=365,
        ),
        Column(
            "is_medicare_covered",
            "boolean",
            "6 covered months or 1 of Medicare Advantage in the 12 before",
            required=True,
        ),
        *(
            Column(
                f"{name}_on_claims",
                "boolean",
                f"On claims of the 12 months before: {text}",
                required=True,
            )
            for name, text in _CLAIMED
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
        Column(
            "is_event", "integer", "1 if on the waitlist that day; null if not counted", maximum=1
        ),
        Column("age", "number", "Age on the last day", unit="years"),
    ),
    rules=(COUNTED,),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

MEASURES = ("sfr", "pppw")
TABLES = (ACCESS_CONDITION, SFR, PPPW)
