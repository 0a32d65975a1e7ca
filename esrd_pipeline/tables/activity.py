"""Tables of whether the Networks' activities work: effects, event studies, matches."""

from esrd_pipeline.tables.facility import MEASURE, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.tables.network import PRIORITIES

_SPECIFICATION = "ESRD KHARES & 18 ESRD Networks: Monitor, Analyze, Evaluate, Report"
ESTIMATORS = {
    "staggered": "observed events over those predicted from facilities' own months before and the"
    " months' effects at matched facilities never enrolled",
    "matched": "one coefficient beside facility and month effects, with the same facilities",
    "placebo": "as staggered, with a start that was none, before the selection: 1 if the"
    " comparison holds",
    "before_after_matched": "the matched facilities' own change since the months of selection,"
    " without any activity",
    "before_after": "plain before and after, fooled by regression to the mean: shown as a warning",
}
"""How the effect was estimated; the first is the one to read, the last the one not to."""
REASONS = (
    "activity_not_monthly",
    "activity_no_window",
    "activity_few_enrolled",
    "activity_no_match",
    "activity_no_months_before",
    "activity_no_months_after",
    "activity_no_events",
    "activity_not_fitted",
)
"""Why there is no estimate (parameters/reason.csv)."""
PHASES = ("before", "selection", "after")
LEAST_ENROLLED = 5
"""Fewer facilities tell nothing of how much facilities differ, which limits rest on."""

_ACTIVITY = Column("activity", "text", "Activity of raw.network_activity", required=True)
_OBSERVED = Column(
    "observed",
    "number",
    "Events of the enrolled facilities in the months looked at",
    minimum=0,
    counts="events",
)
_AMOUNTS = (
    _OBSERVED,
    Column(
        "predicted",
        "number",
        "What they would have been by the estimator",
        unit="events",
        minimum=0,
        suppressed_with=("observed",),
    ),
    Column(
        "ratio",
        "number",
        "Observed over predicted",
        unit="ratio",
        minimum=0,
        suppressed_with=("observed",),
    ),
    Column(
        "lower",
        "number",
        "Lower 95% limit, clustered by facility",
        unit="ratio",
        minimum=0,
        suppressed_with=("observed",),
    ),
    Column(
        "upper",
        "number",
        "Upper 95% limit, clustered by facility",
        unit="ratio",
        minimum=0,
        suppressed_with=("observed",),
    ),
)
_RULES = (
    Rule("limits are both there or neither", "(lower IS NULL) = (upper IS NULL)"),
    Rule("the ratio lies within its limits", "ratio BETWEEN lower AND upper"),
)

EFFECT = Table(
    name="network.activity_effect",
    grain="one activity's effect on one measure by one estimator, or why there is none",
    source=f"{_SPECIFICATION}; readings 220 to 223",
    key=("activity", "measure", "estimator"),
    columns=(
        _ACTIVITY,
        MEASURE,
        Column("estimator", "text", "How", required=True, allowed=tuple(ESTIMATORS)),
        YEAR,
        Column("network", "integer", "ESRD Network", minimum=1, maximum=18),
        Column("priority", "text", "Priority it serves", allowed=PRIORITIES),
        *_AMOUNTS,
        Column(
            "p_value",
            "number",
            "Of the ratio 1, two-sided",
            unit="probability",
            minimum=0,
            maximum=1,
            suppressed_with=("observed",),
        ),
        Column("facility_count", "integer", "Facilities whose change it is", minimum=0),
        Column(
            "cluster_count",
            "integer",
            "Facilities in the comparison, those included",
            unit="facilities",
            minimum=0,
        ),
        Column("reason", "text", "Why there is no estimate", allowed=REASONS),
    ),
    rules=(
        *_RULES,
        Rule("there is a ratio or a reason", "(ratio IS NULL) = (reason IS NOT NULL)"),
    ),
    is_compared=False,
)

EVENT_STUDY = Table(
    name="network.activity_event_study",
    grain="one month relative to facilities' starts in one activity, for one measure, of those of"
    " its months that are before, in selection or after",
    source=f"{_SPECIFICATION}; readings 220 to 223",
    key=("activity", "measure", "relative_month", "phase"),
    columns=(
        _ACTIVITY,
        MEASURE,
        Column(
            "relative_month",
            "integer",
            "Months since the start; 0 is the first whole month in the activity",
            unit="months",
            required=True,
        ),
        Column(
            "phase",
            "text",
            "Before, in the months of selection, or after",
            required=True,
            allowed=PHASES,
        ),
        YEAR,
        *_AMOUNTS,
        Column(
            "facility_count", "integer", "Enrolled facilities with it", required=True, minimum=1
        ),
    ),
    rules=(
        *_RULES,
        Rule("after is from the start on", "(phase = 'after') = (relative_month >= 0)"),
    ),
    is_compared=False,
)

MATCH = Table(
    name="network.activity_match",
    grain="one enrolled facility and one never enrolled that stood where it did",
    source=f"{_SPECIFICATION}; reading 221",
    key=("activity", "measure", "ccn", "rank"),
    columns=(
        _ACTIVITY,
        MEASURE,
        Column("ccn", "text", "The enrolled facility", required=True),
        Column("rank", "integer", "From the nearest on", required=True, minimum=1),
        YEAR,
        Column("match_ccn", "text", "The facility never enrolled", required=True),
        Column(
            "level",
            "number",
            "The enrolled one's observed over expected events in the months of selection",
            unit="ratio",
            required=True,
            minimum=0,
        ),
        Column("match_level", "number", "The other's", unit="ratio", required=True, minimum=0),
    ),
    rules=(Rule("a facility is not its own match", "ccn <> match_ccn"),),
    is_compared=False,
)

TABLES = (EFFECT, EVENT_STUDY)

FACILITY_TABLES = (MATCH,)
"""Who is enrolled and who is not, by facility: it stays in the agency."""
