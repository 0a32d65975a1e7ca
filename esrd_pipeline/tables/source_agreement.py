"""What each source has of patients' events and facilities' months: the Network's data quality."""

from esrd_pipeline.tables.facility import CCN, YEAR
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, RowTotal, Rule, Table
from esrd_pipeline.tables.month_history import MONTH

EVENTS = ("deaths", "transplants", "first_services")
KINDS = ("patients", "sessions", "ktv", "vascular_access", *EVENTS, "reporting")


def _count(name: str, description: str, *, required: bool = True, **other: object) -> Column:
    return Column(
        name,
        "integer",
        description,
        required=required,
        minimum=0,
        counts="patients",
        counts_where=("unit", "patients"),
        **other,  # type: ignore[arg-type]
    )


SOURCE_EVENT = Table(
    name="history.source_event",
    grain="one death, transplant or first service of a patient in the year",
    source="EQRS, Medicare claims and enrollment, OPTN, Social Security; manual 2.13.10, 3.1.2,"
    " 3.1.6; readings 206 and 207",
    key=("kind", "patient_id", "event_date"),
    columns=(
        Column("kind", "text", "Kind of event", required=True, allowed=EVENTS),
        PATIENT,
        Column("event_date", "date", "Day that counts in the measures", required=True),
        Column("ccn", "text", "Facility it belongs to; null where none treated the patient"),
        YEAR,
        Column("in_eqrs", "boolean", "EQRS has it", required=True),
        Column("in_claims", "boolean", "Medicare's claims or enrollment have it", required=True),
        Column("in_third", "boolean", "OPTN or Social Security has it", required=True),
        Column("is_equal", "boolean", "EQRS and Medicare have the same day", required=True),
    ),
)

SOURCE_AGREEMENT = Table(
    name="report.source_agreement",
    grain="one facility, month and kind of fact",
    source="EQRS, Medicare claims and enrollment, NHSN, OPTN, Social Security; manual 2.3.12,"
    " 2.8.12, 2.13.10, 2.18.10, 3.1.1, 3.1.2, 3.1.6; readings 205 to 208",
    key=("ccn", "month", "kind"),
    columns=(
        CCN,
        MONTH,
        Column("kind", "text", "Kind of fact", required=True, allowed=KINDS),
        YEAR,
        Column(
            "unit",
            "text",
            "What is counted: patients with the fact; of reporting, the facility itself",
            required=True,
            allowed=("patients", "facilities"),
        ),
        _count("eqrs_count", "In EQRS"),
        _count("claims_count", "In Medicare's claims, or of deaths its enrollment"),
        _count("both_count", "In both"),
        _count(
            "equal_count",
            "Of those in both, where they say the same",
            out_of="both_count",
            suppressed_with=("both_count",),
        ),
        _count("eqrs_only_count", "In EQRS, and missing where claims are expected"),
        _count("claims_only_count", "In claims, and missing in EQRS"),
        _count("not_expected_count", "In EQRS, where none is expected of claims"),
        Column(
            "third_source",
            "text",
            "Another source that tells of the kind",
            allowed=("nhsn", "optn", "ssa"),
        ),
        _count("third_count", "In the third source; null where it does not tell", required=False),
        _count("third_only_count", "In the third source alone", required=False),
        Column(
            "eqrs_amount",
            "integer",
            "Sessions that EQRS has of those in both",
            minimum=0,
            suppressed_with=("both_count",),
        ),
        Column(
            "claims_amount",
            "integer",
            "Sessions that claims have of those in both",
            minimum=0,
            suppressed_with=("both_count",),
        ),
    ),
    rules=(
        Rule(
            "what EQRS has is in both, missing in claims, or not expected of them",
            "eqrs_count = both_count + eqrs_only_count + not_expected_count",
        ),
        Rule(
            "what claims have is in both, or missing in EQRS",
            "claims_count = both_count + claims_only_count",
        ),
        Rule("no more agree than are in both", "equal_count <= both_count"),
        Rule("no more are in the third source alone than in it", "third_only_count <= third_count"),
    ),
    row_totals=(
        RowTotal("eqrs_count", ("both_count", "eqrs_only_count", "not_expected_count")),
        RowTotal("claims_count", ("both_count", "claims_only_count")),
    ),
)

TABLES = (SOURCE_AGREEMENT,)
