"""Reliability of SHR, which STrR and SEDR do not have.

Manual 2.13; 2025 submission of CBE 1463.
"""

import pandas as pd

from esrd_pipeline.families.cohort import Cohort
from esrd_pipeline.families.recurrent_events import (
    DAYS,
    DAYS_PER_YEAR,
    EVENTS,
    compute_expected_events,
)
from esrd_pipeline.measures.flag import is_below_minimum_units
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.statistics.concordance import compare_observed_rates
from esrd_pipeline.statistics.reliability import estimate_iur
from esrd_pipeline.statistics.rows import sum_by
from esrd_pipeline.tables.measured import SHR_RELIABILITY

RESAMPLING_SEED = 1463


def estimate_reliability(
    specification: Specification, performance_year: int, fit: pd.DataFrame, cohort: Cohort
) -> pd.DataFrame:
    """Return the inter-unit reliability and the C-statistic of one program.

    IUR uses the reported facilities, as the submission does; the C-statistic compares patients'
    predicted with their observed rates.
    """
    expected = compute_expected_events(specification, fit, cohort)
    observed, days = cohort.numbers(EVENTS), cohort.numbers(DAYS)
    years = sum_by(cohort.facility, days, count=len(cohort.ccns)) / DAYS_PER_YEAR
    iur = estimate_iur(
        facility=cohort.facility,
        patient=cohort.patient,
        numerator=observed,
        denominator=expected,
        facility_count=len(cohort.ccns),
        is_reported=~is_below_minimum_units(specification.entry, years),
        seed=RESAMPLING_SEED,
    )
    exposure = sum_by(cohort.patient, days)
    concordance = compare_observed_rates(
        predicted=sum_by(cohort.patient, expected) / exposure,
        events=sum_by(cohort.patient, observed),
        exposure=exposure,
    )
    frame = pd.DataFrame(
        [
            ("iur", iur.iur, iur.facilities, iur.patients, "bootstrap of patients, B = 100"),
            ("between_variance", iur.between_variance, iur.facilities, iur.patients, "of ratios"),
            ("within_variance", iur.within_variance, iur.facilities, iur.patients, "of ratios"),
            (
                "c_statistic",
                concordance.index,
                None,
                concordance.patients,
                "pairs of patients: predicted against observed rates",
            ),
        ],
        columns=["statistic", "value", "facilities", "patients", "definition"],
    ).assign(
        performance_year=performance_year,
        program=specification.program,
        measure=specification.measure,
    )
    return frame[SHR_RELIABILITY.column_names]
