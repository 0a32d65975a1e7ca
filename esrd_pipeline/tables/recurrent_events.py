"""Cohort tables of SHR, STrR and SEDR: rows of their models, and days that are not at risk."""

from esrd_pipeline.tables.facility import PROGRAM, YEAR
from esrd_pipeline.tables.history import (
    END,
    IN_ORDER,
    NOT_ATTRIBUTED,
    OF_A_FACILITY,
    OF_A_PATIENT,
    START,
)
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Rule, Table

EXCEPTION = "extraordinary_circumstances_exception"
UNOBSERVABLE = "month_not_observable_in_claims"
ADULTS_IN_TRADITIONAL_MEDICARE = (
    "date_of_birth_unknown",
    "under_18_years",
    "medicare_advantage",
    UNOBSERVABLE,
)
NOT_AT_RISK = {
    "shr": (*NOT_ATTRIBUTED, EXCEPTION, "date_of_birth_unknown", UNOBSERVABLE),
    "shr_submission": (
        *NOT_ATTRIBUTED,
        EXCEPTION,
        "date_of_birth_unknown",
        "under_18_years",
        UNOBSERVABLE,
    ),
    "strr": (
        *NOT_ATTRIBUTED,
        EXCEPTION,
        *ADULTS_IN_TRADITIONAL_MEDICARE,
        "within_year_of_excluded_condition",
    ),
    "sedr": (*NOT_ATTRIBUTED, *ADULTS_IN_TRADITIONAL_MEDICARE, "hospice_in_month"),
}
"""Why a day of a patient with ESRD is not in any facility's measure, in the order of the rules."""

PERIOD = Column("period", "integer", "Order of the patient's periods", required=True, minimum=1)


def _flag(name: str, text: str) -> Column:
    return Column(name, "boolean", text, required=True)


def _stage(name: str, text: str) -> Column:
    return Column(name, "integer", text, required=True, minimum=0, maximum=3)


DAYS = Table(
    name="cohort.days",
    grain="one segment of one patient's days in the year in which no column changes",
    source="manual 2.12.9 to 2.12.13, 2.13.9 to 2.13.13, 2.25.9 to 2.25.13, 3.4",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column(
            "attribution_start", "date", "First day in the year of the attribution", required=True
        ),
        Column("ccn", "text", "Facility it is attributed to; null where none"),
        Column(
            "reason",
            "text",
            "Why it is not attributed; null where it is",
            allowed=NOT_ATTRIBUTED,
        ),
        Column("interval", "integer", "Duration of ESRD, from 0", minimum=0, maximum=5),
        Column("is_adult", "boolean", "18 or older; null where birth is unknown"),
        _flag("is_ma", "Medicare Advantage in the month"),
        _flag("is_covered", "Month covered by Medicare claims"),
        _flag("is_observable", "Covered, or Medicare Advantage"),
        _flag("is_exception", "Month of an exception of the facility (QIP)"),
    ),
    rules=(
        IN_ORDER,
        Rule("a day is attributed or has a reason", "(ccn IS NULL) = (reason IS NOT NULL)"),
    ),
    segments_of=("program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)


def days_table(measure: str, events: str, source: str) -> Table:
    """Return the table of the year's days by one measure's rules."""
    return Table(
        name=f"cohort.{measure}_days",
        grain="one segment of one patient's days in the year: at risk, within a month, or why not",
        source=source,
        key=("program", "patient_id", "start_date"),
        columns=(
            PROGRAM,
            PATIENT,
            START,
            END,
            YEAR,
            Column("ccn", "text", "Facility it is attributed to; null where none"),
            PERIOD,
            Column("interval", "integer", "Duration of ESRD, from 0", minimum=0, maximum=5),
            _stage("covid_stage", "0 none, 1 to 3, as the measure counts them"),
            _flag("is_ma", "Medicare Advantage in the month"),
            Column("days", "integer", "Days", required=True, minimum=1, maximum=366),
            Column(
                "reason",
                "text",
                "Why not at risk, by the first rule that applies; null where at risk",
                allowed=NOT_AT_RISK[measure],
            ),
            Column("events", "integer", f"{events} in these days", required=True, minimum=0),
            Column(
                "uncounted_events",
                "integer",
                "Of these, those the measure does not count (SHR: index COVID-19 stays)",
                required=True,
                minimum=0,
            ),
        ),
        rules=(IN_ORDER,),
        segments_of=("program", "patient_id"),
        references=(OF_A_PATIENT, OF_A_FACILITY),
    )


SHR_DAYS = days_table("shr", "Stays that began", "manual 2.13.9 to 2.13.11, 3.4")
SHR_SUBMISSION_DAYS = days_table(
    "shr_submission", "Stays that began", "2025 submission of CBE 1463, denominator; manual 3.4"
)
STRR_DAYS = days_table("strr", "Transfusions", "manual 2.12.7 to 2.12.12, Figure 14, 3.4")
SEDR_DAYS = days_table(
    "sedr", "Emergency encounters that began", "manual 2.25.9 to 2.25.13, Figure 27"
)

MA_SHARE = Column(
    "ma_share",
    "number",
    "Share of the days at risk in Medicare Advantage; or 0, 1 (submission)",
    required=True,
)
COVID_STAGE = _stage("covid_stage", "Stage after COVID-19: 0 none, 1 to 3")
COVERED_MONTHS = Column(
    "covered_months",
    "integer",
    "Months of the year before in which Medicare could see conditions",
    required=True,
    minimum=0,
    maximum=12,
)


def cohort_table(measure: str, source: str, *facts: Column) -> Table:
    """Return the table of a measure's person-periods, with its facts as of their first day."""
    return Table(
        name=f"cohort.{measure}",
        grain="one period at risk of one patient at one facility in one interval",
        source=source,
        key=("program", "patient_id", "period"),
        columns=(
            PROGRAM,
            PATIENT,
            PERIOD,
            YEAR,
            Column("ccn", "text", "Facility it is attributed to", required=True),
            START,
            Column("interval", "integer", "Duration of ESRD", required=True, minimum=0, maximum=5),
            Column(
                "days_at_risk", "integer", "Days at risk", required=True, minimum=1, maximum=366
            ),
            Column("event_count", "integer", "Events counted", required=True, minimum=0),
            Column("age", "integer", "Completed years", required=True),
            *facts,
            Column(
                "nursing_home_days",
                "integer",
                "Days in nursing homes in the 365 before",
                required=True,
                minimum=0,
                maximum=365,
            ),
        ),
        references=(OF_A_PATIENT, OF_A_FACILITY),
    )


SHR = cohort_table(
    "shr",
    "manual 2.13.10.1, 2.13.11, 2.13.13",
    MA_SHARE,
    COVID_STAGE,
    COVERED_MONTHS,
)
SHR_SUBMISSION = cohort_table(
    "shr_submission",
    "2025 submission of CBE 1463, denominator and risk adjustment",
    MA_SHARE,
    COVERED_MONTHS,
)
STRR = cohort_table("strr", "manual 2.12.12, 2.12.13", COVID_STAGE)
SEDR = cohort_table("sedr", "manual 2.25.13, 2.25.14", COVERED_MONTHS)
COHORTS = {"shr": SHR, "shr_submission": SHR_SUBMISSION, "strr": STRR, "sedr": SEDR}

TABLES = (DAYS, SHR_DAYS, SHR_SUBMISSION_DAYS, STRR_DAYS, SEDR_DAYS, *COHORTS.values())
