"""Report tables: summaries for readers, most of them drawn from the program tables."""

from esrd_pipeline.tables.facility import CCN, FILE_NAME, MEASURE, PROGRAM, REASON_NUMBER, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table, Total

STAR_PROFILE = Table(
    name="report.star_profile",
    grain="one star rating and measure (or final_score)",
    source="manual 5.8.2, Table 29",
    key=("rating", "measure"),
    columns=(
        YEAR,
        Column("rating", "integer", "Stars", required=True, minimum=1, maximum=5),
        MEASURE,
        Column("facility_count", "integer", "Facilities with this rating", minimum=0),
        Column("facility_share", "number", "Share of rated facilities", minimum=0, maximum=1),
        Column("mean", "number", "Mean value among those with one"),
    ),
)

STAR_FACTOR = Table(
    name="report.star_factor",
    grain="one star measure and factor",
    source="manual 5.7.1",
    key=("measure", "factor"),
    columns=(
        YEAR,
        MEASURE,
        Column("factor", "integer", "Rotated factor, in order of variance", required=True),
        Column("domain", "integer", "Domain the rule set gives the measure", required=True),
        Column("loading", "number", "Rotated loading", required=True, minimum=-1.5, maximum=1.5),
        Column("communality", "number", "Variance the factors share", minimum=0, maximum=1.001),
        Column("is_largest", "boolean", "The measure's largest loading", required=True),
    ),
)

KIND = Column(
    "kind",
    "text",
    "Kind of result; applied: achievement or improvement",
    required=True,
    allowed=("flag", "score", "applied", "domain", "tps", "reduction", "star"),
)

PUBLISHED_AGREEMENT = Table(
    name="report.published_agreement",
    grain="one program, measure and kind of result: ours compared with the one CMS published; a"
    " measure's results of a year are in one file, which is named",
    source="program tables and facility.published_result",
    key=("program", "measure", "kind"),
    columns=(
        YEAR,
        PROGRAM,
        MEASURE,
        KIND,
        FILE_NAME,
        Column("compared_count", "integer", "Facilities with both results", minimum=0),
        Column("equal_count", "integer", "Of them, equal", minimum=0),
        Column("within_one_count", "integer", "Of them, within one point or star", minimum=0),
        Column(
            "decided_count",
            "integer",
            "Of those compared, where the file's digits and scores leave one result",
            minimum=0,
        ),
        Column("decided_equal_count", "integer", "Of these, equal", minimum=0),
        Column("only_ours_count", "integer", "Only we have a result", minimum=0),
        Column("only_published_count", "integer", "Only CMS has a result", minimum=0),
    ),
)

AGREEMENT_DIFFERENCE = Table(
    name="report.agreement_difference",
    grain="one published result of a facility that differs from ours, or that one of us lacks",
    source="program tables and facility.published_result; causes: parameters/reason.csv",
    key=("program", "measure", "kind", "ccn"),
    is_compared=False,
    columns=(
        CCN,
        YEAR,
        PROGRAM,
        MEASURE,
        KIND,
        Column("ours", "text", "Our result; null where we have none"),
        Column("theirs", "text", "CMS's result; null where it published none"),
        Column("difference", "number", "Ours minus CMS's; categories are -1, 0 and 1"),
        Column(
            "reason",
            "text",
            "Likely cause; where one of us has no result, that one's reason",
            required=True,
        ),
        REASON_NUMBER,
    ),
    rules=(Rule("one of us has a result", "ours IS NOT NULL OR theirs IS NOT NULL"),),
)

VALUE_SET_COVERAGE = Table(
    name="report.value_set_coverage",
    grain="one group of codes of one value set, or the codes that are in none of its groups",
    source="parameters/*.csv and raw.claim; manual 2.1.10, 2.2.14, 2.13.13",
    key=("value_set", "code_group"),
    columns=(
        Column("value_set", "text", "Parameter file, and which of its lists", required=True),
        Column("code_group", "text", "Group, no group, or younger than the map", required=True),
        YEAR,
        Column("kind", "text", "Kind of codes", required=True, allowed=("diagnosis", "procedure")),
        Column("code_count", "integer", "Codes in the group", minimum=0),
        Column("seen_count", "integer", "Of them, on claims of the year", required=True, minimum=0),
        Column(
            "claim_count",
            "integer",
            "Claims with them; null for 1 to 10",
            minimum=0,
            counts="events",
        ),
    ),
)

EVENT_KINDS = (
    "admission",
    "discharge",
    "readmission",
    "emergency_after_discharge",
    "transfusion",
    "emergency_encounter",
    "death",
    "waitlisting",
    "switch",
)

EVENT_ACCOUNT = Table(
    name="report.event_account",
    grain="one outcome of the events of one kind and month, by measure and program",
    source="manual 2.10.8, 2.10.10, 2.11.8, 2.11.11, 2.12.11, 2.13.11, 2.14.11, 2.15.11, 2.25.10,"
    " 2.26.10, 2.26.11, 2.27.11",
    key=("measure", "program", "kind", "month", "outcome"),
    columns=(
        MEASURE,
        PROGRAM,
        Column("kind", "text", "Kind of event", required=True, allowed=EVENT_KINDS),
        Column(
            "month",
            "date",
            "First day of the month of the events; of the discharge, where they follow one",
            required=True,
        ),
        Column(
            "outcome",
            "text",
            "counted, not_in_cohort (nobody's day), or a code of reason.csv",
            required=True,
        ),
        YEAR,
        Column(
            "event_count",
            "integer",
            "Events with this outcome",
            required=True,
            minimum=0,
            counts="events",
        ),
        Column(
            "found_count",
            "integer",
            "Events of the year in history",
            required=True,
            counts="events",
        ),
        Column(
            "accounted_count",
            "integer",
            "Events of the year in cohorts or outside",
            required=True,
            suppressed_with=("found_count",),
        ),
        Column(
            "share_of_usual",
            "number",
            "Events of the month over those of the mean month",
            suppressed_with=("event_count", "found_count"),
        ),
    ),
    rules=(Rule("every event found has one outcome", "found_count = accounted_count"),),
    totals=(
        Total(over=("month", "outcome"), column="found_count", counts=("event_count",)),
        # The events of a month follow from its share of the mean month.
        Total(over=("outcome",), counts=("event_count",)),
    ),
)

SHR_VALIDITY = Table(
    name="report.shr_validity",
    grain="one measure compared with SHR",
    source="2025 submission of CBE 1463, validity",
    # A year's p-values and correlations say nothing of another's.
    is_compared=False,
    key=("measure",),
    columns=(
        MEASURE,
        YEAR,
        Column("rho", "number", "Spearman's correlation with SHR", minimum=-1, maximum=1),
        Column("p_value", "number", "Two-sided", minimum=0, maximum=1),
        Column("facility_count", "integer", "Facilities with both", required=True, minimum=0),
        Column("expected_sign", "integer", "Sign the submission expects", required=True),
        Column("published_rho", "number", "Correlation it reports for 2023", required=True),
    ),
)

READING = Table(
    name="report.reading",
    grain="one place where the manual is unclear",
    source="parameters/reading.csv",
    key=("number",),
    columns=(
        Column("number", "integer", "Number it is cited by", required=True, minimum=1),
        Column("topic", "text", "What it belongs to", required=True),
        Column("section", "text", "Sections of the manual; none for another document"),
        Column("title", "text", "What it is about", required=True),
        Column("reading", "text", "How the place is understood", required=True),
        Column("why", "text", "The reason, where the reading does not give it itself"),
        Column("files", "text", "Files that apply it, separated by spaces"),
        Column("citation", "text", "Documents it rests on", required=True),
    ),
    minimum_rows=1,
)

INTAKE_OUTCOMES = ("passes", "warns", "fails", "information", "no_year_before", "few_rows")

INTAKE = Table(
    name="report.intake",
    grain="one question asked of one raw table, by setting and column",
    source="the year's patient-level files; limits of parameters/intake_limit.csv",
    key=("table_name", "setting", "kind", "column_name"),
    # Its rows themselves compare with the year before.
    is_compared=False,
    columns=(
        Column("table_name", "text", "Raw table", required=True),
        Column("setting", "text", "Setting of its rows; empty for all", required=True),
        Column("kind", "text", "Kind of question", required=True),
        Column("column_name", "text", "Column; empty for whole rows", required=True),
        YEAR,
        Column(
            "row_count",
            "integer",
            "Rows asked; of rows_lost and rows_gained, those of the year before",
            minimum=0,
        ),
        Column("concerned_count", "integer", "Rows concerned", required=True, minimum=0),
        Column("share", "number", "Rows concerned over rows asked", minimum=0),
        Column("share_before", "number", "The share of the year before", minimum=0),
        Column("warn_limit", "number", "Share, or fall of it, beyond which it warns"),
        Column("fail_limit", "number", "Share, or fall of it, beyond which the step fails"),
        Column("outcome", "text", "Outcome", required=True, allowed=INTAKE_OUTCOMES),
    ),
    rules=(Rule("no answer is beyond the limit that fails", "outcome <> 'fails'"),),
)

TABLES = (
    STAR_PROFILE,
    STAR_FACTOR,
    PUBLISHED_AGREEMENT,
    AGREEMENT_DIFFERENCE,
    VALUE_SET_COVERAGE,
    EVENT_ACCOUNT,
    SHR_VALIDITY,
    READING,
    INTAKE,
)
