"""Linkage tables: patients, their dates of ESRD, transplant and death, and facilities."""

from esrd_pipeline.tables.facility import CCN, PROGRAM, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table

PATIENT = Column(
    "patient_id",
    "integer",
    "EQRS patient; minus the beneficiary where EQRS has none",
    required=True,
)
FIRST_SERVICE_SOURCES = ("medical evidence", "eqrs", "claims", "transplant")
FACILITY_TYPES = ("freestanding", "hospital based", "hospital satellite", "hospital", "other")
DEATH_SOURCES = ("cms_2746", "enrollment", "eqrs_event", "eqrs", "claims", "ssa")
TRANSPLANT_SOURCES = ("optn", "eqrs", "cms_2728", "claim")
MOVED_BY = ("form and EQRS agree long after the claim", "new patient in EQRS long after the form")
NOT_LISTED = (
    "ccn_missing",
    "ccn_not_valid",
    "veterans_affairs",
    "facility_type_not_dialysis",
    "provider_type_not_medicare_other_or_pending",
    "ccn_middle_digits_not_dialysis",
    "closed",
    "provider_type_and_certification_date_missing",
    "provider_type_missing_for_helpdesk",
    "certification_date_missing_for_helpdesk",
    "closed_at_year_end",
    "certification_date_missing",
    "certified_after_year_end",
    "provider_type_not_medicare",
)
"""Why an EQRS facility record receives no reports of a program, in the order of the rules."""
NOT_ELIGIBLE = (
    *NOT_LISTED,
    "ccn_replaced_in_change_of_ownership",
    "ccn_not_in_effect_at_year_end",
    "not_in_eqrs_directory",
)
"""Why a facility receives no reports of a program."""

EARLIER_PATIENT = Table(
    name="linkage.earlier_patient",
    grain="one number under which tables of earlier years hold a patient who has another one today",
    source="manual 3.2.1: what is known at the calculation",
    key=("earlier_patient_id",),
    columns=(
        Column("earlier_patient_id", "integer", "Number in earlier years' tables", required=True),
        Column("patient_id", "integer", "EQRS patient today", required=True, minimum=1),
        YEAR,
    ),
    rules=(Rule("a number that did not change has no row", "earlier_patient_id <> patient_id"),),
)

PATIENTS = Table(
    name="linkage.patient",
    grain="one patient: of EQRS, or of its claims of dialysis in the last two years alone",
    source="manual 2.13.13 and Table 9, footnote 1; 3.1.3",
    key=("patient_id",),
    columns=(
        PATIENT,
        YEAR,
        Column("date_of_birth", "date", "EQRS before Medicare enrollment"),
        Column("sex", "text", "EQRS before Medicare enrollment", allowed=("M", "F")),
        Column("race", "text", "EQRS before Medicare enrollment"),
        Column("is_hispanic", "boolean", "EQRS before Medicare enrollment; null where unknown"),
        Column("primary_cause", "text", "Cause of renal failure: first CMS-2728 before EQRS"),
        Column("has_cms_2728", "boolean", "Has a Medical Evidence Form", required=True),
    ),
)

DEATH = Table(
    name="linkage.death",
    grain="one death, by one program's rules",
    source="manual 3.1.6: the hierarchy (DFC); the EQRS patient repository, then CMS-2746 (QIP)",
    key=("program", "patient_id"),
    columns=(
        PROGRAM,
        PATIENT,
        YEAR,
        Column("death_date", "date", "Date of death", required=True),
        Column(
            "source", "text", "Highest source with a date", required=True, allowed=DEATH_SOURCES
        ),
        Column("source_count", "integer", "Sources with a date", required=True, minimum=1),
        Column("is_conflicting", "boolean", "Sources disagree", required=True),
        Column("primary_cause", "text", "Cause of death code of the CMS-2746"),
    ),
)

TRANSPLANT = Table(
    name="linkage.transplant",
    grain="one kidney transplant, by one program's sources",
    source="manual 2.13.10, 3.1.2: OPTN (DFC only), EQRS, CMS-2728, inpatient claims",
    key=("program", "patient_id", "transplant_date"),
    columns=(
        PROGRAM,
        PATIENT,
        YEAR,
        Column("transplant_date", "date", "Day of the transplant", required=True),
        Column("failure_date", "date", "Day the graft failed or dialysis began again"),
        Column("donor", "text", "Donor, where known", allowed=("deceased", "living")),
        Column(
            "source",
            "text",
            "First source that has it",
            required=True,
            allowed=TRANSPLANT_SOURCES,
        ),
    ),
)

FIRST_SERVICE = Table(
    name="linkage.first_service",
    grain="one patient's first ESRD service date, by one program's rules",
    source="manual 3.1.2",
    key=("program", "patient_id"),
    columns=(
        PROGRAM,
        PATIENT,
        YEAR,
        Column("first_service_date", "date", "Day 1 of ESRD", required=True),
        Column("source", "text", "Its source", required=True, allowed=FIRST_SERVICE_SOURCES),
        Column("medical_evidence_date", "date", "Of CMS-2728"),
        Column("eqrs_date", "date", "First EQRS event or admission"),
        Column(
            "claims_date",
            "date",
            "First evidence of chronic dialysis in claims; null where it is not needed because"
            " another date is before the first available claims",
        ),
        Column("transplant_date", "date", "First transplant"),
        Column(
            "moved_by",
            "text",
            "Rule that moved the date from the earliest one; null where none did",
            allowed=MOVED_BY,
        ),
    ),
)

FACILITY_RECORD = Table(
    name="linkage.facility_record",
    grain="one EQRS facility record, by one program's rules",
    source="manual 3.3.2, 3.3.4 step 3; 3.3.8 to 3.3.10 (QIP)",
    key=("program", "facilityid"),
    columns=(
        PROGRAM,
        Column("facilityid", "integer", "EQRS facility", required=True, minimum=1),
        YEAR,
        Column("provider_number", "text", "Number it reports under; null where none is valid"),
        Column("second_number", "text", "Hospital's or other second number"),
        Column("facility_type", "text", "By the middle digits (3.3.2)", allowed=FACILITY_TYPES),
        Column("number_rule", "text", "Where the numbers come from", required=True),
        Column("certification_date", "date", "Certification"),
        Column("close_date", "date", "Closed"),
        Column("is_dialysis", "boolean", "Its facility type is dialysis", required=True),
        Column(
            "is_listed", "boolean", "The record alone makes it eligible for reports", required=True
        ),
        Column("reason", "text", "Why not; null where it does", allowed=NOT_LISTED),
        Column("is_primary", "boolean", "It describes its provider number", required=True),
    ),
    rules=(Rule("a record is listed or has a reason", "is_listed = (reason IS NULL)"),),
)

CCN_HISTORY = Table(
    name="linkage.ccn_history",
    grain="one number in the history of one EQRS facility, by one program's rules",
    source="manual 3.3.3 issue 2, 3.3.5, 3.3.7, 3.3.11",
    key=("program", "facilityid", "effective_date"),
    columns=(
        PROGRAM,
        Column("facilityid", "integer", "EQRS facility", required=True, minimum=1),
        Column("effective_date", "date", "First day", required=True),
        YEAR,
        Column("end_date", "date", "Last day, as EQRS has it"),
        Column("provider_number", "text", "Number in effect; null where it is not valid"),
        Column("dialysis_organization", "text", "Owner in effect"),
        Column(
            "run",
            "integer",
            "Number of the successive facility this identifier stands for, from 0",
            required=True,
        ),
        Column("reported_number", "text", "Number its days are reported under"),
        Column("is_new_facility", "boolean", "A new facility from this day", required=True),
        Column("rule", "text", "Relation of the number to the one before", required=True),
    ),
)

KNOWN_NUMBER = Table(
    name="linkage.known_number",
    grain="one provider number that any source has",
    source="manual 3.3.4 steps 1 (the usage file) and 4",
    key=("program", "provider_number"),
    columns=(
        PROGRAM,
        Column("provider_number", "text", "Number", required=True),
        YEAR,
        Column(
            "standing", "integer", "1 listed ... 9 related", required=True, minimum=1, maximum=9
        ),
        Column(
            "facility_type",
            "text",
            "By the middle digits (3.3.2)",
            required=True,
            allowed=FACILITY_TYPES,
        ),
        Column("claim_count", "integer", "Dialysis claims of the year", required=True, minimum=0),
        Column(
            "event_count",
            "integer",
            "CMS-2728, admissions and discharges of the year",
            required=True,
            minimum=0,
        ),
    ),
)

NUMBER_PAIR = Table(
    name="linkage.number_pair",
    grain="two provider numbers that may be one facility, and one reason to think so",
    source="manual 3.3.4 step 5 (the pairs for review), 3.3.5",
    key=("program", "provider_number", "higher_number", "issue"),
    columns=(
        PROGRAM,
        Column("provider_number", "text", "Number of lower standing", required=True),
        Column("higher_number", "text", "Number of higher standing", required=True),
        Column(
            "issue",
            "text",
            "Reason",
            required=True,
            allowed=("identifier", "second number", "likeness", "casper", "hospital"),
        ),
        YEAR,
        Column("relation", "text", "Of a link", required=True, allowed=("hospital", "alternate")),
        Column("is_linked", "boolean", "The reason is sufficient", required=True),
        Column("rule", "text", "Rule of 3.3.5 that links them or keeps them apart", required=True),
    ),
)

PROVIDER_NUMBER = Table(
    name="linkage.provider_number",
    grain="one provider number as a source may report it, and the facility it stands for",
    source="manual 3.3.2 to 3.3.5, 3.3.8",
    key=("program", "provider_number"),
    columns=(
        PROGRAM,
        Column("provider_number", "text", "Number as reported", required=True),
        YEAR,
        CCN,
        Column(
            "relation",
            "text",
            "Relation of the number to the facility",
            required=True,
            allowed=("own", "hospital", "alternate", "approved"),
        ),
        Column("rule", "text", "Rule of 3.3.5 that linked or kept it", required=True),
    ),
)

FACILITY_CCN = Table(
    name="linkage.facility_ccn",
    grain="one EQRS facility identifier and a segment of days under one CCN",
    source="manual 3.3.7, 3.3.11 (QIP: the CCN in effect); 3.3.3 issue 2 (DFC: CHOW rule)",
    key=("program", "facilityid", "start_date"),
    columns=(
        PROGRAM,
        Column("facilityid", "integer", "EQRS facility", required=True, minimum=1),
        Column("start_date", "date", "First day", required=True),
        Column("end_date", "date", "Last day; none where it still holds"),
        YEAR,
        CCN,
    ),
    rules=(Rule("a segment does not end before it starts", "start_date <= end_date"),),
    spans_of=("program", "facilityid"),
)

FACILITY = Table(
    name="linkage.facility",
    grain="one facility of one program's list, eligible or not",
    source="manual 3.3.4, 3.3.8 to 3.3.11",
    key=("program", "ccn"),
    columns=(
        PROGRAM,
        CCN,
        YEAR,
        Column("facility_name", "text", "Name"),
        Column("state", "text", "State, two letters"),
        Column("network", "integer", "ESRD Network", minimum=1, maximum=18),
        Column("dialysis_organization", "text", "Chain, or Independent"),
        Column(
            "facility_type",
            "text",
            "By the middle digits of the CCN (3.3.2)",
            allowed=FACILITY_TYPES,
        ),
        Column("certification_date", "date", "Certification"),
        Column("close_date", "date", "Closed"),
        Column("reporting_date", "date", "QIP: first day a new facility must report (3.5)"),
        Column("is_eligible", "boolean", "Receives reports of the program", required=True),
        Column("reason", "text", "Why not; null where it does", allowed=NOT_ELIGIBLE),
    ),
    rules=(Rule("a row is eligible or has a reason", "is_eligible = (reason IS NULL)"),),
)

TABLES = (
    EARLIER_PATIENT,
    PATIENTS,
    DEATH,
    TRANSPLANT,
    FIRST_SERVICE,
    FACILITY_RECORD,
    CCN_HISTORY,
    KNOWN_NUMBER,
    NUMBER_PAIR,
    PROVIDER_NUMBER,
    FACILITY_CCN,
    FACILITY,
)
