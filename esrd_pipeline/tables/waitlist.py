"""The transplant waitlist: the days on which each patient is listed."""

from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.history import OF_A_PATIENT, START
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Rule, Table

WAITLIST = Table(
    name="linkage.waitlist",
    grain="one segment of one patient's days on the kidney or kidney-pancreas waitlist",
    source="manual 2.16.6, 2.27.11: OPTN (DFC) and UNOS (QIP), one file for both",
    key=("patient_id", "start_date"),
    columns=(
        PATIENT,
        START,
        Column("end_date", "date", "Last day listed; null while listed"),
        YEAR,
    ),
    rules=(Rule("a segment does not end before it starts", "start_date <= end_date"),),
    segments_of=("patient_id",),
    references=(OF_A_PATIENT,),
)

TABLES = (WAITLIST,)
