"""Facility tables: the contract of every measure's results, and the directory of facilities."""

from esrd_pipeline.tables.model import Column, Rule, Table

CCN = Column("ccn", "text", "CMS Certification Number, zeros and letters kept", required=True)
YEAR = Column(
    "performance_year",
    "integer",
    "Calendar year whose care is measured",
    required=True,
    minimum=2000,
    maximum=2100,
)
MEASURE = Column("measure", "text", "Measure's short name, e.g. shr", required=True)
PROGRAM = Column(
    "program",
    "text",
    "Dialysis Facility Measures (dfc) or ESRD Quality Incentive Program (qip)",
    required=True,
    allowed=("dfc", "qip"),
)
REASON_NUMBER = Column(
    "reason_number", "number", "Number that belongs to the reason, e.g. the minimum size"
)
CATEGORIES = ("better", "as", "worse")

OF_FEW = ("facility.contract",)
"""Suppressed where the contract's row of the facility and measure rests on few patients."""
_OF_FEW = ("patients", "unit_count", *OF_FEW)

_VALUE_UNIT = "by program and measure: value_unit of facility.contract"
_RATE_UNIT = "by measure: rate_unit of facility.contract"

CONTRACT_COLUMNS: tuple[Column, ...] = (
    CCN,
    YEAR,
    PROGRAM,
    MEASURE,
    Column(
        "unit_count",
        "number",
        "Units the value is computed from",
        unit="what the column unit says",
        minimum=0,
        counts="patients",
        counts_where=("unit", "patients"),
        suppressed_with=("patients", *OF_FEW),
    ),
    Column("unit", "text", "What unit_count counts: patients, patient_years, discharges ..."),
    Column(
        "patients",
        "number",
        "Patients the value is computed from; null where not known",
        minimum=0,
        counts="patients",
        suppressed_with=("unit_count", *OF_FEW),
    ),
    Column(
        "numerator",
        "number",
        "Observed events, or the numerator of a proportion",
        minimum=0,
        suppressed_with=_OF_FEW,
    ),
    Column(
        "denominator",
        "number",
        "Expected events, or the denominator",
        minimum=0,
        suppressed_with=_OF_FEW,
    ),
    Column(
        "value",
        "number",
        "The measure: a ratio, percent (dfc) or fraction (qip)",
        unit=_VALUE_UNIT,
        minimum=0,
        suppressed_with=_OF_FEW,
    ),
    Column(
        "rate",
        "number",
        "Ratio times the national rate, where one is defined",
        unit=_RATE_UNIT,
        minimum=0,
        suppressed_with=_OF_FEW,
    ),
    Column(
        "standard_error",
        "number",
        "Standard error of the value's log or logit",
        minimum=0,
        suppressed_with=_OF_FEW,
    ),
    Column(
        "lower",
        "number",
        "Lower 95% limit, in the unit of value",
        unit=_VALUE_UNIT,
        minimum=0,
        suppressed_with=_OF_FEW,
    ),
    Column(
        "upper",
        "number",
        "Upper 95% limit, in the unit of value",
        unit=_VALUE_UNIT,
        minimum=0,
        suppressed_with=_OF_FEW,
    ),
    Column(
        "p_value",
        "number",
        "Two-sided p-value",
        minimum=0,
        maximum=1,
        suppressed_with=_OF_FEW,
    ),
    Column(
        "z",
        "number",
        "z-score before the empirical null",
        suppressed_with=_OF_FEW,
    ),
    Column("z_null_mean", "number", "Mean of the empirical null"),
    Column("z_null_sd", "number", "Standard deviation of the empirical null", minimum=0),
    Column("category", "text", "Against the national level", allowed=CATEGORIES),
    Column("reportable", "boolean", "Whether the value may be published", required=True),
    Column("reason", "text", "Why it is not reportable: code of reason.csv; null where it is"),
    REASON_NUMBER,
    Column(
        "note",
        "text",
        "Note on how the numbers were computed; null where there is none",
        suppressed_with=_OF_FEW,
    ),
)
IS_ADJUSTED = Column(
    "is_adjusted",
    "boolean",
    "Whether the value has had its small facility adjustment (4.1.1): rates CMS prints for scoring",
    required=True,
)
CONTRACT_RULES: tuple[Rule, ...] = (
    Rule("a row is reportable or has a reason", "reportable = (reason IS NULL)"),
    Rule("lower limit is not above upper limit", "lower <= upper"),
)

PUBLISHED = Table(
    name="facility.published",
    grain="one facility, program and measure, as CMS published it",
    source="DFC facility file, Complete QIP file, ICH CAHPS facility file",
    key=("ccn", "program", "measure"),
    columns=(*CONTRACT_COLUMNS, IS_ADJUSTED),
    rules=CONTRACT_RULES,
)

PUBLISHED_IMPROVEMENT = Table(
    name="facility.published_improvement",
    grain="one facility and QIP measure: the year before, as published in this year's file",
    source="Complete QIP file, improvement period columns",
    key=("ccn", "program", "measure"),
    columns=(*CONTRACT_COLUMNS, IS_ADJUSTED),
    rules=CONTRACT_RULES,
)

NO_FILE = "no file"
"""In place of a file's name, of a measure whose file the year does not have."""
FILE_NAME = Column(
    "file_name", "text", f"The published file with CMS's result; `{NO_FILE}`", required=True
)

PUBLISHED_RESULT = Table(
    name="facility.published_result",
    grain="one facility, program and measure: the category, score or star CMS published",
    source="DFC facility file, Complete QIP file, ICH CAHPS facility file",
    key=("ccn", "program", "measure"),
    columns=(
        CCN,
        YEAR,
        PROGRAM,
        MEASURE,
        FILE_NAME,
        Column("category", "text", "Published category", allowed=CATEGORIES),
        Column("score", "number", "Published score, stars, TPS or payment reduction in percent"),
        Column(
            "score_applied",
            "text",
            "Which score the file states was applied",
            allowed=("achievement", "improvement"),
        ),
        Column("codes", "texts", "Availability code or footnote numbers, in published order"),
        Column("reason", "text", "What the codes mean: codes of reason.csv; null with a result"),
        REASON_NUMBER,
    ),
)

_DESCRIPTION = (
    Column("facility_name", "text", "Name as published"),
    Column("network", "integer", "ESRD Network", minimum=1, maximum=18),
    Column("city", "text", "City"),
    Column("state", "text", "Two-letter state or territory"),
    Column("zip_code", "text", "Postal code, zeros kept"),
    Column("county", "text", "County or parish"),
    Column("chain_organization", "text", "Chain, or Independent"),
    Column("is_profit", "boolean", "Operates for profit"),
    Column("station_count", "integer", "Dialysis stations", minimum=0),
    Column("has_in_center_hemodialysis", "boolean", "Offers in-center hemodialysis"),
    Column("has_peritoneal_dialysis", "boolean", "Offers peritoneal dialysis"),
    Column("has_home_hemodialysis_training", "boolean", "Trains for home hemodialysis"),
    Column("certification_date", "date", "CMS certification date"),
)
"""Facts of a facility other than its number."""

REGISTERED = Table(
    name="facility.registered",
    grain="one certification number on the list of either program",
    source="EQRS facility directory and services; the lists of manual 3.3",
    key=("ccn",),
    columns=(
        CCN,
        YEAR,
        *(column for column in _DESCRIPTION if column.name != "county"),
        Column("is_dfc", "boolean", "Receives Dialysis Facility Measures", required=True),
        Column("is_qip", "boolean", "Takes part in the QIP", required=True),
    ),
)

DIRECTORY = Table(
    name="facility.directory",
    grain="one facility of the year's files or of the programs' lists (facility.registered)",
    source="DFC facility file, Complete QIP file, EQRS: for each cell the first that has a value;"
    " the certification date from the QIP's list or file before the DFC file",
    key=("ccn",),
    columns=(
        CCN,
        YEAR,
        *_DESCRIPTION,
        Column(
            "has_dfc_row",
            "boolean",
            "In the DFC facility file; in a year without one, on the program's own list",
            required=True,
        ),
        Column(
            "has_qip_row",
            "boolean",
            "In the Complete QIP file; in a year without one, on the program's own list",
            required=True,
        ),
    ),
    minimum_rows=1,
)

_LEVEL = (
    YEAR,
    PROGRAM,
    MEASURE,
    Column("national", "number", "National value, in the unit of the published value"),
    Column("facility_count", "integer", "Facilities with a value", minimum=0),
    Column("better_count", "integer", "Facilities in the category better", minimum=0),
    Column("as_count", "integer", "Facilities in the category as expected", minimum=0),
    Column("worse_count", "integer", "Facilities in the category worse", minimum=0),
)
_PUBLISHED = ("published", "mean of facilities", "weighted mean of facilities")


def _source(*others: str) -> Column:
    text = "Source of the value"
    return Column("source", "text", text, required=True, allowed=(*_PUBLISHED, *others))


NATIONAL = Table(
    name="facility.national",
    grain="one program and measure, as CMS published it",
    source="DFC national file; where it has no value, the mean of the facilities",
    key=("program", "measure"),
    columns=(*_LEVEL, _source()),
)

LEVEL = Table(
    name="facility.level",
    grain="one program and measure",
    source="computed measures: their fits and facilities; others: facility.national",
    key=("program", "measure"),
    columns=(*_LEVEL, _source("computed")),
)

TABLES = (
    REGISTERED,
    PUBLISHED,
    PUBLISHED_IMPROVEMENT,
    PUBLISHED_RESULT,
    DIRECTORY,
    NATIONAL,
    LEVEL,
)
