"""History tables: treatment of each patient's days, their attribution, and what Medicare covers.

Segments of days include their first and last day and reach to the performance year's last day.
"""

from esrd_pipeline.tables.facility import PROGRAM, YEAR
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Reference, Rule, Table

START = Column("start_date", "date", "First day", required=True)
END = Column("end_date", "date", "Last day", required=True)
OF_A_PATIENT = Reference(("patient_id",), "linkage.patient", ("patient_id",))
OF_A_FACILITY = Reference(("program", "ccn"), "linkage.facility", ("program", "ccn"))
IN_ORDER = Rule("a segment does not end before it starts", "start_date <= end_date")
STATES = ("dialysis", "transplant", "recovered", "withdrawn", "lost", "untreated")
MODALITIES = ("hemodialysis", "peritoneal")
TREATMENT_SETTINGS = ("in center", "home")
NOT_ATTRIBUTED = (
    "first_days_of_esrd",
    "too_few_days_at_one_facility",
    "transplant",
    "after_withdrawal_or_recovery",
    "lost_to_follow_up",
    "not_treated_by_any_facility",
    "facility_unknown",
)
"""Why a day is not attributed to any facility."""

ATTRIBUTION_RULES = ("standard", "smr", "smosr")

INCIDENT_CONDITIONS = (
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
"""Conditions of CMS-2728 that SHR, STrR, SEDR and SMR adjust for (2.12.13, 2.14.12)."""

DIALYSIS_EVIDENCE = Table(
    name="history.dialysis_evidence",
    grain="one segment of one patient's days at one place of dialysis, from one source",
    source="manual 2.13.10, 2.14.10.3: EQRS first, claims and CMS-2728 where EQRS has no place",
    key=("patient_id", "start_date"),
    columns=(
        PATIENT,
        START,
        END,
        YEAR,
        Column(
            "source",
            "text",
            "Source of the evidence",
            required=True,
            allowed=("eqrs", "claims", "cms_2728"),
        ),
        Column("facilityid", "integer", "EQRS facility, where EQRS or CMS-2728 names it"),
        Column("provider_number", "text", "Provider number, where a claim names it"),
        Column("modality", "text", "Modality", allowed=MODALITIES),
        Column("setting", "text", "Where dialysed", allowed=TREATMENT_SETTINGS),
        Column("is_new", "boolean", "Treatment starts again with it", required=True),
        Column("ended_by", "text", "Discharge reason, or a year without evidence"),
    ),
    rules=(IN_ORDER,),
    segments_of=("patient_id",),
)

TREATMENT = Table(
    name="history.treatment",
    grain="one spell of one patient: one state and, on dialysis, one facility and modality",
    source="manual 2.13.10: the treatment history record",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column("state", "text", "State of the patient", required=True, allowed=STATES),
        Column("ccn", "text", "Facility treating; null off dialysis or where unknown"),
        Column("modality", "text", "Modality on dialysis", allowed=MODALITIES),
        Column("setting", "text", "Where dialysed", allowed=TREATMENT_SETTINGS),
        Column(
            "source",
            "text",
            "Source of the spell",
            required=True,
            allowed=("eqrs", "claims", "cms_2728", "first service", "transplant"),
        ),
    ),
    rules=(IN_ORDER,),
    segments_of=("program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

ATTRIBUTION = Table(
    name="history.attribution",
    grain="one segment of one patient's days and the facility it is attributed to by one rule, or"
    " why none",
    source="manual 2.13.10 (2.12.10, 2.25.12), 2.14.10.3, 2.27.10; readings 20, 27, 28",
    key=("rule", "program", "patient_id", "start_date"),
    columns=(
        Column(
            "rule",
            "text",
            "Rule with the days of attribution_rule.csv",
            required=True,
            allowed=ATTRIBUTION_RULES,
        ),
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column("ccn", "text", "Facility it is attributed to; null where none"),
        Column(
            "reason",
            "text",
            "Why it is not attributed; null where it is",
            allowed=NOT_ATTRIBUTED,
        ),
    ),
    rules=(
        IN_ORDER,
        Rule("a day is attributed or has a reason", "(ccn IS NULL) = (reason IS NOT NULL)"),
    ),
    segments_of=("rule", "program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

HOSPITAL_STAY = Table(
    name="history.hospital_stay",
    grain="one hospital stay that begins in the year or the one before, of claims joined",
    source="manual 2.13.11; SHR submission, numerator",
    key=("patient_id", "admit_date"),
    columns=(
        PATIENT,
        Column("admit_date", "date", "First day", required=True),
        Column("discharge_date", "date", "Last day", required=True),
        YEAR,
        Column("claim_count", "integer", "Claims joined", required=True, minimum=1),
        Column("hospital", "text", "Provider number of the first claim"),
        Column("discharge_status", "text", "Discharge status of the last claim"),
        Column("principal_diagnosis", "text", "Of the first claim"),
        Column("is_covid", "boolean", "A diagnosis of COVID-19 on any claim", required=True),
        Column(
            "is_index_covid",
            "boolean",
            "The patient's first stay with COVID-19 (ICovH), not counted by 2.13.11",
            required=True,
        ),
        Column(
            "covid_discharge_date",
            "date",
            "Day of discharge of its first claim with COVID-19, from which 2.13.13's clock runs",
        ),
        Column("is_managed_care", "boolean", "Every claim was a managed care one", required=True),
    ),
    rules=(Rule("a stay does not end before it starts", "admit_date <= discharge_date"),),
)

FIRST_COVID_ADMISSION = Table(
    name="history.first_covid_admission",
    grain="one patient who has been in hospital with COVID-19",
    source="manual 2.13.13: the index COVID-19 hospitalisation (ICovH)",
    key=("patient_id",),
    columns=(
        PATIENT,
        Column("admit_date", "date", "Day of the first admission", required=True),
        YEAR,
    ),
)

MEDICARE_MONTH = Table(
    name="history.medicare_month",
    grain="one month of one patient, of the year and the one before, with enrollment or claims",
    source="manual 2.13.10.1; reading 23; SHR submission, denominator",
    key=("patient_id", "month"),
    columns=(
        PATIENT,
        Column("month", "date", "First day of the month", required=True),
        YEAR,
        Column("dialysis_paid", "number", "Medicare-paid dialysis claims", unit="USD"),
        Column("has_inpatient", "boolean", "A paid inpatient or SNF claim", required=True),
        Column("is_ma", "boolean", "Enrolled in Medicare Advantage", required=True),
        Column("is_covered", "boolean", "By claims of the month or the two before", required=True),
        Column("is_observable", "boolean", "Covered, or Medicare Advantage", required=True),
    ),
)

NURSING_HOME = Table(
    name="history.nursing_home",
    grain="one segment of one patient's days in nursing homes",
    source="manual 2.13.13: Nursing Home MDS; reading 17",
    key=("patient_id", "start_date"),
    columns=(PATIENT, START, END, YEAR),
    rules=(IN_ORDER,),
    segments_of=("patient_id",),
)

CLAIM_RUN_OUT = Table(
    name="history.claim_run_out",
    grain="the year",
    source="manual 2.26.10",
    key=("performance_year",),
    columns=(
        YEAR,
        Column("last_date", "date", "Last day whose claims the files hold", required=True),
    ),
)

PRESCRIPTION = Table(
    name="history.prescription",
    grain="one segment of days on which one facility's prescription applies to a patient",
    source="manual 3.1.1, 3.1.4; EQRS treatment records, reading 83",
    key=("patient_id", "facilityid", "start_date"),
    columns=(
        PATIENT,
        Column("facilityid", "integer", "Facility identifier in EQRS", required=True),
        START,
        END,
        YEAR,
        Column("treatment_type", "text", "As in EQRS"),
        Column("setting", "text", "As in EQRS"),
        Column("sessions_per_week", "number", "Prescribed sessions a week", minimum=0),
    ),
    rules=(IN_ORDER,),
)

CALENDAR_MONTH = Table(
    name="history.calendar_month",
    grain="one month of the performance year",
    source="the calendar",
    key=("month",),
    columns=(
        Column("month", "date", "First day of the month", required=True),
        YEAR,
        Column("month_end", "date", "Last day of the month", required=True),
    ),
)

EXCEPTION_MONTH = Table(
    name="history.exception_month",
    grain="one month of the year, or of the year before, of one facility with an exception",
    source="manual 3.4: extraordinary circumstances exceptions",
    key=("ccn", "month"),
    columns=(
        Column("ccn", "text", "CMS Certification Number", required=True),
        Column("month", "date", "First day of the month", required=True),
        YEAR,
    ),
)

PATIENT_CHARACTERISTICS = Table(
    name="history.patient_characteristics",
    grain="one patient with ESRD",
    source="manual 2.10.11, 2.11.13, 2.13.13, 2.14.12, Table 11: EQRS; CMS-2728, first form",
    key=("patient_id",),
    columns=(
        PATIENT,
        YEAR,
        Column("date_of_birth", "date", "EQRS before Medicare enrollment"),
        Column("is_female", "boolean", "Woman", required=True),
        Column(
            "race_class",
            "text",
            "Race as grouped by 2.14.12; other where unknown",
            required=True,
            allowed=("white", "black", "asian or pacific islander", "native american", "other"),
        ),
        Column("is_hispanic", "boolean", "Hispanic; race 5 of Medicare", required=True),
        Column("is_ethnicity_unknown", "boolean", "Hispanic or not is unknown", required=True),
        Column("has_form", "boolean", "Has a CMS-2728", required=True),
        Column(
            "bmi_class",
            "text",
            "Reading 17",
            required=True,
            allowed=("<18.5", "18.5-25", "25-30", ">=30"),
        ),
        Column("is_bmi_missing", "boolean", "BMI missing or out of range", required=True),
        Column("bmi", "number", "Body mass index; null where missing or out of range"),
        Column("imputed_bmi", "number", "The same, or the mean of similar patients (2.11.13)"),
        Column("is_diabetes_cause", "boolean", "Diabetes is the cause of ESRD", required=True),
        Column("is_cause_missing", "boolean", "The cause is unknown", required=True),
        Column(
            "has_nephrologist_care",
            "boolean",
            "Nephrologist's care before ESRD",
            required=True,
        ),
        Column(
            "is_institutionalised",
            "boolean",
            "Institutionalised, or dialysed in a nursing home",
            required=True,
        ),
        *(
            Column(f"has_{name}", "boolean", name.replace("_", " "), required=True)
            for name in (*INCIDENT_CONDITIONS, "amputation", "needs_assistance")
        ),
    ),
)

PREVALENT_CONDITION = Table(
    name="history.prevalent_condition",
    grain="one group of conditions one patient had in the year before, by one specification",
    source="manual 2.13.13, 2.25.14 (inpatient), 2.14.12; SHR submission (two others or one)",
    key=("specification", "patient_id", "condition_group"),
    columns=(
        Column(
            "specification",
            "text",
            "Specification of the ascertainment",
            required=True,
            allowed=("manual", "submission", "sedr", "smr"),
        ),
        PATIENT,
        Column("condition_group", "text", "CCS category, e.g. ccs_108", required=True),
        YEAR,
    ),
)

COVID_STAGE = Table(
    name="history.covid_stage",
    grain="one stage after one patient's first COVID-19 hospitalisation",
    source="manual 2.13.13",
    key=("patient_id", "stage"),
    columns=(
        PATIENT,
        Column("stage", "integer", "1, 2 or 3", required=True, minimum=1, maximum=3),
        START,
        END,
        YEAR,
    ),
    rules=(IN_ORDER,),
    segments_of=("patient_id",),
)

TABLES = (
    DIALYSIS_EVIDENCE,
    TREATMENT,
    ATTRIBUTION,
    HOSPITAL_STAY,
    FIRST_COVID_ADMISSION,
    CLAIM_RUN_OUT,
    PRESCRIPTION,
    MEDICARE_MONTH,
    NURSING_HOME,
    CALENDAR_MONTH,
    EXCEPTION_MONTH,
    PATIENT_CHARACTERISTICS,
    PREVALENT_CONDITION,
    COVID_STAGE,
)
