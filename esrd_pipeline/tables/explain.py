"""Explanations: one facility's measure patient by patient, for the authorised reader alone."""

from esrd_pipeline.tables.facility import CCN, PROGRAM, YEAR
from esrd_pipeline.tables.history import END, IN_ORDER, START
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Table

SHR = Table(
    name="explain.shr",
    grain="one stretch of days of one patient whom one facility treated or answered for",
    source="manual 2.13.9 to 2.13.14",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        CCN,
        Column("period", "integer", "Order of the patient's periods", required=True, minimum=1),
        Column("days", "integer", "Days", required=True, minimum=1, maximum=31),
        Column("reason", "text", "Why not in the facility's SHR; null where counted"),
        Column("observed", "integer", "Admissions counted", required=True, minimum=0),
        Column("expected", "number", "Admissions expected in these days", minimum=0),
        Column("uncounted", "integer", "Admissions not counted", required=True, minimum=0),
    ),
    rules=(IN_ORDER,),
)

TABLES = (SHR,)
