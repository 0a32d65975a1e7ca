"""Tables of what it would take: events to the next point and to lower reductions, and chances."""

from esrd_pipeline.tables.facility import CCN, MEASURE, OF_FEW, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.tables.program import PAYMENT_YEAR
from esrd_pipeline.tables.trend import DIMENSIONS

_SCORING = "program.qip_measure_score's own scoring of other numerators; manual 4.1 to 4.3"
_EVENTS = Column(
    "events",
    "integer",
    "Whole events fewer, where lower is better, or more",
    required=True,
    minimum=1,
    suppressed_with=OF_FEW,
)
_NUMERATOR = Column(
    "numerator", "number", "As it is", required=True, minimum=0, suppressed_with=OF_FEW
)
_NEXT_NUMERATOR = Column(
    "next_numerator",
    "number",
    "After the events",
    required=True,
    minimum=0,
    suppressed_with=OF_FEW,
)
_NEXT_SCORE = Column(
    "next_score",
    "integer",
    "Score after the events; null of a report without a score, which is complete then",
    minimum=1,
    maximum=10,
)
_IS_MOVED = Rule("the events move the numerator", "abs(next_numerator - numerator) > events - 1")
_REDUCTION = Column(
    "payment_reduction", "number", "Percent", unit="percent", required=True, minimum=0
)

NEXT_POINT = Table(
    name="report.next_point",
    grain="one measure of one facility whose score events could raise: the fewest to a higher one",
    source=_SCORING,
    key=("ccn", "measure"),
    is_compared=False,
    columns=(
        CCN,
        MEASURE,
        YEAR,
        PAYMENT_YEAR,
        Column("score", "integer", "As it is; null of a report without one", minimum=0, maximum=10),
        _NEXT_SCORE,
        _EVENTS,
        _NUMERATOR,
        _NEXT_NUMERATOR,
    ),
    rules=(_IS_MOVED, Rule("the score rises", "next_score > score")),
)

REDUCTION_WAY = Table(
    name="report.reduction_way",
    grain="one measure that the fewest events to one lower payment reduction of one facility move",
    source=f"{_SCORING}; confirmed by scoring the facility after the events",
    key=("ccn", "payment_reduction", "measure"),
    is_compared=False,
    columns=(
        CCN,
        _REDUCTION,
        MEASURE,
        YEAR,
        PAYMENT_YEAR,
        Column("least_tps", "integer", "Least TPS of the reduction", unit="points", required=True),
        Column("tps", "integer", "TPS after the events of all measures; null where none is given"),
        _NEXT_SCORE,
        _EVENTS,
        _NUMERATOR,
        _NEXT_NUMERATOR,
    ),
    rules=(_IS_MOVED, Rule("the reduction is reached", "tps >= least_tps")),
)

REDUCTION_CHANCE = Table(
    name="report.reduction_chance",
    grain="one payment reduction that one facility's draws come to",
    source="a seeded parametric bootstrap from the measures' 95% limits; reading 260",
    key=("ccn", "payment_reduction"),
    is_compared=False,
    columns=(
        CCN,
        _REDUCTION,
        YEAR,
        PAYMENT_YEAR,
        Column("chance", "number", "Share of the draws", required=True, minimum=0, maximum=1),
        Column(
            "months",
            "integer",
            "Months that are over; of 12 the year is drawn again, else the others are drawn",
            required=True,
            minimum=1,
            maximum=12,
        ),
        Column("draw_count", "integer", "Draws", unit="draws", required=True, minimum=1),
        Column("seed", "integer", "Seed of the draws, with the facility's number", required=True),
        Column("drawn", "text", "Measures drawn, separated by spaces; null without any"),
        Column("fixed", "text", "Scored measures left as they are: reported, or without limits"),
    ),
)

FACILITY_STRATUM = Table(
    name="report.facility_stratum",
    grain="one stratum of the patients of one facility",
    source="manual 2.13.10; readings 193, 194, 197 and 198",
    key=("ccn", "dimension", "stratum"),
    is_compared=False,
    columns=(
        CCN,
        Column("dimension", "text", "What divides them", required=True, allowed=DIMENSIONS),
        Column("stratum", "text", "Whose: all, a group, or unknown", required=True),
        YEAR,
        Column("patients", "integer", "Patients", required=True, minimum=1, counts="patients"),
    ),
)
"""Small counts, of which scenarios add up the strata of those who move: it stays in the agency."""

REDUCTION_DOLLARS = Table(
    name="report.reduction_dollars",
    grain="one payment reduction of one facility that had hemodialysis treatments in the year",
    source="history.reported_month; parameters/payment_base_rate.csv; reading 263",
    key=("ccn", "payment_reduction"),
    is_compared=False,
    columns=(
        CCN,
        _REDUCTION,
        YEAR,
        PAYMENT_YEAR,
        Column(
            "patients", "integer", "Patients treated", required=True, minimum=1, counts="patients"
        ),
        Column(
            "treatments",
            "integer",
            "Hemodialysis treatments of the performance year, of all payers",
            unit="treatments",
            required=True,
            minimum=1,
            suppressed_with=("patients",),
        ),
        Column(
            "base_rate",
            "number",
            "Base rate of a treatment",
            unit="dollars",
            required=True,
            minimum=0,
        ),
        Column("rate_year", "integer", "Year of the base rate", unit="year", required=True),
        Column(
            "dollars",
            "number",
            "What the reduction takes, an upper-level estimate: without case mix, wages, add-ons"
            " and peritoneal dialysis",
            unit="dollars",
            required=True,
            minimum=0,
            suppressed_with=("patients",),
        ),
    ),
)

TABLES = (NEXT_POINT, REDUCTION_WAY, REDUCTION_CHANCE)
