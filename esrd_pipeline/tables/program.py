"""Program tables: flags, QIP scores with everything they are computed from, and star ratings."""

from esrd_pipeline.tables.facility import CATEGORIES, CCN, MEASURE, OF_FEW, REASON_NUMBER, YEAR
from esrd_pipeline.tables.model import Column, Rule, Table

PAYMENT_YEAR = Column("payment_year", "integer", "Year the payment is reduced", required=True)
RULE_SET = Column(
    "rule_set",
    "text",
    "Rule set of the payment year: default, or the one the run named; null where there is none",
)
DOMAIN = Column("domain", "text", "QIP domain", required=True)
_OF_FEW = ("unit_count", *OF_FEW)


def _unit_count(description: str) -> Column:
    return Column(
        "unit_count",
        "number",
        description,
        minimum=0,
        counts="patients",
        counts_where=("unit", "patients"),
        suppressed_with=OF_FEW,
    )


FLAGS = Table(
    name="program.flags",
    grain="one facility and flagged DFC measure",
    source="manual 2.2.14, 2.10.14, 2.13.16, 2.14.15, 2.15.15, 2.16.15, 2.25.17, 2.26.15, 2.27.15",
    key=("ccn", "measure"),
    columns=(
        CCN,
        YEAR,
        MEASURE,
        _unit_count("Units compared with the minimum size"),
        Column("value", "number", "Ratio or rate", minimum=0, suppressed_with=_OF_FEW),
        Column("lower", "number", "Lower 95% limit", minimum=0, suppressed_with=_OF_FEW),
        Column("upper", "number", "Upper 95% limit", minimum=0, suppressed_with=_OF_FEW),
        Column("reference", "number", "Reference of the flag: 1 or the national rate"),
        Column(
            "method",
            "text",
            "What the category is decided by",
            required=True,
            allowed=("interval", "p_value", "wald_z"),
        ),
        Column("category", "text", "Better, as or worse than expected", allowed=CATEGORIES),
        Column("published_category", "text", "The category CMS published", allowed=CATEGORIES),
        Column("unit", "text", "What unit_count counts"),
        Column("reason", "text", "Why there is no category; null where there is one"),
        REASON_NUMBER,
    ),
    rules=(Rule("a row has a category or a reason", "(category IS NULL) = (reason IS NOT NULL)"),),
)

QIP_STANDARD = Table(
    name="program.qip_standard",
    grain="one clinical measure or survey component of the payment year",
    source="manual 4.1.1, 4.1.2, Table 19",
    key=("measure",),
    columns=(
        YEAR,
        PAYMENT_YEAR,
        RULE_SET,
        MEASURE,
        Column("direction", "text", "Which way is better", allowed=("higher", "lower")),
        Column("precision", "integer", "Decimals of the published rate", minimum=0, maximum=6),
        Column("achievement_threshold", "number", "15th percentile of baseline performance"),
        Column("performance_standard", "number", "50th percentile of baseline performance"),
        Column("benchmark", "number", "90th percentile of baseline performance"),
        Column("facility_count", "integer", "Facilities behind the percentiles", minimum=0),
        Column("standard_source", "text", "`computed from YYYY` or `published: citation`"),
        Column(
            "small_facility_benchmark",
            "number",
            "90th percentile of performance-period performance, unrounded: B of manual 4.1.1",
        ),
        Column(
            "reason",
            "text",
            "Why there is no standard; null where there is one",
            allowed=("no_baseline_facilities", "too_few_facilities_for_percentiles"),
        ),
        REASON_NUMBER,
    ),
)

QIP_MEASURE_SCORE = Table(
    name="program.qip_measure_score",
    grain="one facility and measure, topic component or survey component",
    source="manual 4.1, 2.8.13, 2.17, 2.19.9, 2.20.10, 2.22.10, 2.23.10, 2.24.10",
    key=("ccn", "measure"),
    columns=(
        CCN,
        YEAR,
        PAYMENT_YEAR,
        RULE_SET,
        MEASURE,
        DOMAIN,
        Column(
            "role",
            "text",
            "measure: has a weight in its domain; component: counts only through its parent",
            required=True,
            allowed=("measure", "component"),
        ),
        Column("parent", "text", "The topic or survey measure a component belongs to"),
        _unit_count("Units of the performance period"),
        Column("unit", "text", "What unit_count counts"),
        Column(
            "rate",
            "number",
            "Performance-period rate at published precision; one that CMS printed is adjusted",
            suppressed_with=_OF_FEW,
        ),
        Column(
            "adjusted_rate",
            "number",
            "Rate after our small facility adjustment (4.1.1)",
            suppressed_with=_OF_FEW,
        ),
        Column(
            "improvement_rate",
            "number",
            "The facility's rate of the year before",
            suppressed_with=_OF_FEW,
        ),
        Column("improvement_source", "text", "Source of the earlier rate"),
        Column("achievement_threshold", "number", "Standard used"),
        Column("benchmark", "number", "Standard used"),
        Column("small_facility_benchmark", "number", "B of 4.1.1, where the adjustment applied"),
        Column("achievement_score", "integer", "0 to 10", minimum=0, maximum=10),
        Column("improvement_score", "integer", "0 to 9", minimum=0, maximum=9),
        Column(
            "applied",
            "text",
            "What gave the score",
            allowed=("achievement", "improvement", "reporting", "components", "published"),
        ),
        Column("unrounded_score", "number", "Score before rounding", minimum=-2, maximum=10),
        Column("score", "integer", "The measure's score", minimum=0, maximum=10),
        Column("weight_in_parent", "number", "Share in its topic or survey", minimum=0, maximum=1),
        Column("weight_in_domain", "number", "As applied, 4 decimals shown", minimum=0, maximum=1),
        Column("reason", "text", "Why there is no score; null where there is one"),
        REASON_NUMBER,
    ),
    rules=(Rule("a row has a score or a reason", "(score IS NULL) = (reason IS NOT NULL)"),),
)

QIP_DOMAIN_SCORE = Table(
    name="program.qip_domain_score",
    grain="one facility and domain",
    source="manual 4.2.1 to 4.2.8, Tables 20 to 27",
    key=("ccn", "domain"),
    columns=(
        CCN,
        YEAR,
        PAYMENT_YEAR,
        RULE_SET,
        DOMAIN,
        Column("nominal_weight", "number", "Share of the TPS by rule", minimum=0, maximum=1),
        Column(
            "weight",
            "number",
            "Share of the TPS as applied, 4 decimals shown",
            minimum=0,
            maximum=1,
        ),
        Column("measure_count", "integer", "Measures in the domain", minimum=0),
        Column("scored_count", "integer", "Measures with a score", minimum=0),
        Column(
            "score",
            "number",
            "Domain score as shown, with weights of 4 decimals; the TPS is summed from exact ones",
            minimum=0,
            maximum=100.1,
        ),
        Column("working", "text", "The sum written out, with the weights shown"),
        Column(
            "reason",
            "text",
            "Why there is no score; null where there is one",
            allowed=("no_measure_scored", "score_not_printed"),
        ),
    ),
    rules=(Rule("a row has a score or a reason", "(score IS NULL) = (reason IS NOT NULL)"),),
)

QIP_TPS = Table(
    name="program.qip_tps",
    grain="one facility",
    source="manual 4.2.6 to 4.3, Table 28",
    key=("ccn",),
    columns=(
        CCN,
        YEAR,
        PAYMENT_YEAR,
        RULE_SET,
        Column("scored_domain_count", "integer", "Domains with a score", minimum=0),
        Column("unrounded_tps", "number", "Before rounding, exact", minimum=0, maximum=100),
        Column("tps", "integer", "Total Performance Score", minimum=0, maximum=100),
        Column("minimum_tps", "integer", "Lowest TPS without a reduction", minimum=0, maximum=100),
        Column("payment_reduction", "number", "Percent of payments", minimum=0, maximum=2),
        Column(
            "working",
            "text",
            "Exact weight x exact score of each domain, as fractions where decimals would not be"
            " exact; without a TPS what is scored",
        ),
        Column(
            "reason",
            "text",
            "Why there is no TPS; null where there is one",
            allowed=(
                "no_rule_set",
                "required_domain_not_scored",
                "score_not_printed",
                "too_few_scored_domains",
            ),
        ),
        REASON_NUMBER,
    ),
    rules=(
        Rule("a row has a TPS or a reason", "(tps IS NULL) = (reason IS NOT NULL)"),
        Rule(
            "without a TPS there is no reduction, and one that is not known has none that is",
            "tps IS NOT NULL OR coalesce(payment_reduction, 0) = 0",
        ),
        Rule(
            "a reduction is not known where the TPS is not, or the year has no rules",
            "(payment_reduction IS NULL)"
            " = (coalesce(reason, '') IN ('score_not_printed', 'no_rule_set'))",
        ),
    ),
)

STAR_BASELINE = Table(
    name="program.star_baseline",
    grain="one element of a stored baseline: a scoring pass, a probit point, a cut-off, a level",
    source="manual 5.6.1, 5.8.1, 5.9",
    key=("element", "measure", "position"),
    columns=(
        YEAR,
        Column(
            "operation",
            "text",
            "Operation that made this baseline",
            required=True,
            allowed=("reset", "rebaseline"),
        ),
        Column("measure_set", "text", "Set of measures, e.g. 2023-10", required=True),
        Column(
            "element",
            "text",
            "pass: mean (value) and sd (score) of one truncation pass; probit: value and its score;"
            " cutoff: lowest final score of a rating; count: facilities of a rating;"
            " national: the measure's national level",
            required=True,
            allowed=("pass", "probit", "cutoff", "count", "national"),
        ),
        Column("measure", "text", "Measure, or final_score", required=True),
        Column("position", "integer", "Order within the element", required=True, minimum=0),
        Column("value", "number", "See element"),
        Column("score", "number", "See element"),
    ),
    minimum_rows=1,
)

STAR_ADJUSTMENT = Table(
    name="program.star_adjustment",
    grain="one standardized ratio of the star rating",
    source="manual 5.6.2.2",
    key=("measure",),
    columns=(
        YEAR,
        MEASURE,
        Column("baseline_year", "integer", "Year of the baseline read", required=True),
        Column("factor", "number", "Multiplies this year's ratios", minimum=0),
        Column(
            "factor_source",
            "text",
            "Source of the factor",
            required=True,
            allowed=("baseline model", "national crude rates", "same year"),
        ),
    ),
)

STAR_MEASURE_SCORE = Table(
    name="program.star_measure_score",
    grain="one rated facility and star measure",
    source="manual 5.6, 5.7.3",
    key=("ccn", "measure"),
    columns=(
        CCN,
        YEAR,
        MEASURE,
        Column("domain", "integer", "Star domain 1 to 4", required=True, minimum=1, maximum=4),
        Column(
            "value",
            "number",
            "Measure's value (ratio or percent)",
            minimum=0,
            suppressed_with=OF_FEW,
        ),
        Column(
            "adjusted_value",
            "number",
            "Value times the adjustment factor",
            minimum=0,
            suppressed_with=OF_FEW,
        ),
        Column("score", "number", "Higher is better", required=True, minimum=-3, maximum=3),
        Column(
            "is_imputed", "boolean", "Value missing: the score is the period's mean", required=True
        ),
    ),
)

STARS = Table(
    name="program.stars",
    grain="one facility",
    source="manual 5.7, 5.8",
    key=("ccn",),
    columns=(
        CCN,
        YEAR,
        Column("baseline_year", "integer", "Year of the baseline read"),
        Column("measure_set", "text", "Set of measures"),
        Column("is_peritoneal_only", "boolean", "Rated without the vascular access domain"),
        Column("domain_1", "number", "Outcomes: SMR, SHR, SRR, STrR"),
        Column("domain_2", "number", "Vascular access: SFR, long-term catheter"),
        Column("domain_3", "number", "Total Kt/V, hypercalcemia"),
        Column("domain_4", "number", "Waitlisting: PPPW, SWR"),
        Column("final_score", "number", "Weighted mean of the domain scores"),
        Column("rating", "integer", "Stars", minimum=1, maximum=5),
        Column("published_rating", "integer", "Stars CMS published", minimum=1, maximum=5),
        Column("reason", "text", "Why there is no rating; null where there is one"),
    ),
    rules=(Rule("a row has a rating or a reason", "(rating IS NULL) = (reason IS NOT NULL)"),),
)

TABLES = (
    FLAGS,
    QIP_STANDARD,
    QIP_MEASURE_SCORE,
    QIP_DOMAIN_SCORE,
    QIP_TPS,
    STAR_BASELINE,
    STAR_ADJUSTMENT,
    STAR_MEASURE_SCORE,
    STARS,
)
