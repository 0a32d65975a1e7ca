"""Emergency tables: who needs what on a day, where there is room, who could go where; and after it.

All are made on request; the first is of patients. After an emergency: what became of patients, and
months for which exceptions are proposed.
"""

from dataclasses import replace

from esrd_pipeline.tables.facility import CCN, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.tables.network_inputs import STATUSES

_SPECIFICATION = "ESRD KHARES & 18 ESRD Networks"
IN_CENTER, HOME, PERITONEAL = "in-center hemodialysis", "home hemodialysis", "peritoneal dialysis"
MODALITIES = (IN_CENTER, HOME, PERITONEAL)
RELATIONS = ("back-up agreement", "same chain", "other")
PERIODS = ("day", "year before")
"""The weeks around the day, and around the same weekday 364 days before."""
OUTCOMES = (
    "dialysed early",
    "sessions received",
    "treated elsewhere",
    "emergency visits",
    "admissions",
    "deaths",
)
COMPARISONS = ("same area a year before", "other states, same weeks")
ODDS, RATE = "odds ratio", "rate ratio"
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


def _events(name: str, description: str, out_of: str | None = None) -> Column:
    return Column(
        name,
        "integer",
        description,
        required=True,
        minimum=0,
        counts="events",
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

_STUDY = "Kelman et al., Am J Kidney Dis 2015;65:109-115; readings 270 to 275 and 294"
FACILITY_OUTCOME = Table(
    name="emergency.facility_outcome",
    grain="one facility's regular patients in center around the day, or a year before",
    source=_STUDY,
    key=("period", "ccn"),
    columns=(
        Column("period", "text", "Around which day", required=True, allowed=PERIODS),
        CCN,
        YEAR,
        DAY,
        _patients("patients", "Regular patients in center"),
        Column(
            "patient_days",
            "integer",
            "Their days alive in the 30 days from the day on",
            unit="patient-days",
            required=True,
            minimum=0,
            suppressed_with=("patients",),
        ),
        _patients("dialysed_early", "Dialysed before it outside their weekdays", out_of="patients"),
        _events("sessions", "Sessions received in the first three days", out_of="usual_sessions"),
        Column(
            "usual_sessions",
            "number",
            "Sessions on these weekdays in a week of the four before",
            unit="sessions",
            required=True,
            minimum=0,
            suppressed_with=("patients",),
        ),
        _patients(
            "treated_elsewhere", "With a session elsewhere in the first week", out_of="patients"
        ),
        _events("emergency_visits", "Emergency visits without a stay within 30 days"),
        _events("admissions", "Hospital stays that begin within 30 days"),
        _patients("deaths", "Deaths within 30 days", out_of="patients"),
    ),
    rules=(
        Rule("early ones are patients", "dialysed_early <= patients"),
        Rule("those elsewhere are patients", "treated_elsewhere <= patients"),
        Rule("nobody dies twice", "deaths <= patients"),
        Rule("nobody lives longer than 30 days", "patient_days BETWEEN patients AND 30 * patients"),
    ),
    is_compared=False,
)

_COUNTS = ("events", "comparison_events")


def _group(prefix: str, of: str) -> tuple[Column, ...]:
    columns = (
        Column(
            f"{prefix}facilities",
            "integer",
            f"Facilities of {of}",
            unit="facilities",
            required=True,
            minimum=0,
        ),
        _patients(f"{prefix}patients", f"Regular patients in center of {of}"),
        _events(f"{prefix}events", f"Events, or patients with one, of {of}", f"{prefix}amount"),
        Column(
            f"{prefix}amount",
            "number",
            f"What they are counted against, of {of}",
            unit="what the column amount_unit says",
            required=True,
            minimum=0,
            suppressed_with=(f"{prefix}patients",),
        ),
    )
    if not prefix:
        return columns
    unless = "; null where the year before has no claims"
    return tuple(
        replace(column, required=False, description=f"{column.description}{unless}")
        for column in columns
    )


def _ratio(name: str, description: str) -> Column:
    return Column(name, "number", description, unit="ratio", minimum=0, suppressed_with=_COUNTS)


EFFECT = Table(
    name="emergency.effect",
    grain="one outcome of an area's patients after the day, against one comparison group",
    source=_STUDY,
    key=("outcome", "comparison"),
    columns=(
        Column("outcome", "text", "What became of patients", required=True, allowed=OUTCOMES),
        Column("comparison", "text", "Against whom", required=True, allowed=COMPARISONS),
        YEAR,
        DAY,
        Column("area", "text", "Area, as asked for", required=True),
        Column("ratio_kind", "text", "Of odds or of rates", required=True, allowed=(ODDS, RATE)),
        Column("amount_unit", "text", "What events are counted against", required=True),
        *_group("", "the area"),
        *_group("comparison_", "the comparison group"),
        _ratio("ratio", "The area's over the comparison's; null unless both have events"),
        _ratio("lower", "Lower 95% limit, clustered by facility; null below two facilities"),
        _ratio("upper", "Upper 95% limit, likewise"),
    ),
    rules=(
        Rule("limits are both there or neither", "(lower IS NULL) = (upper IS NULL)"),
        Rule("the ratio lies within its limits", "ratio BETWEEN lower AND upper"),
        Rule(
            "the comparison group is known or not, as a whole",
            " AND ".join(
                f"(comparison_{name} IS NULL) = (comparison_facilities IS NULL)"
                for name in ("patients", "events", "amount")
            ),
        ),
        Rule(
            "states without an emergency are of the day itself",
            f"comparison <> '{COMPARISONS[1]}' OR comparison_facilities IS NOT NULL",
        ),
    ),
    is_compared=False,
)

EXCEPTION_PROPOSAL = Table(
    name="emergency.exception_proposal",
    grain="consecutive months for which a closed facility could ask for an exception",
    source="ESRD measures manual 3.4; reading 250",
    key=("ccn", "first_month"),
    columns=(
        CCN,
        Column("first_month", "date", "First month, its first day", required=True),
        Column("last_month", "date", "Last month, its first day", required=True),
        YEAR,
        Column("known_at", "text", "Reports until this time of UTC count", required=True),
        Column(
            "closed_days",
            "integer",
            "Whole days closed in these months",
            unit="days",
            required=True,
            minimum=1,
        ),
        Column("cause", "text", "Cause as first reported; null if none is"),
    ),
    rules=(Rule("months are in order", "first_month <= last_month"),),
    is_compared=False,
)

PATIENT_TABLES = (PATIENT_NEED,)
TABLES = (FACILITY_NEED, CAPACITY, PLACEMENT)
EFFECT_TABLES = (FACILITY_OUTCOME, EFFECT)
AFTER_TABLES = (*EFFECT_TABLES, EXCEPTION_PROPOSAL)
"""Made after an emergency, each on its own request."""
