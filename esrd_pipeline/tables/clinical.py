"""Raw tables of clinical reporting: EQRS months and screenings, NHSN, ICH CAHPS.

A year's extract holds the reports on that year's months. Values are as the facility or its vendor
reported them: out-of-range, late, missing and duplicate values are kept.
"""

from dataclasses import replace

from esrd_pipeline.tables import forms
from esrd_pipeline.tables.eqrs import FACILITYID, PATIENT_ID
from esrd_pipeline.tables.facility import CCN as FACILITY_CCN
from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Rule, Table

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
    "AV Fistula Only (with 2 Needles)",
    "AV Fistula single needle device",
    "AVFSINGLE",
)
"""Manual 2.1.10 and 2.2.13: names and short names of access types."""
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
NEEDS = ("food", "housing", "transportation", "utilities", "safety")
"""The five health-related social needs of 2.23."""
EQUITY_ELEMENTS = {
    "equity is a strategic priority": 4,
    "data collection": 3,
    "data analysis": 1,
    "quality improvement": 1,
    "leadership engagement": 2,
}
"""The domains of 2.22.6 with their number of elements. The manual names only the domains: the
elements are those of the attestation form as generally known (A to D, A to C, A, A, A and B)."""
PERSONNEL = (
    "employees",
    "licensed independent practitioners",
    "adult students, trainees and volunteers",
    "other contract personnel",
)
SURVEY_COMPONENTS = (
    "communication",
    "operations",
    "information",
    "nephrologist",
    "staff",
    "facility",
)

LAST_RECORD = 5 * 10**15 - 1
"""Highest number of a record: `history.clinical_month` puts days before it in 64 bits."""

CCN = replace(FACILITY_CCN, form=forms.CCN)
MONTH = Column("month", "date", "First day of the reporting month", required=True)
# A month given by another day, such as its last, would be of no month that is computed.
MONTH_BEGINS = Rule("month is the first day of a month", "extract(day FROM month) = 1")
RECORD = Column(
    "record_number",
    "integer",
    "Order of submission",
    required=True,
    minimum=1,
    maximum=LAST_RECORD,
)

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
    rules=(MONTH_BEGINS,),
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
    rules=(MONTH_BEGINS,),
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
    rules=(MONTH_BEGINS,),
)

EQRS_DEPRESSION_SCREENING = Table(
    name="raw.eqrs_depression_screening",
    grain="one report on depression screening of one patient by one facility",
    source="EQRS patient reporting options (manual 2.9.2, 2.9.9)",
    key=("patient_id", "facilityid", "record_number"),
    columns=(
        PATIENT_ID,
        FACILITYID,
        RECORD,
        YEAR,
        Column("assessment_date", "date", "Day of the assessment reported on"),
        Column("condition", "integer", "Condition 1 to 6 of 2.9.2", minimum=1, maximum=6),
    ),
)

EQRS_SOCIAL_SCREENING = Table(
    name="raw.eqrs_social_screening",
    grain="one report on screening for health-related social needs of one patient",
    source="EQRS social drivers of health (manual 2.23.12, 2.24.12)",
    key=("patient_id", "facilityid", "record_number"),
    columns=(
        PATIENT_ID,
        FACILITYID,
        RECORD,
        YEAR,
        Column("screening_date", "date", "Day of the screening"),
        Column("is_opted_out", "boolean", "The patient opted out", required=True),
        Column("is_unable", "boolean", "Unable, and without a proxy", required=True),
        *(
            Column(f"is_screened_{need}", "boolean", f"Screened for {need}", required=True)
            for need in NEEDS
        ),
        *(
            Column(f"result_{need}", "text", f"Need found: {need}", allowed=("yes", "no"))
            for need in NEEDS
        ),
    ),
)

EQRS_EQUITY_ATTESTATION = Table(
    name="raw.eqrs_equity_attestation",
    grain="one element of one domain of commitment to health equity of one facility",
    source="EQRS facility attestation (manual 2.22.12)",
    key=("facilityid", "domain", "element"),
    columns=(
        FACILITYID,
        Column("domain", "text", "Domain of 2.22.6", required=True, allowed=tuple(EQUITY_ELEMENTS)),
        Column("element", "integer", "Element of the domain", required=True, minimum=1),
        YEAR,
        Column("is_attested", "boolean", "The facility attests it", required=True),
    ),
)

NHSN_BLOODSTREAM_INFECTION = Table(
    name="raw.nhsn_bloodstream_infection",
    grain="one quarter of one facility",
    source="NHSN dialysis events as CDC shares them (manual 2.18.10)",
    key=("ccn", "quarter"),
    columns=(
        CCN,
        Column("quarter", "integer", "Quarter", required=True, minimum=1, maximum=4),
        YEAR,
        Column(
            "months_reported", "integer", "Accurate months", required=True, minimum=0, maximum=3
        ),
        Column("infections", "integer", "New positive blood culture events", minimum=0),
        Column("predicted_infections", "number", "Events predicted by CDC", minimum=0),
    ),
)

NHSN_VACCINATION = Table(
    name="raw.nhsn_vaccination",
    grain="one category of personnel in one reported week of one facility",
    source="NHSN weekly COVID-19 vaccination module (manual 2.20.9, 2.21.8)",
    key=("ccn", "week_end_date", "personnel_category"),
    columns=(
        CCN,
        Column("week_end_date", "date", "Last day of the reported week", required=True),
        Column("personnel_category", "text", "Category", required=True, allowed=PERSONNEL),
        YEAR,
        Column("personnel", "integer", "Eligible to work at least one day", minimum=0),
        Column("contraindicated", "integer", "Of these, with a contraindication", minimum=0),
        Column("up_to_date", "integer", "Of these, up to date with vaccines", minimum=0),
    ),
)

ICH_CAHPS_SURVEY = Table(
    name="raw.ich_cahps_survey",
    grain="one facility and semiannual survey",
    source="ICH CAHPS coordination team (manual 2.17.10); EQRS attestation",
    key=("ccn", "survey"),
    columns=(
        CCN,
        Column("survey", "integer", "1 spring, 2 fall", required=True, minimum=1, maximum=2),
        YEAR,
        Column("is_administered", "boolean", "By a vendor, and submitted", required=True),
        Column("is_attested_small", "boolean", "Attests fewer than 30 eligible", required=True),
        Column("completed_surveys", "integer", "Completed surveys", minimum=0),
        *(
            Column(name, "number", f"Top-box share: {name}", unit="percent", minimum=0, maximum=100)
            for name in SURVEY_COMPONENTS
        ),
    ),
)

TABLES = (
    EQRS_CLINICAL_MONTH,
    EQRS_VASCULAR_ACCESS,
    EQRS_MEDICATION_RECONCILIATION,
    EQRS_DEPRESSION_SCREENING,
    EQRS_SOCIAL_SCREENING,
    EQRS_EQUITY_ATTESTATION,
    NHSN_BLOODSTREAM_INFECTION,
    NHSN_VACCINATION,
    ICH_CAHPS_SURVEY,
)
