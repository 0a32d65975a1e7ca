"""Tables of times to an event: patient-records of SMR, SWR and SMoSR, and their inputs."""

from esrd_pipeline.tables.facility import MEASURE, PROGRAM, YEAR
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

MEASURES = ("smr", "swr", "smosr")
SMR_NOT_AT_RISK = (
    *NOT_ATTRIBUTED,
    "date_of_birth_unknown",
    "month_not_observable_in_claims",
)
"""Why a day of a patient with ESRD is not in any facility's SMR."""
SWR_NOT_AT_RISK = (
    "date_of_birth_unknown",
    "age_75_or_older",
    "in_nursing_home_at_first_dialysis",
    "in_hospice_at_first_dialysis",
    "waitlisted_before_dialysis",
    "transplanted_before_dialysis",
    "transplant",
    "after_withdrawal_or_recovery",
    "lost_to_follow_up",
    "not_treated_by_any_facility",
    "facility_unknown",
)
"""Why a day of the first year of dialysis is not in any facility's SWR."""
SMOSR_NOT_AT_RISK = (
    "date_of_birth_unknown",
    "under_18_years",
    "no_cms_2728",
    "after_first_hospice_claim",
    "before_first_in_center_day",
    "home_hemodialysis_in_nursing_home",
    *NOT_ATTRIBUTED,
)
"""Why a day of the first year of ESRD is not in any facility's SMoSR."""
NOT_FOLLOWED = tuple(
    dict.fromkeys(
        (
            *SMR_NOT_AT_RISK,
            *SWR_NOT_AT_RISK,
            *SMOSR_NOT_AT_RISK,
            "excluded_cause_of_death",
            "after_first_year",
            "after_first_event",
            "home_under_30_days",
            "follow_up_incomplete",
        )
    )
)
"""Why a death, waitlisting or arrival at home counts in no facility's SMR, SWR or SMoSR."""
_CLOCK_RULE = Rule("time at risk does not run backwards", "start_day <= stop_day")
_RISK_RULE = Rule("a counted row has time at risk", "reason IS NOT NULL OR start_day < stop_day")
_PLACED = Rule("a counted row has a facility", "reason IS NOT NULL OR ccn IS NOT NULL")
_AGED = Rule("a counted row has an age", "reason IS NOT NULL OR coalesce(age >= 0, FALSE)")


def _clock(since: str, most: int) -> tuple[Column, ...]:
    return (
        Column("start_day", "integer", f"Days before the first: {since}", required=True, minimum=0),
        Column(
            "stop_day",
            "integer",
            "Days up to and including the last",
            required=True,
            minimum=0,
            maximum=most,
        ),
        Column(
            "is_event",
            "integer",
            "Ends in the event: 1, else 0",
            required=True,
            minimum=0,
            maximum=1,
        ),
    )


def _age(when: str) -> Column:
    return Column("age", "integer", f"Completed years {when}; null where unknown")


COVID_PERIOD = Table(
    name="history.covid_period",
    grain="one segment of one patient's days within 90 of an inpatient diagnosis of COVID-19",
    source="manual 2.14.12",
    key=("patient_id", "start_date"),
    columns=(PATIENT, START, END, YEAR),
    rules=(IN_ORDER,),
    segments_of=("patient_id",),
)

SMR_DAYS = Table(
    name="cohort.smr_days",
    grain="one segment of one patient's days in the year within one record: at risk, or why not",
    source="manual 2.14.10, 2.14.11",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column("ccn", "text", "Facility it is attributed to; null where none"),
        Column("record", "integer", "Order of the patient's records", required=True, minimum=1),
        Column("is_covid", "boolean", "Within 90 days of inpatient COVID-19", required=True),
        Column("days", "integer", "Days", required=True, minimum=1, maximum=366),
        Column("ma_days", "integer", "Of these, in Medicare Advantage", required=True, minimum=0),
        Column("reason", "text", "Why not at risk; null where at risk", allowed=SMR_NOT_AT_RISK),
        Column(
            "death",
            "text",
            "Death on the last day; street drugs and accidents unrelated to treatment are excluded",
            allowed=("counted cause", "excluded cause"),
        ),
    ),
    rules=(IN_ORDER,),
    segments_of=("program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

SMR = Table(
    name="cohort.smr",
    grain="one segment of days at risk of one patient-record",
    source="manual 2.14.10.4, 2.14.12, 2.14.13",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        YEAR,
        Column("ccn", "text", "Facility it is attributed to", required=True),
        Column("record", "integer", "Order of the patient's records", required=True, minimum=1),
        *_clock("days at risk in the record", 366),
        Column(
            "log_state_death_rate",
            "number",
            "Log of the death rate of the patient's race in the facility's state, per 100,000",
            required=True,
        ),
        Column(
            "age",
            "integer",
            "Completed years on the record's first day",
            required=True,
            minimum=0,
        ),
        Column("esrd_days", "integer", "Days since the first service date, then", required=True),
        Column(
            "nursing_home_days",
            "integer",
            "Days in nursing homes in the 365 before",
            required=True,
            minimum=0,
        ),
        Column(
            "ma_share",
            "number",
            "Share of the record's days at risk in Medicare Advantage",
            required=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "is_prevalent_missing",
            "boolean",
            "Fewer than 6 Medicare-covered months in the year before",
            required=True,
        ),
        Column("is_covid", "boolean", "Within 90 days of inpatient COVID-19", required=True),
    ),
    rules=(_CLOCK_RULE,),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

SWR = Table(
    name="cohort.swr",
    grain="one segment of days at one facility of a patient who began dialysis in the year before",
    source="manual 2.15.6 to 2.15.13, Table 11",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column("ccn", "text", "Facility that treats; null where none does"),
        Column("reason", "text", "Why not counted; null where counted", allowed=SWR_NOT_AT_RISK),
        *_clock("days since the first dialysis", 365),
        _age("at the first dialysis"),
    ),
    rules=(IN_ORDER, _CLOCK_RULE, _RISK_RULE, _PLACED, _AGED),
    segments_of=("program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

SMOSR = Table(
    name="cohort.smosr",
    grain="one segment of days, by attributed facility, of a patient whose ESRD began in the year"
    " before",
    source="manual 2.27.8 to 2.27.13",
    key=("program", "patient_id", "start_date"),
    columns=(
        PROGRAM,
        PATIENT,
        START,
        END,
        YEAR,
        Column("ccn", "text", "Facility it is attributed to; null where none"),
        Column("reason", "text", "Why not counted; null where counted", allowed=SMOSR_NOT_AT_RISK),
        *_clock("days at risk in the record", 365),
        _age("on the first day of ESRD"),
    ),
    rules=(IN_ORDER, _CLOCK_RULE, _RISK_RULE, _PLACED, _AGED),
    segments_of=("program", "patient_id"),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

FOLLOWED_EVENT = Table(
    name="cohort.followed_event",
    grain="one death, waitlisting (or living donor's kidney) or arrival at home, by one measure",
    source="manual 2.14.11, 2.15.11, 2.27.11",
    key=("measure", "program", "patient_id", "event_date"),
    columns=(
        MEASURE,
        PROGRAM,
        PATIENT,
        Column("event_date", "date", "Day of the event", required=True),
        YEAR,
        Column(
            "kind",
            "text",
            "Kind of event",
            required=True,
            allowed=("death", "waitlisting", "switch"),
        ),
        Column(
            "reason",
            "text",
            "Why it does not count; null where it does, or where its patient is in no cohort",
            allowed=NOT_FOLLOWED,
        ),
        Column("is_in_cohort", "boolean", "The cohort must hold it", required=True),
    ),
)

TABLES = (COVID_PERIOD, SMR_DAYS, SMR, SWR, SMOSR, FOLLOWED_EVENT)
