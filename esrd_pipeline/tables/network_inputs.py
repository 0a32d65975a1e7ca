"""Raw tables of what a Network keeps itself: its activities, and what it needs in an emergency.

Its files are of all years and lie in one folder (`ESRD_NETWORK_DIR`); each year's partition holds
all their rows. Nothing here is of a patient. Notes of contacts are free text and go no further.
"""

from esrd_pipeline.parameters.priorities import load_indicators
from esrd_pipeline.parameters.register import list_measure_names
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.tables import forms
from esrd_pipeline.tables.facility import YEAR
from esrd_pipeline.tables.model import Column, Reference, Rule, Table
from esrd_pipeline.tables.network import PRIORITIES
from esrd_pipeline.tables.release import list_extract_columns

_SPECIFICATION = "ESRD KHARES & 18 ESRD Networks; the project's own layout"
DIRECTIONS = ("at_most", "at_least")
_MOST_YEARS = 10
STATUSES = ("open", "altered", "closed", "unknown")
ACTIVITY_KEY = Column("activity", "text", "Short name of the activity", required=True)


def _ccn(name: str, description: str, *, required: bool = True) -> Column:
    return Column(name, "text", description, required=required, form=forms.FACILITY_CCN)


def _date(name: str, description: str, *, required: bool = True) -> Column:
    return Column(name, "date", description, required=required)


def _moment(name: str, description: str, *, required: bool = True) -> Column:
    return Column(name, "text", description, required=required, form=forms.MOMENT)


def _network() -> Column:
    return Column("network", "integer", "ESRD Network", required=True, minimum=1, maximum=18)


def _priority() -> Column:
    return Column("priority", "text", "Priority it serves", required=True, allowed=PRIORITIES)


def _is_moment(name: str) -> Rule:
    return Rule(
        f"{name} is a time of the calendar",
        f"{name} IS NULL OR try_strptime({name}, '%Y-%m-%dT%H:%MZ') IS NOT NULL",
    )


def _is_near(first: str, last: str) -> Rule:
    """Tell a year that was mistyped, such as 2204."""
    return Rule(
        f"{first} and {last} are at most {_MOST_YEARS} years apart",
        f"abs(date_diff('year', {first}, {last})) <= {_MOST_YEARS}",
    )


def _is_of_our_time(name: str) -> Rule:
    return Rule(f"{name} is a day of 2000 to 2099", f"year({name}) BETWEEN 2000 AND 2099")


def _has_its_code() -> Rule:
    """Hold a state's letters against its FIPS code; FEMA has states that our list lacks."""
    codes = " ".join(
        f"WHEN '{row['state']}' THEN '{row['fips_state_code']}'" for row in load_rows("state_fips")
    )
    return Rule(
        "a state has its own FIPS code",
        f"fips_state_code = CASE state {codes} ELSE fips_state_code END",
    )


_OF_ACTIVITY = Reference(("activity",), "raw.network_activity", ("activity",))
_OF_ENROLMENT = Reference(("activity", "ccn"), "raw.network_enrolment", ("activity", "ccn"))

NETWORK_EXTRACT = Table(
    name="raw.network_extract",
    grain="one file of one of the Network's own tables",
    source="the files found in the Network's folder",
    key=("table_name", "file_name"),
    columns=list_extract_columns(),
)

ACTIVITY = Table(
    name="raw.network_activity",
    grain="one activity of one Network",
    source=_SPECIFICATION,
    key=("activity",),
    columns=(
        ACTIVITY_KEY,
        YEAR,
        _network(),
        _priority(),
        Column(
            "measure",
            "text",
            "Measure or indicator that it is to move, if it is one of ours",
            allowed=(*list_measure_names(), *(one.name for one in load_indicators())),
        ),
        Column("selection_rule", "text", "How its facilities are chosen", required=True),
        _date("baseline_first", "First day of the baseline"),
        _date("baseline_last", "Last day of the baseline"),
        _date("measurement_first", "First day on which it is measured"),
        _date("measurement_last", "Last day on which it is measured"),
        Column("goal", "number", "What each facility is to reach", unit="goal_unit", minimum=0),
        Column("goal_unit", "text", "Unit of the goal"),
        Column("goal_direction", "text", "Which side of the goal is good", allowed=DIRECTIONS),
    ),
    rules=(
        Rule("the baseline ends after it begins", "baseline_first <= baseline_last"),
        Rule("the measurement ends after it begins", "measurement_first <= measurement_last"),
        Rule("the baseline begins before the measurement", "baseline_first < measurement_first"),
        _is_of_our_time("baseline_first"),
        _is_near("baseline_first", "measurement_last"),
        Rule(
            "a goal has a unit and a direction",
            "(goal IS NULL) = (goal_unit IS NULL) AND (goal IS NULL) = (goal_direction IS NULL)",
        ),
    ),
    is_compared=False,
)

ENROLMENT = Table(
    name="raw.network_enrolment",
    grain="one facility's time in one activity",
    source=_SPECIFICATION,
    key=("activity", "ccn", "start_date"),
    columns=(
        ACTIVITY_KEY,
        _ccn("ccn", "Facility"),
        _date("start_date", "First day in it"),
        YEAR,
        _date("end_date", "Last day in it; empty while the facility is in", required=False),
        _date("graduated_on", "Day it reached its goal and left", required=False),
    ),
    rules=(
        Rule("an enrolment ends after it begins", "start_date <= end_date"),
        _is_of_our_time("start_date"),
        _is_near("start_date", "end_date"),
        Rule("a facility graduates while it is in", "graduated_on >= start_date"),
        Rule("a facility that graduated has left", "graduated_on IS NULL OR end_date IS NOT NULL"),
    ),
    segments_of=("activity", "ccn"),
    references=(_OF_ACTIVITY,),
    is_compared=False,
)

CONTACT = Table(
    name="raw.network_contact",
    grain="one contact with one facility of one activity, by day and kind",
    source=_SPECIFICATION,
    key=("activity", "ccn", "contact_date", "kind"),
    columns=(
        ACTIVITY_KEY,
        _ccn("ccn", "Facility"),
        _date("contact_date", "Day of the contact"),
        Column(
            "kind",
            "text",
            "What was done",
            required=True,
            allowed=("visit", "call", "mail", "training", "plan"),
        ),
        YEAR,
        Column(
            "escalation",
            "integer",
            "Level of escalation it leaves the facility on: 0 none, 4 the highest",
            required=True,
            minimum=0,
            maximum=4,
        ),
        Column("note", "text", "The Network's own note; no page shows it"),
    ),
    rules=(_is_of_our_time("contact_date"),),
    references=(_OF_ENROLMENT,),
    is_compared=False,
)

MENTOR_PAIR = Table(
    name="raw.network_mentor_pair",
    grain="one facility that another one mentors in an activity",
    source=_SPECIFICATION,
    key=("activity", "mentor_ccn", "mentee_ccn", "start_date"),
    columns=(
        ACTIVITY_KEY,
        _ccn("mentor_ccn", "Facility that helps"),
        _ccn("mentee_ccn", "Facility that is helped"),
        _date("start_date", "First day"),
        YEAR,
        _date("end_date", "Last day; empty while it goes on", required=False),
    ),
    rules=(
        Rule("a pair ends after it begins", "start_date <= end_date"),
        _is_of_our_time("start_date"),
        _is_near("start_date", "end_date"),
        Rule("nobody mentors itself", "mentor_ccn <> mentee_ccn"),
    ),
    segments_of=("activity", "mentor_ccn", "mentee_ccn"),
    references=(
        _OF_ACTIVITY,
        Reference(("activity", "mentee_ccn"), "raw.network_enrolment", ("activity", "ccn")),
    ),
    is_compared=False,
)

CHANGE_IDEA = Table(
    name="raw.network_change_idea",
    grain="one idea of a change package",
    source=_SPECIFICATION,
    key=("idea",),
    columns=(
        Column("idea", "text", "Short name of the idea", required=True),
        YEAR,
        _priority(),
        Column("driver", "text", "Driver of the priority that it moves", required=True),
        Column("text", "text", "The idea, in a sentence", required=True),
        _ccn("source_ccn", "High performer that it comes from", required=False),
        Column("reference", "text", "Publication that it comes from"),
    ),
    rules=(
        Rule(
            "an idea comes from a facility or a publication",
            "source_ccn IS NOT NULL OR reference IS NOT NULL",
        ),
    ),
    is_compared=False,
)

GOAL = Table(
    name="raw.network_goal",
    grain="one goal of one Network for an indicator and months",
    source=_SPECIFICATION,
    key=("network", "priority", "indicator", "first_month"),
    columns=(
        _network(),
        _priority(),
        Column(
            "indicator",
            "text",
            "Indicator of network_indicator.csv",
            required=True,
            allowed=tuple(one.name for one in load_indicators()),
        ),
        _date("first_month", "First day of its first month"),
        YEAR,
        _date("last_month", "First day of its last month"),
        Column(
            "goal",
            "number",
            "What is to be reached",
            unit="the indicator's",
            required=True,
            minimum=0,
        ),
        Column("direction", "text", "Good side", required=True, allowed=DIRECTIONS),
    ),
    rules=(
        Rule(
            "months are first days",
            "day(first_month) = 1 AND day(last_month) = 1",
        ),
        Rule("a goal's months end after they begin", "first_month <= last_month"),
        _is_of_our_time("first_month"),
        _is_near("first_month", "last_month"),
    ),
    is_compared=False,
)

FACILITY_STATUS = Table(
    name="raw.facility_status",
    grain="one report of one facility's status from a time on; reports are added, never changed",
    source=_SPECIFICATION,
    key=("ccn", "from_at", "reported_at"),
    columns=(
        _ccn("ccn", "Facility"),
        _moment("from_at", "Time from which it holds"),
        _moment("reported_at", "Time of the report; of two, the later one counts"),
        YEAR,
        _moment("to_at", "Time until which it holds; empty while it holds", required=False),
        Column("status", "text", "Status", required=True, allowed=STATUSES),
        Column("cause", "text", "Cause, such as flood or no power"),
    ),
    rules=(
        _is_moment("from_at"),
        _is_moment("to_at"),
        _is_moment("reported_at"),
        Rule("a status ends after it begins", "from_at <= to_at"),
        Rule(
            "a report is within a year of the time from which it holds",
            "abs(date_diff('day', try_strptime(from_at, '%Y-%m-%dT%H:%MZ'),"
            " try_strptime(reported_at, '%Y-%m-%dT%H:%MZ'))) <= 366",
        ),
    ),
    is_compared=False,
)

DISASTER_DECLARATION = Table(
    name="raw.disaster_declaration",
    grain="one area of one declared disaster",
    source="OpenFEMA data set DisasterDeclarationsSummaries",
    key=("disaster_number", "fips_state_code", "fips_county_code", "designated_area"),
    columns=(
        Column("disaster_number", "integer", "FEMA's number", required=True, minimum=1),
        Column(
            "fips_state_code", "text", "State's FIPS code", required=True, form=forms.FIPS_STATE
        ),
        Column(
            "fips_county_code",
            "text",
            "County's FIPS code; 000 for the whole state",
            required=True,
            form=forms.FIPS_COUNTY,
        ),
        Column("designated_area", "text", "Name of the area", required=True),
        YEAR,
        Column(
            "declaration_type",
            "text",
            "Major disaster (DR), emergency (EM) or fire management (FM)",
            required=True,
            allowed=("DR", "EM", "FM", "FS"),
        ),
        Column("incident_type", "text", "Kind of incident, such as Hurricane", required=True),
        Column("declaration_title", "text", "Title of the declaration", required=True),
        _date("incident_begin_date", "Day the incident began"),
        _date("incident_end_date", "Day it ended; empty while it goes on", required=False),
        Column("state", "text", "State's two letters", required=True, form=forms.STATE),
    ),
    rules=(
        Rule("an incident ends after it begins", "incident_begin_date <= incident_end_date"),
        _has_its_code(),
    ),
    is_compared=False,
)

FACILITY_ASSET = Table(
    name="raw.facility_asset",
    grain="what one facility has in one year for an emergency",
    source=_SPECIFICATION,
    key=("ccn", "asset_year"),
    columns=(
        _ccn("ccn", "Facility"),
        Column("asset_year", "integer", "Calendar year", required=True, minimum=2000, maximum=2100),
        YEAR,
        Column("stations", "integer", "Dialysis stations", required=True, minimum=0, maximum=200),
        Column("shifts", "integer", "Shifts a day", required=True, minimum=0, maximum=6),
        Column("has_generator", "boolean", "Has a generator of its own", required=True),
        Column(
            "water",
            "text",
            "Where its water comes from",
            required=True,
            allowed=("municipal", "well", "contract"),
        ),
        _ccn("backup_ccn", "Facility that takes its patients by agreement", required=False),
        _date("backup_until", "Last day of the agreement", required=False),
    ),
    rules=(
        Rule(
            "an agreement has a facility and a last day",
            "(backup_ccn IS NULL) = (backup_until IS NULL)",
        ),
        Rule("nobody is its own back-up", "backup_ccn <> ccn"),
    ),
    is_compared=False,
)

ACTIVITY_TABLES = (ACTIVITY, ENROLMENT, CONTACT, MENTOR_PAIR, CHANGE_IDEA, GOAL)
EMERGENCY_TABLES = (FACILITY_STATUS, DISASTER_DECLARATION, FACILITY_ASSET)
INPUTS = (*ACTIVITY_TABLES, *EMERGENCY_TABLES)
TABLES = (NETWORK_EXTRACT, *INPUTS)
