"""Emergency tables: who needs what on a day, where there is room, and who could go where.

The first is of patients; like the others it is made on request, for one day.
"""

from esrd_pipeline.tables.facility import CCN, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.tables.network_inputs import STATUSES

_SPECIFICATION = "ESRD KHARES & 18 ESRD Networks"
IN_CENTER, HOME, PERITONEAL = "in-center hemodialysis", "home hemodialysis", "peritoneal dialysis"
MODALITIES = (IN_CENTER, HOME, PERITONEAL)
RELATIONS = ("back-up agreement", "same chain", "other")
ROOM_SOURCES = ("asset file", "directory and assumed shifts", "none known")
DAY = Column("day", "date", "Day of the emergency", required=True)
_MODALITY = Column("modality", "text", "Modality", required=True, allowed=MODALITIES)


def _patients(name: str, description: str, *, out_of: str | None = None) -> Column:
    return Column(
        name,
        "integer",
        description,
        unit="patients",
        required=True,
        minimum=0,
        counts="patients",
        out_of=out_of,
    )


PATIENT_NEED = Table(
    name="emergency.patient_need",
    grain="one patient on dialysis on the day",
    source=f"{_SPECIFICATION}; readings 240 to 242",
    key=("patient_id",),
    columns=(
        Column("patient_id", "integer", "EQRS patient", required=True),
        YEAR,
        DAY,
        CCN,
        _MODALITY,
        Column(
            "sessions_per_week",
            "number",
            "Sessions a week prescribed, or the usual three",
            required=True,
            minimum=0,
        ),
        Column("last_treatment", "date", "Last hemodialysis known from claims; null if none"),
        Column("next_due", "date", "Day by which the next is due; null if not known or at no day"),
        Column("is_in_nursing_home", "boolean", "In a nursing home on the day", required=True),
    ),
    rules=(
        Rule("the last treatment was before the day", "last_treatment < day"),
        Rule("the next follows the last", "next_due > last_treatment"),
    ),
    is_compared=False,
)

FACILITY_NEED = Table(
    name="emergency.facility_need",
    grain="one modality of one facility with patients on the day",
    source=f"{_SPECIFICATION}; readings 240 to 242",
    key=("ccn", "modality"),
    columns=(
        CCN,
        _MODALITY,
        YEAR,
        DAY,
        _patients("patients", "Patients"),
        _patients("due_by_day", "Next hemodialysis due on the day or before", out_of="patients"),
        _patients("due_next_day", "Due the day after", out_of="patients"),
        _patients("due_unknown", "On hemodialysis, no session known", out_of="patients"),
        _patients("in_nursing_home", "In nursing homes", out_of="patients"),
        Column("last_treatment", "date", "Latest hemodialysis known of any of them"),
    ),
    rules=(
        Rule("nobody is due twice", "due_by_day + due_next_day + due_unknown <= patients"),
        Rule("nursing homes hold no more than all", "in_nursing_home <= patients"),
    ),
    is_compared=False,
)

CAPACITY = Table(
    name="emergency.capacity",
    grain="one facility of the DFC list on the day",
    source=f"{_SPECIFICATION}; readings 243 and 244",
    key=("ccn",),
    columns=(
        CCN,
        YEAR,
        DAY,
        Column("status", "text", "Status known at the time", required=True, allowed=STATUSES),
        Column(
            "is_reported", "boolean", "A report says so; open is assumed without", required=True
        ),
        Column("from_at", "text", "Time from which the status holds; null without a report"),
        Column("reported_at", "text", "Time of the report; null without one"),
        Column("cause", "text", "Cause as reported"),
        Column("stations", "integer", "Stations; null if not known", minimum=0),
        Column("shifts", "integer", "Shifts a day; null if not known", minimum=0),
        Column("room_source", "text", "Where they are from", required=True, allowed=ROOM_SOURCES),
        Column("places", "integer", "Patients it can treat in center", unit="patients", minimum=0),
        _patients("in_center_patients", "Its own patients in center"),
        Column(
            "room",
            "integer",
            "Patients of others it can take; 0 unless it is open",
            unit="patients",
            required=True,
            minimum=0,
            suppressed_with=("in_center_patients",),
        ),
    ),
    rules=(
        Rule("only an open facility has room", "room = 0 OR status = 'open'"),
        Rule("nobody has more room than places", "room <= places OR room = 0"),
    ),
    is_compared=False,
)

PLACEMENT = Table(
    name="emergency.placement",
    grain="one closed facility, modality, and facility that could take its patients",
    source=f"{_SPECIFICATION}; reading 245",
    key=("from_ccn", "modality", "to_ccn"),
    columns=(
        Column("from_ccn", "text", "Closed facility", required=True),
        _MODALITY,
        Column("to_ccn", "text", "Facility that could take them; 'none' for those unplaced"),
        YEAR,
        DAY,
        _patients("patients", "Patients"),
        Column("kilometres", "number", "From ZIP code to ZIP code; null unplaced", minimum=0),
        Column("relation", "text", "How they are related; null unplaced", allowed=RELATIONS),
    ),
    rules=(
        Rule("who is placed has a way", "(to_ccn = 'none') = (kilometres IS NULL)"),
        Rule("nobody is placed at home", "from_ccn <> to_ccn"),
    ),
    is_compared=False,
)

PATIENT_TABLES = (PATIENT_NEED,)
TABLES = (FACILITY_NEED, CAPACITY, PLACEMENT)
