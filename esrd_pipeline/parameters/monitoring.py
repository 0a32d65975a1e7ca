"""What the charts of events watch for: `parameters/monitor.csv`, one row a measure."""

from dataclasses import dataclass
from functools import cache

from esrd_pipeline.parameters.rows import load_rows


@dataclass(frozen=True, slots=True)
class ChartRule:
    """What the two charts of one measure watch for.

    Attributes:
        measure: its short name.
        worse_ratio: observed over expected events that the chart of more events is made to find.
        better_ratio: the same of fewer events, below 1.
        alarms: false alarms a facility-year of each chart, while events are as expected.
    """

    measure: str
    worse_ratio: float
    better_ratio: float
    alarms: float


@cache
def load_chart_rules() -> tuple[ChartRule, ...]:
    """Return the rows of `parameters/monitor.csv` in file order."""
    return tuple(
        ChartRule(
            measure=row["measure"],
            worse_ratio=float(row["worse_ratio"]),
            better_ratio=float(row["better_ratio"]),
            alarms=float(row["alarms"]),
        )
        for row in load_rows("monitor")
    )
