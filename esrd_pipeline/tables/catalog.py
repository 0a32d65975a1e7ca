"""The catalog table, and the list of every table the project stores."""

from esrd_pipeline.tables import (
    access,
    change,
    claim_event,
    clinical,
    discharges,
    eqrs,
    exclusion,
    explain,
    facility,
    history,
    linkage,
    matching,
    measured,
    medicare,
    month_history,
    network,
    patient_months,
    program,
    quarter_release,
    raw,
    recurrent_events,
    register,
    release,
    report,
    site,
    source_agreement,
    survival,
    trend,
    waitlist,
    what_if,
)
from esrd_pipeline.tables.model import Column, Table

CATALOG = Table(
    name="report.catalog",
    grain="one column of one stored table, tables of patients too; the same in every year",
    source="the table definitions themselves",
    key=("table_name", "column_position"),
    columns=(
        Column("table_name", "text", "Layer and table", required=True),
        Column("column_position", "integer", "Place in the table", required=True, minimum=1),
        Column("column_name", "text", "Column", required=True),
        Column("type", "text", "Type of the values", required=True),
        Column("unit", "text", "Unit, where it has one"),
        Column("is_key", "boolean", "Belongs to the key", required=True),
        Column("is_required", "boolean", "Holds no null", required=True),
        Column("description", "text", "What it holds", required=True),
        Column("allowed", "texts", "The only texts it may hold; null where it may hold any"),
        Column("minimum", "number", "Least value that is allowed; null without one"),
        Column("maximum", "number", "Largest value that is allowed; null without one"),
        Column("rules", "text", "Rules of every row that name it, with their predicates"),
        Column(
            "suppression", "text", "When others are not shown a cell; null where they always are"
        ),
        Column(
            "is_patient_level",
            "boolean",
            "Of a table of patients, which never leaves the agency",
            required=True,
        ),
        Column("grain", "text", "What one row of the table is", required=True),
        Column("source", "text", "Where the table is defined", required=True),
    ),
    minimum_rows=1,
)


TABLES: tuple[Table, ...] = (
    *release.TABLES,
    *raw.TABLES,
    *facility.TABLES,
    *measured.TABLES,
    *program.TABLES,
    *network.TABLES,
    *report.TABLES,
    *what_if.TABLES,
    *site.TABLES,
    *trend.TABLES,
    exclusion.EXCLUSION,
    *change.TABLES,
    *source_agreement.TABLES,
    *quarter_release.TABLES,
    CATALOG,
)
"""Every stored table of facilities, fits and programs, in the order data flows."""

COMPUTED_TABLES: tuple[Table, ...] = (
    *(table for table in measured.TABLES if table is not measured.CONTRACT),
    facility.REGISTERED,
    network.INDICATORS,
    report.VALUE_SET_COVERAGE,
    report.EVENT_ACCOUNT,
    report.INTAKE,
    trend.STRATUM,
    trend.COHORT,
    exclusion.EXCLUSION,
    *source_agreement.TABLES,
)
"""Of these, the tables made from patient-level files alone."""

PATIENT_TABLES: tuple[Table, ...] = (
    release.EXTRACT,
    *eqrs.TABLES,
    *clinical.TABLES,
    *medicare.TABLES,
    *register.TABLES,
    *matching.TABLES,
    *linkage.TABLES,
    *waitlist.TABLES,
    *history.TABLES,
    *claim_event.TABLES,
    *month_history.TABLES,
    source_agreement.SOURCE_EVENT,
    *recurrent_events.TABLES,
    *measured.EXPECTED,
    *patient_months.TABLES,
    *access.TABLES,
    *survival.TABLES,
    *discharges.TABLES,
    *network.FACILITY_TABLES,
    what_if.FACILITY_STRATUM,
    *explain.TABLES,
)
"""Tables of patients, which never leave the agency, in the order data flows."""

TABLES_BY_NAME = {table.name: table for table in (*TABLES, *PATIENT_TABLES)}
