"""Tables of the pages' trends, strata and cohorts: the nation, Networks, states, chains."""

from esrd_pipeline.tables.facility import MEASURE, PROGRAM, REASON_NUMBER, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table

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

TREND = Table(
    name="report.trend",
    grain="one program and measure of one group of facilities: the nation, a Network, a state, a"
    " chain, a facility",
    source="facility.contract, facility.level, facility.directory, program.flags; readings 195 and"
    " 196",
    key=("level", "group_name", "program", "measure"),
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
            "patients",
            "number",
            "Their patients, one of two facilities twice; null where not known",
            minimum=0,
        ),
        Column("numerator", "number", "Their observed events, or numerators", minimum=0),
        Column("denominator", "number", "Their expected events, or denominators", minimum=0),
        Column("value", "number", "Ratio, percent (dfc) or fraction or rate (qip)", minimum=0),
        Column("rate", "number", "Ratio times the national rate, where one is defined", minimum=0),
        Column("lower", "number", "Lower 95% limit, in the unit of value", minimum=0),
        Column("upper", "number", "Upper 95% limit, in the unit of value", minimum=0),
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
)

STRATUM = Table(
    name="report.stratum",
    grain="one program, measure and stratum of patients",
    source="the measures' cohorts and fits; readings 197 and 198",
    key=("program", "measure", "dimension", "stratum"),
    columns=(
        PROGRAM,
        MEASURE,
        Column("dimension", "text", "What divides them", required=True, allowed=DIMENSIONS),
        Column("stratum", "text", "Whose: all, a group, or unknown", required=True),
        YEAR,
        Column(
            "patients",
            "integer",
            "Patients, one of two years of a measure twice",
            required=True,
            minimum=1,
        ),
        Column("observed", "number", "Events counted, or numerators", required=True, minimum=0),
        Column(
            "expected",
            "number",
            "Events the measure's fit expects, or denominators",
            required=True,
            minimum=0,
        ),
        Column(
            "kind",
            "text",
            "What the value is: a ratio, or a percentage that is not adjusted",
            required=True,
            allowed=("ratio", "percentage"),
        ),
        Column("value", "number", "Observed over expected, or percent of it", minimum=0),
        Column("added_patients", "integer", "Of the dimension's strata together", required=True),
        Column("whole_patients", "integer", "Of the measure", required=True),
        Column("added_observed", "number", "Of the dimension's strata together", required=True),
        Column("whole_observed", "number", "Of the measure's facilities together"),
        Column("added_expected", "number", "Of the dimension's strata together", required=True),
        Column("whole_expected", "number", "Of the measure's facilities together"),
    ),
    rules=(
        Rule("patients of strata add up", "added_patients = whole_patients"),
        Rule(
            "observed events of strata add up to the facilities'",
            "abs(added_observed - whole_observed) <= 1e-6 * (1 + whole_observed)",
        ),
        Rule(
            "expected events of strata add up to the facilities'",
            "abs(added_expected - whole_expected) <= 1e-6 * (1 + whole_expected)",
        ),
        Rule("a percentage is of a part", "kind = 'ratio' OR observed <= expected"),
    ),
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

COHORT = Table(
    name="report.cohort",
    grain="one class of one topic: patients of the nation, a Network or a state, by one program's"
    " rules",
    source="treatment history, first service dates, transplants, deaths, waitlist; reading 199",
    key=("program", "level", "group_name", "topic", "category"),
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
        Column("patients", "integer", "Patients", required=True, minimum=1),
        Column(
            "base_patients",
            "integer",
            "Of whom: with ESRD in the year, on dialysis or a transplant (modality), on dialysis",
            required=True,
            minimum=1,
        ),
        Column("share", "number", "Patients over the base", required=True, minimum=0, maximum=1),
        Column("topic_patients", "integer", "Of the topic's classes together", required=True),
        Column("added_patients", "integer", "Of the level's groups together", required=True),
        Column("nation_patients", "integer", "Of the nation", required=True),
    ),
    rules=(
        Rule("groups of a level add up to the nation", "added_patients = nation_patients"),
        Rule("the nation is the nation", f"level <> '{NATION}' OR patients = nation_patients"),
        Rule(
            "modalities and years of ESRD add up to their patients",
            "topic NOT IN ('modality', 'years of ESRD') OR topic_patients = base_patients",
        ),
        Rule("no class is larger than its base", "topic_patients <= base_patients"),
    ),
)

TABLES = (TREND, STRATUM, COHORT)
