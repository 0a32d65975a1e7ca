"""An independent witness for every fit: the same model refitted by another library on a sample.

The libraries cannot take the nation, so both fits are of the same few facilities, drawn by seed.
"""

from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.families import access, discharges, recurrent_events, survival
from esrd_pipeline.families.cohort import CCN, PATIENT
from esrd_pipeline.families.fits import read_regression
from esrd_pipeline.families.recurrent_events import DAYS, EVENTS, INTERVAL
from esrd_pipeline.measures.specification import (
    CoxSpecification,
    GeeSpecification,
    Specification,
    ThreeStageSpecification,
)
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import NotConvergedError, Regression
from esrd_pipeline.statistics.logistic import MINIMUM_ROWS
from esrd_pipeline.tables.fit import CROSS_CHECK_COLUMNS

S = TypeVar("S", bound=Specification)

HELD_TOLERANCE = 1e-3
"""Of the norm of the score at our root: far below what a step away from it would leave."""
FEWEST_EVENTS = 10
"""A term needs as many events where it differs from its commonest value: a sample of few
facilities has conditions too rare to say anything."""
SAMPLE_FACILITIES = 40
"""Enough to carry every common adjuster, few enough for dummies of every facility and interval."""


def draw_facilities(cohort: pa.Table, *, count: int, seed: int) -> list[str]:
    """Draw facilities by seed from the sorted CCNs: the order of rows does not matter."""
    ccns = sorted(cohort.column(CCN).unique().to_pylist())
    generator = np.random.default_rng(seed)
    drawn = generator.choice(len(ccns), size=min(count, len(ccns)), replace=False)
    return [ccns[place] for place in sorted(drawn)]


def compare_fit(
    specification: Specification,
    performance_year: int,
    cohort: pa.Table,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit a measure's first stage by the library that has its model; its type says which.

    Raises:
        FitError: the sample has too few events for the adjusters.
    """
    drawn = {"seed": seed, "facility_count": facility_count}
    match specification:
        case CoxSpecification():
            return compare_cox_fit(specification, performance_year, cohort, **drawn)
        case ThreeStageSpecification():
            return compare_three_stage_fit(specification, performance_year, cohort, **drawn)
        case GeeSpecification():
            return compare_gee_fit(specification, performance_year, cohort, **drawn)
        case _:
            return compare_rates_fit(specification, performance_year, cohort, **drawn)


def compare_rates_fit(
    specification: Specification,
    performance_year: int,
    cohort: pa.Table,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit a rates measure's first stage by statsmodels and set both beside each other.

    The proportional rates model with a rate for every facility and interval is a Poisson
    regression with a dummy for each of them and the days at risk as exposure (Lawless & Nadeau
    1995), so coefficients and model errors are the same numbers by another road.

    Raises:
        FitError: the sample has too few events for the adjusters.
    """
    import statsmodels.api as sm

    rows = _sample(cohort, count=facility_count, seed=seed)
    specification = _narrow(specification, rows, EVENTS)
    sample = pa.Table.from_pandas(rows, preserve_index=False)
    ours = read_regression(
        recurrent_events.fit_measure(specification, performance_year, sample), stage=1
    )
    cell = rows[CCN].astype(str) + " " + rows[INTERVAL].astype(str)
    # A cell without events has no finite rate and says nothing of the coefficients.
    has_events = rows.groupby(cell)[EVENTS].transform("sum") > 0
    used, cell = rows[has_events], cell[has_events]
    # As the national fit reads them: narrowed to float32 first.
    covariates = used[list(ours.names)].astype(np.float32).astype(np.float64)
    dummies = pd.get_dummies(cell, dtype=float)
    theirs = sm.GLM(
        used[EVENTS].astype(float),
        pd.concat([covariates, dummies], axis=1),
        family=sm.families.Poisson(),
        exposure=used[DAYS].astype(float),
    ).fit(tol=1e-12)
    names = list(ours.names)
    return _compare(
        specification,
        performance_year,
        ours,
        estimates=theirs.params[names].to_numpy(),
        errors=theirs.bse[names].to_numpy(),
        library="statsmodels GLM, Poisson",
        facility_count=rows[CCN].nunique(),
    )


def compare_cox_fit(
    specification: CoxSpecification,
    performance_year: int,
    cohort: pa.Table,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit a Cox measure's first stage by lifelines and set both beside each other.

    lifelines breaks ties by Efron's method, this project by Breslow's: the sample's last days are
    first spread by less than half a day, by seed, so that there are no ties to break.

    Raises:
        FitError: the sample has too few events for the adjusters.
    """
    from lifelines import CoxTimeVaryingFitter

    rows = _sample(cohort, count=facility_count, seed=seed)
    specification = _narrow(specification, rows, survival.EVENT)
    spread = np.random.default_rng(seed).permutation(len(rows)) / (2.0 * len(rows))
    rows[survival.STOP] = rows[survival.STOP] + spread
    sample = pa.Table.from_pandas(rows, preserve_index=False)
    ours = read_regression(survival.fit_measure(specification, performance_year, sample), stage=1)
    names = list(ours.names)
    rows[names] = rows[names].astype(np.float32).astype(np.float64)
    theirs = CoxTimeVaryingFitter().fit(
        rows[[*names, CCN, survival.START, survival.STOP, survival.EVENT]].assign(
            row=np.arange(len(rows))
        ),
        id_col="row",
        start_col=survival.START,
        stop_col=survival.STOP,
        event_col=survival.EVENT,
        strata=[CCN],
        fit_options={"precision": 1e-12},
    )
    return _compare(
        specification,
        performance_year,
        ours,
        estimates=theirs.params_[names].to_numpy(),
        errors=np.asarray(theirs.standard_errors_[names], dtype=np.float64),
        library="lifelines CoxTimeVaryingFitter",
        facility_count=rows[CCN].nunique(),
    )


def compare_three_stage_fit(
    specification: ThreeStageSpecification,
    performance_year: int,
    cohort: pa.Table,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit a three-stage measure's first stage by statsmodels and set both beside each other.

    One effect for each pair of facility and hospital is a logistic regression with a dummy for
    each of them, so coefficients and model errors are the same numbers by another road. Pairs of
    fewer than 11 discharges, and pairs whose outcomes are all alike, are left out of it, too.

    Raises:
        FitError: the sample has too few events for the adjusters.
    """
    import statsmodels.api as sm

    rows = _sample(cohort, count=facility_count, seed=seed)
    pair = rows[CCN].astype(str) + " " + rows[discharges.HOSPITAL].astype(str)
    outcome = rows[discharges.EVENT].astype(float)
    among = outcome.groupby(pair)
    is_used = (among.transform("size") >= MINIMUM_ROWS) & (among.transform("nunique") > 1)
    specification = _narrow(specification, rows[is_used], discharges.EVENT)
    sample = pa.Table.from_pandas(rows, preserve_index=False)
    ours = discharges.fit_adjusters(specification, sample)
    names = list(ours.names)
    # As the national fit reads them: narrowed to float32 first.
    covariates = rows.loc[is_used, names].astype(np.float32).astype(np.float64)
    theirs = sm.GLM(
        outcome[is_used],
        pd.concat([covariates, pd.get_dummies(pair[is_used], dtype=float)], axis=1),
        family=sm.families.Binomial(),
    ).fit(tol=1e-12)
    return _compare(
        specification,
        performance_year,
        ours,
        estimates=theirs.params[names].to_numpy(),
        errors=theirs.bse[names].to_numpy(),
        library="statsmodels GLM, Binomial",
        facility_count=rows[CCN].nunique(),
    )


def compare_gee_fit(
    specification: GeeSpecification,
    performance_year: int,
    cohort: pa.Table,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit a GEE measure's first stage by statsmodels, as one group, and set both side by side.

    Exchangeable within patient, a dummy for each facility, no degrees of freedom subtracted from
    the scale: so coefficients and robust errors are the same numbers by another road. The model's
    own errors are not held against it: statsmodels takes a scale of 1 for them, this project the
    dispersion found. Facilities without events, or with events alone, are left out of it, too.
    Where patients hardly ever change the project holds the correlation within its range, and
    statsmodels' steps overshoot for ever. There it is given our correlation and our root, and says
    whether it would move on from it, and what the robust errors are.

    Raises:
        FitError: the sample has too few events for the adjusters.
    """
    import statsmodels.api as sm

    rows = _sample(cohort, count=facility_count, seed=seed)
    specification = _narrow(specification, rows, access.EVENT)
    fit = access.fit_adjusters(specification, pa.Table.from_pandas(rows, preserve_index=False))
    ours, is_held = fit.regression, fit.correlation != fit.correlation_estimate
    used = rows[rows.groupby(CCN)[access.EVENT].transform("nunique") > 1]
    names = list(ours.names)
    # As the national fit reads them: narrowed to float32 first.
    covariates = used[names].astype(np.float32).astype(np.float64)
    given = ", at our correlation and root" if is_held else ""
    structure = sm.cov_struct.Exchangeable()
    structure.dep_params = fit.correlation if is_held else 0.0
    theirs = sm.GEE(
        used[access.EVENT].astype(float),
        pd.concat([covariates, pd.get_dummies(used[CCN], dtype=float)], axis=1),
        groups=used[PATIENT].to_numpy(),
        family=sm.families.Binomial(),
        cov_struct=structure,
        update_dep=not is_held,
    ).fit(
        maxiter=500,
        ctol=HELD_TOLERANCE if is_held else 1e-12,
        start_params=np.concatenate((ours.coefficients, fit.intercepts)) if is_held else None,
        ddof_scale=0,
    )
    if theirs is None:
        raise NotConvergedError("statsmodels GEE: no fit")
    return _compare(
        specification,
        performance_year,
        ours,
        estimates=theirs.params[names].to_numpy(),
        errors=theirs.bse[names].to_numpy(),
        library=f"statsmodels GEE, exchangeable{given}",
        facility_count=rows[CCN].nunique(),
    )


def describe_difference(compared: pd.DataFrame) -> tuple[float, str]:
    """Return the largest difference of two fits' estimates and errors, and which term has it.

    Differences are relative to the larger of the library's estimate and its standard error.
    """
    scale = compared["other_estimate"].abs().clip(lower=compared["other_standard_error"])
    apart = pd.concat(
        [
            (compared["estimate"] - compared["other_estimate"]).abs(),
            (compared["standard_error"] - compared["other_standard_error"]).abs(),
        ],
        axis="columns",
    ).max(axis="columns")
    relative = (apart / scale).fillna(0.0).to_numpy(dtype=np.float64)
    worst = int(relative.argmax())
    row = compared.iloc[worst]
    sentence = (
        f"{row['program']} {row['term']}: ours and {row['library']} differ by {relative[worst]:.2g}"
    )
    return float(relative[worst]), sentence


def _narrow(specification: S, rows: pd.DataFrame, events: str) -> S:
    """Leave out the adjusters of which the sample says too little."""
    kept = [
        name
        for name in specification.adjusters
        if rows.loc[rows[name] != rows[name].mode()[0], events].sum() >= FEWEST_EVENTS
    ]
    return replace(specification, adjusters=tuple(kept))


def _sample(cohort: pa.Table, *, count: int, seed: int) -> pd.DataFrame:
    """Return the rows of the facilities drawn, in the order of the cohort."""
    ccns = draw_facilities(cohort, count=count, seed=seed)
    return cohort.filter(pc.field(CCN).isin(ccns)).to_pandas()


def _compare(
    specification: Specification,
    performance_year: int,
    ours: Regression,
    *,
    estimates: FloatArray,
    errors: FloatArray,
    library: str,
    facility_count: int,
) -> pd.DataFrame:
    # A GEE's errors are its robust ones; the other models' are those of the model.
    is_robust = isinstance(specification, GeeSpecification)
    own_errors = ours.standard_errors if is_robust else np.sqrt(np.diag(ours.model_covariance))
    frame = pd.DataFrame(
        {
            "performance_year": performance_year,
            "program": specification.program,
            "measure": specification.measure,
            "term": list(ours.names),
            "estimate": ours.coefficients,
            "other_estimate": estimates,
            "standard_error": own_errors,
            "other_standard_error": errors,
            "library": library,
            "facility_count": facility_count,
        }
    )
    return frame[[column.name for column in CROSS_CHECK_COLUMNS]]
