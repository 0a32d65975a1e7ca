"""Stratified Cox regression with delayed entry, offsets and Breslow ties: SMR, SWR, SMoSR.

Cox (1972), Breslow (1974), Kalbfleisch & Prentice (2002); manual 2.14.13, 2.15.13, 2.27.13.
`cox_baseline` computes the events expected at national hazards.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import (
    BLOCK_ROWS,
    ROUNDING_SHARE,
    Design,
    FloatArray,
    IntArray,
    find_estimable,
)
from esrd_pipeline.statistics.fit import CollinearError, Dropped, FitError, Regression
from esrd_pipeline.statistics.newton import Evaluation, invert_information, maximise
from esrd_pipeline.statistics.risk_sets import RiskSets, group_risk_sets, split_strata
from esrd_pipeline.statistics.risk_sums import (
    WeightSums,
    add_score_residuals,
    sum_up_to,
    sum_weighted_rows,
    sum_weights,
    sum_while_at_risk,
)
from esrd_pipeline.statistics.rows import check_amounts, check_codes, check_finite_rows

NARROW_SHARE = 1e-3
"""If a smaller share of a term's squares lies within risk sets, float32 is too coarse for a Newton
step."""
TIMES_AT_ONCE = 2048
"""Number of event times whose covariate sums are held in memory at once: 2.5 MB at 150 columns."""
Codes = NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxFit:
    """A fitted stratified Cox model.

    Attributes:
        regression: coefficients; the log-likelihood is Breslow's partial one.
        terms: all columns of the design, including dropped ones.
        strata: number of strata with an event.
        event_times: number of distinct event times, counted within each stratum.
    """

    regression: Regression
    terms: tuple[str, ...]
    strata: int
    event_times: int


@dataclass(frozen=True, slots=True)
class _Model:
    """A design and its risk sets; the offsets are in the order of the sets.

    Columns are centred to keep the digits of sums of squares; the likelihood does not depend on
    it. `event_sum` is the sum of x - centre over events.
    """

    design: Design
    sets: RiskSets
    offset: FloatArray
    centre: FloatArray
    event_sum: FloatArray


@dataclass(frozen=True, slots=True)
class _Point:
    """The partial likelihood at one point; rows are in the order of the risk sets."""

    log_likelihood: float
    weights: FloatArray
    at_risk: WeightSums
    """S0 at each event time."""
    hazards: FloatArray
    """d / S0 at each event time."""
    exposure: FloatArray
    """w times the hazards while at risk, of each row."""


def fit_cox(
    *,
    design: Design,
    start: FloatArray,
    stop: FloatArray,
    event: NDArray[np.generic],
    stratum: Codes | None = None,
    patient: Codes | None = None,
    offset: FloatArray | None = None,
    drop_aliased: bool = False,
) -> CoxFit:
    """Maximise the partial likelihood; arrays have shape (rows,) and need no order.

    Args:
        design: covariates of each row.
        start: time of entry; a row is at risk at t where start < t <= stop.
        stop: time of event or censoring, > start.
        event: 1 where the row ends in an event, else 0.
        stratum: codes from 0; by default all rows are in one stratum.
        patient: codes from 0, for the sandwich covariance, which is computed only if given.
        offset: added to the linear predictor.
        drop_aliased: drop and report terms that do not vary within risk sets or are linear
            combinations of earlier terms, instead of raising.

    Raises:
        CollinearError: terms do not vary within risk sets or are linearly dependent.
        SeparationError: a term has no finite estimate.
        NotConvergedError: Newton's method reached its iteration limit.
        FitError: arrays differ in length or contain invalid values; no events.
    """
    rows = design.row_count
    check_spans(start, stop, rows=rows)
    check_events(event, rows=rows)
    at = np.zeros(rows, dtype=np.intp) if stratum is None else _codes("stratum", stratum, rows)
    shift = np.zeros(rows) if offset is None else offset
    check_finite_rows("offset", shift, rows=rows)
    sets = group_risk_sets(start=start, stop=stop, event=event, stratum=at)
    model = _build_model(design, sets, np.asarray(shift, dtype=np.float64))
    kept, aliased = _find_estimable(model)
    if aliased and not drop_aliased:
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


def check_spans(start: FloatArray, stop: FloatArray, *, rows: int) -> None:
    """Raise if a time interval is not finite or does not have a positive length.

    Raises:
        FitError: with the name of the array and the number of invalid values.
    """
    check_finite_rows("start", start, rows=rows)
    check_finite_rows("stop", stop, rows=rows)
    short = int(np.count_nonzero(stop <= start))
    if short:
        raise FitError(f"stop: {short} values are not above their start")


def check_events(event: NDArray[np.generic], *, rows: int) -> None:
    """Raise if an event indicator is neither 0 nor 1.

    Raises:
        FitError: with the number of invalid values.
    """
    check_amounts("event", np.asarray(event, dtype=np.float64), rows=rows)
    odd = int(np.count_nonzero((event != 0) & (event != 1)))
    if odd:
        raise FitError(f"event: {odd} values are neither 0 nor 1")


def _codes(name: str, values: Codes, rows: int) -> IntArray:
    check_codes(name, values, rows=rows)
    return np.asarray(values, dtype=np.intp)


def _list_unused(sets: RiskSets, aliased: Dropped | None) -> tuple[Dropped, ...]:
    found = (
        Dropped("strata without events", sets.strata_without_events),
        Dropped("rows at risk at no event time", sets.never_at_risk),
    )
    unused = tuple(aside for aside in found if aside.count)
    return unused if aliased is None else (*unused, aliased)


def _build_model(design: Design, sets: RiskSets, offset: FloatArray) -> _Model:
    with np.errstate(invalid="ignore"):
        centre = design.cross(np.ones(design.row_count)) / design.row_count
    if not np.all(np.isfinite(centre)):
        raise FitError(design.describe_values())
    is_event = np.zeros(design.row_count)
    is_event[sets.order] = sets.is_event
    event_sum = design.cross(is_event) - sets.deaths.sum() * centre
    return _Model(design, sets, offset[sets.order], centre, event_sum)


def _fit(
    model: _Model, kept: IntArray, clusters: IntArray | None, unused: tuple[Dropped, ...]
) -> Regression:
    design, sets = model.design, model.sets
    names = tuple(design.names[term] for term in kept)
    coefficients = np.zeros(design.term_count)

    def evaluate(values: FloatArray) -> Evaluation:
        coefficients[kept] = values
        point = _evaluate(model, coefficients)
        if not np.isfinite(point.log_likelihood):
            # The point overflows float64: no derivatives, and the caller halves the step.
            return Evaluation(-np.inf, np.zeros(kept.size), np.zeros((kept.size, kept.size)))
        score, information = _differentiate(model, point, kept)
        return Evaluation(point.log_likelihood, score, information)

    optimum = maximise(evaluate, np.zeros(kept.size), names=names)
    coefficients[kept] = optimum.coefficients
    point = _evaluate(model, coefficients)
    _, between = _sum_means(model, point, is_exact=True)
    information = (_sum_squares(model, point, is_exact=True) - between)[np.ix_(kept, kept)]
    covariance = invert_information(information, names)
    robust = None
    if clusters is not None:
        scores = _sum_patient_scores(model, point, clusters)
        robust = covariance @ (scores.T @ scores)[np.ix_(kept, kept)] @ covariance
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
        dropped=unused,
    )


def _find_estimable(model: _Model) -> tuple[IntArray, Dropped | None]:
    """Split the terms into estimable and aliased ones at the start values, in float64."""
    point = _evaluate(model, np.zeros(model.design.term_count))
    if not np.isfinite(point.log_likelihood):
        raise FitError("offset: values of one stratum lie too far apart")
    squares = _sum_squares(model, point, is_exact=True)
    information = squares - _sum_means(model, point, is_exact=True)[1]
    # A column without variation equals its centre in every row, except for rounding.
    rounding = ROUNDING_SHARE * np.diag(squares)
    rounding += model.sets.deaths.sum() * (ROUNDING_SHARE * model.centre) ** 2
    return find_estimable(information, model.design.names, rounding=rounding)


def _evaluate(model: _Model, coefficients: FloatArray) -> _Point:
    """Return the partial log-likelihood and the sums that score and information are built from.

    Within a stratum only differences of the linear predictor matter: the largest is subtracted
    so that no weight overflows. If all weights of a risk set underflow, the value is -inf.
    """
    sets = model.sets
    predictor = model.design.multiply(coefficients)[sets.order] + model.offset
    largest = np.maximum.reduceat(predictor, sets.row_starts[:-1])
    predictor -= np.repeat(largest, np.diff(sets.row_starts))
    weights = np.exp(predictor)
    at_risk = sum_weights(sets, weights)
    if not np.all(at_risk.sums > 0):
        return _Point(-np.inf, weights, at_risk, np.zeros(0), np.zeros(0))
    hazards = sets.deaths / at_risk.sums
    exposure = weights * sum_while_at_risk(sets, hazards)
    value = float(predictor[sets.is_event].sum() - sets.deaths @ np.log(at_risk.sums))
    return _Point(value, weights, at_risk, hazards, exposure)


def _differentiate(model: _Model, point: _Point, kept: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return score and information of these terms, in float32 where it is accurate enough."""
    pick = np.ix_(kept, kept)
    squares = _sum_squares(model, point, is_exact=False)[pick]
    score, between = _sum_means(model, point, is_exact=False)
    information = squares - between[pick]
    if np.any(np.diag(information) < NARROW_SHARE * np.diag(squares)):
        squares = _sum_squares(model, point, is_exact=True)[pick]
        information = squares - _sum_means(model, point, is_exact=True)[1][pick]
    return score[kept], information


def _sum_squares(model: _Model, point: _Point, *, is_exact: bool) -> FloatArray:
    """Return sum w A (x - centre) (x - centre)', A the hazards while at risk: shape (p, p)."""
    design = model.design
    width = np.float64 if is_exact else np.float32
    roots = np.zeros(design.row_count, dtype=width)
    roots[model.sets.order] = np.sqrt(point.exposure)
    centre = model.centre.astype(width)
    block = np.empty((BLOCK_ROWS, design.term_count), dtype=width)
    total = np.zeros((design.term_count, design.term_count))
    for rows in design.blocks():
        part = block[: rows.stop - rows.start]
        np.subtract(design.matrix[rows], centre, out=part)
        part *= roots[rows, None]
        total += part.T @ part
    return total


def _sum_means(model: _Model, point: _Point, *, is_exact: bool) -> tuple[FloatArray, FloatArray]:
    """Return the score and sum d m m', m the weighted mean of x - centre in each risk set."""
    deaths = model.sets.deaths
    score = model.event_sum.copy()
    between = np.zeros((score.size, score.size))
    for first, last, times in _split(model.sets):
        means = _average(model, point, first, last, times)
        score -= deaths[times] @ means
        means *= np.sqrt(deaths[times])[:, None]
        part = means if is_exact else means.astype(np.float32)
        between += part.T @ part
    return score, between


def _split(sets: RiskSets) -> Iterator[tuple[int, int, slice]]:
    """Yield blocks of strata: the first, the one after the last, and the slice of their times."""
    for first, last in split_strata(sets, times=TIMES_AT_ONCE):
        yield first, last, slice(int(sets.time_starts[first]), int(sets.time_starts[last]))


def _average(model: _Model, point: _Point, first: int, last: int, times: slice) -> FloatArray:
    """Return the weighted mean of x - centre in each risk set of these strata: (times, p)."""
    means = sum_weighted_rows(
        model.sets,
        model.design.matrix,
        point.weights,
        centre=model.centre,
        is_anew=point.at_risk.is_anew,
        first=first,
        last=last,
    )
    means /= point.at_risk.sums[times, None]
    return means


def _sum_patient_scores(model: _Model, point: _Point, clusters: IntArray) -> FloatArray:
    """Return each patient's sum of score residuals, shape (patients, p) (Lin & Wei 1989)."""
    patients, members = np.unique(clusters, return_inverse=True)
    scores = np.zeros((patients.size, model.design.term_count))
    for first, last, times in _split(model.sets):
        means = _average(model, point, first, last, times)
        passed = sum_up_to(model.sets, means * point.hazards[times, None], first=first, last=last)
        add_score_residuals(
            model.sets,
            model.design.matrix,
            centre=model.centre,
            weights=point.weights,
            exposure=point.exposure,
            means=means,
            passed=passed,
            members=members,
            first=first,
            last=last,
            scores=scores,
        )
    return scores
