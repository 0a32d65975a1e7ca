"""Proportional rates with one rate per facility and interval: SHR, STrR, SEDR (2.12.14, 2.13.14).

Model of Lawless & Nadeau (1995), Lin et al. (2000) and Cook & Lawless (2007); two stages of Liu,
Schaubel & Kalbfleisch (2012). Rows are person-period segments. Stage 1 estimates covariate
effects within cells (facility x interval), whose rates are profiled out; stage 2 gives every
interval one national rate.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from esrd_pipeline.statistics.design import (
    ROUNDING_SHARE,
    Design,
    FloatArray,
    IntArray,
    find_estimable,
    find_eventful,
)
from esrd_pipeline.statistics.fit import (
    CollinearError,
    Dropped,
    FitError,
    Regression,
)
from esrd_pipeline.statistics.newton import Evaluation, invert_information, maximise
from esrd_pipeline.statistics.rate_cells import (
    BLOCK_ROWS,
    Cells,
    evaluate_cells,
    group_cells,
    sum_patient_scores,
)
from esrd_pipeline.statistics.rows import check_amounts, check_codes, check_counts, sum_by

Codes = NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesFit:
    """Both stages of a proportional rates model with S intervals.

    Attributes:
        regression: stage 1; its log-likelihood is the whole Poisson log-likelihood, cell rates at
            their maxima.
        terms: all columns of the design, including dropped ones.
        baseline: stage 2, events per unit of exposure at x'b = 0, shape (S,); NaN for an
            interval without rows.
        interval_events: observed events, shape (S,).
        interval_exposure: exposure, shape (S,).
    """

    regression: Regression
    terms: tuple[str, ...]
    baseline: FloatArray
    interval_events: FloatArray
    interval_exposure: FloatArray

    @property
    def national_rate(self) -> float:
        """Events per unit of exposure, over all rows (manual 2.12.15, 2.13.12)."""
        return float(self.interval_events.sum() / self.interval_exposure.sum())


def fit_rates(
    *,
    design: Design,
    exposure: FloatArray,
    events: NDArray[np.number],
    facility: Codes,
    interval: Codes,
    patient: Codes,
    interval_count: int | None = None,
    drop_aliased: bool = False,
    drop_eventless: bool = False,
    block_rows: int = BLOCK_ROWS,
) -> RatesFit:
    """Fit both stages; all arrays have shape (rows,) and need no order.

    The information has the cell means subtracted: sum of mu (x - m)(x - m)' with m the mean of
    x in the cell weighted by mu, which equals the Schur complement of the cell rates. The robust
    covariance sums (x - m)(y - mu) by patient across facilities: it is the block of the full
    model's sandwich, without small-sample factors.

    Args:
        design: covariates of each row.
        exposure: time at risk, > 0 (days).
        events: event counts, whole numbers >= 0.
        facility: codes 0..F-1.
        interval: codes 0..S-1.
        patient: codes from 0; rows of one patient form one cluster.
        interval_count: S; by default one more than the largest code.
        drop_aliased: drop and report terms that do not vary within cells or repeat
            earlier terms, instead of raising.
        drop_eventless: drop and report terms that are zero in every row with an
            event, instead of raising: their estimate is minus infinity.
        block_rows: rows processed at a time.

    Raises:
        CollinearError: terms are linear combinations of the cells or of one another.
        SeparationError: a term has no finite estimate.
        NotConvergedError: Newton's method reached its iteration limit.
        FitError: arrays differ in length or contain invalid values; no events.
    """
    rows = design.row_count
    check_amounts("exposure", exposure, rows=rows, is_positive=True)
    check_counts("events", events, rows=rows)
    for name, codes in (("facility", facility), ("interval", interval), ("patient", patient)):
        check_codes(name, codes, rows=rows)
    stages = _count_intervals(interval, interval_count)
    counts = np.asarray(events, dtype=np.float64)
    time = np.asarray(exposure, dtype=np.float64)
    cell = np.asarray(facility, dtype=np.intp) * stages + np.asarray(interval, dtype=np.intp)
    cells, unused = group_cells(cell=cell, exposure=time, events=counts)
    fitted = design
    if drop_eventless:
        kept, eventless = find_eventful(design, counts)
        if eventless is not None:
            fitted, unused = design.select(kept), (*unused, eventless)
    regression = _fit_stage_1(
        fitted,
        cells,
        patient=np.asarray(patient, dtype=np.intp)[cells.order],
        unused=unused,
        drop_aliased=drop_aliased,
        block_rows=block_rows,
    )
    return _fit_stage_2(design, regression, time=time, events=counts, at=interval, count=stages)


def expect(fit: RatesFit, *, design: Design, exposure: FloatArray, interval: Codes) -> FloatArray:
    """Return the expected events of each row at national rates: a_s t exp(x'b), shape (rows,).

    Rows may be those of the fit or new; over the rows of the fit, the sum in each interval equals
    its events. Columns are matched by name; terms that the fit dropped contribute 0.

    Raises:
        FitError: columns are missing or unknown, arrays differ in length or contain invalid
            values, or an interval has no national rate.
    """
    check_amounts("exposure", exposure, rows=design.row_count, is_positive=True)
    check_codes("interval", interval, rows=design.row_count)
    known = fit.baseline.shape[0]
    if interval.size and int(interval.max()) >= known:
        raise FitError(f"interval: codes reach {int(interval.max())}, but the fit has {known}")
    rates = fit.baseline[interval]
    if np.any(np.isnan(rates)):
        raise FitError("interval: some rows lie where the fit had none, so no rate exists")
    coefficients = _match_terms(fit.regression, fit.terms, design)
    return rates * exposure * _relative_risk(design, coefficients)


def _fit_stage_1(
    design: Design,
    cells: Cells,
    *,
    patient: IntArray,
    unused: tuple[Dropped, ...],
    drop_aliased: bool,
    block_rows: int,
) -> Regression:
    kept, aliased = _find_estimable(design, cells, block_rows)
    if aliased and not drop_aliased:
        raise CollinearError(
            f"these terms repeat the cells or earlier terms: {', '.join(aliased.names)}"
        )
    names = tuple(design.names[term] for term in kept)
    coefficients = np.zeros(design.term_count)
    pick = np.ix_(kept, kept)

    def evaluate(point: FloatArray) -> Evaluation:
        coefficients[kept] = point
        profile = evaluate_cells(
            design.matrix, cells, coefficients, is_exact=False, block_rows=block_rows
        )
        return Evaluation(
            profile.log_likelihood + constant, profile.score[kept], profile.information[pick]
        )

    constant = _sum_constants(cells)
    optimum = maximise(evaluate, np.zeros(kept.size), names=names)
    coefficients[kept] = optimum.coefficients
    profile = evaluate_cells(
        design.matrix, cells, coefficients, is_exact=True, block_rows=block_rows
    )
    information = profile.information[pick]
    covariance = invert_information(information, names)
    meat = sum_patient_scores(
        design.matrix, cells, profile, patient=patient, block_rows=block_rows
    )[pick]
    return Regression(
        names=names,
        coefficients=optimum.coefficients,
        model_covariance=covariance,
        robust_covariance=covariance @ meat @ covariance,
        iterations=optimum.iterations,
        gradient_norm=optimum.gradient_norm,
        decrement=optimum.decrement,
        log_likelihood=optimum.evaluation.log_likelihood,
        row_count=cells.order.size,
        event_count=float(cells.cell_events.sum()),
        dropped=unused if aliased is None else (*unused, aliased),
    )


def _find_estimable(
    design: Design, cells: Cells, block_rows: int
) -> tuple[IntArray, Dropped | None]:
    """Split the terms into estimable and aliased ones at the start values, in float64."""
    start = np.zeros(design.term_count)
    profile = evaluate_cells(design.matrix, cells, start, is_exact=True, block_rows=block_rows)
    if not np.all(np.isfinite(profile.information)):
        raise FitError(design.describe_values())
    squares = np.diag(profile.information) + cells.cell_events @ profile.centres**2
    return find_estimable(
        profile.information,
        design.names,
        rounding=ROUNDING_SHARE * squares,
        rule="terms that repeat the cells or earlier terms",
    )


def _sum_constants(cells: Cells) -> float:
    """Return the part of the log-likelihood that does not depend on the coefficients."""
    by_cell = xlogy(cells.cell_events, cells.cell_events) - cells.cell_events
    by_row = xlogy(cells.events, cells.exposure) - gammaln(cells.events + 1.0)
    return float(by_cell.sum() + by_row.sum())


def _fit_stage_2(
    design: Design,
    regression: Regression,
    *,
    time: FloatArray,
    events: FloatArray,
    at: Codes,
    count: int,
) -> RatesFit:
    risk = _relative_risk(design, _match_terms(regression, design.names, design))
    observed = sum_by(at, events, count=count)
    at_risk = sum_by(at, time * risk, count=count)
    is_empty = at_risk == 0
    baseline = np.full(count, np.nan)
    np.divide(observed, at_risk, out=baseline, where=~is_empty)
    if is_empty.any():
        absent = Dropped("intervals without rows", int(is_empty.sum()))
        regression = replace(regression, dropped=(*regression.dropped, absent))
    return RatesFit(
        regression=regression,
        terms=design.names,
        baseline=baseline,
        interval_events=observed,
        interval_exposure=sum_by(at, time, count=count),
    )


def _match_terms(regression: Regression, terms: tuple[str, ...], design: Design) -> FloatArray:
    """Return one coefficient for each column of the design, 0 for terms that the fit dropped."""
    differ = sorted(set(terms) ^ set(design.names))
    if differ:
        raise FitError(f"design: columns differ from the fit's: {', '.join(differ)}")
    return regression.find_coefficients(design.names)


def _relative_risk(design: Design, coefficients: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):
        risk = np.exp(design.multiply(coefficients))
    broken = int(np.count_nonzero(~np.isfinite(risk)))
    if broken:
        raise FitError(f"relative risk: {broken} rows are not finite")
    return risk


def _count_intervals(interval: Codes, count: int | None) -> int:
    largest = int(interval.max())
    if count is None:
        return largest + 1
    if largest >= count:
        raise FitError(f"interval: codes reach {largest}, but there are {count} intervals")
    return count
