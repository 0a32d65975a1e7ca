"""Cohorts of patient-months and of a year's patients: counted by each measure, or why not."""

from esrd_pipeline.tables.clinical import ACCESS_TYPES
from esrd_pipeline.tables.facility import CCN, MEASURE, PROGRAM, YEAR
from esrd_pipeline.tables.history import OF_A_FACILITY, OF_A_PATIENT
from esrd_pipeline.tables.linkage import PATIENT
from esrd_pipeline.tables.model import Column, Rule, Table
from esrd_pipeline.tables.month_history import FREQUENCIES, MONTH_MODALITIES, PLACED_MONTH

MONTHLY_MEASURES = (
    "ktv_adult_hd",
    "ktv_adult_pd",
    "ktv_pediatric_hd",
    "ktv_pediatric_pd",
    "ltc",
    "hypercalcemia",
    "npcr",
    "medication_reconciliation",
)
REASONS = (
    "not_a_measure_of_the_program",
    "extraordinary_circumstances_exception",
    "new_facility",
    "not_at_facility_all_month",
    "left_facility_in_month",
    "died_before_month_end",
    "date_of_birth_unknown",
    "under_18_years",
    "age_18_or_older",
    "under_18_years_two_months_before",
    "not_on_esrd_treatment",
    "esrd_under_90_days",
    "esrd_under_91_days",
    "modality_unknown",
    "other_modality",
    "not_on_hemodialysis_all_month",
    "not_on_in_center_hemodialysis_all_month",
    "not_on_peritoneal_dialysis_all_month",
    "weekly_sessions_unknown",
    "frequent_dialysis",
    "infrequent_dialysis",
    "catheter_with_limited_life_expectancy",
    "under_7_in_center_treatments",
)
"""Why a patient-month is not in a measure's denominator."""
_KTV = (
    "extraordinary_circumstances_exception",
    "new_facility",
    "not_at_facility_all_month",
    "left_facility_in_month",
    "date_of_birth_unknown",
    "esrd_under_91_days",
    "modality_unknown",
)
_FREQUENCY = ("frequent_dialysis", "infrequent_dialysis", "weekly_sessions_unknown")
MONTHLY_REASONS_OF: dict[str, tuple[str, ...]] = {
    "ktv_adult_hd": (*_KTV, "not_on_hemodialysis_all_month", "under_18_years", *_FREQUENCY),
    "ktv_adult_pd": (*_KTV, "not_on_peritoneal_dialysis_all_month", "under_18_years"),
    "ktv_pediatric_hd": (
        *_KTV,
        "not_on_in_center_hemodialysis_all_month",
        "age_18_or_older",
        *_FREQUENCY,
    ),
    "ktv_pediatric_pd": (*_KTV, "not_on_peritoneal_dialysis_all_month", "age_18_or_older"),
    "ltc": (
        *_KTV[:5],
        "under_18_years",
        "not_on_esrd_treatment",
        "modality_unknown",
        "not_on_hemodialysis_all_month",
        "catheter_with_limited_life_expectancy",
    ),
    "hypercalcemia": (
        *_KTV[:4],
        "died_before_month_end",
        "date_of_birth_unknown",
        "under_18_years_two_months_before",
        "under_18_years",
        "not_on_esrd_treatment",
        "esrd_under_90_days",
        "other_modality",
    ),
    "npcr": (
        "not_a_measure_of_the_program",
        "not_at_facility_all_month",
        "left_facility_in_month",
        "date_of_birth_unknown",
        "age_18_or_older",
        "modality_unknown",
        "not_on_in_center_hemodialysis_all_month",
    ),
    "medication_reconciliation": (
        "not_a_measure_of_the_program",
        *_KTV[:3],
        "not_on_esrd_treatment",
        "under_7_in_center_treatments",
    ),
}
"""Of these, each measure's own, in the order of its rules."""

PATIENT_MONTHS = Table(
    name="cohort.patient_months",
    grain="one month of the year of one patient at one facility that treated or admitted them",
    source="manual 2.1, 2.3 to 2.8, 2.19, 3.1, 3.4, 3.5",
    key=("program", "patient_id", "month", "ccn"),
    columns=(
        *PLACED_MONTH,
        Column("is_whole", "boolean", "Treated there on every day of the month", required=True),
        Column("is_admitted", "boolean", "Admitted there all month in EQRS", required=True),
        Column("age", "integer", "Years on the month's first day; null where birth is unknown"),
        Column("esrd_day", "integer", "Day of ESRD on the month's first day", required=True),
        Column(
            "modality",
            "text",
            "By EQRS; DFC: else by claims, then CMS-2728",
            allowed=MONTH_MODALITIES,
        ),
        Column("frequency", "text", "Sessions a week (3.1.4)", allowed=FREQUENCIES),
        Column("is_exception", "boolean", "Month of an exception (3.4, QIP)", required=True),
        Column("is_new_facility", "boolean", "Before reporting begins (3.5, QIP)", required=True),
        Column("ktv", "number", "Selected Kt/V"),
        Column("ktv_source", "text", "Source of the Kt/V", allowed=("eqrs", "claims")),
        Column("access_type", "text", "Last access reported", allowed=ACCESS_TYPES),
        Column(
            "catheter_months",
            "integer",
            "Consecutive months up to this one, at most 3, with a catheter there all month",
            required=True,
            minimum=0,
            maximum=3,
        ),
        Column("is_limited_life", "boolean", "Limited life expectancy (2.1.9)", required=True),
        Column("calcium", "number", "Mean of up to three months (2.8.12)", unit="mg/dL"),
        Column("sessions", "integer", "Hemodialysis treatments by EQRS, else claims", minimum=0),
        *(
            column
            for name in MONTHLY_MEASURES
            for column in (
                Column(
                    f"{name}_reason",
                    "text",
                    f"Why not in the denominator of {name}",
                    allowed=MONTHLY_REASONS_OF[name],
                ),
                Column(f"is_{name}", "boolean", f"In the numerator of {name}; null if excluded"),
            )
        ),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

MONTHLY = Table(
    name="cohort.monthly",
    grain="one patient counted at one facility in one measure of patient-months",
    source="cohort.patient_months",
    key=("program", "measure", "ccn", "patient_id"),
    columns=(
        PROGRAM,
        MEASURE,
        CCN,
        PATIENT,
        YEAR,
        Column("numerator", "integer", "Months in the numerator", required=True, minimum=0),
        Column("denominator", "integer", "Months in the denominator", required=True, minimum=1),
    ),
    rules=(Rule("the numerator is not above the denominator", "numerator <= denominator"),),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

YEARLY_MEASURES = (
    "clinical_depression",
    "sdoh_screening",
    "sdoh_positive",
    "health_equity",
    "nhsn_bsi",
)
YEARLY_REASONS = (
    "date_of_birth_unknown",
    "under_12_years",
    "under_18_years",
    "under_90_days_at_facility",
    "not_on_esrd_treatment",
    "other_modality",
    "opted_out_of_screening",
    "unable_to_complete_screening",
    "not_screened_for_all_needs",
    "not_on_in_center_hemodialysis",
)
_ADULT_SCREENED = (
    "date_of_birth_unknown",
    "under_18_years",
    "under_90_days_at_facility",
    "not_on_esrd_treatment",
    "opted_out_of_screening",
    "unable_to_complete_screening",
)
YEARLY_REASONS_OF: dict[str, tuple[str, ...]] = {
    "clinical_depression": (
        "date_of_birth_unknown",
        "under_12_years",
        "under_90_days_at_facility",
        "not_on_esrd_treatment",
        "other_modality",
    ),
    "sdoh_screening": _ADULT_SCREENED,
    "sdoh_positive": (*_ADULT_SCREENED, "not_screened_for_all_needs"),
    "health_equity": ("under_90_days_at_facility", "not_on_esrd_treatment"),
    "nhsn_bsi": ("not_on_esrd_treatment", "not_on_in_center_hemodialysis"),
}
"""Why a patient is not counted, by measure, in the order of its rules."""

PATIENT_YEAR = Table(
    name="cohort.patient_year",
    grain="one patient at one facility in one QIP measure that counts patients",
    source="manual 2.9, 2.18.6, 2.22 to 2.24, 3.1.5, Table 17",
    key=("program", "measure", "ccn", "patient_id"),
    columns=(
        PROGRAM,
        Column("measure", "text", "Measure", required=True, allowed=YEARLY_MEASURES),
        CCN,
        PATIENT,
        YEAR,
        Column("days", "integer", "Days there, without months of exceptions", required=True),
        Column("reason", "text", "Why the patient is not counted", allowed=YEARLY_REASONS),
        Column("denominator", "integer", "1 if counted", required=True, minimum=0, maximum=1),
        Column("numerator", "integer", "1 if met", required=True, minimum=0, maximum=1),
    ),
    rules=(
        Rule("the numerator is not above the denominator", "numerator <= denominator"),
        Rule(
            "a patient who is not counted has a reason", "(denominator = 0) = (reason IS NOT NULL)"
        ),
    ),
    references=(OF_A_PATIENT, OF_A_FACILITY),
)

TABLES = (PATIENT_MONTHS, MONTHLY, PATIENT_YEAR)
