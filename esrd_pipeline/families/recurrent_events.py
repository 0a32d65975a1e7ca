"""SHR, STrR and SEDR, from a cohort of person-period segments to the facility contract.

The fit is stored as a table; facilities are assessed with the stored fit, so that a baseline
year's model scores another year's rows without being fitted again. Manual 2.12.13 to 2.12.16,
2.13.13 to 2.13.16, 2.25.14 to 2.25.17.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.families.calendar_years import YEAR
from esrd_pipeline.families.cohort import Cohort
from esrd_pipeline.families.contract import Assessed, Assessment, assemble_contract, join_notes
from esrd_pipeline.families.family import Family
from esrd_pipeline.families.fits import (
    assemble_fit,
    list_null,
    list_regression,
    list_values,
    read_element,
    read_regression,
)
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.empirical_null import (
    assign_null,
    fit_null,
)
from esrd_pipeline.statistics.facility_rates import (
    FacilityRates,
    adjust_rates,
    compare_rates,
)
from esrd_pipeline.statistics.rates import RatesFit, expect, fit_rates
from esrd_pipeline.statistics.rows import sum_by

DAYS = "days_at_risk"
EVENTS = "event_count"
INTERVAL = "interval"
DAYS_PER_YEAR = 365.25
"""Days of a patient-year, whichever the year (reading 281)."""


def fit_measure(
    specification: Specification, performance_year: int, cohort: Cohort
) -> pd.DataFrame:
    """Fit both stages to a cohort and return the table of the fit.

    The cohort has the columns ccn, patient_id, interval, days_at_risk, event_count and the
    adjusters, one row per person-period segment; with a column performance_year it is of several
    years, and the nation's rate is that of `performance_year`. Adjusters that are collinear within
    facilities and intervals, or that no row with an event has, are dropped by name.

    Raises:
        CohortError: a column is missing or has nulls.
        FitError: the model has no estimate; names the term and the rule.
    """
    fit = fit_rates(
        design=cohort.design,
        exposure=cohort.numbers(DAYS),
        events=cohort.numbers(EVENTS),
        facility=cohort.facility,
        interval=cohort.codes(INTERVAL),
        patient=cohort.patient,
        drop_aliased=True,
        drop_eventless=True,
    )
    intervals = [f"interval {code}" for code in range(fit.baseline.size)]
    is_own = np.ones(cohort.table.num_rows, bool)
    if YEAR in cohort.table.column_names:
        is_own = cohort.numbers(YEAR) == performance_year
    at = cohort.codes(INTERVAL)
    return assemble_fit(
        specification,
        performance_year,
        [
            *list_regression(fit.regression, stage=1),
            *list_values("baseline", intervals, fit.baseline, stage=2),
            *list_values(
                "summary",
                [
                    *(f"events of {name}" for name in intervals),
                    *(f"days of {n}" for n in intervals),
                ],
                np.concatenate(
                    [
                        sum_by(at, np.where(is_own, cohort.numbers(name), 0), count=len(intervals))
                        for name in (EVENTS, DAYS)
                    ]
                ),
                stage=2,
            ),
        ],
    )


def read_fit(fit: pd.DataFrame, terms: tuple[str, ...]) -> RatesFit:
    """Read the fit that `fit_measure` stored, for a design of these terms."""
    baseline = read_element(fit, "baseline", stage=2)["estimate"].to_numpy(dtype=np.float64)
    totals = read_element(fit, "summary", stage=2)["estimate"].to_numpy(dtype=np.float64)
    return RatesFit(
        regression=read_regression(fit, stage=1),
        terms=terms,
        baseline=baseline,
        interval_events=totals[: baseline.size],
        interval_exposure=totals[baseline.size :],
    )


def compute_expected_events(_: Specification, fit: pd.DataFrame, cohort: Cohort) -> FloatArray:
    """Return the events a stored fit expects in each row of a cohort, the fit's own or another."""
    return expect(
        read_fit(fit, cohort.design.names),
        design=cohort.design,
        exposure=cohort.numbers(DAYS),
        interval=cohort.codes(INTERVAL),
    )


def assess_facilities(
    specification: Specification,
    performance_year: int,
    fit: pd.DataFrame,
    cohort: Cohort,
) -> Assessed:
    """Assess every facility of a cohort with a stored fit.

    `value` is the ratio of observed to expected events, `rate` the ratio times the fit's national
    rate per `rate_scale` patient-years; p-value and limits use the empirical null by quartile of
    patient-years, of the facilities with at least `minimum_modelled` of them (reading 284).

    Raises:
        CohortError: a column is missing or has nulls.
        FitError: an interval without a baseline.
    """
    stored = read_fit(fit, cohort.design.names)
    compared = compare_rates(
        facility=cohort.facility,
        patient=cohort.patient,
        observed=cohort.numbers(EVENTS),
        expected=compute_expected_events(specification, fit, cohort),
        facility_count=len(cohort.ccns),
    )
    years = sum_by(cohort.facility, cohort.numbers(DAYS), count=len(cohort.ccns)) / DAYS_PER_YEAR
    taking_part = years >= (specification.minimum_modelled or 0)
    null = fit_null(z=np.where(taking_part, compared.z, np.nan), size=years)
    mine = assign_null(null, size=years)
    adjusted = adjust_rates(
        compared,
        null=mine,
        national_rate=stored.national_rate * DAYS_PER_YEAR * specification.rate_scale,
    )
    assessment = Assessment(
        unit_count=years,
        patients=cohort.count_patients(),
        numerator=compared.observed,
        denominator=compared.expected,
        value=compared.ratio,
        rate=adjusted.rate,
        standard_error=compared.standard_error,
        lower=adjusted.lower,
        upper=adjusted.upper,
        p_value=adjusted.p_value,
        z=compared.z,
        z_null_mean=mine.mean,
        z_null_sd=mine.deviation,
        reference=1.0,
        note=join_notes(_note(compared), null.rule),
    )
    return Assessed(
        contract=assemble_contract(
            specification, performance_year, ccns=cohort.ccns, assessment=assessment
        ),
        null=null,
        null_rows=assemble_fit(specification, performance_year, list_null(null, stage=2)),
    )


def _note(compared: FacilityRates) -> NDArray[np.object_]:
    """Note facilities without events (reading 25)."""
    note = "no events: z and upper limit by the error of the ratio, in place of its logarithm's"
    return np.select([compared.has_none], [note], np.array(None, dtype=object))


def _count_years(cohort: Cohort) -> FloatArray:
    return cohort.numbers(DAYS) / DAYS_PER_YEAR


FAMILY = Family(
    fit=fit_measure,
    assess=assess_facilities,
    expect=compute_expected_events,
    event=EVENTS,
    measure_exposure=_count_years,
    unit="patient-year",
)
