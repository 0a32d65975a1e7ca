"""A Network's goals, activities and change packages: the skeleton of its annual report."""

from itertools import groupby
from typing import Any

from esrd_pipeline.parameters.measure_texts import find_measure_text
from esrd_pipeline.parameters.priorities import load_indicators
from esrd_pipeline.site.data import Area, Row, SiteData
from esrd_pipeline.site.formats import is_missing, write_number
from esrd_pipeline.tables import activity, standing
from esrd_pipeline.tables.network import PRIORITIES

_PLACES = {"in": "in it", "graduated": "graduated", "left": "left"}
_ESTIMATORS = {
    "staggered": "against like facilities never in it",
    "matched": "the same, one effect for all months",
    "placebo": "a start that was none: 1 if the comparison holds",
    "before_after_matched": "what like facilities did without the activity",
    "before_after": "plain before and after: not to be read as an effect",
}
_DIGITS = {"share": 3, "per 100 patient-months": 2}
_DIRECTIONS = {"at_most": "at most", "at_least": "at least"}


def place_activities(network: str) -> str:
    """Return the address of a Network's page of activities."""
    return f"activities/{network}.html"


def has_activities(data: SiteData, area: Area) -> bool:
    """Return whether an area is a Network with activities or goals in the year."""
    return area.level == "network" and bool(_list_activities(data, area) or _list_goals(data, area))


def describe_activities(data: SiteData, area: Area) -> dict[str, Any]:
    """Return what the template of a Network's activities shows: priorities in their order."""
    activities, goals = _list_activities(data, area), _list_goals(data, area)
    enrolments = data.rows(standing.ENROLMENT_STANDING)
    ideas = sorted(
        data.rows(standing.CHANGE_PACKAGE),
        key=lambda row: (row["priority"], row["driver"], row["idea"]),
    )
    return {
        "network": area.name,
        "year": data.year,
        "facility_count": len(area.ccns),
        "priorities": [
            {
                "name": priority.replace("_", " "),
                "goals": [_describe_goal(row) for row in goals if row["priority"] == priority],
                "activities": [
                    _describe_activity(data, row, enrolments)
                    for row in activities
                    if row["priority"] == priority
                ],
                "drivers": [
                    (driver, [_describe_idea(data, row) for row in rows])
                    for driver, rows in groupby(
                        (row for row in ideas if row["priority"] == priority),
                        key=lambda row: row["driver"],
                    )
                ],
            }
            for priority in PRIORITIES
        ],
    }


def _list_activities(data: SiteData, area: Area) -> list[Row]:
    rows = data.rows(standing.ACTIVITY_STANDING)
    mine = [row for row in rows if str(row["network"]) == area.name]
    return sorted(mine, key=lambda row: row["activity"])


def _list_goals(data: SiteData, area: Area) -> list[Row]:
    rows = data.rows(standing.GOAL_STANDING)
    mine = [row for row in rows if str(row["network"]) == area.name]
    return sorted(mine, key=lambda row: (row["indicator"], row["first_month"]))


def _describe_goal(row: Row) -> dict[str, Any]:
    indicator = next(one for one in load_indicators() if one.name == row["indicator"])
    digits = _DIGITS[row["unit"]]
    return {
        "row": row,
        "name": row["indicator"].replace("_", " "),
        "about": indicator.description,
        "months": f"{row['first_month']:%Y-%m} to {row['last_month']:%Y-%m}",
        "direction": _DIRECTIONS[row["direction"]],
        "goal": write_number(row["goal"], digits),
        "value": write_number(row["value"], digits),
        "reaches": _describe_reach(row),
    }


def _describe_reach(row: Row) -> str:
    if is_missing(row["reaches_goal"]):
        return ""
    return "at the goal" if row["reaches_goal"] else "short of it"


def _describe_activity(data: SiteData, row: Row, enrolments: list[Row]) -> dict[str, Any]:
    mine = [one for one in enrolments if one["activity"] == row["activity"]]
    mine.sort(key=lambda one: (one["ccn"], one["start_date"]))
    shown = {one["ccn"] for one in mine if not is_missing(one["reaches_goal"])}
    return {
        "row": row,
        "name": row["activity"].replace("_", " "),
        # With a hidden result among them, the count would tell what it is.
        "shows_count_at_goal": len(shown) >= row["measured_count"],
        "effects": _list_effects(data, row["activity"]),
        "about": _name_measure(row["measure"]),
        "goal": None
        if is_missing(row["goal"])
        else f"{_DIRECTIONS[row['goal_direction']]} {write_number(row['goal'], 2)}"
        f" {row['goal_unit']}",
        "facilities": [
            {
                "row": one,
                "facility": data.facilities.get(one["ccn"]),
                "place": _PLACES[one["place"]],
                "value": write_number(one["value"], 2),
                "reaches": _describe_reach(one),
            }
            for one in mine
        ],
    }


def _list_effects(data: SiteData, name: str) -> list[dict[str, Any]]:
    """Return an activity's effects, the estimate to read first, each with what it is."""
    rows = [row for row in data.rows(activity.EFFECT) if row["activity"] == name]
    order = list(activity.ESTIMATORS)
    return [
        {
            "row": row,
            "name": _ESTIMATORS[row["estimator"]],
            "ratio": write_number(row["ratio"], 2),
            "lower": write_number(row["lower"], 2),
            "upper": write_number(row["upper"], 2),
        }
        for row in sorted(rows, key=lambda row: order.index(row["estimator"]))
        if not is_missing(row["ratio"])
    ]


def _name_measure(name: str | None) -> str | None:
    """Return what people call a measure, or an indicator's name in words."""
    if name is None:
        return None
    try:
        return find_measure_text(name).title
    except LookupError:
        return name.replace("_", " ")


def _describe_idea(data: SiteData, row: Row) -> dict[str, Any]:
    ccn = row["source_ccn"]
    return {"row": row, "source": None if ccn is None else data.facilities.get(ccn)}
