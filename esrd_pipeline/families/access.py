"""Directly standardised percentages: SFR and PPPW, from patient-months to the facility contract.

Stage 1 averages the adjusters' coefficients over random groups of facilities; stage 2 gives each
facility its own intercept; stage 3 computes the nation's percentage at that intercept. Manual
2.2.14, 2.16.11 to 2.16.15.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from esrd_pipeline.families.cohort import Cohort, CohortError
from esrd_pipeline.families.contract import (
    Assessed,
    Assessment,
    assemble_contract,
    join_notes,
)
from esrd_pipeline.families.family import Family, count_rows
from esrd_pipeline.families.fits import (
    assemble_fit,
    list_distribution,
    list_dropped,
    list_groups,
    list_null,
    list_regression,
    list_values,
    read_distribution,
    read_element,
    read_regression,
)
from esrd_pipeline.measures.specification import WHOLE, GeeSpecification
from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.empirical_null import assign_null, fit_null
from esrd_pipeline.statistics.fit import Dropped
from esrd_pipeline.statistics.gee import GeeFit, fit_by_groups, fit_gee
from esrd_pipeline.statistics.gee_facilities import (
    FacilityIntercepts,
    InterceptStatus,
    WorkingCorrelation,
    fit_facilities,
)
from esrd_pipeline.statistics.standardisation import (
    PredictorDistribution,
    adjust_values,
    compress_predictors,
    standardise,
)

EVENT = "is_event"
PERCENT = 100.0


def fit_measure(
    specification: GeeSpecification, performance_year: int, cohort: Cohort
) -> pd.DataFrame:
    """Fit the model to a cohort and return the table of the fit.

    The cohort has the columns ccn, patient_id, is_event and the adjusters, one row a
    patient-month. Facilities below `minimum_modelled` are not in the model. The groups follow from
    the specification's seed and the sorted CCNs of the modelled facilities. The stored table is
    enough to standardise another year's facilities to this year's patient-months: the coefficients,
    the compressed distribution of x'b, and the national percentage.

    Raises:
        CohortError: a column is missing or has nulls, or no facility is modelled.
        FitError: the model has no estimate; names group, term and rule.
    """
    taking_part = cohort.count_patients() >= (specification.minimum_modelled or 0)
    used = np.flatnonzero(taking_part[cohort.facility])
    if not used.size:
        raise CohortError(
            f"cohort of {specification.measure}: no facility has {specification.minimum_modelled}"
            " patients, so none is modelled"
        )
    grouped = fit_by_groups(
        design=cohort.design.take(used),
        outcome=cohort.numbers(EVENT)[used],
        patient=cohort.patient[used],
        facility=cohort.facility[used],
        group_count=specification.group_count,
        seed=specification.seed,
        drop_aliased=True,
    )
    predictor = cohort.predict(grouped.regression)
    distribution = compress_predictors(predictor[used])
    effects = solve_facilities(cohort, predictor)
    small = _report_small(specification, cohort, taking_part, used)
    first = replace(grouped.regression, dropped=(*grouped.regression.dropped, *small))
    national = _average(specification, cohort, effects, distribution, taking_part)
    summary = {
        "seed of the groups": float(specification.seed),
        "groups": float(specification.group_count),
        "national percentage": PERCENT * national,
        "patient-months": float(used.size),
    }
    return assemble_fit(
        specification,
        performance_year,
        [
            *list_regression(first, stage=1),
            *list_groups(grouped.fits, stage=1),
            *list_dropped(effects.dropped, stage=2),
            *list_values("summary", summary, np.array(list(summary.values())), stage=3),
            *list_distribution(distribution, stage=3),
        ],
    )


def fit_adjusters(cohort: Cohort) -> GeeFit:
    """Fit the first stage to a cohort as one group: for few facilities.

    Raises:
        CohortError: a column is missing or has nulls.
        FitError: the model has no estimate; names term and rule.
    """
    return fit_gee(
        design=cohort.design,
        outcome=cohort.numbers(EVENT),
        patient=cohort.patient,
        facility=cohort.facility,
        drop_aliased=True,
    )


def score_rows(_: GeeSpecification, fit: pd.DataFrame, cohort: Cohort) -> FloatArray:
    """Return x'b of each row of a cohort under a stored fit, the fit's own or another."""
    return cohort.predict(read_regression(fit, stage=1))


def compute_expected_events(_: GeeSpecification, fit: pd.DataFrame, cohort: Cohort) -> FloatArray:
    """Return the probability of the outcome in each month at its facility's own intercept.

    0 in a facility without events, 1 in one with events only.

    Raises:
        CohortError: a column is missing or has nulls.
        FitError: a facility's equation has no root.
    """
    predictor = cohort.predict(read_regression(fit, stage=1))
    return np.asarray(
        expit(solve_facilities(cohort, predictor).intercept[cohort.facility] + predictor)
    )


def assess_facilities(
    specification: GeeSpecification, performance_year: int, fit: pd.DataFrame, cohort: Cohort
) -> Assessed:
    """Standardise every facility of a cohort to a stored fit's nation.

    `value` and limits are percentages, fractions in the QIP; `numerator` and `denominator` are
    patient-months with the outcome and all; the test against the national percentage is Wald's on
    the logit scale, or uses an empirical null by quartile of patients; `standard_error` is the
    logit's. A facility without events, or with events only, has a p-value of 0, limits equal to its
    value, and a note.
    A facility whose patients show no variation has neither limits nor test, and no category.

    Raises:
        CohortError: a column is missing or has nulls.
        FitError: a facility's equation has no root.
    """
    effects = solve_facilities(cohort, cohort.predict(read_regression(fit, stage=1)))
    summary = read_element(fit, "summary", stage=3).set_index("term")["estimate"]
    percentage = float(summary["national percentage"])
    values = standardise(
        facilities=effects,
        predictors=read_distribution(fit, stage=3),
        national=percentage / PERCENT,
    )
    whole, nothing = WHOLE[specification.program], np.full(len(cohort.ccns), np.nan)
    patients = cohort.count_patients().astype(np.float64)
    tested, z, mean, deviation, null = values, values.z, nothing, nothing, None
    if specification.inference == "empirical_null":
        z = values.linear_z
        taking_part = patients >= (specification.minimum_modelled or 0)
        null = fit_null(z=np.where(taking_part, z, np.nan), size=patients)
        mine = assign_null(null, size=patients)
        tested, mean, deviation = adjust_values(values, null=mine), mine.mean, mine.deviation
    assessment = Assessment(
        unit_count=patients,
        patients=patients,
        numerator=effects.events,
        denominator=effects.rows.astype(np.float64),
        value=whole * values.value,
        rate=nothing,
        standard_error=values.logit_error,
        lower=whole * tested.lower,
        upper=whole * tested.upper,
        p_value=tested.p_value,
        z=z,
        z_null_mean=mean,
        z_null_sd=deviation,
        reference=whole * percentage / PERCENT,
        note=join_notes(_note(effects), None if null is None else null.rule),
    )
    contract = assemble_contract(
        specification, performance_year, ccns=cohort.ccns, assessment=assessment
    )
    contract.loc[contract["p_value"].isna(), "category"] = None
    if null is None:
        return Assessed(contract=contract)
    rows = assemble_fit(specification, performance_year, list_null(null, stage=3))
    return Assessed(contract=contract, null=null, null_rows=rows)


def solve_facilities(cohort: Cohort, predictor: FloatArray) -> FacilityIntercepts:
    """Return each facility's own intercept, from its rows alone, given x'b of every row."""
    return fit_facilities(
        predictor=predictor,
        outcome=cohort.numbers(EVENT),
        patient=cohort.patient,
        facility=cohort.facility,
        facility_count=len(cohort.ccns),
    )


def _average(
    specification: GeeSpecification,
    cohort: Cohort,
    effects: FacilityIntercepts,
    distribution: PredictorDistribution,
    taking_part: NDArray[np.bool_],
) -> float:
    """Return the national level: of patient-months, or the mean of the facilities' values."""
    if specification.national == "patient_months":
        used = taking_part[cohort.facility]
        return float(cohort.numbers(EVENT)[used].mean())
    value, _ = distribution.average(effects.intercept[taking_part])
    return float(value.mean())


def _report_small(
    specification: GeeSpecification,
    cohort: Cohort,
    taking_part: NDArray[np.bool_],
    used: IntArray,
) -> tuple[Dropped, ...]:
    small = int(np.count_nonzero(~taking_part))
    if not small:
        return ()
    return (
        Dropped(f"facilities of fewer than {specification.minimum_modelled} patients", small),
        Dropped("rows of such small facilities", cohort.facility.size - used.size),
    )


def _note(effects: FacilityIntercepts) -> NDArray[np.object_]:
    """Note the facilities with a special test or standard error, and why."""
    return np.select(
        [
            effects.status == InterceptStatus.NO_EVENTS,
            effects.status == InterceptStatus.ALL_EVENTS,
            np.isnan(effects.standard_error),
            effects.working == WorkingCorrelation.HELD,
            effects.working == WorkingCorrelation.INDEPENDENT,
        ],
        [
            "no events: an infinite z-score, limits equal to the value",
            "only events: an infinite z-score, limits equal to the value",
            "patients show no spread: neither limits nor test",
            "working correlation held within its range",
            "working correlation 0: with its estimate there was no solution",
        ],
        np.array(None, dtype=object),
    )


FAMILY = Family(
    fit=fit_measure,
    assess=assess_facilities,
    expect=compute_expected_events,
    event=EVENT,
    measure_exposure=count_rows,
    unit="patient-month",
)
