"""Tables of the pages' trends, strata and cohorts: the nation, Networks, states, chains."""

from esrd_pipeline.tables.facility import MEASURE, PROGRAM, REASON_NUMBER, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table, Total

NATION, FACILITY = "nation", "facility"
LEVELS = (NATION, "network", "state", "chain", FACILITY)
UNKNOWN = "unknown"
"""The group of those whose Network, state or chain is not known."""

SUMMED, UNADJUSTED, NOTHING = "summed", "summed, unadjusted", "none"
LIMITS = ("exact Poisson", "mid-p Poisson", "standard errors")
"""How the limits of summed groups are found."""
MEAN = "mean of facilities"
AS_PUBLISHED = ("published", MEAN, "weighted mean of facilities")
"""What facility.level says of a level that no file's sums give."""


def _number(name: str, text: str) -> Column:
    with_counts = ("patients", "unit_count")
    return Column(name, "number", text, minimum=0, suppressed_with=with_counts)


TREND = Table(
    name="report.trend",
    grain="one program and measure of one group of facilities: the nation, a Network, a state, a"
    " chain, a facility",
    source="facility.contract, facility.level, facility.directory, program.flags; readings 195 and"
    " 196",
    key=("level", "group_name", "program", "measure"),
    # Its rows are of groups of all sizes: what their mean does says nothing; so below.
    is_compared=False,
    columns=(
        YEAR,
        Column("level", "text", "Kind of group", required=True, allowed=LEVELS),
        Column(
            "group_name",
            "text",
            "nation; the Network's number; the state; the chain; the CCN; unknown where the"
            " facilities' is not known",
            required=True,
        ),
        PROGRAM,
        MEASURE,
        Column("facility_count", "integer", "Reportable facilities", required=True, minimum=0),
        Column(
            "summed_count",
            "integer",
            "Of them, those in the sums: all but those of 1 to 10 patients",
            required=True,
            minimum=0,
        ),
        Column("unit", "text", "What unit_count counts: patients, patient_years, discharges ..."),
        Column(
            "unit_count",
            "number",
            "Units the value is computed from; null where not known",
            minimum=0,
            counts="patients",
            counts_where=("unit", "patients"),
            suppressed_with=("patients",),
        ),
        Column(
            "patients",
            "number",
            "Their patients, one of two facilities twice; null where not known",
            minimum=0,
            counts="patients",
            suppressed_with=("unit_count",),
        ),
        _number("numerator", "Their observed events, or numerators"),
        _number("denominator", "Their expected events, or denominators"),
        _number("value", "Ratio, percent (dfc) or fraction or rate (qip)"),
        _number("rate", "Ratio times the national rate, where one is defined"),
        _number("lower", "Lower 95% limit, in the unit of value"),
        _number("upper", "Upper 95% limit, in the unit of value"),
        Column(
            "limits",
            "text",
            "Where the limits are from: the facility contract, a Poisson test of the sums (exact,"
            " or mid-p), the facilities' standard errors",
            allowed=("contract", *LIMITS),
        ),
        Column("better_count", "integer", "Facilities flagged better", required=True, minimum=0),
        Column("as_count", "integer", "Facilities flagged as expected", required=True, minimum=0),
        Column("worse_count", "integer", "Facilities flagged worse", required=True, minimum=0),
        Column(
            "national",
            "number",
            "National level that facilities are compared with, in the unit of the published value",
        ),
        Column(
            "method",
            "text",
            "What value and rate are: the facility's own; numerators over denominators, summed"
            " (unadjusted where the measure adjusts facilities directly); a level CMS published;"
            " a mean of facilities, where there are no sums; none",
            required=True,
            allowed=(FACILITY, SUMMED, UNADJUSTED, *AS_PUBLISHED, NOTHING),
        ),
        Column("reason", "text", "Why there is no value: code of reason.csv; null where there is"),
        REASON_NUMBER,
    ),
    rules=(
        Rule("a row has a value or a reason", f"(method = '{NOTHING}') = (reason IS NOT NULL)"),
        Rule(
            "a row with a method has a number",
            f"method = '{NOTHING}' OR value IS NOT NULL OR rate IS NOT NULL",
        ),
        Rule(
            "a summed value is the quotient of its sums",
            f"method NOT IN ('{SUMMED}', '{UNADJUSTED}')"
            " OR abs(value * denominator - numerator) <= 1e-9 * (1 + numerator)"
            " OR abs(value * denominator - 100 * numerator) <= 1e-7 * (1 + numerator)"
            " OR (program = 'qip' AND value = rate)",
        ),
        Rule("limits contain a summed value", f"method <> '{SUMMED}' OR value >= lower"),
        Rule("limits reach a summed value", f"method <> '{SUMMED}' OR value <= upper"),
        Rule("lower limit is not above upper limit", "lower <= upper"),
        Rule("limits have a method", "(limits IS NULL) = (lower IS NULL AND upper IS NULL)"),
        Rule(
            "flags are of reportable facilities",
            "better_count + as_count + worse_count <= facility_count",
        ),
        Rule("no more are summed than are reportable", "summed_count <= facility_count"),
        Rule("a facility is one", f"level <> '{FACILITY}' OR facility_count <= 1"),
    ),
)

DIMENSIONS = (
    "all",
    "age",
    "sex",
    "race",
    "ethnicity",
    "dual_eligibility",
    "nursing_home",
    "rurality",
    "social_vulnerability",
)

STRATUM = Table(
    name="report.stratum",
    grain="one program, measure and stratum of patients",
    source="the measures' cohorts and fits; readings 193, 194, 197 and 198",
    key=("program", "measure", "dimension", "stratum"),
    is_compared=False,
    columns=(
        PROGRAM,
        MEASURE,
        Column(
            "dimension",
            "text",
            "What divides them; rurality and social vulnerability are the ZIP code's, in years with"
            " raw.ruca_zip and raw.svi_zcta",
            required=True,
            allowed=DIMENSIONS,
        ),
        Column("stratum", "text", "Whose: all, a group, or unknown", required=True),
        YEAR,
        Column(
            "patients",
            "integer",
            "Patients, one of two years of a measure twice",
            required=True,
            minimum=1,
            counts="patients",
        ),
        Column(
            "observed",
            "number",
            "Events counted, or numerators",
            required=True,
            minimum=0,
            counts="events",
            suppressed_with=("patients",),
        ),
        Column(
            "expected",
            "number",
            "Events the measure's fit expects, or denominators",
            required=True,
            minimum=0,
            suppressed_with=("patients",),
        ),
        Column(
            "kind",
            "text",
            "What the value is: a ratio, or a percentage that is not adjusted",
            required=True,
            allowed=("ratio", "percentage"),
        ),
        Column(
            "value",
            "number",
            "Observed over expected, or percent of it",
            minimum=0,
            suppressed_with=("patients", "observed"),
        ),
        Column(
            "facilities_observed",
            "number",
            "Of all: observed events of the measure's facilities; null where they have no sums",
            suppressed_with=("patients", "observed"),
        ),
        Column(
            "facilities_expected",
            "number",
            "Of all: expected events of the measure's facilities",
            suppressed_with=("patients", "observed"),
        ),
    ),
    rules=(
        Rule(
            "observed events are the facilities'",
            "abs(observed - facilities_observed) <= 1e-6 * (1 + facilities_observed)",
        ),
        Rule(
            "expected events are the facilities'",
            "abs(expected - facilities_expected) <= 1e-6 * (1 + facilities_expected)",
        ),
        Rule("a percentage is of a part", "kind = 'ratio' OR observed <= expected"),
    ),
    totals=(Total(over=("stratum",), row={"dimension": "all", "stratum": "all"}),),
)

TOPICS = (
    "incident",
    "prevalent",
    "modality",
    "years of ESRD",
    "at home under 90 days",
    "at home from 90 days",
    "waitlisted",
    "transplanted",
    "died",
)

WHOLE_TOPICS = ("modality", "years of ESRD")
"""Topics whose classes together are their base."""

COHORT = Table(
    name="report.cohort",
    grain="one class of one topic: patients of the nation, a Network or a state, by one program's"
    " rules",
    source="treatment history, first service dates, transplants, deaths, waitlist; reading 199",
    key=("program", "level", "group_name", "topic", "category"),
    is_compared=False,
    columns=(
        PROGRAM,
        Column(
            "level", "text", "Kind of group", required=True, allowed=(NATION, "network", "state")
        ),
        Column(
            "group_name",
            "text",
            "nation; the Network's number; the state; unknown where no facility has treated them",
            required=True,
        ),
        Column(
            "topic",
            "text",
            "incident, transplanted, died: in the year; the others: at its end, of these years of"
            " ESRD, at home and waitlisted: patients on dialysis",
            required=True,
            allowed=TOPICS,
        ),
        Column(
            "category",
            "text",
            "all; the modality; the time since the first service date; the donor; the state in"
            " which they died",
            required=True,
        ),
        YEAR,
        Column(
            "patients",
            "integer",
            "Patients",
            required=True,
            minimum=0,
            counts="patients",
            out_of="base_patients",
            suppressed_with=("base_patients",),
        ),
        Column(
            "base_patients",
            "integer",
            "Of whom: with ESRD in the year, on dialysis or a transplant (modality), on dialysis",
            required=True,
            minimum=1,
            counts="patients",
        ),
        Column(
            "share",
            "number",
            "Patients over the base",
            required=True,
            minimum=0,
            maximum=1,
            suppressed_with=("patients", "base_patients"),
        ),
    ),
    rules=(Rule("no class is larger than its base", "patients <= base_patients"),),
    totals=(
        *(
            Total(
                over=("level", "group_name"),
                among={"level": level},
                row={"level": NATION, "group_name": NATION},
            )
            for level in ("network", "state")
        ),
        *(
            Total(
                over=("category",),
                among={"topic": topic},
                column="base_patients",
                counts=("patients",),
            )
            for topic in WHOLE_TOPICS
        ),
    ),
)

TABLES = (TREND, STRATUM, COHORT)
