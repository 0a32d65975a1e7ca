"""Stratified Cox regression with delayed entry, offsets and Breslow ties: SMR, SWR, SMoSR.

Cox (1972), Breslow (1974), Kalbfleisch & Prentice (2002); manual 2.14.13, 2.15.13, 2.27.13. What
is expected at national hazards belongs to `cox_baseline`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from esrd_pipeline.statistics.design import Design, FloatArray, IntArray, find_aliased
from esrd_pipeline.statistics.fit import CollinearError, FitError, Regression, SetAside
from esrd_pipeline.statistics.newton import Evaluation, check_directions, maximise
from esrd_pipeline.statistics.risk_sets import (
    RiskSets,
    group_risk_sets,
    split_strata,
    sum_at_times,
    sum_over_times,
    sum_rows_at_times,
)
from esrd_pipeline.statistics.rows import check_amounts, check_codes, check_finite_rows

ROUNDING_SHARE = 1e-12
"""A term whose square varies less than this within risk sets does so by rounding alone."""
TIMES_AT_ONCE = 8192
"""Event times whose sums of covariates are held together: at 150 columns 10 MB."""
Codes = NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxFit:
    """A fitted stratified Cox model.

    Attributes:
        regression: coefficients; the log-likelihood is Breslow's partial one.
        terms: the columns the design had, those set aside among them.
        strata: strata with an event.
        event_times: distinct event times, counted in each stratum.
    """

    regression: Regression
    terms: tuple[str, ...]
    strata: int
    event_times: int


@dataclass(frozen=True, slots=True)
class _Model:
    """A design, its risk sets and its offsets, the last in the order of the sets."""

    design: Design
    sets: RiskSets
    offset: FloatArray


@dataclass(frozen=True, slots=True)
class _Point:
    """The partial likelihood at one point; rows are in the order of the risk sets."""

    log_likelihood: float
    residuals: FloatArray
    weights: FloatArray
    hazards: FloatArray
    """d / S0 at each event time."""
    sums: FloatArray
    """S0 at each event time."""


def fit_cox(
    *,
    design: Design,
    start: FloatArray,
    stop: FloatArray,
    event: NDArray[np.generic],
    stratum: Codes | None = None,
    patient: Codes | None = None,
    offset: FloatArray | None = None,
    set_aside_aliased: bool = False,
) -> CoxFit:
    """Maximise the partial likelihood; arrays have shape (rows,) and need no order.

    Args:
        design: covariates of each row.
        start: time of entry; a row is at risk at t where start < t <= stop.
        stop: time of event or censoring, > start.
        event: 1 where the row ends in an event, else 0.
        stratum: codes from 0; one stratum where not given.
        patient: codes from 0, for the sandwich covariance; none is made where not given.
        offset: added to the linear predictor.
        set_aside_aliased: leave out, and report, terms that do not vary within risk sets or
            repeat earlier terms, instead of raising.

    Raises:
        CollinearError: terms do not vary within risk sets or repeat one another.
        SeparationError: a term has no finite estimate.
        NotConvergedError: Newton's method met its limit.
        FitError: arrays disagree or hold what they may not; no events.
    """
    rows = design.row_count
    check_spans(start, stop, event, rows=rows)
    at = np.zeros(rows, dtype=np.intp) if stratum is None else _codes("stratum", stratum, rows)
    shift = np.zeros(rows) if offset is None else offset
    check_finite_rows("offset", shift, rows=rows)
    sets = group_risk_sets(
        start=np.asarray(start, dtype=np.float64),
        stop=np.asarray(stop, dtype=np.float64),
        event=np.asarray(event, dtype=bool),
        stratum=at,
    )
    if not sets.times.size:
        raise FitError("event: no row ends in an event")
    model = _Model(design, sets, np.asarray(shift, dtype=np.float64)[sets.order])
    kept, aliased = _find_estimable(model)
    if aliased and not set_aside_aliased:
        raise CollinearError(
            f"these terms do not vary within risk sets or repeat earlier terms:"
            f" {', '.join(aliased.names)}"
        )
    clusters = None if patient is None else _codes("patient", patient, rows)[sets.order]
    regression = _fit(model, kept, clusters, _list_unused(sets, aliased))
    return CoxFit(
        regression=regression,
        terms=design.names,
        strata=sets.row_starts.size - 1,
        event_times=sets.times.size,
    )


def check_spans(
    start: FloatArray, stop: FloatArray, event: NDArray[np.generic], *, rows: int
) -> None:
    """Refuse spans that are not finite or not longer than nothing, and events that are not 0 or 1.

    Raises:
        FitError: naming the array and how many of its values are refused.
    """
    check_finite_rows("start", start, rows=rows)
    check_finite_rows("stop", stop, rows=rows)
    check_amounts("event", np.asarray(event, dtype=np.float64), rows=rows)
    short = int(np.count_nonzero(stop <= start))
    if short:
        raise FitError(f"stop: {short} values are not above their start")
    odd = int(np.count_nonzero((event != 0) & (event != 1)))
    if odd:
        raise FitError(f"event: {odd} values are neither 0 nor 1")


def _codes(name: str, values: Codes, rows: int) -> IntArray:
    check_codes(name, values, rows=rows)
    return np.asarray(values, dtype=np.intp)


def _list_unused(sets: RiskSets, aliased: SetAside | None) -> tuple[SetAside, ...]:
    found = (
        SetAside("strata without events", sets.strata_without_events),
        SetAside("rows at risk at no event time", sets.never_at_risk),
    )
    unused = tuple(aside for aside in found if aside.count)
    return unused if aliased is None else (*unused, aliased)


def _fit(
    model: _Model, kept: IntArray, clusters: IntArray | None, unused: tuple[SetAside, ...]
) -> Regression:
    design, sets = model.design, model.sets
    names = tuple(design.names[term] for term in kept)
    coefficients = np.zeros(design.term_count)
    pick = np.ix_(kept, kept)

    def evaluate(values: FloatArray) -> Evaluation:
        coefficients[kept] = values
        point = _evaluate(model, coefficients)
        score = _score(model, point)
        information = _information(model, point, is_exact=False)
        return Evaluation(point.log_likelihood, score[kept], information[pick])

    optimum = maximise(evaluate, np.zeros(kept.size), names=names)
    coefficients[kept] = optimum.coefficients
    point = _evaluate(model, coefficients)
    information = _information(model, point, is_exact=True)[pick]
    check_directions(information, names)
    covariance = np.asarray(cho_solve(cho_factor(information, lower=True), np.eye(kept.size)))
    robust = None
    if clusters is not None:
        filling = _sum_patient_scores(model, point, clusters)[pick]
        robust = covariance @ filling @ covariance
    return Regression(
        names=names,
        coefficients=optimum.coefficients,
        model_covariance=covariance,
        robust_covariance=robust,
        iterations=optimum.iterations,
        gradient_norm=optimum.gradient_norm,
        decrement=optimum.decrement,
        log_likelihood=optimum.evaluation.log_likelihood,
        row_count=sets.order.size,
        event_count=float(sets.deaths.sum()),
        set_aside=unused,
    )


def _find_estimable(model: _Model) -> tuple[IntArray, SetAside | None]:
    """Split the terms by what the start of the search says of them, in float64."""
    point = _evaluate(model, np.zeros(model.design.term_count))
    raw = np.diag(_information(model, point, is_exact=True, is_centred=False))
    information = _information(model, point, is_exact=True)
    if not np.all(np.isfinite(information)):
        raise FitError("design: values are not finite")
    varies = np.diag(information) > ROUNDING_SHARE * raw
    return find_aliased(np.where(np.outer(varies, varies), information, 0.0), model.design.names)


def _evaluate(model: _Model, coefficients: FloatArray) -> _Point:
    """Return the partial log-likelihood and what score and information are made of.

    Within a stratum only differences of the linear predictor matter: the largest is taken off,
    so that no weight overflows.
    """
    sets = model.sets
    predictor = model.design.multiply(coefficients)[sets.order] + model.offset
    largest = np.maximum.reduceat(predictor, sets.row_starts[:-1])
    predictor -= np.repeat(largest, np.diff(sets.row_starts))
    weights = np.exp(predictor)
    sums = sum_at_times(sets, weights)
    hazards = sets.deaths / sums
    residuals = sets.is_event - weights * sum_over_times(sets, hazards)
    value = float(predictor[sets.is_event].sum() - sets.deaths @ np.log(sums))
    return _Point(value, residuals, weights, hazards, sums)


def _score(model: _Model, point: _Point) -> FloatArray:
    residuals = np.zeros(model.design.row_count)
    residuals[model.sets.order] = point.residuals
    return model.design.cross(residuals)


def _information(
    model: _Model, point: _Point, *, is_exact: bool, is_centred: bool = True
) -> FloatArray:
    """Return sum w A x x' - sum d m m' with m the weighted mean of x in each risk set."""
    sets, design = model.sets, model.design
    exposure = np.zeros(design.row_count)
    exposure[sets.order] = point.weights * sum_over_times(sets, point.hazards)
    total = design.information(exposure, is_exact=is_exact)
    if not is_centred:
        return total
    for first, last in split_strata(sets, times=TIMES_AT_ONCE):
        times = slice(int(sets.time_starts[first]), int(sets.time_starts[last]))
        means = sum_rows_at_times(sets, design.matrix, point.weights, first=first, last=last)
        means *= (np.sqrt(sets.deaths[times]) / point.sums[times])[:, None]
        if not is_exact:
            means = means.astype(np.float32)
        total -= means.T @ means
    return total


def _sum_patient_scores(model: _Model, point: _Point, clusters: IntArray) -> FloatArray:
    """Return the sum over patients of score s s', s = sum of score residuals (Lin & Wei 1989).

    A row's residual is x r - [event] m(stop) + w sum of d m / S0 over the times it is at risk.
    """
    sets, matrix = model.sets, model.design.matrix
    scores = np.zeros((int(clusters.max()) + 1, model.design.term_count))
    for first, last in split_strata(sets, times=TIMES_AT_ONCE):
        times = slice(int(sets.time_starts[first]), int(sets.time_starts[last]))
        rows = slice(int(sets.row_starts[first]), int(sets.row_starts[last]))
        means = sum_rows_at_times(sets, matrix, point.weights, first=first, last=last)
        means /= point.sums[times, None]
        passed = np.zeros((means.shape[0] + 1, means.shape[1]))
        np.cumsum(means * point.hazards[times, None], axis=0, out=passed[1:])
        entry, leave = sets.entry[rows] - times.start, sets.exit[rows] - times.start
        is_event = sets.is_event[rows]
        for block in range(0, entry.size, TIMES_AT_ONCE):
            part = slice(block, block + TIMES_AT_ONCE)
            place = slice(rows.start + block, min(rows.start + block + TIMES_AT_ONCE, rows.stop))
            mine = matrix[sets.order[place]] * point.residuals[place, None]
            mine = mine + point.weights[place, None] * (passed[leave[part]] - passed[entry[part]])
            mine[is_event[part]] -= means[leave[part][is_event[part]] - 1]
            np.add.at(scores, clusters[place], mine)
    return scores.T @ scores
