"""How many patients of each facility a measure leaves out, by reason."""

from esrd_pipeline.tables.explain import TABLES as EXPLANATIONS
from esrd_pipeline.tables.facility import CCN, MEASURE, PROGRAM, YEAR
from esrd_pipeline.tables.model import Column, Table, Total

_REASONS = {
    code
    for table in EXPLANATIONS
    for column in table.columns
    if column.name == "reason" and "patient_id" in table.column_names
    for code in column.allowed or ()
}

EXCLUSION = Table(
    name="report.exclusion",
    grain="one facility, program, measure and reason: patients whose days, months or discharges"
    " there are left out",
    source="the measures' cohorts; manual 2.1 to 2.16, 2.19, 2.22 to 2.27",
    key=("ccn", "program", "measure", "reason"),
    columns=(
        CCN,
        PROGRAM,
        MEASURE,
        Column(
            "reason",
            "text",
            "Why they are left out: code of reason.csv",
            required=True,
            allowed=tuple(sorted(_REASONS)),
        ),
        YEAR,
        Column(
            "patients",
            "integer",
            "Patients left out for this reason, of the year; one may be left out for several",
            required=True,
            minimum=1,
            counts="patients",
        ),
    ),
    is_compared=False,
    # Of a measure of patients, who is counted and who is left out are all that another measure has.
    totals=(Total(over=("reason",)),),
)
