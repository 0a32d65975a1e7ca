"""Histories of patient-months from claims, EQRS and clinical records.

A month is named by its first day. Tables have the months of the performance year unless their
grain states otherwise.
"""

from esrd_pipeline.tables.clinical import ACCESS_TYPES
from esrd_pipeline.tables.facility import CCN, PROGRAM, YEAR
from esrd_pipeline.tables.history import OF_A_FACILITY, OF_A_PATIENT
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Rule, Table

MONTH = Column("month", "date", "First day of the month", required=True)
PLACED_MONTH = (PROGRAM, PATIENT, MONTH, CCN, YEAR)
"""Columns of a patient's month at a facility, by one program's rules."""
FREQUENCIES = ("usual", "frequent", "infrequent")
CLAIM_MODALITIES = (
    "in-center hemodialysis",
    "home hemodialysis",
    "peritoneal dialysis",
    "other peritoneal dialysis",
    "undetermined",
)
"""Modalities of Table 15."""
MONTH_MODALITIES = (
    "in-center hemodialysis",
    "home hemodialysis",
    "in-center and home hemodialysis",
    "peritoneal dialysis",
    "other",
    "mixed",
)

DIALYSIS_CLAIM = Table(
    name="history.dialysis_claim",
    grain="one claim of a dialysis facility (type of bill 72x) of one patient",
    source="manual 3.1.1 (single claim), 3.1.4",
    key=("program", "clm_id"),
    columns=(
        PROGRAM,
        Column("clm_id", "integer", "Claim", required=True),
        Column("claim_year", "integer", "Year whose files hold the claim", required=True),
        PATIENT,
        Column("ccn", "text", "Facility; null where the number belongs to none"),
        Column("from_date", "date", "First day", required=True),
        Column("thru_date", "date", "Last day", required=True),
        MONTH,
        YEAR,
        Column("is_paid", "boolean", "Medicare paid more than nothing", required=True),
        Column(
            "modality",
            "text",
            "Primary modality of this claim alone",
            required=True,
            allowed=CLAIM_MODALITIES,
        ),
        Column("is_mixed", "boolean", "Codes of several modality types", required=True),
        Column("is_home", "boolean", "Condition code 74 or 75", required=True),
        Column(
            "sessions",
            "integer",
            "Hemodialysis sessions counted for the modality (step 7); null for other modalities",
            minimum=0,
        ),
        Column("hemodialysis_codes", "integer", "All its hemodialysis codes", required=True),
        Column("in_center_codes", "integer", "Of these, in-center ones", required=True),
        Column("ktv_value", "number", "Value code D5; 8.88 frequent, 9.99 not reported"),
        Column("ktv_date", "date", "Occurrence code 51"),
        Column(
            "frequency",
            "text",
            "By 3.1.4; null where it is not a hemodialysis claim",
            allowed=FREQUENCIES,
        ),
    ),
    references=(OF_A_PATIENT,),
)

CLAIMS_MODALITY = Table(
    name="history.claims_modality",
    grain="one month of one patient at one facility, as the facility billed it",
    source="manual 3.1.1, steps 1 to 7, and Table 15",
    key=("program", "patient_id", "month", "ccn"),
    columns=(
        *PLACED_MONTH,
        Column("claim_count", "integer", "Claims", required=True, minimum=1),
        Column("modality", "text", "Primary modality", required=True, allowed=CLAIM_MODALITIES),
        Column("is_mixed", "boolean", "Codes of several modality types", required=True),
        Column("sessions", "integer", "Hemodialysis sessions (step 7), else null", minimum=0),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

LIMITED_LIFE = Table(
    name="history.limited_life",
    grain="one month of one patient with limited life expectancy",
    source="manual 2.1.9, 2.1.10",
    key=("patient_id", "month"),
    columns=(
        PATIENT,
        MONTH,
        YEAR,
        Column("is_hospice", "boolean", "A hospice claim in the month", required=True),
        Column("has_metastatic_cancer", "boolean", "In the past 12 months", required=True),
        Column("has_end_stage_liver", "boolean", "In the past 12 months", required=True),
        Column("has_coma", "boolean", "Coma or anoxic brain injury, past 12", required=True),
    ),
    references=(OF_A_PATIENT,),
)

ADMITTED = Table(
    name="history.admitted",
    grain="one segment of days on which one patient is admitted at one facility in EQRS",
    source="manual 2.8.11, 3.1.5",
    key=("program", "patient_id", "ccn", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        CCN,
        Column("start_date", "date", "First day in the year", required=True),
        Column("end_date", "date", "Last day in the year", required=True),
        YEAR,
    ),
    rules=(Rule("a segment does not end before it starts", "start_date <= end_date"),),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

CARE_MONTH = Table(
    name="history.care_month",
    grain="one month of one patient at one facility that treated or admitted the patient, from two"
    " months before the year",
    source="manual 2.1.11, 2.3.11, 2.8.11, 3.1.1, 3.1.4",
    key=("program", "patient_id", "month", "ccn"),
    columns=(
        *PLACED_MONTH,
        Column("days", "integer", "Days treated there by the treatment history", required=True),
        Column("is_whole", "boolean", "Treated there on every day of the month", required=True),
        Column(
            "is_admitted",
            "boolean",
            "In EQRS admitted there on every day of the month",
            required=True,
        ),
        Column(
            "departure",
            "text",
            "What ended the patient's time there in the month: death, recovery or withdrawal on any"
            " day, a discharge on the last one",
            allowed=("death", "recovery", "withdrawal", "discharge"),
        ),
        Column(
            "modality",
            "text",
            "By EQRS treatment records, preferring the facility's own; null where EQRS has none",
            allowed=MONTH_MODALITIES,
        ),
        Column(
            "frequency",
            "text",
            "By prescribed sessions in EQRS; null where EQRS has none",
            allowed=FREQUENCIES,
        ),
        Column(
            "frequency_source",
            "text",
            "Facility of the prescription",
            allowed=("own facility", "other facility"),
        ),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

CLINICAL_MONTH = Table(
    name="history.clinical_month",
    grain="one month of one patient as one facility reported it, of the year and the one before",
    source="manual 2.1.12, 2.3.12 to 2.8.12, 2.19.5",
    key=("program", "patient_id", "month", "ccn"),
    columns=(
        *PLACED_MONTH,
        Column("hd_ktv", "number", "Last spKt/V up to 5.0 by UKM or Daugirdas II"),
        Column("hd_ktv_date", "date", "Its day"),
        Column("pd_ktv", "number", "Last Kt/V up to 8.5"),
        Column("pd_ktv_date", "date", "Its day"),
        Column("is_frequent", "boolean", "A Kt/V of 8.88 was reported", required=True),
        Column("has_calcium", "boolean", "An uncorrected calcium was reported", required=True),
        Column("calcium", "number", "Last uncorrected calcium from 0.1 to 20", unit="mg/dL"),
        Column("calcium_date", "date", "Its day"),
        Column("has_npcr", "boolean", "nPCR, or all of its components (2.7.12)", required=True),
        Column("has_reconciliation", "boolean", "All of 2.19.5 for a day there", required=True),
        Column("sessions_delivered", "integer", "Sessions the facility delivered", minimum=0),
        Column("access_type", "text", "Last access reported", allowed=ACCESS_TYPES),
        Column("access_date", "date", "Its day"),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

_MODALITY_COLUMNS = (
    Column(
        "modality",
        "text",
        "By EQRS, else by claims, else (DFC) by CMS-2728",
        allowed=MONTH_MODALITIES,
    ),
    Column(
        "modality_source",
        "text",
        "Source of the modality",
        allowed=("eqrs", "claims", "cms_2728"),
    ),
    Column("as_of_date", "date", "Day as of which age and ESRD are counted", required=True),
    Column("age", "integer", "Years on that day; null where birth is unknown"),
    Column("esrd_day", "integer", "Day of ESRD on that day; the first is 1", required=True),
    Column("frequency", "text", "Sessions a week; null where unknown", allowed=FREQUENCIES),
    Column(
        "frequency_source",
        "text",
        "Source of the frequency",
        allowed=("kt/v of 8.88", "own facility", "other facility", "claims"),
    ),
)

MONTH_MODALITY = Table(
    name="history.month_modality",
    grain="one month of one patient at one facility that treated the patient on every day of it",
    source="manual 2.3.10 to 2.6.10, 3.1.1, 3.1.3, 3.1.4",
    key=("program", "patient_id", "month", "ccn"),
    columns=(*PLACED_MONTH, *_MODALITY_COLUMNS),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

KTV_MONTH = Table(
    name="history.ktv_month",
    grain="one month of one patient at one facility that treated the patient on every day of it",
    source="manual 2.3.12 to 2.6.12, 3.1.1, 3.1.4; readings 18, 19",
    key=("program", "patient_id", "month", "ccn"),
    columns=(
        *PLACED_MONTH,
        *_MODALITY_COLUMNS,
        Column("ktv", "number", "Selected Kt/V, in range; null where there is none"),
        Column("ktv_source", "text", "Source of the Kt/V", allowed=("eqrs", "claims")),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

REPORTED_MONTH = Table(
    name="history.reported_month",
    grain="one month of one patient at one facility with any record of the patient",
    source="manual 2.1.12, 2.7.12, 2.8.12, 2.19.5",
    key=("program", "patient_id", "month", "ccn"),
    columns=(
        *PLACED_MONTH,
        Column("has_calcium", "boolean", "The facility reported a calcium", required=True),
        Column("has_reconciliation", "boolean", "It reconciled medications", required=True),
        Column("sessions", "integer", "Hemodialysis sessions there, by EQRS, else by claims"),
        Column("access_type", "text", "Last access there, else elsewhere", allowed=ACCESS_TYPES),
        Column("has_npcr", "boolean", "Any facility documented nPCR", required=True),
        Column("calcium_sum", "number", "Calcium of the month and the two before it", minimum=0),
        Column("calcium_months", "integer", "Of these months, with one", required=True, maximum=3),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

CATHETER_MONTH = Table(
    name="history.catheter_month",
    grain="one month of one patient on hemodialysis at one facility with a catheter",
    source="manual 2.1.10 to 2.1.12",
    key=("program", "patient_id", "month", "ccn"),
    columns=(
        *PLACED_MONTH,
        Column(
            "months",
            "integer",
            "Consecutive months there with a catheter, up to this one; 3 is three or more",
            required=True,
            minimum=1,
            maximum=3,
        ),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

TABLES = (
    DIALYSIS_CLAIM,
    CLAIMS_MODALITY,
    LIMITED_LIFE,
    ADMITTED,
    CARE_MONTH,
    CLINICAL_MONTH,
    MONTH_MODALITY,
    KTV_MONTH,
    REPORTED_MONTH,
    CATHETER_MONTH,
)
