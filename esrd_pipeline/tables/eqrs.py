"""Raw tables of EQRS, the ESRD Quality Reporting System, and of the forms it collects.

Every year's extract holds the whole history known at its cut-off.
"""

from esrd_pipeline.tables import forms
from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Table

ADMIT_REASONS = (
    "New ESRD Patient",
    "Transfer In",
    "Restart",
    "Dialysis After Transplant Failed",
    "Dialysis in Support of Transplant",
    "Transient",
    "Acute",
)
DISCHARGE_REASONS = (
    "Transfer Out",
    "Discontinue",
    "Death",
    "Transplant",
    "Recover Function",
    "Lost to Follow Up",
    "Acute",
    "Involuntary",
    "Other",
)
TREATMENT_TYPES = ("Hemodialysis", "CAPD", "CCPD", "Other")
TREATMENT_SETTINGS = ("Dialysis Facility/Center", "Home", "SNF/Long Term Care Facility")
COMORBIDITIES = (
    "congestive_heart_failure",
    "atherosclerotic_heart_disease",
    "other_cardiac_disease",
    "cerebrovascular_disease",
    "peripheral_vascular_disease",
    "history_of_hypertension",
    "amputation",
    "diabetes_on_insulin",
    "diabetes_on_oral_medications",
    "diabetes_without_medications",
    "diabetic_retinopathy",
    "chronic_obstructive_pulmonary_disease",
    "tobacco_use",
    "malignant_neoplasm",
    "toxic_nephropathy",
    "alcohol_dependence",
    "drug_dependence",
    "inability_to_ambulate",
    "inability_to_transfer",
    "needs_assistance",
    "institutionalised",
    "congenital_abnormality",
)
"""Item 17 (comorbid conditions) of CMS-2728, one yes or no each."""

LAST_FORM = 10**12 - 1
"""Highest number of a form: `history.month_modality` puts days before it in 64 bits."""

PATIENT_ID = Column("patient_id", "integer", "EQRS patient", required=True, minimum=1)
FACILITYID = Column("facilityid", "integer", "EQRS facility", required=True, minimum=1)

EQRS_PATIENT = Table(
    name="raw.eqrs_patient",
    grain="one patient known to EQRS",
    source="EQRS patient repository (manual 3.2: the finder file)",
    key=("patient_id",),
    columns=(
        PATIENT_ID,
        YEAR,
        Column("mbi", "text", "Current Medicare Beneficiary Identifier", form=forms.MBI),
        Column("hicn", "text", "Current Health Insurance Claim Number", form=forms.HICN),
        Column("ssn", "text", "Social Security number, nine digits", form=forms.SSN),
        Column("first_name", "text", "First name"),
        Column("last_name", "text", "Surname"),
        Column("date_of_birth", "date", "Date of birth", required=True),
        Column("sex", "text", "Sex", allowed=("M", "F")),
        Column("race", "text", "Race as reported"),
        Column("is_hispanic", "boolean", "Hispanic or Latino"),
        Column(
            "primary_cause",
            "text",
            "ICD-10-CM code of the primary cause of renal failure",
            form=forms.DIAGNOSIS,
        ),
        Column("date_of_death", "date", "Date of death as EQRS has it"),
        Column("state", "text", "State of residence, two letters"),
        Column("zip_code", "text", "Postal code of residence", form=forms.POSTAL_CODE),
    ),
    minimum_rows=1,
)

EQRS_IDENTIFIER = Table(
    name="raw.eqrs_identifier",
    grain="one identifier assignment of one patient, current and past",
    source="EQRS identifier history (manual 3.2: the history dataset)",
    key=("patient_id", "effective_date", "identifier_number"),
    columns=(
        PATIENT_ID,
        YEAR,
        Column("effective_date", "date", "First day of the assignment", required=True),
        Column("identifier_number", "integer", "Order among those of one day", required=True),
        Column("mbi", "text", "MBI assigned", form=forms.MBI),
        Column("hicn", "text", "HICN assigned", form=forms.HICN),
    ),
)

EQRS_FACILITY = Table(
    name="raw.eqrs_facility",
    grain="one facility identifier of the EQRS facility directory",
    source="EQRS facility directory (manual 3.3.6.1)",
    key=("facilityid",),
    columns=(
        FACILITYID,
        YEAR,
        Column("provnum", "text", "CCN, of the ESRD unit or of its hospital", form=forms.ANY_CCN),
        Column("altprovnum", "text", "Alternate CCN", form=forms.ANY_CCN),
        Column("provtype", "text", "Provider type: MEDICARE, OTHER, PENDING CERT, VA ..."),
        Column("factype", "text", "Facility type: Dialysis, Transplant, ..."),
        Column("facility_code", "text", "Type of certification"),
        Column("facility_name", "text", "Name"),
        Column("address", "text", "Street address"),
        Column("city", "text", "City"),
        Column("state", "text", "State, two letters"),
        Column("zip_code", "text", "Postal code, zeros kept", form=forms.POSTAL_CODE),
        Column("network", "integer", "ESRD Network", minimum=1, maximum=18),
        Column("dialysis_organization", "text", "Chain, or Independent"),
        Column("is_profit", "boolean", "Operates for profit"),
        Column("station_count", "integer", "Dialysis stations", minimum=0),
        Column("certdate", "date", "Certification date"),
        Column("dateopened", "date", "Date opened"),
        Column("dateclosed", "date", "Date closed"),
    ),
    minimum_rows=1,
)

EQRS_FACILITY_SERVICE = Table(
    name="raw.eqrs_facility_service",
    grain="one service of one facility",
    source="EQRS facility service file (manual 3.3.6.2)",
    key=("facilityid", "service"),
    columns=(FACILITYID, YEAR, Column("service", "text", "Service offered", required=True)),
)

EQRS_CCN_HISTORY = Table(
    name="raw.eqrs_ccn_history",
    grain="one CCN of one facility and the day it took effect",
    source="EQRS facility audit log and documented changes of ownership (manual 3.3.7, 3.3.11)",
    key=("facilityid", "effective_date"),
    columns=(
        FACILITYID,
        YEAR,
        Column("effective_date", "date", "First day under this CCN or owner", required=True),
        Column("end_date", "date", "Last day; null while in effect"),
        Column("provnum", "text", "CCN in effect", form=forms.ANY_CCN),
        Column("dialysis_organization", "text", "Owner in effect"),
        Column(
            "change",
            "text",
            "Event on the first day",
            required=True,
            allowed=("opened", "change of ownership", "change of ccn", "correction"),
        ),
    ),
)

EQRS_ADMISSION = Table(
    name="raw.eqrs_admission",
    grain="one admission of one patient to one facility",
    source="EQRS patient admissions and discharges (manual 2.13.10, 3.1.2)",
    key=("patient_id", "admit_date", "facilityid"),
    columns=(
        PATIENT_ID,
        FACILITYID,
        YEAR,
        Column("admit_date", "date", "First day treated there", required=True),
        Column("admit_reason", "text", "Why admitted", required=True, allowed=ADMIT_REASONS),
        Column("discharge_date", "date", "Day of discharge; null while the patient is there"),
        Column("discharge_reason", "text", "Why discharged", allowed=DISCHARGE_REASONS),
    ),
)

EQRS_TREATMENT = Table(
    name="raw.eqrs_treatment",
    grain="one treatment prescription: a patient, a facility and the day it began",
    source="EQRS treatment information (manual 3.1.1, 3.1.4)",
    key=("patient_id", "start_date", "facilityid"),
    columns=(
        PATIENT_ID,
        FACILITYID,
        YEAR,
        Column("start_date", "date", "First day under the prescription", required=True),
        Column("treatment_type", "text", "Type", required=True, allowed=TREATMENT_TYPES),
        Column("setting", "text", "Setting", required=True, allowed=TREATMENT_SETTINGS),
        Column("sessions_per_week", "number", "Prescribed hemodialysis sessions", minimum=0),
        Column("minutes_per_session", "number", "Prescribed minutes", minimum=0),
    ),
)

CMS_2728 = Table(
    name="raw.cms_2728",
    grain="one Medical Evidence Form",
    source="CMS-2728 (OMB 0938-0046)",
    key=("patient_id", "form_number"),
    columns=(
        PATIENT_ID,
        Column(
            "form_number",
            "integer",
            "Order of the patient's forms",
            required=True,
            minimum=1,
            maximum=LAST_FORM,
        ),
        YEAR,
        Column("facilityid", "integer", "EQRS facility that filed it", minimum=1),
        Column("dialysis_began_date", "date", "Regular chronic dialysis began"),
        Column("facility_start_date", "date", "Started at the current facility"),
        Column("signature_date", "date", "Physician's signature"),
        Column("transplant_date", "date", "Transplant"),
        Column("dialysis_returned_date", "date", "Returned to dialysis after a transplant failed"),
        Column("training_began_date", "date", "Dialysis training began"),
        Column(
            "primary_cause",
            "text",
            "ICD-10-CM code of the primary cause of renal failure",
            form=forms.DIAGNOSIS,
        ),
        Column("height_cm", "number", "Height", unit="cm", minimum=0),
        Column("dry_weight_kg", "number", "Dry weight", unit="kg", minimum=0),
        Column("nephrologist_care", "text", "Prior care", allowed=("yes", "no", "unknown")),
        Column("nephrologist_care_months", "integer", "Months of it", minimum=0),
        Column(
            "access_type",
            "text",
            "Access at first dialysis",
            allowed=("fistula", "graft", "catheter", "other"),
        ),
        Column("treatment_type", "text", "Type of dialysis", allowed=TREATMENT_TYPES),
        Column("setting", "text", "Setting of dialysis", allowed=TREATMENT_SETTINGS),
        *(
            Column(f"has_{name}", "boolean", f"Comorbid condition: {name.replace('_', ' ')}")
            for name in COMORBIDITIES
        ),
    ),
)

CMS_2746 = Table(
    name="raw.cms_2746",
    grain="one Death Notification Form",
    source="CMS-2746 (OMB 0938-0448)",
    key=("patient_id",),
    columns=(
        PATIENT_ID,
        YEAR,
        Column("facilityid", "integer", "EQRS facility that filed it", minimum=1),
        Column("death_date", "date", "Date of death", required=True),
        Column("last_dialysis_date", "date", "Date of the last dialysis"),
        Column("treatment_type", "text", "Modality at death"),
        Column(
            "primary_cause",
            "text",
            "Code of the primary cause of death",
            form=forms.TWO_DIGITS,
        ),
        Column(
            "secondary_cause",
            "text",
            "Code of the first secondary cause",
            form=forms.TWO_DIGITS,
        ),
        Column("is_discontinued", "boolean", "Renal replacement therapy discontinued before"),
        Column("is_hospice", "boolean", "Received hospice care"),
    ),
)

TABLES = (
    EQRS_PATIENT,
    EQRS_IDENTIFIER,
    EQRS_FACILITY,
    EQRS_FACILITY_SERVICE,
    EQRS_CCN_HISTORY,
    EQRS_ADMISSION,
    EQRS_TREATMENT,
    CMS_2728,
    CMS_2746,
)
