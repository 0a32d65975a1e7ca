"""Tables of the nation's ground truth, as written beside the raw files."""

from esrd_pipeline.synthetic.nation.labels import DATA_DEFECTS
from esrd_pipeline.synthetic.nation.status import MONTH
from esrd_pipeline.tables.model import Column, Table

PATIENT = Table(
    name="truth.patient",
    grain="one person",
    source="generator",
    key=("patient_id",),
    columns=(
        Column("patient_id", "integer", "EQRS patient", required=True),
        Column("bene_id", "integer", "CCW beneficiary; none without Medicare"),
        Column("market", "integer", "Market", required=True),
        Column("date_of_birth", "date", "True date of birth", required=True),
        Column("first_service_date", "date", "Day 1 of ESRD; none before it"),
        Column("date_of_death", "date", "True day of death"),
        Column("entitled_date", "date", "Medicare began"),
        Column("primary_date", "date", "Medicare began to pay first"),
        Column("managed_date", "date", "Medicare Advantage began"),
        Column("frailty", "number", "Gamma frailty of hospitalisation", required=True),
        Column("listed_date", "date", "Joined the waitlist"),
        Column("removed_date", "date", "Left it but for death"),
        Column("death_cause", "text", "Cause of death, code of CMS-2746"),
        Column("covid_seen_date", "date", "COVID-19 was first found outside hospitals"),
    ),
)
SPELL = Table(
    name="truth.spell",
    grain="one spell of one person: state, facility, modality",
    source="generator",
    key=("patient_id", "start_date"),
    columns=(
        Column("patient_id", "integer", "EQRS patient", required=True),
        Column("start_date", "date", "First day", required=True),
        Column("end_date", "date", "Last day; none where it goes on"),
        Column("state", "text", "What the days were", required=True),
        Column("facilityid", "integer", "Facility on dialysis"),
        Column("modality", "text", "Modality on dialysis"),
    ),
)
STAY = Table(
    name="truth.stay",
    grain="one hospital stay, of Medicare's patients or not",
    source="generator",
    key=("patient_id", "admit_date"),
    columns=(
        Column("patient_id", "integer", "EQRS patient", required=True),
        Column("admit_date", "date", "First day", required=True),
        Column("discharge_date", "date", "Last day", required=True),
        Column("facilityid", "integer", "Dialysis facility", required=True),
        Column("kind", "text", "What kind of stay", required=True),
        Column("is_death", "boolean", "The patient died in it", required=True),
    ),
)
TALLY = Table(
    name="truth.tally",
    grain="one quantity counted in one market and year",
    source="generator",
    key=("market", "year", "quantity"),
    columns=(
        Column("market", "integer", "Market", required=True),
        Column("year", "integer", "Calendar year", required=True),
        Column("quantity", "text", "What was counted", required=True),
        Column("value", "number", "How much", required=True),
    ),
)
HOSPITAL = Table(
    name="truth.hospital",
    grain="one short stay hospital",
    source="generator",
    key=("market", "ccn"),
    columns=(
        Column("market", "integer", "Market", required=True),
        Column("ccn", "text", "CCN", required=True),
        Column("effect", "number", "Log odds of readmission after discharge", required=True),
    ),
)
TABLES = {
    table.path[1]: table for table in (PATIENT, SPELL, STAY, HOSPITAL, MONTH, DATA_DEFECTS, TALLY)
}
