"""Explanations: one facility's measure patient by patient, for authorised readers only.

`reason` is the code of the rule that left a line out, so a line that counts has none: rules and
sums of these tables ask for that null. Why a line counts is the same for all lines of a table that
do, and stands in the column's description; the files of `esrd explain` print it on each line.
"""

from esrd_pipeline.tables.access import NOT_WAITING
from esrd_pipeline.tables.clinical import ACCESS_TYPES
from esrd_pipeline.tables.discharges import EXPLANATION as DISCHARGES
from esrd_pipeline.tables.facility import CCN, MEASURE, PROGRAM, YEAR
from esrd_pipeline.tables.history import END, IN_ORDER, START
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.tables.month_history import MONTH
from esrd_pipeline.tables.patient_months import PATIENT_MONTHS as COHORT_MONTHS
from esrd_pipeline.tables.patient_months import REASONS, YEARLY_REASONS
from esrd_pipeline.tables.recurrent_events import NOT_AT_RISK
from esrd_pipeline.tables.survival import SMOSR_NOT_AT_RISK, SMR_NOT_AT_RISK, SWR_NOT_AT_RISK

ELSEWHERE = "attributed_to_another_facility"
"""Reason for days that a facility treated but that are attributed to another."""


def _reason(text: str, *allowed: str) -> Column:
    return Column("reason", "text", text, allowed=tuple(dict.fromkeys(allowed)))


_IN_NUMERATOR = Column(
    "is_in_numerator",
    "boolean",
    "Adds one to the measure's numerator, good or bad; null where not counted",
)

REPORT_REASONS = (
    "no_report",
    "not_every_month_accurate",
    "infections_unknown",
    "no_whole_week_reported",
    "not_asked_for",
    "attested_too_few_patients",
    "survey_part_unanswered",
    "survey_not_administered",
)

RECURRENT_EVENTS = Table(
    name="explain.recurrent_events",
    grain="one segment of days of one patient treated by or attributed to one facility",
    source="manual 2.12.9 to 2.12.14, 2.13.9 to 2.13.14, 2.25.9 to 2.25.15",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        CCN,
        MEASURE,
        Column("period", "integer", "Order of the patient's periods", required=True, minimum=1),
        Column("days", "integer", "Days", required=True, minimum=1, maximum=366),
        _reason(
            "Why not in the facility's measure; null where counted: at risk at this facility",
            *(reason for reasons in NOT_AT_RISK.values() for reason in reasons),
            ELSEWHERE,
        ),
        Column("observed", "integer", "Events counted", required=True, minimum=0),
        Column("expected", "number", "Events expected in these days", minimum=0),
        Column("uncounted", "integer", "Events not counted", required=True, minimum=0),
    ),
    rules=(IN_ORDER,),
)

_SHOWN = (
    "is_whole",
    "age",
    "esrd_day",
    "modality",
    "frequency",
    "ktv",
    "ktv_source",
    "access_type",
    "catheter_months",
    "calcium",
    "sessions",
)
"""Columns of the cohort that decide whether a month is counted."""

PATIENT_MONTHS = Table(
    name="explain.patient_months",
    grain="one month of one patient whom one facility treated, by one measure's rules",
    source="manual 2.1, 2.3 to 2.8, 2.19",
    key=("program", "patient_id", "month"),
    columns=(
        PROGRAM,
        PATIENT,
        MONTH,
        YEAR,
        CCN,
        MEASURE,
        _reason(
            "Why not in the denominator; null where it is: no rule excludes the month", *REASONS
        ),
        _IN_NUMERATOR,
        *(column for column in COHORT_MONTHS.columns if column.name in _SHOWN),
    ),
    rules=(
        Rule(
            "a month is counted or has a reason", "(reason IS NULL) = (is_in_numerator IS NOT NULL)"
        ),
    ),
)

YEARLY = Table(
    name="explain.yearly",
    grain="one patient whom one facility treated in the year, by one measure's rules",
    source="manual 2.9, 2.18.6, 2.22 to 2.24",
    key=("program", "patient_id"),
    columns=(
        PROGRAM,
        PATIENT,
        YEAR,
        CCN,
        MEASURE,
        _reason(
            "Why not in the denominator; null where it is: no rule excludes the patient",
            *YEARLY_REASONS,
        ),
        _IN_NUMERATOR,
        Column("days", "integer", "Days there, without months of exceptions", required=True),
    ),
    rules=(
        Rule(
            "a patient is counted or has a reason",
            "(reason IS NULL) = (is_in_numerator IS NOT NULL)",
        ),
    ),
)

REPORTED = Table(
    name="explain.reported",
    grain="one quarter, month, domain or survey of one facility, by one measure's rules",
    source="manual 2.17, 2.18, 2.20 to 2.22",
    key=("program", "item"),
    columns=(
        PROGRAM,
        Column("item", "text", "Which report: a quarter, month, domain or survey", required=True),
        YEAR,
        CCN,
        MEASURE,
        Column("detail", "text", "Facts the numbers come from"),
        Column("numerator", "number", "Its part of the measure's numerator", minimum=0),
        Column("denominator", "number", "Its part of the measure's denominator", minimum=0),
        _reason("Why it is not in the measure; null where it is: it was reported", *REPORT_REASONS),
    ),
)

ACCESS = Table(
    name="explain.access",
    grain="one month of one patient whom one facility treated, by the rules of SFR or PPPW",
    source="manual 2.2, 2.16",
    key=("program", "patient_id", "month"),
    columns=(
        PROGRAM,
        PATIENT,
        MONTH,
        YEAR,
        CCN,
        MEASURE,
        _reason(
            "Why not in the denominator; null where it is: no rule excludes the month",
            *REASONS,
            *NOT_WAITING,
        ),
        _IN_NUMERATOR,
        Column("access_type", "text", "Access of the month (SFR)", allowed=ACCESS_TYPES),
        Column("age", "number", "Age on the month's last day (PPPW)", unit="years"),
    ),
    rules=(
        Rule(
            "a month is counted or has a reason", "(reason IS NULL) = (is_in_numerator IS NOT NULL)"
        ),
    ),
)

SURVIVAL = Table(
    name="explain.survival",
    grain="one segment of days of one patient treated by or attributed to one facility",
    source="manual 2.14.10 to 2.14.13, 2.15.10 to 2.15.13, 2.27.10 to 2.27.13",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        CCN,
        MEASURE,
        Column("days", "integer", "Days", required=True, minimum=1, maximum=366),
        _reason(
            "Why not in the facility's measure; null where counted: at risk at this facility",
            *SMR_NOT_AT_RISK,
            *SWR_NOT_AT_RISK,
            *SMOSR_NOT_AT_RISK,
            ELSEWHERE,
        ),
        Column("observed", "integer", "Event counted", required=True, minimum=0, maximum=1),
        Column("expected", "number", "Events expected in these days", minimum=0),
        Column("uncounted", "integer", "Event not counted", required=True, minimum=0, maximum=1),
    ),
    rules=(IN_ORDER,),
    segments_of=("program", "patient_id"),
)

ADJUSTERS = Table(
    name="explain.adjusters",
    grain="one adjuster that is not 0 of one row of one facility's cohort in one measure",
    source="the terms of the measure's specification, and its fit",
    key=("program", "patient_id", "row", "term"),
    columns=(
        PROGRAM,
        PATIENT,
        Column("row", "text", "Period, first day, stay or month", required=True),
        YEAR,
        CCN,
        MEASURE,
        Column("term", "text", "Adjuster", required=True),
        Column("value", "number", "What the patient has of it", required=True),
        Column("coefficient", "number", "The fit's; null where it dropped the adjuster"),
    ),
)

TABLES = (
    RECURRENT_EVENTS,
    PATIENT_MONTHS,
    YEARLY,
    REPORTED,
    ACCESS,
    SURVIVAL,
    DISCHARGES,
    ADJUSTERS,
)
