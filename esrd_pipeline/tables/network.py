"""Network tables: monthly indicators of the Networks' four priorities, candidates and peers."""

from esrd_pipeline.tables.facility import CCN, PROGRAM, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table, Total

_SPECIFICATION = "ESRD KHARES & 18 ESRD Networks"
LEVELS = ("nation", "network", "state", "chain", "facility")
MONTH = Column("month", "date", "First day of the month", required=True)
SHOWN_LEVELS = ("nation", "network", "chain")
"""Levels whose months others are shown, small counts hidden and each protected in the nation's sum.

Of a facility nearly every month counts fewer than 11, and a state's hidden month could be computed
from its Network's and those of the other states in it.
"""
_OF_PATIENTS = ("counted", "patients")
INDICATOR = Column("indicator", "text", "Indicator of network_indicator.csv", required=True)
UNITS = ("per 100 patient-months", "share")
PRIORITIES = ("choice", "coordination", "whole_health", "interoperability")
LOW_RULES = ("flag_worse", "flag_worse_two_of_three_years", "lowest_tenth")
HIGH_RULES = ("flag_better", "flag_better_two_of_three_years", "highest_tenth")
PEERS = 5
"""Most peers of a facility."""


def _days(name: str, description: str) -> Column:
    return Column(name, "integer", description, unit="days", required=True, minimum=0)


PATIENT_MONTH = Table(
    name="network.patient_month",
    grain="one month of one facility of the DFC list that treated a patient with dialysis",
    source=f"{_SPECIFICATION}; manual 2.13.10; readings 200, 201, 203",
    key=("ccn", "month"),
    columns=(
        CCN,
        MONTH,
        YEAR,
        _days("days", "Patients' days of treatment there"),
        _days("incident_days", "Of these, in the first 90 days of ESRD"),
        _days("prevalent_in_center_days", "Of these, after them and not at home"),
        _days("observable_days", "Of these, in months observable in claims"),
        _days("emergency_days", "Of these, without Medicare Advantage"),
    ),
    rules=(
        Rule(
            "incident and prevalent days are at most all",
            "incident_days + prevalent_in_center_days <= days",
        ),
        Rule(
            "what emergency visits are seen in is observable",
            "emergency_days <= observable_days AND observable_days <= days",
        ),
    ),
)


def _priority(name: str, what: str, readings: str, rules: tuple[Rule, ...] = ()) -> Table:
    """The table of one priority's indicators by facility and month."""
    return Table(
        name=f"network.{name}",
        grain=f"one indicator of {what} in one month at one facility of the DFC list",
        source=f"{_SPECIFICATION}; {readings}",
        key=("ccn", "month", "indicator"),
        columns=(
            CCN,
            MONTH,
            INDICATOR,
            YEAR,
            Column("numerator", "integer", "Events, or what is met", required=True, minimum=0),
            Column(
                "denominator",
                "integer",
                "Patients' days of a rate; patients, personnel or months of a share",
                required=True,
                minimum=0,
            ),
        ),
        rules=rules,
    )


_IS_SHARE = Rule("no more is met than could be", "numerator <= denominator")
CHOICE = _priority("choice", "patients' choice", "readings 200 to 202")
COORDINATION = _priority("coordination", "coordination of care", "readings 200, 203")
WHOLE_HEALTH = _priority("whole_health", "whole health", "readings 94, 200, 204", (_IS_SHARE,))
INTEROPERABILITY = _priority(
    "interoperability", "exchange of data", "readings 200, 204", (_IS_SHARE,)
)

INDICATORS = Table(
    name="network.indicator",
    grain="one indicator of one month in the nation, an ESRD Network, a state, a chain or a"
    " facility",
    source=f"{_SPECIFICATION}; parameters/network_indicator.csv; reading 200",
    key=("level", "group_name", "month", "indicator"),
    columns=(
        Column("level", "text", "Kind of group", required=True, allowed=LEVELS),
        Column(
            "group_name",
            "text",
            "nation; the Network's number; the state; the chain; the CCN; unknown where the"
            " facilities' is not known",
            required=True,
        ),
        MONTH,
        INDICATOR,
        YEAR,
        Column("facility_count", "integer", "Facilities added up", required=True, minimum=1),
        Column(
            "numerator",
            "integer",
            "Events, or what is met",
            required=True,
            minimum=0,
            counts="events",
            counts_where=_OF_PATIENTS,
            out_of="denominator",
        ),
        Column(
            "denominator",
            "number",
            "Patient-months of a rate; patients, personnel or months of a share",
            required=True,
            minimum=0,
            counts="patients",
            counts_where=_OF_PATIENTS,
        ),
        Column(
            "value",
            "number",
            "In the unit; null where nobody was there",
            minimum=0,
            suppressed_with=("numerator", "denominator"),
        ),
        Column("unit", "text", "Unit of the value", required=True, allowed=UNITS),
        Column(
            "counted",
            "text",
            "Whose number numerator and denominator tell",
            required=True,
            allowed=("patients", "personnel", "months"),
        ),
    ),
    rules=(
        Rule(
            "there is a value where there is a denominator", "(value IS NULL) = (denominator = 0)"
        ),
        Rule("no share is above one", "unit <> 'share' OR numerator <= denominator"),
        Rule("a facility is one facility", "level <> 'facility' OR facility_count = 1"),
    ),
    totals=tuple(
        Total(
            over=("level", "group_name"),
            among={"level": level},
            row={"level": "nation", "group_name": "nation"},
        )
        for level in SHOWN_LEVELS
        if level != "nation"
    ),
)

CANDIDATE = Table(
    name="network.candidate",
    grain="one rule that one facility meets for a priority, by what it is judged on",
    source=f"{_SPECIFICATION}: mentoring of low-performing facilities, best practices from"
    " high-performing ones; parameters/priority.csv",
    key=("ccn", "priority", "rule", "kind", "program", "name"),
    columns=(
        CCN,
        YEAR,
        Column("priority", "text", "Priority it serves", required=True, allowed=PRIORITIES),
        Column("rule", "text", "Rule it meets", required=True, allowed=(*LOW_RULES, *HIGH_RULES)),
        Column(
            "kind", "text", "What it is judged on", required=True, allowed=("indicator", "measure")
        ),
        PROGRAM,
        Column("name", "text", "Indicator, or measure's short name", required=True),
        Column(
            "standing",
            "text",
            "To be helped (low), or to be learnt from (high)",
            required=True,
            allowed=("low", "high"),
        ),
        Column(
            "value",
            "number",
            "What meets the rule: the year's value, or the years with the flag",
            required=True,
            minimum=0,
            suppressed_with=("events",),
        ),
        Column(
            "cut_off",
            "number",
            "What the rule compares it with: the flag's reference, two years, or the last value of"
            " the tenth",
            required=True,
            minimum=0,
        ),
        Column("size", "number", "Units behind the value", minimum=0, suppressed_with=("events",)),
        Column("size_unit", "text", "What size counts"),
        Column(
            "events",
            "integer",
            "Patients' events behind an indicator's value; null of measures, personnel and reports",
            minimum=0,
            counts="events",
            out_of="size",
        ),
        Column(
            "facility_count",
            "integer",
            "Facilities compared: with a flag, or large enough",
            required=True,
            minimum=1,
        ),
    ),
    rules=(
        Rule(
            "low rules make low, high rules high candidates",
            "(standing = 'low') = (rule IN (" + ", ".join(f"'{name}'" for name in LOW_RULES) + "))",
        ),
        Rule("a size has a unit", "(size IS NULL) = (size_unit IS NULL)"),
        Rule(
            "two of three years are two or three",
            "rule NOT LIKE '%two_of_three_years' OR value BETWEEN cut_off AND 3",
        ),
    ),
)

PEER = Table(
    name="network.peer",
    grain="one facility and another one nearest to it in size among those of its kind",
    source=f"{_SPECIFICATION}: best practices from high-performing facilities",
    key=("ccn", "rank"),
    columns=(
        CCN,
        Column("rank", "integer", "From the nearest on", required=True, minimum=1, maximum=PEERS),
        YEAR,
        Column("peer_ccn", "text", "The other facility", required=True),
        Column("size", "number", "Size of the facility", required=True, minimum=0),
        Column("peer_size", "number", "Size of the other one", required=True, minimum=0),
        Column(
            "size_unit",
            "text",
            "Patients of the PPPW, where both have one, else stations",
            required=True,
            allowed=("patients", "stations"),
        ),
        Column("is_of_chain", "boolean", "Both belong to a chain; null where not known"),
        Column("has_in_center", "boolean", "Both treat in center; null where not known"),
    ),
    rules=(Rule("a facility is not its own peer", "ccn <> peer_ccn"),),
)

FACILITY_TABLES = (PATIENT_MONTH, CHOICE, COORDINATION, WHOLE_HEALTH, INTEROPERABILITY)
"""Small counts by facility, from which the indicators are added up: they stay in the agency."""

TABLES = (INDICATORS, CANDIDATE, PEER)
