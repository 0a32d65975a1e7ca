"""Raw tables of clinical reporting: what facilities submit to EQRS each month.

A year's extract holds what was reported for that year's months. Values are as the facility
reported them: out of range, late, missing and double values are all kept.
"""

from esrd_pipeline.tables.eqrs import FACILITYID, PATIENT_ID
from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Table

ACCESS_TYPES = (
    "AV Fistula Only",
    "AVFONLY",
    "AV Graft Only",
    "AVGONLY",
    "AV Fistula Combined with a Catheter",
    "AVFWCATHETER",
    "AV Graft Combined with a Catheter",
    "AVGWCATHETER",
    "Catheter Only",
    "CATHETERONLY",
    "Port Access Only",
    "PORTONLY",
    "Other/Unknown",
    "OTHERUNKNOWN",
)
"""Manual 2.1.10 and 2.2.12: names and short names of the same seven access types."""
CLINICIANS = (
    "physician",
    "nurse",
    "advanced registered nurse practitioner",
    "physician assistant",
    "pharmacist",
    "pharmacy technician",
    "other",
)
WEIGHT_UNITS = ("kg", "lb")

MONTH = Column("month", "date", "First day of the reporting month", required=True)
RECORD = Column("record_number", "integer", "Order of submission", required=True, minimum=1)

EQRS_CLINICAL_MONTH = Table(
    name="raw.eqrs_clinical_month",
    grain="one monthly clinical record of one patient, as one facility submitted it",
    source="EQRS clinical data (manual 2.3.14 to 2.8.14, 2.19.11)",
    key=("patient_id", "facilityid", "month", "record_number"),
    columns=(
        PATIENT_ID,
        FACILITYID,
        MONTH,
        RECORD,
        YEAR,
        Column("ktv_value", "number", "Kt/V; 8.88 frequent dialysis", minimum=0),
        Column(
            "ktv_method",
            "text",
            "How Kt/V was calculated",
            allowed=("UKM", "Daugirdas II", "Other"),
        ),
        Column("ktv_date", "date", "Day of the Kt/V measurement"),
        Column("calcium_value", "number", "Uncorrected serum or plasma calcium", unit="mg/dL"),
        Column("calcium_date", "date", "Day of the calcium measurement"),
        Column("npcr_value", "number", "Normalized protein catabolic rate", unit="g/kg/day"),
        Column("npcr_date", "date", "Day nPCR was collected"),
        Column("bun_pre", "number", "Blood urea nitrogen before dialysis", unit="mg/dL"),
        Column("bun_post", "number", "Blood urea nitrogen after dialysis", unit="mg/dL"),
        Column("weight_pre", "number", "Weight before dialysis"),
        Column("weight_pre_unit", "text", "Its unit", allowed=WEIGHT_UNITS),
        Column("weight_post", "number", "Weight after dialysis"),
        Column("weight_post_unit", "text", "Its unit", allowed=WEIGHT_UNITS),
        Column("delivered_minutes", "number", "Delivered minutes of the BUN session"),
        Column("bun_date", "date", "Day the components of nPCR were collected"),
        Column("sessions_delivered", "integer", "Sessions the facility delivered", minimum=0),
    ),
)

EQRS_VASCULAR_ACCESS = Table(
    name="raw.eqrs_vascular_access",
    grain="one vascular access of one patient, as one facility reported it in a month",
    source="EQRS vascular access data (manual 2.1.13, 2.2.17)",
    key=("patient_id", "facilityid", "month", "record_number"),
    columns=(
        PATIENT_ID,
        FACILITYID,
        MONTH,
        RECORD,
        YEAR,
        Column("access_date", "date", "Day from which the access was used, in the month"),
        Column("access_type", "text", "Access type", allowed=ACCESS_TYPES),
    ),
)

EQRS_MEDICATION_RECONCILIATION = Table(
    name="raw.eqrs_medication_reconciliation",
    grain="one medication reconciliation of one patient, as one facility reported it",
    source="EQRS medication reconciliation (manual 2.19.11)",
    key=("patient_id", "facilityid", "month", "record_number"),
    columns=(
        PATIENT_ID,
        FACILITYID,
        MONTH,
        RECORD,
        YEAR,
        Column("reconciliation_date", "date", "Day of the reconciliation"),
        Column("clinician_type", "text", "Who reconciled", allowed=CLINICIANS),
        Column("clinician_name", "text", "Name of the professional"),
    ),
)

TABLES = (EQRS_CLINICAL_MONTH, EQRS_VASCULAR_ACCESS, EQRS_MEDICATION_RECONCILIATION)
