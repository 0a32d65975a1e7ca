"""Linkage tables: which claims count, and whose each is; patients of other registers."""

from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Rule, Table

BENE_ID = Column("bene_id", "integer", "CCW beneficiary", required=True)
IDENTIFIERS = ("mbi", "hicn", "ssn", "all")
"""What two persons are compared by; all of them where one may have a typing error."""
REGISTERS = ("optn", "ssa")
LOOKED_IN = ("finder", "history", "both")
NOT_MATCHED = ("no_enrollment_record", "no_matching_eqrs_patient")
"""Why a beneficiary is not matched to an EQRS patient."""
NOT_COUNTED = (
    "claim_in_later_files",
    "claim_before_folder",
    "claim_after_folder",
    "claim_deleted",
    "claim_not_final",
    "claim_cancels_another",
    "claim_type_unknown",
    "claim_cancelled",
    "claim_replaced",
)
"""Why a claim in the files is not counted, in the order of the rules."""
CLAIM_SOURCES = ("institutional", "carrier")
_SOURCE = Column("source", "text", "Kind of file", required=True, allowed=CLAIM_SOURCES)
_CLM_ID = Column("clm_id", "integer", "Claim", required=True)
_CLAIM_YEAR = Column("claim_year", "integer", "Year whose files hold the claim", required=True)

DROPPED_CLAIM = Table(
    name="linkage.dropped_claim",
    grain="one claim in the files of the year or the one before that is not counted",
    source="manual 2.1.10, 2.15.9: final action claims",
    key=("source", "claim_year", "clm_id"),
    columns=(
        _SOURCE,
        _CLAIM_YEAR,
        _CLM_ID,
        YEAR,
        Column("reason", "text", "Why it is not counted", required=True, allowed=NOT_COUNTED),
    ),
)

CLAIM = Table(
    name="linkage.claim",
    grain="one claim that counts, of the files of the year and the one before",
    source="manual 3.2.1: the claim-to-patient matching process",
    key=("source", "clm_id"),
    columns=(
        _SOURCE,
        _CLM_ID,
        _CLAIM_YEAR,
        Column(
            "claim_type",
            "text",
            "Claim type of an institutional claim, managed care as inpatient; or carrier",
            required=True,
            allowed=("10", "20", "30", "40", "50", "60", "carrier"),
        ),
        PATIENT,
        Column("from_date", "date", "First day", required=True),
        Column("admit_date", "date", "Day of admission, else the first day", required=True),
        Column("last_date", "date", "Last day", required=True),
        Column("is_managed_care", "boolean", "A managed care organisation paid", required=True),
        YEAR,
    ),
)

BENEFICIARY = Table(
    name="linkage.beneficiary",
    grain="one beneficiary with enrollment or claims in the year or the three before it",
    source="manual 3.2.1: the claim-to-patient matching process",
    key=("bene_id",),
    columns=(
        BENE_ID,
        YEAR,
        PATIENT,
        Column("is_matched", "boolean", "Matched to an EQRS patient", required=True),
        Column("matched_by", "text", "Identifier that matched", allowed=IDENTIFIERS),
        Column("matched_in", "text", "Where it was found", allowed=LOOKED_IN),
        Column(
            "reason", "text", "Why there is no match; null where there is one", allowed=NOT_MATCHED
        ),
    ),
    rules=(
        Rule("only a matched row has a positive patient_id", "is_matched = (patient_id > 0)"),
        Rule("a row is matched or has a reason", "is_matched = (reason IS NULL)"),
    ),
)

MATCH_AUDIT = Table(
    name="linkage.match_audit",
    grain="one comparison tried for one beneficiary",
    source="manual 3.2.1: the audit dataset; 2.2.15, Table 2, footnote 1",
    key=("bene_id", "lookup"),
    columns=(
        BENE_ID,
        YEAR,
        Column("lookup", "integer", "Order of the comparison", required=True, minimum=1, maximum=6),
        Column("identifier", "text", "Identifier compared", required=True, allowed=IDENTIFIERS),
        Column("looked_in", "text", "Table", required=True, allowed=LOOKED_IN),
        Column(
            "result",
            "text",
            "Result of the comparison",
            required=True,
            allowed=("match", "no match", "no identifier", "several patients"),
        ),
        Column("patient_id", "integer", "EQRS patient found; null without a match", minimum=1),
        Column(
            "error_in",
            "text",
            "What is mistyped, in a match with one typing error",
            allowed=("date of birth", "mbi", "hicn", "ssn"),
        ),
    ),
    rules=(
        Rule("a match has a patient", "(result = 'match') = (patient_id IS NOT NULL)"),
        Rule(
            "a match with a typing error says in what",
            "(result = 'match' AND lookup = 6) = (error_in IS NOT NULL)",
        ),
    ),
)

REGISTER_MATCH = Table(
    name="linkage.register_match",
    grain="one Social Security number and birth date in a register, and an EQRS patient",
    source="manual 2.2.15, Table 2, footnote 1; Table 3, footnote 1",
    key=("register", "ssn", "date_of_birth", "patient_id"),
    columns=(
        Column("register", "text", "OPTN or Social Security", required=True, allowed=REGISTERS),
        Column("ssn", "text", "Social Security number in the register", required=True),
        Column("date_of_birth", "date", "Birth date in the register", required=True),
        Column("patient_id", "integer", "EQRS patient", required=True, minimum=1),
        YEAR,
        Column(
            "error_in",
            "text",
            "What is mistyped; null where both agree",
            allowed=("date of birth", "ssn"),
        ),
    ),
)

TABLES = (
    BENEFICIARY,
    DROPPED_CLAIM,
    CLAIM,
    MATCH_AUDIT,
    REGISTER_MATCH,
)
