"""Tables of hospital discharges: those SRR and ED30 count, and why the others are not counted."""

from esrd_pipeline.tables.facility import CCN, MEASURE, PROGRAM, YEAR
from esrd_pipeline.tables.history import OF_A_FACILITY, OF_A_PATIENT, STATES
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Rule, Table

STAY = Column("stay", "integer", "Order of the patient's stays in the table", required=True)
DISCHARGE_DATE = Column("discharge_date", "date", "Day of discharge", required=True)
KINDS = ("acute", "critical access", "long-term", "rehabilitation", "psychiatric", "other")
FIRST_EVENTS = (
    "transplant",
    "unplanned readmission",
    "planned readmission",
    "other hospital",
    "death",
    "off dialysis",
)
"""First event in the 30 days after a discharge."""
NO_DISCHARGE = (
    "not_acute_care_hospital",
    "not_covered_by_medicare",
    "transferred_to_acute_care_hospital",
    "died_in_hospital",
    "still_in_hospital",
)
"""Why the end of a stay is not a discharge of SRR or ED30."""
NOT_SRR = (
    *NO_DISCHARGE,
    "cancer_hospital",
    "left_against_medical_advice",
    "excluded_principal_diagnosis",
    "rehabilitation_revenue_center",
    "stay_of_365_days_or_longer",
    "after_twelfth_admission_of_year",
    "transplant",
    "not_on_dialysis_at_discharge",
    "facility_unknown",
    "extraordinary_circumstances_exception",
    "date_of_birth_unknown",
    "transplant_within_3_days",
    "died_within_3_days",
    "off_dialysis_within_3_days",
    "hospitalized_within_3_days",
    "unplanned_readmission_within_3_days",
    "died_within_30_days_without_readmission",
    "follow_up_incomplete",
)
"""Why a discharge is not in any facility's SRR."""
NOT_ED30 = (
    *NO_DISCHARGE,
    "not_on_dialysis_at_discharge",
    "facility_unknown",
    "medicare_advantage",
    "first_days_of_esrd",
    "date_of_birth_unknown",
    "under_18_years",
    "hospice_in_month",
    "hospitalized_within_4_days",
    "follow_up_incomplete",
)
"""Why a discharge is not in any facility's ED30."""
NOT_A_RETURN = tuple(
    dict.fromkeys((*NOT_SRR, *NOT_ED30, "planned_readmission", "after_first_event"))
)
"""Why a stay or an encounter after a discharge is no event of SRR or ED30."""

INPATIENT_DISCHARGE = Table(
    name="history.inpatient_discharge",
    grain="one discharge of one patient from one hospital or unit, of the year or the one before",
    source="manual 2.10.8, 2.10.10, 2.11.8, 2.11.11, 2.26.10: inpatient claims",
    key=("patient_id", "stay"),
    columns=(
        PATIENT,
        STAY,
        YEAR,
        Column("admit_date", "date", "First day in the hospital", required=True),
        DISCHARGE_DATE,
        Column("hospital_ccn", "text", "Provider number; empty where none", required=True),
        Column("kind", "text", "Kind of hospital or unit", required=True, allowed=KINDS),
        Column("is_cancer_hospital", "boolean", "Exempt from PPS, for cancer", required=True),
        Column("is_covered", "boolean", "Medicare covers it", required=True),
        Column("discharge_status", "text", "Of the last claim: 07 against advice, 20 died"),
        Column("principal_diagnosis", "text", "Of the last claim"),
        Column("principal_category", "integer", "Its CCS category", minimum=1),
        Column("is_rehabilitation", "boolean", "A revenue center of rehabilitation", required=True),
        Column("is_planned", "boolean", "Counts as planned if it is a readmission", required=True),
        Column("episode", "integer", "Acute stays joined by transfers; null elsewhere", minimum=1),
        Column("episode_admit_date", "date", "First day of the joined stays", required=True),
        Column("is_admission", "boolean", "First of the joined stays", required=True),
        Column("is_transferred", "boolean", "Not the last of the joined stays", required=True),
        Column("is_covid", "boolean", "COVID-19 on any claim of the joined stays", required=True),
        Column(
            "order_in_year",
            "integer",
            "Order of the joined stays among those that began in the same calendar year",
            minimum=1,
        ),
    ),
    rules=(
        Rule("a stay does not end before it starts", "admit_date <= discharge_date"),
        Rule("an episode starts with its first stay", "episode_admit_date <= admit_date"),
    ),
)

DISCHARGED_PATIENT = Table(
    name="history.discharged_patient",
    grain="one discharge of one patient with ESRD, with one program's facts as of that day",
    source="manual 2.10.9, 2.10.11, 2.11.10, 2.11.13, 2.26.9",
    key=("program", "patient_id", "stay"),
    columns=(
        PROGRAM,
        PATIENT,
        STAY,
        YEAR,
        DISCHARGE_DATE,
        Column("ccn", "text", "Facility that treats the patient; null where none is known"),
        Column("state", "text", "State that day; null before ESRD, after death", allowed=STATES),
        Column("is_grafted", "boolean", "With a functioning transplant", required=True),
        Column("death_date", "date", "Date of death"),
        Column("esrd_day", "integer", "Day of ESRD, from 1; earlier days 0 or less", required=True),
        Column("age", "integer", "Completed years", minimum=0),
        Column("is_female", "boolean", "Woman", required=True),
        Column("is_diabetes_cause", "boolean", "Diabetes is the cause of ESRD", required=True),
        Column("bmi", "number", "Body mass index at incidence; null where missing"),
        Column("imputed_bmi", "number", "The same, imputed where missing"),
        Column("home_days", "integer", "Nursing home days in the 365 before", required=True),
        Column("is_ma", "boolean", "Medicare Advantage in the month", required=True),
        Column("is_high_risk", "boolean", "Principal diagnosis of high risk", required=True),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

_OUTCOME = (
    PROGRAM,
    PATIENT,
    STAY,
    YEAR,
    DISCHARGE_DATE,
    Column("ccn", "text", "Facility that treats the patient at discharge; null where none"),
    Column("hospital_ccn", "text", "Discharging hospital", required=True),
)
_EVENT = Column(
    "is_event", "integer", "Followed by the event: 1, else 0", required=True, minimum=0, maximum=1
)
_LENGTH = (
    Column("length_of_stay", "integer", "Days in hospital", required=True, minimum=0),
    Column(
        "length_quarter",
        "integer",
        "Its quarter among the index discharges",
        required=True,
        minimum=1,
        maximum=4,
    ),
)


_PERSON = (
    Column(
        "bmi_class",
        "text",
        "Body mass index at incidence; 30 or more where missing (reading 17)",
        required=True,
        allowed=("<18.5", "18.5-25", "25-30", ">=30"),
    ),
    Column("is_female", "boolean", "Woman", required=True),
    Column("is_diabetes_cause", "boolean", "Diabetes is the cause of ESRD", required=True),
    Column(
        "nursing_home_days",
        "integer",
        "Days in nursing homes in the 365 before",
        required=True,
        minimum=0,
        maximum=365,
    ),
)
"""Facts of the patient as of the discharge that both measures adjust for."""
_ONLY_COUNTED = Rule("only an index discharge has an event", "reason IS NULL OR is_event = 0")
_IN_A_FACILITY = Rule("an index discharge has a facility", "reason IS NOT NULL OR ccn IS NOT NULL")

SRR = Table(
    name="cohort.srr",
    grain="one discharge of the year of one patient: an index discharge, or why it is not one",
    source="manual 2.10.8 to 2.10.11, 2.11.7 to 2.11.13, Figures 11 and 12",
    key=("program", "patient_id", "stay"),
    columns=(
        *_OUTCOME,
        Column("reason", "text", "Why not an index discharge; else null", allowed=NOT_SRR),
        _EVENT,
        Column("first_event", "text", "First of the 30 days after", allowed=FIRST_EVENTS),
        Column("first_event_day", "integer", "Its day after discharge", minimum=0, maximum=30),
        *_LENGTH,
        Column("age", "number", "Age at discharge; 60 where unknown", unit="years", required=True),
        Column("years_of_esrd", "number", "Since the first service date", required=True, minimum=0),
        Column("bmi", "number", "BMI at incidence, imputed where missing", required=True),
        *_PERSON,
        Column("is_ma", "boolean", "Medicare Advantage in the month", required=True),
        Column("is_covid", "boolean", "COVID-19 during the stay", required=True),
        Column("is_high_risk", "boolean", "Principal diagnosis of high risk", required=True),
    ),
    rules=(_ONLY_COUNTED, _IN_A_FACILITY),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

ED30 = Table(
    name="cohort.ed30",
    grain="one discharge of the year or the one before of one patient: an index discharge, or why"
    " it is not one",
    source="manual 2.26.8 to 2.26.12, Figure 28",
    key=("program", "patient_id", "stay"),
    columns=(
        *_OUTCOME,
        Column("reason", "text", "Why not an index discharge; else null", allowed=NOT_ED30),
        _EVENT,
        Column("stay_day", "integer", "Day of the next inpatient stay", minimum=0, maximum=30),
        Column("encounter_day", "integer", "Of the first ED encounter", minimum=4, maximum=30),
        *_LENGTH,
        Column("years_of_dialysis", "number", "Since the first service date", required=True),
        Column("age", "integer", "Completed years; null where unknown", minimum=0),
        *_PERSON,
    ),
    rules=(_ONLY_COUNTED, _IN_A_FACILITY),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

DISCHARGE_CONDITION = Table(
    name="cohort.discharge_condition",
    grain="one group of conditions of one index discharge, by one measure's specification",
    source="manual 2.10.11 Table 4, 2.11.13 Table 6, 2.26.12 Table 13",
    key=("specification", "patient_id", "stay", "condition_group"),
    columns=(
        Column(
            "specification",
            "text",
            "Specification of groups and claim types",
            required=True,
            allowed=("srr_dfc", "srr_qip", "ed30"),
        ),
        PATIENT,
        STAY,
        Column("condition_group", "text", "CCS category or Table 6 group", required=True),
        YEAR,
    ),
    references=(OF_A_PATIENT,),
)

RETURN_EVENT = Table(
    name="cohort.return_event",
    grain="one hospital stay or emergency encounter 4 to 30 days after a discharge, by one measure",
    source="manual 2.10.10, 2.11.11, 2.26.10",
    key=("measure", "program", "patient_id", "event_date", "return_stay"),
    columns=(
        MEASURE,
        PROGRAM,
        PATIENT,
        Column("event_date", "date", "Day on which it begins", required=True),
        Column("return_stay", "integer", "Its stay; 0 for an encounter", required=True, minimum=0),
        YEAR,
        Column(
            "kind",
            "text",
            "Kind of event",
            required=True,
            allowed=("readmission", "emergency_after_discharge"),
        ),
        Column("stay", "integer", "Stay that the discharge ended", required=True),
        DISCHARGE_DATE,
        Column(
            "reason",
            "text",
            "Why it does not count; null where it does, or where its discharge is in no cohort",
            allowed=NOT_A_RETURN,
        ),
        Column("is_in_cohort", "boolean", "The cohort must hold it", required=True),
    ),
)

EXPLANATION = Table(
    name="explain.discharges",
    grain="one discharge of one patient whom one facility treated, by one measure's rules",
    source="manual 2.10.8 to 2.10.12, 2.11.8 to 2.11.14, 2.26.9 to 2.26.13",
    key=("program", "patient_id", "stay"),
    columns=(
        PROGRAM,
        PATIENT,
        STAY,
        YEAR,
        CCN,
        MEASURE,
        DISCHARGE_DATE,
        Column("hospital_ccn", "text", "Discharging hospital", required=True),
        Column(
            "reason",
            "text",
            "Why not in the facility's measure; null where counted: an index discharge",
            allowed=tuple(dict.fromkeys((*NOT_SRR, *NOT_ED30))),
        ),
        Column(
            "is_in_numerator",
            "boolean",
            "Followed by the event, which adds one to the numerator; null where not counted",
        ),
        Column("event_day", "integer", "Day after discharge of the first event", minimum=0),
        Column("expected", "number", "Expected probability of the event", minimum=0, maximum=1),
    ),
    rules=(
        Rule(
            "a row is counted or has a reason",
            "(reason IS NULL) = (is_in_numerator IS NOT NULL)",
        ),
    ),
)

TABLES = (
    INPATIENT_DISCHARGE,
    DISCHARGED_PATIENT,
    SRR,
    ED30,
    DISCHARGE_CONDITION,
    RETURN_EVENT,
)
