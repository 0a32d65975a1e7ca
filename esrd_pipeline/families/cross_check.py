"""An independent cross-check of every fit: the same model fitted by another library to a sample.

The libraries cannot fit the nation, so both fits are of the same few facilities, drawn by seed.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from esrd_pipeline.families import access, discharges, recurrent_events, survival
from esrd_pipeline.families.cohort import Cohort
from esrd_pipeline.families.fits import read_regression
from esrd_pipeline.families.recurrent_events import DAYS, EVENTS, INTERVAL
from esrd_pipeline.measures.specification import (
    CoxSpecification,
    GeeSpecification,
    Specification,
    ThreeStageSpecification,
)
from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import NotConvergedError, Regression
from esrd_pipeline.statistics.logistic import MINIMUM_ROWS
from esrd_pipeline.statistics.rows import sum_by
from esrd_pipeline.tables.fit import CROSS_CHECK_COLUMNS

if TYPE_CHECKING:
    from statsmodels.genmod.families import Family
    from statsmodels.genmod.generalized_linear_model import GLMResultsWrapper

BoolArray = NDArray[np.bool_]

ROOT_TOLERANCE = 1e-3
"""Bound of the norm of the score at our root: far below the norm one step away from it."""
FEWEST_EVENTS = 10
"""A term needs as many events where it differs from its commonest value: a sample of few
facilities has conditions too rare to estimate."""
SAMPLE_FACILITIES = 40
"""Enough to carry every common adjuster, few enough for dummies of every facility and interval."""


def draw_facilities(cohort: Cohort, *, count: int, seed: int) -> IntArray:
    """Draw facilities by seed, as indices into the sorted CCNs: the order of rows has no effect."""
    generator = np.random.default_rng(seed)
    size = min(count, cohort.ccns.size)
    return np.sort(generator.choice(cohort.ccns.size, size=size, replace=False))


def compare_fit(
    specification: Specification,
    performance_year: int,
    cohort: Cohort,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit a measure's first stage with the library for its type of specification.

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
    cohort: Cohort,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit the first stage of a recurrent-event measure with statsmodels and compare the fits.

    The proportional rates model with a rate for every facility and interval is a Poisson
    regression with a dummy for each of them and the days at risk as exposure (Lawless & Nadeau
    1995), so coefficients and model errors are the same numbers by another method.

    Raises:
        FitError: the sample has too few events for the adjusters.
    """
    from statsmodels.genmod.families import Poisson

    sample = draw_sample(cohort, count=facility_count, seed=seed)
    events = sample.numbers(EVENTS)
    sample = narrow_design(sample, events)
    ours = read_regression(
        recurrent_events.fit_measure(specification, performance_year, sample), stage=1
    )
    names = list(ours.names)
    cell = pair_codes(sample.facility, sample.codes(INTERVAL))
    # A cell without events has no finite rate and no information on the coefficients.
    used = sum_by(cell, events)[cell] > 0
    theirs = _fit_dummies(
        events[used],
        _list_covariates(sample, names, cell, used),
        family=Poisson(),
        exposure=sample.numbers(DAYS)[used],
    )
    return _compare(
        specification,
        performance_year,
        ours,
        estimates=theirs.params[names].to_numpy(),
        errors=theirs.bse[names].to_numpy(),
        library="statsmodels GLM, Poisson",
        facility_count=sample.ccns.size,
    )


def compare_cox_fit(
    specification: CoxSpecification,
    performance_year: int,
    cohort: Cohort,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit a Cox measure's first stage with lifelines and compare the fits.

    lifelines breaks ties by Efron's method, this project by Breslow's: the sample's last days are
    first spread by less than half a day, by seed, so that there are no ties to break.

    Raises:
        FitError: the sample has too few events for the adjusters, or lifelines does not converge.
    """
    from lifelines import CoxTimeVaryingFitter
    from lifelines.exceptions import ConvergenceError
    from scipy.linalg import LinAlgError

    sample = draw_sample(cohort, count=facility_count, seed=seed)
    sample = narrow_design(sample, sample.numbers(survival.EVENT))
    count = sample.facility.size
    spread = np.random.default_rng(seed).permutation(count) / (2.0 * count)
    sample = _replace_column(sample, survival.STOP, sample.numbers(survival.STOP) + spread)
    ours = read_regression(survival.fit_measure(specification, performance_year, sample), stage=1)
    names = list(ours.names)
    times = {name: sample.numbers(name) for name in (survival.START, survival.STOP, survival.EVENT)}
    rows = _frame(sample, names).assign(row=np.arange(count), facility=sample.facility, **times)
    try:
        theirs = CoxTimeVaryingFitter().fit(
            rows,
            id_col="row",
            start_col=survival.START,
            stop_col=survival.STOP,
            event_col=survival.EVENT,
            strata=["facility"],
            # Its own first step, of 0.95, goes too far where an age hardly varies.
            fit_options={"precision": 1e-12, "step_size": 0.5},
        )
    except (ConvergenceError, LinAlgError) as error:
        raise NotConvergedError("lifelines CoxTimeVaryingFitter: no fit") from error
    return _compare(
        specification,
        performance_year,
        ours,
        estimates=theirs.params_[names].to_numpy(),
        errors=np.asarray(theirs.standard_errors_[names], dtype=np.float64),
        library="lifelines CoxTimeVaryingFitter",
        facility_count=sample.ccns.size,
    )


def compare_three_stage_fit(
    specification: ThreeStageSpecification,
    performance_year: int,
    cohort: Cohort,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit a three-stage measure's first stage with statsmodels and compare the fits.

    One effect for each pair of facility and hospital is a logistic regression with a dummy for
    each of them, so coefficients and model errors are the same numbers by another method. Pairs of
    fewer than 11 discharges, and pairs with only one outcome, are left out here, too.

    Raises:
        FitError: the sample has too few events for the adjusters.
    """
    from statsmodels.genmod.families import Binomial

    sample = draw_sample(cohort, count=facility_count, seed=seed)
    pair = pair_codes(sample.facility, sample.labels(discharges.HOSPITAL)[1])
    outcome = sample.numbers(discharges.EVENT)
    rows, events = sum_by(pair, np.ones(pair.size)), sum_by(pair, outcome)
    used = ((rows >= MINIMUM_ROWS) & (events > 0) & (events < rows))[pair]
    sample = narrow_design(sample, outcome, among=used)
    ours = discharges.fit_adjusters(sample)
    names = list(ours.names)
    theirs = _fit_dummies(
        outcome[used], _list_covariates(sample, names, pair, used), family=Binomial()
    )
    return _compare(
        specification,
        performance_year,
        ours,
        estimates=theirs.params[names].to_numpy(),
        errors=theirs.bse[names].to_numpy(),
        library="statsmodels GLM, Binomial",
        facility_count=sample.ccns.size,
    )


def compare_gee_fit(
    specification: GeeSpecification,
    performance_year: int,
    cohort: Cohort,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit a GEE measure's first stage with statsmodels, as one group, and compare the fits.

    Exchangeable within patient, a dummy for each facility, no degrees of freedom subtracted from
    the scale: so coefficients and robust errors are the same numbers by another method. The model's
    own errors are not compared: statsmodels uses a scale of 1 for them, this project the estimated
    dispersion. Facilities without events, or with events only, are left out here, too.
    Where patients hardly ever change, the steps of statsmodels take hundreds of rounds or never
    converge. So it starts from our root and correlation, and the check is whether its first steps
    move away from the root, and its robust errors, at a correlation that it estimates there. Where
    the project holds the correlation within its range, it keeps ours.

    Raises:
        FitError: the sample has too few events for the adjusters.
    """
    from statsmodels.genmod.cov_struct import Exchangeable
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_estimating_equations import GEE

    sample = draw_sample(cohort, count=facility_count, seed=seed)
    outcome = sample.numbers(access.EVENT)
    sample = narrow_design(sample, outcome)
    fit = access.fit_adjusters(sample)
    ours, is_held = fit.regression, fit.is_held
    share = sum_by(sample.facility, outcome) / np.bincount(sample.facility)
    used = ((share > 0) & (share < 1))[sample.facility]
    names = list(ours.names)
    given = ", at our correlation and root" if is_held else ", from our root"
    structure = Exchangeable()
    structure.dep_params = fit.correlation
    theirs = GEE(
        outcome[used],
        _list_covariates(sample, names, sample.facility, used),
        groups=sample.patient[used],
        family=Binomial(),
        cov_struct=structure,
        update_dep=not is_held,
    ).fit(
        maxiter=500,
        ctol=ROOT_TOLERANCE,
        start_params=np.concatenate((ours.coefficients, fit.intercepts)),
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
        facility_count=sample.ccns.size,
    )


def describe_difference(compared: pd.DataFrame) -> tuple[float, str]:
    """Return the largest difference of two fits' estimates and errors, and its term.

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


def narrow_design(sample: Cohort, events: FloatArray, *, among: BoolArray | None = None) -> Cohort:
    """Leave out adjusters with too little information in the sample, or in its rows `among`."""
    rows = slice(None) if among is None else among
    mine, rare = events[rows], []
    for term, name in enumerate(sample.design.names):
        values, counts = np.unique(sample.design.matrix[rows, term], return_counts=True)
        commonest = values[counts.argmax()]
        if mine[sample.design.matrix[rows, term] != commonest].sum() < FEWEST_EVENTS:
            rare.append(name)
    return sample.drop(rare)


def draw_sample(cohort: Cohort, *, count: int, seed: int) -> Cohort:
    """Return the rows of the facilities drawn, in the order of the cohort."""
    drawn = draw_facilities(cohort, count=count, seed=seed)
    return cohort.take(np.flatnonzero(np.isin(cohort.facility, drawn)))


def pair_codes(first: IntArray, second: IntArray) -> IntArray:
    """Return a code from 0 for each pair of codes that occurs in a row."""
    _, codes = np.unique(first * (int(second.max()) + 1) + second, return_inverse=True)
    return codes


def _frame(sample: Cohort, names: list[str]) -> pd.DataFrame:
    """Return the columns of the design by name, as the national fit reads them: in float32."""
    terms = [sample.design.names.index(name) for name in names]
    return pd.DataFrame(sample.design.matrix[:, terms].astype(np.float64), columns=names)


def _list_covariates(
    sample: Cohort, names: list[str], cell: IntArray, used: BoolArray
) -> pd.DataFrame:
    """Return the used rows' covariates and a dummy for each of their cells."""
    covariates = _frame(sample, names)[used]
    dummies = pd.get_dummies(pd.Series(cell)[used], prefix="cell", dtype=float)
    return pd.concat([covariates, dummies], axis=1)


def _fit_dummies(
    outcome: FloatArray,
    covariates: pd.DataFrame,
    *,
    family: "Family",
    exposure: FloatArray | None = None,
) -> "GLMResultsWrapper":
    """Fit a generalised linear model whose cells have dummies by statsmodels.

    It is not to look for a constant among them, by two singular value decompositions: a constant
    counts only for degrees of freedom, which these families' errors do not have.
    """
    from statsmodels.genmod.generalized_linear_model import GLM

    model = GLM(outcome, covariates, family=family, exposure=exposure, hasconst=False)
    return model.fit(tol=1e-12)


def _replace_column(sample: Cohort, name: str, values: FloatArray) -> Cohort:
    place = sample.table.column_names.index(name)
    return replace(sample, table=sample.table.set_column(place, name, pa.array(values)))


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
