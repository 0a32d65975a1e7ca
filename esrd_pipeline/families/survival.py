"""SMR, SWR and SMoSR, from a cohort of patient-records to the facility contract.

Stage 1 estimates the adjusters within facilities; stage 2 gives the nation one hazard, with the
first stage's linear predictor as offset. Manual 2.14.12 to 2.14.15, 2.15.12 to 2.15.15, 2.27.12 to
2.27.15.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.families.cohort import Cohort
from esrd_pipeline.families.contract import Assessed, Assessment, assemble_contract, join_notes
from esrd_pipeline.families.family import Family
from esrd_pipeline.families.fits import (
    assemble_fit,
    list_hazard,
    list_null,
    list_regression,
    list_values,
    read_element,
    read_regression,
)
from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.statistics.cox import fit_cox
from esrd_pipeline.statistics.cox_baseline import Baseline, compute_expected_events, fit_baseline
from esrd_pipeline.statistics.design import FloatArray, build_design
from esrd_pipeline.statistics.empirical_null import (
    adjust_z,
    assign_null,
    fit_null,
    two_sided_p,
)
from esrd_pipeline.statistics.poisson_test import (
    find_exact_limits,
    find_exact_p,
    find_mid_z,
    find_null_limits,
)
from esrd_pipeline.statistics.rows import sum_by

START = "start_day"
STOP = "stop_day"
EVENT = "is_event"
DAYS_PER_YEAR = 365.25
"""Days of a patient-year, whichever the year (reading 281)."""


def fit_measure(
    specification: CoxSpecification, performance_year: int, cohort: Cohort
) -> pd.DataFrame:
    """Fit both stages to a cohort and return the table of the fit.

    The cohort has the columns ccn, patient_id, start_day, stop_day, is_event and the adjusters,
    one row a patient-record at risk in (start_day, stop_day].

    Raises:
        CohortError: a column is missing or has nulls.
        FitError: the model has no estimate; names the term and the rule.
    """
    start, stop, event = cohort.numbers(START), cohort.numbers(STOP), cohort.numbers(EVENT)
    first = fit_cox(
        design=cohort.design,
        start=start,
        stop=stop,
        event=event,
        stratum=cohort.facility,
        patient=cohort.patient,
        drop_aliased=True,
    ).regression
    predictor = cohort.predict(first)
    stored = list(list_regression(first, stage=1))
    if specification.second_stage is not None:
        name = specification.second_stage
        values = cohort.numbers(name)
        # The design is in single precision: from their middle on the values lose fewer digits.
        middle = (values.min() + values.max()) / 2
        second = fit_cox(
            design=build_design({name: values - middle}),
            start=start,
            stop=stop,
            event=event,
            offset=predictor,
            patient=cohort.patient,
        ).regression
        predictor = predictor + second.coefficients[0] * values
        stored += list_regression(second, stage=2)
    baseline = fit_baseline(start=start, stop=stop, event=event, risk=np.exp(predictor))
    totals = np.array([event.sum(), (stop - start).sum()])
    stored += list_hazard(baseline.times, baseline.cumulative, stage=3)
    stored += list_values("summary", ["events", "days at risk"], totals, stage=3)
    return assemble_fit(specification, performance_year, stored)


def score_rows(specification: CoxSpecification, fit: pd.DataFrame, cohort: Cohort) -> FloatArray:
    """Return the events a stored fit expects of each row of a cohort, the fit's own or another."""
    predictor = cohort.predict(read_regression(fit, stage=1))
    if specification.second_stage is not None:
        slope = read_regression(fit, stage=2).coefficients[0]
        predictor = predictor + slope * cohort.numbers(specification.second_stage)
    steps = read_element(fit, "baseline", stage=3)
    baseline = Baseline(
        steps["at"].to_numpy(dtype=np.float64), steps["estimate"].to_numpy(dtype=np.float64)
    )
    return compute_expected_events(
        baseline, start=cohort.numbers(START), stop=cohort.numbers(STOP), risk=np.exp(predictor)
    )


def assess_facilities(
    specification: CoxSpecification, performance_year: int, fit: pd.DataFrame, cohort: Cohort
) -> Assessed:
    """Assess every facility of a cohort with a stored fit.

    `value` is the ratio of observed to expected events, `rate` the ratio times the fit's national
    events per `rate_scale` patient-years. The size counts patient-years or patients, as the
    specification's unit says. A facility without expected events has neither value nor test.

    Raises:
        CohortError: a column is missing or has nulls.
        FitError: a score is infinite.
    """
    count = len(cohort.ccns)
    observed = sum_by(cohort.facility, cohort.numbers(EVENT), count=count)
    expected = sum_by(cohort.facility, score_rows(specification, fit, cohort), count=count)
    days = sum_by(cohort.facility, cohort.numbers(STOP) - cohort.numbers(START), count=count)
    # In a small nation, a facility's days may include none on which an event happened.
    has_expected = expected > 0
    mine = (observed[has_expected], expected[has_expected])
    z, p_value, lower, upper, mean, deviation = np.full((6, count), np.nan)
    null = None
    z[has_expected] = find_mid_z(*mine)
    if specification.inference == "exact":
        p_value[has_expected] = find_exact_p(*mine)
        lower[has_expected], upper[has_expected] = find_exact_limits(*mine)
    else:
        null = fit_null(z=z, size=days)
        assigned = assign_null(null, size=days)
        mean, deviation = assigned.mean, assigned.deviation
        p_value = two_sided_p(adjust_z(z, mean=mean, deviation=deviation))
        lower[has_expected], upper[has_expected] = find_null_limits(
            *mine, mean=mean[has_expected], deviation=deviation[has_expected]
        )
    ratio = np.divide(observed, expected, out=np.full(count, np.nan), where=has_expected)
    patients = cohort.count_patients()
    events, exposure = read_element(fit, "summary", stage=3)["estimate"]
    assessment = Assessment(
        unit_count=days / DAYS_PER_YEAR if specification.unit == "patient_years" else patients,
        patients=patients,
        numerator=observed,
        denominator=expected,
        value=ratio,
        rate=ratio * events / exposure * DAYS_PER_YEAR * specification.rate_scale,
        standard_error=np.full(count, np.nan),
        lower=lower,
        upper=upper,
        p_value=p_value,
        z=z,
        z_null_mean=mean,
        z_null_sd=deviation,
        reference=1.0,
        note=join_notes(None, None if null is None else null.rule, count=count),
    )
    contract = assemble_contract(
        specification, performance_year, ccns=cohort.ccns, assessment=assessment
    )
    listed = None if null is None else list_null(null, stage=3)
    return Assessed(
        contract=contract,
        null=null,
        null_rows=(
            None if listed is None else assemble_fit(specification, performance_year, listed)
        ),
    )


def _follow_years(cohort: Cohort) -> FloatArray:
    return (cohort.numbers(STOP) - cohort.numbers(START)) / DAYS_PER_YEAR


FAMILY = Family(
    fit=fit_measure,
    assess=assess_facilities,
    expect=score_rows,
    event=EVENT,
    measure_exposure=_follow_years,
    unit="patient-year",
)
