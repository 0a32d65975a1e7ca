"""The Networks' priorities: their indicators, and which indicators and measures serve which.

`parameters/priority.csv` and `parameters/network_indicator.csv`, from the specification
ESRD KHARES & 18 ESRD Networks.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from esrd_pipeline.parameters.register import Direction, Program
from esrd_pipeline.parameters.rows import load_rows

Kind = Literal["indicator", "measure"]


@dataclass(frozen=True, slots=True)
class Service:
    """An indicator or measure that serves a priority.

    Attributes:
        priority: choice, coordination, whole_health or interoperability.
        kind: an indicator of network.indicator, or a measure of facility.contract.
        program: program of the measure; dfc of an indicator, whose facilities are its list.
        name: indicator, or the measure's short name.
        direction: the better side; None if neither is, so that no facility is judged on it.
    """

    priority: str
    kind: Kind
    program: Program
    name: str
    direction: Direction | None


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator of the Networks.

    Attributes:
        name: its short name.
        unit: unit of its value.
        denominator_unit: what its denominator counts.
        is_of_last_month: the year's value is the last month's, else the months' sums divided.
        least_units: smallest denominator of a year on which a facility is judged: 11 patients.
        description: what it is, in words.
    """

    name: str
    unit: str
    denominator_unit: str
    is_of_last_month: bool
    least_units: float
    description: str


@cache
def load_services() -> tuple[Service, ...]:
    """Return the rows of `parameters/priority.csv` in file order."""
    return tuple(
        Service(
            priority=row["priority"],
            kind=cast("Kind", row["kind"]),
            program=cast("Program", row["program"] or "dfc"),
            name=row["name"],
            direction=cast("Direction", row["direction"]) if row["direction"] else None,
        )
        for row in load_rows("priority")
    )


@cache
def load_indicators() -> tuple[Indicator, ...]:
    """Return the rows of `parameters/network_indicator.csv` in file order."""
    return tuple(
        Indicator(
            name=row["indicator"],
            unit=row["unit"],
            denominator_unit=row["denominator_unit"],
            is_of_last_month=row["of_year"] == "last",
            least_units=float(row["least_units"]),
            description=row["description"],
        )
        for row in load_rows("network_indicator")
    )
