"""Units of the tables' numbers, by the name of the column.

A name mostly means one thing wherever it stands, so its unit is stated once: first for the column
of one table (`table.column`), then for a name in every table, then for an ending of names. What a
definition states itself (`Column.unit`, or that it counts patients or events) takes precedence. A
number without a unit is of one of the kinds of `KINDS`; a test holds every column of numbers to one
or the other.
"""

from collections.abc import Mapping

_VALUE = "by measure and program: value_unit of facility.contract"
_RATE = "by measure: rate_unit of facility.contract"
_PART = "by measure: events, patients, patient-months or what else it counts"
_RESULT = "by result: as in facility.contract; flags -1 to 1, points, stars, percent"
_INDICATOR = "by indicator: parameters/network_indicator.csv"
_PUBLISHED = "by measure: as CMS prints its rate"
_IN_UNIT = "what the column unit says"
_ELEMENT = "by row: what the column element says"
_STANDARD = "standard deviations of the baseline's facilities"

UNITS_OF_TABLES: Mapping[str, str] = {
    "cohort.monthly.denominator": "patient-months",
    "cohort.monthly.numerator": "patient-months",
    "explain.discharges.expected": "probability",
    "explain.adjusters.value": "by adjuster: what the column adjuster says",
    "facility.published_result.score": "by row: points, stars or percent",
    "fit.shr_reliability.value": "by statistic: what the column definition says",
    "fit.shr_submission_reliability.value": "by statistic: what the column definition says",
    "linkage.known_number.event_count": "records",
    "network.candidate.cut_off": "by rule: as value",
    "network.candidate.size": "what the column size_unit says",
    "network.candidate.value": "by rule: unit of the indicator or measure; years",
    "network.choice.denominator": _INDICATOR,
    "network.choice.numerator": _INDICATOR,
    "network.indicator.value": _IN_UNIT,
    "network.monitor.better": "log likelihood ratio",
    "network.monitor.better_limit": "log likelihood ratio",
    "network.monitor.worse": "log likelihood ratio",
    "network.monitor.worse_limit": "log likelihood ratio",
    "network.p_chart.centre": "fraction",
    "network.p_chart.lower": "fraction",
    "network.p_chart.sigma_z": "ratio",
    "network.p_chart.upper": "fraction",
    "network.p_chart.numerator": _INDICATOR,
    "network.p_chart.denominator": _INDICATOR,
    "network.peer.size": "what the column size_unit says",
    "network.peer.peer_size": "what the column size_unit says",
    "program.star_adjustment.factor": "ratio",
    "program.star_baseline.score": _ELEMENT,
    "program.star_baseline.value": _ELEMENT,
    "program.star_measure_score.adjusted_value": "ratio or percent, by measure",
    "program.star_measure_score.score": _STANDARD,
    "program.star_measure_score.value": "ratio or percent, by measure",
    "program.stars.final_score": _STANDARD,
    "report.change.size": "standard deviations of today's facilities",
    "report.published_agreement.equal_count": "facilities",
    "report.star_profile.mean": "ratio or percent, by measure",
    "report.stratum.expected": _PART,
    "report.stratum.observed": _PART,
    "report.stratum.value": "ratio or percent, by measure",
}
"""By table and column, where the name alone would say too little or something else."""

UNITS_OF_COLUMNS: Mapping[str, str] = {
    # time
    "age": "years",
    "calcium_months": "months",
    "catheter_months": "months",
    "covered_months": "months",
    "days_at_risk": "days",
    "delivered_minutes": "minutes",
    "esrd_years_over": "years",
    "length_of_stay": "days",
    "minutes_per_session": "minutes",
    "months": "months",
    "months_reported": "months",
    "nephrologist_care_months": "months",
    "years_of_dialysis": "years",
    "years_of_esrd": "years",
    # body and treatment
    "bmi": "kg/m2",
    "calcium_sum": "mg/dL",
    "hd_ktv": "Kt/V",
    "imputed_bmi": "kg/m2",
    "ktv": "Kt/V",
    "ktv_value": "Kt/V",
    "pd_ktv": "Kt/V",
    "sessions": "sessions",
    "sessions_delivered": "sessions",
    "sessions_per_week": "sessions per week",
    "weight_post": "what weight_post_unit says",
    "weight_pre": "what weight_pre_unit says",
    # counts
    "accounted_count": "events",
    "as_count": "facilities",
    "better_count": "facilities",
    "chow_cnt": "changes of ownership",
    "claim_count": "claims",
    "claims_amount": "sessions",
    "code_count": "codes",
    "compared_count": "facilities",
    "completed_interview_count": "interviews",
    "completed_surveys": "surveys",
    "concerned_count": "rows",
    "contraindicated": "personnel",
    "decided_count": "facilities",
    "decided_equal_count": "facilities",
    "dlys_stn_cnt": "stations",
    "eqrs_amount": "sessions",
    "event_count": "events",
    "events": "events",
    "expected": "events",
    "facilities": "facilities",
    "facilities_expected": _PART,
    "facilities_observed": _PART,
    "facility_count": "facilities",
    "fault_count": "files",
    "hemodialysis_codes": "codes",
    "in_center_codes": "codes",
    "infections": "events",
    "measure_count": "measures",
    "observed": "events",
    "only_ours_count": "facilities",
    "only_published_count": "facilities",
    "page_count": "pages",
    "patients": "patients",
    "personnel": "personnel",
    "precision": "decimals",
    "predicted_infections": "events",
    "rev_cntr_unit_cnt": "units of service",
    "row_count": "rows",
    "scored_count": "measures",
    "scored_domain_count": "domains",
    "seen_count": "codes",
    "source_count": "sources",
    "station_count": "stations",
    "stations": "stations",
    "shifts": "shifts a day",
    "kilometres": "kilometres",
    "summed_count": "facilities",
    "uncounted": "events",
    "uncounted_events": "events",
    "unit_count": _IN_UNIT,
    "up_to_date": "personnel",
    "within_one_count": "facilities",
    "worse_count": "facilities",
    "both_count": _IN_UNIT,
    "claims_count": _IN_UNIT,
    "claims_only_count": _IN_UNIT,
    "eqrs_count": _IN_UNIT,
    "eqrs_only_count": _IN_UNIT,
    "equal_count": _IN_UNIT,
    "not_expected_count": _IN_UNIT,
    "third_count": _IN_UNIT,
    "third_only_count": _IN_UNIT,
    # values of measures, scores and stars
    "achievement_score": "points",
    "achievement_threshold": _PUBLISHED,
    "adjusted_rate": _PUBLISHED,
    "after": _RESULT,
    "before": _RESULT,
    "benchmark": _PUBLISHED,
    "by_denominator": _RESULT,
    "by_numerator": _RESULT,
    "change": _RESULT,
    "denominator": _PART,
    "denominator_after": _PART,
    "denominator_before": _PART,
    "difference": _RESULT,
    "five_star": "stars",
    "improvement_rate": _PUBLISHED,
    "improvement_score": "points",
    "lower": _VALUE,
    "minimum_tps": "points",
    "national": _VALUE,
    "next_numerator": _PART,
    "next_score": "points",
    "numerator": _PART,
    "numerator_after": _PART,
    "numerator_before": _PART,
    "payment_reduction": "percent",
    "performance_standard": _PUBLISHED,
    "published_rating": "stars",
    "rate": _RATE,
    "rating": "stars",
    "reference": _VALUE,
    "small_facility_benchmark": _PUBLISHED,
    "total_performance_score": "points",
    "tps": "points",
    "unrounded_score": "points",
    "unrounded_tps": "points",
    "upper": _VALUE,
    "value": _VALUE,
    "domain_1": _STANDARD,
    "domain_2": _STANDARD,
    "domain_3": _STANDARD,
    "domain_4": _STANDARD,
    # shares and ratios
    "communality": "fraction of the variance",
    "facility_share": "fraction",
    "fail_limit": "fraction",
    "ma_share": "fraction",
    "nominal_weight": "fraction",
    "chance": "probability",
    "p_value": "probability",
    "rpl_themes": "rank from 0 to 1",
    "share": "fraction",
    "share_before": "fraction",
    "share_of_usual": "ratio",
    "warn_limit": "fraction",
    "weight": "fraction",
    "weight_in_domain": "fraction",
    "weight_in_parent": "fraction",
    # published files
    "shr_achievement_rate": "admissions per 100 patient-years",
    "shr_improvement_rate": "admissions per 100 patient-years",
    "shr_rate": "admissions per 100 patient-years",
    "smr_rate": "deaths per 100 patient-years",
    "srr_achievement_rate": "readmissions per 100 discharges",
    "srr_improvement_rate": "readmissions per 100 discharges",
    "srr_rate": "readmissions per 100 discharges",
    "strr_achievement_rate": "transfusion events per 100 patient-years",
    "strr_improvement_rate": "transfusion events per 100 patient-years",
    "strr_rate": "transfusion events per 100 patient-years",
    # what another column decides
    "clm_val_amt": "by value code: dollars, visits, mg/dL, Kt/V ...",
    "maximum": "that of the column named",
    "minimum": "that of the column named",
    "reason_number": "by reason: parameters/reason.csv",
}
"""By column, in every table that has it."""

UNITS_OF_ENDINGS: Mapping[str, str] = {
    "_as_count": "facilities",
    "_better_count": "facilities",
    "_bytes": "bytes",
    "_day": "days",
    "_days": "days",
    "_denominator": _PART,
    "_discharge_count": "discharges",
    "_linearized": "points",
    "_lower": "ratio",
    "_numerator": _PART,
    "_patient_count": "patients",
    "_patient_month_count": "patient-months",
    "_patient_year_count": "patient-years",
    "_ratio": "ratio",
    "_score": "points",
    "_stars": "stars",
    "_survey_count": "surveys",
    "_upper": "ratio",
    "_worse_count": "facilities",
    "days": "days",
    "score": "points",
}
"""By the longest of these that a column's name ends in."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "identifier": (
        *("bene_id", "clm_id", "earlier_patient_id", "facilityid", "patient_id", "pers_id"),
        *("episode", "number", "return_stay"),
    ),
    "code": (
        *("condition", "covid_stage", "domain", "element", "interval", "length_quarter"),
        *("network", "esrd_ntwrk_num", "principal_category", "quarter", "ruca1", "ruca2"),
        *("disaster_number", "escalation", "expected_sign", "stage", "standing", "survey"),
    ),
    "flag": ("is_event",),
    "seed": ("seed",),
    "calendar year": (
        *("asset_year", "baseline_year", "claim_year", "payment_year", "performance_year"),
    ),
    "order": (
        *("clm_line_num", "column_position", "factor", "form_number", "identifier_number"),
        *("line_num", "lookup", "order_in_year", "period", "position", "rank", "record"),
        *("record_number", "rlt_cond_cd_seq", "rlt_ocrnc_cd_seq", "rlt_val_cd_seq", "run", "stay"),
    ),
    "statistic": (
        *("at", "coefficient", "estimate", "loading", "log_state_death_rate", "other_estimate"),
        *("other_standard_error", "published_rho", "rho", "standard_error"),
        *("z", "z_null_mean", "z_null_sd"),
    ),
}
"""Numbers without a unit: kind and columns."""


def find_kind(column: str) -> str | None:
    """Return the kind of a number that has no unit; None where the name has one."""
    return next((kind for kind, names in KINDS.items() if column in names), None)


def find_unit_of(table: str, column: str) -> str | None:
    """Return the unit of a table's column by its name; None where it has none."""
    ending = max(
        (ending for ending in UNITS_OF_ENDINGS if column.endswith(ending)), key=len, default=None
    )
    return (
        UNITS_OF_TABLES.get(f"{table}.{column}")
        or UNITS_OF_COLUMNS.get(column)
        or (None if ending is None or find_kind(column) else UNITS_OF_ENDINGS[ending])
    )
