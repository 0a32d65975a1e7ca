"""Logistic regression with one fixed effect per cell: stage 1 of SRR and ED30 (2.10.12, 2.26.13).

Rows are discharges and cells are pairs of facility and hospital, whose effects are eliminated by
blocks instead of being columns of the design (He et al. 2013; Kalbfleisch & Wolfe 2013). The later
stages use x'b as their offset (`crossed_effects`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import (
    ROUNDING_SHARE,
    Design,
    FloatArray,
    IntArray,
    check_columns,
    find_estimable,
)
from esrd_pipeline.statistics.fit import (
    CollinearError,
    Dropped,
    FitError,
    Regression,
)
from esrd_pipeline.statistics.logistic_cells import (
    BLOCK_ROWS,
    LogisticCells,
    LogisticProfile,
    evaluate_cells,
    group_cells,
    sum_patient_scores,
)
from esrd_pipeline.statistics.newton import Evaluation, Optimum, invert_information, maximise
from esrd_pipeline.statistics.rows import (
    check_codes,
    check_counts,
    check_finite_rows,
)

MINIMUM_ROWS = 11
"""Smallest cell used: more than ten discharges."""

Codes = NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticFit:
    """A logistic regression with one effect for each of C cells.

    Attributes:
        regression: coefficients of the terms; the log-likelihood is that of all rows used, cell
            effects at their maxima.
        terms: all columns of the design, including dropped ones.
        cells: codes of the cells used, rising, shape (C,).
        effects: their effects, on the logit scale, where x'b = 0: shape (C,).
        effect_errors: standard errors of the effects, from the model, shape (C,).
    """

    regression: Regression
    terms: tuple[str, ...]
    cells: IntArray
    effects: FloatArray
    effect_errors: FloatArray

    def predict(self, design: Design) -> FloatArray:
        """Return x'b of every row, without cell effects: shape (rows,).

        Rows may be those of the fit, including dropped ones, or new. Dropped terms contribute 0.

        Raises:
            FitError: the design's columns are not the fit's.
        """
        check_columns(design, self.terms)
        return design.predict(self.regression)


def fit_logistic(
    *,
    design: Design,
    outcome: NDArray[np.number | np.bool_],
    cell: Codes | None = None,
    offset: FloatArray | None = None,
    patient: Codes | None = None,
    minimum_rows: int = MINIMUM_ROWS,
    drop_aliased: bool = False,
    block_rows: int = BLOCK_ROWS,
) -> LogisticFit:
    """Fit by Newton's method on the profile likelihood; arrays have shape (rows,), in any order.

    Each step maximises over every cell's effect and then moves the coefficients by the joint
    Newton step with the effects eliminated. With w = p (1 - p) and m the mean of x in the
    cell weighted by w, the score is the sum of (x - m)(y - p), efficient for the coefficients,
    and the information the sum of w (x - m)(x - m)'. The robust covariance sums that score by
    patient across cells: it is the block of the full model's sandwich, without small-sample
    factors.

    Args:
        design: covariates of each row; may have no columns.
        outcome: 0 or 1.
        cell: codes from 0, gaps allowed; by default one common effect.
        offset: known part of each row's log-odds; by default 0.
        patient: codes from 0; rows of one patient form one cluster. Without it there is no
            robust covariance.
        minimum_rows: cells with fewer rows are dropped (does not apply to a common effect).
        drop_aliased: drop and report terms that do not vary within cells or repeat
            earlier terms, instead of raising.
        block_rows: rows processed at a time.

    Raises:
        CollinearError: terms are linear combinations of the cells or of one another.
        SeparationError: a term has no finite estimate.
        NotConvergedError: Newton's method reached its iteration limit.
        FitError: arrays differ in length or contain invalid values; no cell has both events
            and non-events.
    """
    rows = design.row_count
    _check_rows(design, outcome=outcome, cell=cell, offset=offset, patient=patient)
    cells, unused = group_cells(
        matrix=design.matrix,
        cell=np.zeros(rows, dtype=np.intp) if cell is None else cell.astype(np.intp, copy=False),
        offset=np.zeros(rows) if offset is None else offset.astype(np.float64, copy=False),
        outcome=outcome.astype(np.float64),
        minimum_rows=1 if cell is None else minimum_rows,
    )
    kept, aliased = _find_estimable(design, cells, block_rows)
    if aliased and not drop_aliased:
        raise CollinearError(
            f"these terms repeat the cells or earlier terms: {', '.join(aliased.names)}"
        )
    names = tuple(design.names[term] for term in kept)
    optimum = _climb(cells, kept, names, block_rows)
    profile = _evaluate(cells, kept, optimum.coefficients, is_exact=True, rows=block_rows)
    pick = np.ix_(kept, kept)
    information = profile.information[pick]
    covariance = invert_information(information, names)
    robust = None
    if patient is not None:
        codes = patient.astype(np.intp, copy=False)[cells.order]
        meat = sum_patient_scores(cells, profile, patient=codes, block_rows=block_rows)
        robust = covariance @ meat[pick] @ covariance
    regression = Regression(
        names=names,
        coefficients=optimum.coefficients,
        model_covariance=covariance,
        robust_covariance=robust,
        iterations=optimum.iterations,
        gradient_norm=optimum.gradient_norm,
        decrement=optimum.decrement,
        log_likelihood=profile.log_likelihood,
        row_count=cells.order.size,
        event_count=float(cells.cell_events.sum()),
        dropped=unused if aliased is None else (*unused, aliased),
    )
    return LogisticFit(
        regression=regression,
        terms=design.names,
        cells=cells.codes,
        effects=profile.intercepts,
        effect_errors=_find_effect_errors(profile, kept, covariance),
    )


def _check_rows(
    design: Design,
    *,
    outcome: NDArray[np.number | np.bool_],
    cell: Codes | None,
    offset: FloatArray | None,
    patient: Codes | None,
) -> None:
    rows = design.row_count
    check_counts("outcome", outcome.astype(np.float64), rows=rows)
    broken = int(np.count_nonzero(outcome > 1))
    if broken:
        raise FitError(f"outcome: {broken} values are neither 0 nor 1")
    if offset is not None:
        check_finite_rows("offset", offset, rows=rows)
    for name, codes in (("cell", cell), ("patient", patient)):
        if codes is not None:
            check_codes(name, codes, rows=rows)


def _evaluate(
    cells: LogisticCells, kept: IntArray, point: FloatArray, *, is_exact: bool, rows: int
) -> LogisticProfile:
    coefficients = np.zeros(cells.matrix.shape[1])
    coefficients[kept] = point
    return evaluate_cells(cells, coefficients, is_exact=is_exact, block_rows=rows)


def _climb(
    cells: LogisticCells, kept: IntArray, names: tuple[str, ...], block_rows: int
) -> Optimum:
    def evaluate(point: FloatArray) -> Evaluation:
        profile = _evaluate(cells, kept, point, is_exact=False, rows=block_rows)
        information = profile.information[np.ix_(kept, kept)]
        return Evaluation(profile.log_likelihood, profile.score[kept], information)

    return maximise(evaluate, np.zeros(kept.size), names=names)


def _find_estimable(
    design: Design, cells: LogisticCells, block_rows: int
) -> tuple[IntArray, Dropped | None]:
    """Split the terms into estimable and aliased ones at the start values, in float64."""
    every = np.arange(design.term_count)
    start = np.zeros(design.term_count)
    profile = _evaluate(cells, every, start, is_exact=True, rows=block_rows)
    if not np.all(np.isfinite(profile.information)):
        raise FitError(design.describe_values())
    squares = np.diag(profile.information) + profile.weights @ profile.centres**2
    return find_estimable(
        profile.information,
        design.names,
        rounding=ROUNDING_SHARE * squares,
        rule="terms that repeat the cells or earlier terms",
    )


def _find_effect_errors(
    profile: LogisticProfile, kept: IntArray, covariance: FloatArray
) -> FloatArray:
    """Return the roots of 1 / sum of w + m' V m: the cells' diagonal of the joint inverse."""
    centres = profile.centres[:, kept]
    shared = np.einsum("ct,tu,cu->c", centres, covariance, centres, optimize=True)
    return np.sqrt(1 / profile.weights + shared)
