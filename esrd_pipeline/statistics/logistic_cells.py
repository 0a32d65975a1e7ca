"""Logistic profile likelihood, one intercept per cell: value, score, information in one pass.

At given coefficients the likelihood is maximised over every cell's intercept, so that a Newton step
for the coefficients is the joint step with the intercepts eliminated (Schur complement). Rows are
sorted by cell once, in their own dtype, because a step reads them several times.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray, Matrix
from esrd_pipeline.statistics.fit import Dropped, FitError
from esrd_pipeline.statistics.rows import find_starts

BLOCK_ROWS = 8192
"""Rows centred at a time: at 75 columns 2.5 MB in float32."""
INTERCEPT_TOLERANCE = 1e-8
"""An intercept has converged when Newton's step is below this, relative or absolute: the remaining
error is less than half its square, because |p'' / p'| <= 1."""
BRACKET_TOLERANCE = 1e-14
INTERCEPT_LIMIT = 200

# Sums may be reordered within a row or a cell, always in the same way; infinities are preserved.
_compile: Any = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticCells:
    """Rows in the order of their cells; includes only cells with events and non-events.

    Attributes:
        order: the row at each place, shape (rows used,).
        matrix: the covariates at each place, shape (rows used, terms).
        cell: index of the cell at each place, rising.
        starts: first place of each cell and, last, the number of places: shape (C + 1,).
        codes: each cell's code, rising, shape (C,).
        cell_events: events of each cell, shape (C,).
        offset: at each place.
        outcome: at each place.
    """

    order: IntArray
    matrix: Matrix
    cell: IntArray
    starts: IntArray
    codes: IntArray
    cell_events: FloatArray
    offset: FloatArray
    outcome: FloatArray

    def groups(self, block_rows: int) -> list[tuple[int, int]]:
        """Groups of whole cells with at most this many rows; a larger cell is its own group."""
        groups: list[tuple[int, int]] = []
        first, count = 0, self.codes.size
        while first < count:
            reach = self.starts[first] + block_rows
            last = max(first + 1, int(np.searchsorted(self.starts, reach, side="right")) - 1)
            groups.append((first, last))
            first = last
        return groups


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticProfile:
    """The profile likelihood at one point.

    Attributes:
        log_likelihood: of all rows, intercepts at their maxima.
        score: sum of x (y - p), shape (terms,).
        information: sum of w (x - m)(x - m)' with w = p (1 - p), shape (terms, terms).
        intercepts: of each cell, shape (C,).
        weights: sum of w in each cell, shape (C,).
        centres: m, the mean of x weighted by w in each cell, shape (C, terms).
        probabilities: p at each place of the cells' order; their sum in a cell is its events.
    """

    log_likelihood: float
    score: FloatArray
    information: FloatArray
    intercepts: FloatArray
    weights: FloatArray
    centres: FloatArray
    probabilities: FloatArray


def group_cells(
    *,
    matrix: Matrix,
    cell: IntArray,
    offset: FloatArray,
    outcome: FloatArray,
    minimum_rows: int,
) -> tuple[LogisticCells, tuple[Dropped, ...]]:
    """Order rows by cell (codes from 0, gaps allowed) and drop uninformative cells.

    These are cells of fewer than `minimum_rows` rows and, among the others, cells without events
    or without non-events, whose intercept is infinite at any coefficients.

    Raises:
        FitError: no cell is left.
    """
    order = np.argsort(cell, kind="stable")
    codes, starts, counts = np.unique(cell[order], return_index=True, return_counts=True)
    events = np.add.reduceat(outcome[order], starts)
    is_small = counts < minimum_rows
    unused = {
        f"cells of fewer than {minimum_rows} rows": is_small,
        "cells without events": ~is_small & (events == 0),
        "cells without non-events": ~is_small & (events == counts),
    }
    is_used = ~np.logical_or.reduce(list(unused.values()))
    dropped: list[Dropped] = []
    for rule, among in unused.items():
        if among.any():
            dropped.append(Dropped(rule, int(among.sum())))
            dropped.append(Dropped(f"rows in {rule}", int(counts[among].sum())))
    if not is_used.any():
        reasons = ", ".join(f"{part.count} {part.rule}" for part in dropped)
        raise FitError(f"no cell is informative: {reasons}")
    order = order[np.repeat(is_used, counts)]
    sizes = counts[is_used]
    cells = LogisticCells(
        order=order,
        matrix=matrix[order],
        cell=np.repeat(np.arange(sizes.size), sizes),
        starts=find_starts(sizes),
        codes=codes[is_used],
        cell_events=events[is_used],
        offset=offset[order],
        outcome=outcome[order],
    )
    return cells, tuple(dropped)


def evaluate_cells(
    cells: LogisticCells, coefficients: FloatArray, *, is_exact: bool, block_rows: int
) -> LogisticProfile:
    """Evaluate at `coefficients` (terms,); the information is float32 within blocks unless exact.

    All other sums are always float64.
    """
    term_count = cells.matrix.shape[1]
    cell_count = cells.codes.size
    intercepts = np.empty(cell_count)
    weights = np.empty(cell_count)
    centres = np.zeros((cell_count, term_count))
    probabilities = np.empty(cells.order.size)
    score = np.zeros(term_count)
    information = np.zeros((term_count, term_count))
    block = np.empty((block_rows, term_count), np.float64 if is_exact else np.float32)
    value = 0.0
    for first, last in cells.groups(block_rows):
        value += _profile_cells(
            cells.matrix,
            cells.starts,
            cells.cell_events,
            cells.offset,
            cells.outcome,
            coefficients,
            first,
            last,
            intercepts,
            weights,
            centres,
            probabilities,
        )
        start, end = int(cells.starts[first]), int(cells.starts[last])
        for part in range(start, end, block_rows):
            stop = min(part + block_rows, end)
            rows = block[: stop - part]
            _centre_rows(
                cells.matrix[part:stop],
                cells.cell[part:stop],
                cells.outcome[part:stop],
                probabilities[part:stop],
                centres,
                rows,
                score,
            )
            information += rows.T @ rows
    return LogisticProfile(
        log_likelihood=value,
        score=score,
        information=information,
        intercepts=intercepts,
        weights=weights,
        centres=centres,
        probabilities=probabilities,
    )


def sum_patient_scores(
    cells: LogisticCells,
    profile: LogisticProfile,
    *,
    patient: IntArray,
    block_rows: int,
) -> FloatArray:
    """Return the sum over patients of u u', u = sum of (x - m)(y - p) over a patient's rows.

    `patient` holds codes from 0 at each place of the cells' order. Shape (terms, terms), float64.
    """
    places = np.argsort(patient, kind="stable")
    starts = np.flatnonzero(np.diff(patient[places], prepend=-1, append=-1))
    residuals = cells.outcome - profile.probabilities
    total = np.zeros_like(profile.information)
    block = np.empty((block_rows, total.shape[0]))
    for first in range(0, starts.size - 1, block_rows):
        bounds = starts[first : first + block_rows + 1]
        sums = block[: bounds.size - 1]
        _sum_patients(cells.matrix, cells.cell, residuals, profile.centres, places, bounds, sums)
        total += sums.T @ sums
    return total


@_compile
def find_intercept(predictor: FloatArray, start: int, end: int, events: float) -> float:
    """Return a with the sum of expit(a + predictor) over start..end-1 equal to `events`.

    Newton's method within a bracket of the root: log(events / others) minus the largest and the
    smallest predictor. Events lie strictly between 0 and the number of rows. NaN if the search
    does not converge.
    """
    count = end - start
    middle = math.log(events / (count - events))
    smallest, largest, total = np.inf, -np.inf, 0.0
    for place in range(start, end):
        smallest = min(smallest, predictor[place])
        largest = max(largest, predictor[place])
        total += predictor[place]
    low, high = middle - largest, middle - smallest
    at = middle - total / count
    for _ in range(INTERCEPT_LIMIT):
        gap, weight = events, 0.0
        for place in range(start, end):
            reached = at + predictor[place]
            odds = math.exp(-abs(reached))
            share = 1.0 / (1.0 + odds)
            gap -= share if reached >= 0 else odds * share
            weight += odds * share * share
        if gap > 0:
            low = at
        else:
            high = at
        step = gap / weight
        if abs(step) <= INTERCEPT_TOLERANCE * (1.0 + abs(at)):
            return at + step
        at += step
        if not low < at < high:
            at = 0.5 * (low + high)
        if high - low <= BRACKET_TOLERANCE * (1.0 + abs(at)):
            return at
    return np.nan


@_compile
def _profile_cells(  # noqa: PLR0917 - numba has no keyword-only arguments
    matrix: Matrix,
    starts: IntArray,
    cell_events: FloatArray,
    offset: FloatArray,
    outcome: FloatArray,
    coefficients: FloatArray,
    first: int,
    last: int,
    intercepts: FloatArray,
    weights: FloatArray,
    centres: FloatArray,
    probabilities: FloatArray,
) -> float:
    """Fill the last four arrays for the cells first..last-1 and return their log-likelihood."""
    value = 0.0
    for cell in range(first, last):
        start, end = starts[cell], starts[cell + 1]
        for place in range(start, end):
            row = matrix[place]
            predictor = 0.0
            for term in range(row.size):
                predictor += np.float64(row[term]) * coefficients[term]
            probabilities[place] = offset[place] + predictor
        intercept = find_intercept(probabilities, start, end, cell_events[cell])
        centre = centres[cell]
        total = 0.0
        for place in range(start, end):
            reached = intercept + probabilities[place]
            odds = math.exp(-abs(reached))
            share = 1.0 / (1.0 + odds)
            value += outcome[place] * reached - max(reached, 0.0) - math.log1p(odds)
            probabilities[place] = share if reached >= 0 else odds * share
            weight = odds * share * share
            total += weight
            row = matrix[place]
            for term in range(row.size):
                centre[term] += weight * np.float64(row[term])
        for term in range(centre.size):
            centre[term] /= total
        intercepts[cell] = intercept
        weights[cell] = total
    return value


@_compile
def _centre_rows(  # noqa: PLR0917 - numba has no keyword-only arguments
    matrix: Matrix,
    cell: IntArray,
    outcome: FloatArray,
    probabilities: FloatArray,
    centres: FloatArray,
    block: NDArray[np.floating],
    score: FloatArray,
) -> None:
    """Write the root of w times (x - m) of some places; add to the score.

    Residuals sum to 0 in a cell, so the score may be summed over x - m.
    """
    for place in range(block.shape[0]):
        row = matrix[place]
        centre = centres[cell[place]]
        probability = probabilities[place]
        root = math.sqrt(probability * (1.0 - probability))
        residual = outcome[place] - probability
        for term in range(row.size):
            difference = np.float64(row[term]) - centre[term]
            score[term] += residual * difference
            block[place, term] = root * difference


@_compile
def _sum_patients(  # noqa: PLR0917 - numba has no keyword-only arguments
    matrix: Matrix,
    cell: IntArray,
    residuals: FloatArray,
    centres: FloatArray,
    places: IntArray,
    bounds: IntArray,
    sums: FloatArray,
) -> None:
    """Write each patient's sum of residual times (x - m); `places` lists rows by patient."""
    sums[:] = 0.0
    for patient in range(sums.shape[0]):
        total = sums[patient]
        for at in range(bounds[patient], bounds[patient + 1]):
            place = places[at]
            row = matrix[place]
            centre = centres[cell[place]]
            for term in range(row.size):
                total[term] += residuals[place] * (np.float64(row[term]) - centre[term])
