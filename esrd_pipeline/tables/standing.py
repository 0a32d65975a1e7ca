"""Where facilities stand in their Network's activities, and the change packages."""

from esrd_pipeline.tables.facility import CCN, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.tables.network import INDICATOR, PRIORITIES, UNITS
from esrd_pipeline.tables.network_inputs import DIRECTIONS

_SOURCE = "ESRD KHARES & 18 ESRD Networks: quality improvement activities"
PLACES = ("in", "graduated", "left")
_SHOWN_WITH = ("facility.contract", "events")
_ACTIVITY = Column("activity", "text", "Short name of the activity", required=True)
_NETWORK = Column("network", "integer", "ESRD Network", required=True, minimum=1, maximum=18)
_PRIORITY = Column("priority", "text", "Priority it serves", required=True, allowed=PRIORITIES)
_MEASURE = Column("measure", "text", "Measure or indicator that it is to move")
_GOAL = Column("goal", "number", "What each facility is to reach", unit="goal_unit")
_GOAL_UNIT = Column("goal_unit", "text", "Unit of the goal")
_DIRECTION = Column("goal_direction", "text", "Which side of the goal is good", allowed=DIRECTIONS)


def _facilities(name: str, description: str) -> Column:
    return Column(name, "integer", description, unit="facilities", required=True, minimum=0)


ENROLMENT_STANDING = Table(
    name="network.enrolment_standing",
    grain="one facility's time in one activity, of those that touch the year",
    source=_SOURCE,
    key=("activity", "ccn", "start_date"),
    columns=(
        _ACTIVITY,
        CCN,
        Column("start_date", "date", "First day in it", required=True),
        YEAR,
        _NETWORK,
        _PRIORITY,
        _MEASURE,
        Column("program", "text", "Program of the measure; null of an indicator"),
        _GOAL,
        _GOAL_UNIT,
        _DIRECTION,
        Column(
            "place", "text", "Where it is at the end of the year", required=True, allowed=PLACES
        ),
        Column("end_date", "date", "Last day in it; null where it is in at the year's end"),
        Column("graduated_on", "date", "Day it reached its goal and left, by the year's end"),
        Column(
            "value",
            "number",
            "The year's value of the measure, or the indicator's over its months of measurement;"
            " null where it is not reportable",
            unit="by measure: as in facility.contract or network.indicator",
            minimum=0,
            suppressed_with=_SHOWN_WITH,
        ),
        Column(
            "size",
            "number",
            "Denominator of the indicator",
            unit="by indicator: parameters/network_indicator.csv",
            minimum=0,
            suppressed_with=("events",),
        ),
        Column(
            "events",
            "integer",
            "Patients' events behind the indicator's value",
            minimum=0,
            counts="events",
            out_of="size",
        ),
        Column(
            "reaches_goal",
            "boolean",
            "The value is on the good side of the goal, or on it",
            suppressed_with=_SHOWN_WITH,
        ),
        Column(
            "contact_count",
            "integer",
            "Contacts while it was in, by the year's end",
            unit="contacts",
            required=True,
            minimum=0,
        ),
        Column("last_contact", "date", "Day of the last of them"),
        Column(
            "escalation",
            "integer",
            "Level of escalation that the last contact left it on; 0 without one",
            unit="level",
            required=True,
            minimum=0,
            maximum=4,
        ),
        Column(
            "mentor_count",
            "integer",
            "Facilities that mentored it in the year",
            unit="facilities",
            required=True,
            minimum=0,
        ),
    ),
    rules=(
        Rule(
            "a facility that graduated has a day",
            "(place = 'graduated') = (graduated_on IS NOT NULL)",
        ),
        Rule("a facility that is in has no last day", "(place = 'in') = (end_date IS NULL)"),
        Rule(
            "only a value reaches a goal",
            "reaches_goal IS NULL OR (value IS NOT NULL AND goal IS NOT NULL)",
        ),
        Rule(
            "a last contact is one of its contacts", "(contact_count = 0) = (last_contact IS NULL)"
        ),
    ),
    is_compared=False,
)

ACTIVITY_STANDING = Table(
    name="network.activity_standing",
    grain="one activity that is measured, or has a facility in it, in the year",
    source=_SOURCE,
    key=("activity",),
    columns=(
        _ACTIVITY,
        YEAR,
        _NETWORK,
        _PRIORITY,
        _MEASURE,
        Column("selection_rule", "text", "How its facilities are chosen", required=True),
        Column("measurement_first", "date", "First day on which it is measured", required=True),
        Column("measurement_last", "date", "Last day on which it is measured", required=True),
        _GOAL,
        _GOAL_UNIT,
        _DIRECTION,
        _facilities("enrolled_count", "Facilities that were in it on a day of the year"),
        _facilities("in_count", "Of these, in it at the year's end"),
        _facilities("graduated_count", "Of these, graduated and not back in it"),
        _facilities("left_count", "Of these, left without graduating and not back in it"),
        _facilities("measured_count", "Of these, with a value and a goal"),
        _facilities("at_goal_count", "Of these, at the goal"),
        _facilities("escalated_count", "In it at the year's end and escalated, level 1 or higher"),
        _facilities("mentored_count", "Mentored by another facility in the year"),
    ),
    rules=(
        Rule(
            "every facility is in, graduated or left",
            "in_count + graduated_count + left_count = enrolled_count",
        ),
        Rule(
            "at the goal are some of those measured",
            "at_goal_count <= measured_count AND measured_count <= enrolled_count",
        ),
        Rule("escalated are some of those in it", "escalated_count <= in_count"),
    ),
    is_compared=False,
)

CHANGE_PACKAGE = Table(
    name="network.change_package",
    grain="one idea of a priority's change package",
    source=f"{_SOURCE}; change packages from high performers",
    key=("idea",),
    columns=(
        Column("idea", "text", "Short name of the idea", required=True),
        YEAR,
        _PRIORITY,
        Column("driver", "text", "Driver of the priority that it moves", required=True),
        Column("text", "text", "The idea, in a sentence", required=True),
        Column("source_ccn", "text", "Facility that it comes from"),
        Column("reference", "text", "Publication that it comes from"),
        Column(
            "high_rule_count",
            "integer",
            "Rules of high performers that the facility meets for the priority this year; null"
            " without a facility",
            unit="rules",
            minimum=0,
        ),
    ),
    rules=(
        Rule(
            "an idea comes from a facility or a publication",
            "source_ccn IS NOT NULL OR reference IS NOT NULL",
        ),
        Rule("rules are a facility's", "(source_ccn IS NULL) = (high_rule_count IS NULL)"),
    ),
    is_compared=False,
)

GOAL_STANDING = Table(
    name="network.goal_standing",
    grain="one goal of one Network for an indicator, of those whose months touch the year",
    source=f"{_SOURCE}; reading 231",
    key=("network", "priority", "indicator", "first_month"),
    columns=(
        _NETWORK,
        _PRIORITY,
        INDICATOR,
        Column("first_month", "date", "First day of the goal's first month", required=True),
        YEAR,
        Column("last_month", "date", "First day of its last month", required=True),
        Column("goal", "number", "What is to be reached", unit="column unit", required=True),
        Column("direction", "text", "Good side", required=True, allowed=DIRECTIONS),
        Column("unit", "text", "Unit of goal and value", required=True, allowed=UNITS),
        Column(
            "month_count",
            "integer",
            "Months of the year that the value is of",
            unit="months",
            required=True,
            minimum=0,
            maximum=12,
        ),
        Column(
            "size",
            "number",
            "Denominator of these months",
            unit="by indicator: parameters/network_indicator.csv",
            required=True,
            minimum=0,
            suppressed_with=("events",),
        ),
        Column(
            "events",
            "integer",
            "Patients' events behind the value; null of what counts no patients",
            minimum=0,
            counts="events",
            out_of="size",
        ),
        Column(
            "value",
            "number",
            "The Network's value; null of too few patients, personnel or months",
            unit="column unit",
            minimum=0,
            suppressed_with=("events",),
        ),
        Column(
            "reaches_goal",
            "boolean",
            "The value is on the good side of the goal, or on it",
            suppressed_with=("events",),
        ),
    ),
    rules=(
        Rule("a goal's months end after they begin", "first_month <= last_month"),
        Rule("only a value reaches a goal", "(reaches_goal IS NULL) = (value IS NULL)"),
        Rule("a value is of months", "value IS NULL OR month_count > 0"),
    ),
    is_compared=False,
)

TABLES = (ENROLMENT_STANDING, ACTIVITY_STANDING, GOAL_STANDING, CHANGE_PACKAGE)
