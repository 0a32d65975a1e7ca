"""Tables of monitoring: events by month beside the expected ones, their charts and signals."""

from esrd_pipeline.tables.facility import CCN, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.tables.patient_months import MONTHLY_MEASURES

MEASURES = ("shr", "smr", "sedr", "strr", "srr", "ed30")
"""Measures whose fits expect events of rows that have a month."""
SIDES = ("worse", "better")
_SPECIFICATION = "ESRD KHARES & 18 ESRD Networks, Monitor"
MEASURE = Column("measure", "text", "Measure's short name", required=True, allowed=MEASURES)
MONTH = Column("month", "date", "First day of the month", required=True)
_OBSERVED = Column("observed", "integer", "Events counted", required=True, minimum=0)
_EXPECTED = Column("expected", "number", "Events expected", required=True, minimum=0)
_MODEL_YEAR = Column(
    "model_year",
    "integer",
    "Performance year whose fit expects the month's events",
    unit="year",
    required=True,
)

EVENT_MONTH = Table(
    name="network.event_month",
    grain="one month of one facility in one measure of events",
    source=f"{_SPECIFICATION}; manual 2.10 to 2.14, 2.25, 2.26; reading 210",
    key=("ccn", "measure", "month"),
    columns=(
        CCN,
        MEASURE,
        MONTH,
        YEAR,
        _OBSERVED,
        _EXPECTED,
        Column(
            "facility_observed",
            "number",
            "Events of all the facility's months, by the measure's facilities",
            unit="events",
            required=True,
            minimum=0,
        ),
        Column(
            "facility_expected",
            "number",
            "Expected events of all the facility's months, by the measure's facilities",
            unit="events",
            required=True,
            minimum=0,
        ),
        Column(
            "facility_patients",
            "number",
            "Patients of the measure at the facility",
            unit="patients",
            required=True,
            minimum=0,
        ),
    ),
)


def _chart(side: str, text: str) -> tuple[Column, ...]:
    return (
        Column(side, "number", f"CUSUM of {text}: log likelihood ratio", required=True, minimum=0),
        Column(f"{side}_limit", "number", "Its limit", required=True, minimum=0),
        Column(f"is_{side}", "boolean", "It reaches its limit: a signal", required=True),
    )


MONITOR = Table(
    name="network.monitor",
    grain="one month of one facility's chart in one measure of events, of the last three years",
    source=f"{_SPECIFICATION}; Biswas & Kalbfleisch (2008); Sun & Kalbfleisch (2013); readings"
    " 211, 212; parameters/monitor.csv",
    key=("ccn", "measure", "month"),
    columns=(
        CCN,
        MEASURE,
        MONTH,
        YEAR,
        _MODEL_YEAR,
        _OBSERVED,
        _EXPECTED,
        Column(
            "excess",
            "number",
            "Observed less expected events, added up from the chart's first month",
            unit="events",
            required=True,
        ),
        *_chart("worse", "more events than expected"),
        *_chart("better", "fewer events than expected"),
    ),
    rules=(
        Rule("more than expected signals at its limit", "is_worse = (worse >= worse_limit)"),
        Rule("fewer than expected signal at their limit", "is_better = (better >= better_limit)"),
    ),
)

SIGNAL = Table(
    name="network.signal",
    grain="one signal of one facility's chart in one measure of events, of the last three years",
    source="network.monitor; readings 211, 212",
    key=("ccn", "measure", "side", "month"),
    columns=(
        CCN,
        MEASURE,
        Column("side", "text", "More events, or fewer", required=True, allowed=SIDES),
        Column("month", "date", "First day of the month of the signal", required=True),
        YEAR,
        Column(
            "first_month",
            "date",
            "First month in which the chart rose from zero: when the change began, as it seems",
            required=True,
        ),
        Column(
            "ratio",
            "number",
            "Observed over expected events from then to the signal; null of 10 events or fewer, and"
            " where the facility's measure counts 10 patients or fewer",
            unit="ratio",
            minimum=0,
        ),
    ),
    rules=(
        Rule("a change begins before its signal", "first_month <= month"),
        Rule("more events are above, fewer below the expected", "(side = 'worse') = (ratio > 1)"),
    ),
)

MEASURE_MONTH = Table(
    name="network.measure_month",
    grain="one month of one facility in one measure of patient-months",
    source=f"{_SPECIFICATION}; manual 2.1, 2.3 to 2.8, 2.19; reading 213",
    key=("ccn", "measure", "month"),
    columns=(
        CCN,
        Column("measure", "text", "Measure's short name", required=True, allowed=MONTHLY_MEASURES),
        MONTH,
        YEAR,
        Column(
            "numerator",
            "integer",
            "Of these, in the numerator",
            unit="patients",
            required=True,
            minimum=0,
        ),
        Column(
            "denominator",
            "integer",
            "Patients whose month is in the denominator",
            unit="patients",
            required=True,
            minimum=1,
        ),
    ),
    rules=(Rule("no more are in the numerator than counted", "numerator <= denominator"),),
)

P_CHART = Table(
    name="network.p_chart",
    grain="one month of one facility's chart in one share: a Networks' indicator or a measure of"
    " patient-months",
    source=f"{_SPECIFICATION}; Laney (2002); reading 213",
    key=("ccn", "indicator", "month"),
    columns=(
        CCN,
        Column(
            "indicator",
            "text",
            "Indicator of network_indicator.csv, or a measure of patient-months",
            required=True,
        ),
        MONTH,
        YEAR,
        Column("numerator", "integer", "What is met", required=True, minimum=0),
        Column("denominator", "integer", "What could be", required=True, minimum=1),
        Column("share", "number", "Their quotient", required=True, minimum=0, maximum=1),
        Column(
            "centre",
            "number",
            "The facility's share over the chart's months",
            required=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "sigma_z",
            "number",
            "Spread from month to month over that of chance alone",
            required=True,
            minimum=0,
        ),
        Column("lower", "number", "Lower limit", required=True, minimum=0, maximum=1),
        Column("upper", "number", "Upper limit", required=True, minimum=0, maximum=1),
        Column("is_signal", "boolean", "The share is beyond a limit", required=True),
    ),
    rules=(Rule("no more is met than could be", "numerator <= denominator"),),
)

FACILITY_TABLES = (EVENT_MONTH, MONITOR, MEASURE_MONTH, P_CHART)
"""Small counts by facility and month: they stay in the agency."""

TABLES = (SIGNAL,)
