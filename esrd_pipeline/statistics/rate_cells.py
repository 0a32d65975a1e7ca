"""One pass over memory for the profile likelihood of cell rates: value, score, information.

Rows are read cell by cell through an index, so the matrix is neither sorted nor copied: while a
cell's rows are in the processor's cache, its rate and mean are computed and its centred rows are
written to a block, whose cross-product is left to BLAS.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray, Matrix
from esrd_pipeline.statistics.fit import Dropped, FitError
from esrd_pipeline.statistics.rows import sum_by

BLOCK_ROWS = 8192
"""Rows centred at a time: 5 MB in float32 at 150 columns. Smaller blocks start BLAS too often."""

# Sums may be reordered within a row or a cell, always in the same way; infinities are preserved.
_compile: Any = njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Rows in the order of their cells, without cells that have no events.

    Attributes:
        order: the design's row at each place, shape (rows used,).
        cell: the cell at each place, rising.
        starts: first place of each cell and, last, the number of places: shape (C + 1,).
        cell_events: shape (C,), all > 0.
        exposure: at each place.
        events: at each place.
    """

    order: IntArray
    cell: IntArray
    starts: IntArray
    cell_events: FloatArray
    exposure: FloatArray
    events: FloatArray

    def groups(self, block_rows: int) -> list[tuple[int, int]]:
        """Groups of whole cells with at most this many rows; a larger cell is its own group."""
        return _split(self.starts, block_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellProfile:
    """The profile likelihood at one point.

    Attributes:
        log_likelihood: without the part that does not depend on the coefficients.
        score: shape (p,).
        information: shape (p, p).
        centres: mean of x weighted by mu in each cell, shape (C, p).
        means: mu at each place of the cells' order; their sum in a cell is its events.
    """

    log_likelihood: float
    score: FloatArray
    information: FloatArray
    centres: FloatArray
    means: FloatArray


def group_cells(
    *, cell: IntArray, exposure: FloatArray, events: FloatArray
) -> tuple[Cells, tuple[Dropped, ...]]:
    """Order rows by cell (any codes from 0) and drop cells without events.

    Raises:
        FitError: there are no events at all.
    """
    totals = sum_by(cell, events)
    order = np.argsort(cell, kind="stable")
    order = order[totals[cell[order]] > 0]
    if not order.size:
        raise FitError("events: there are none")
    present, starts, compact = np.unique(cell[order], return_index=True, return_inverse=True)
    cells = Cells(
        order=order,
        cell=compact.astype(np.intp, copy=False),
        starts=np.append(starts, order.size).astype(np.intp, copy=False),
        cell_events=totals[present],
        exposure=exposure[order],
        events=events[order],
    )
    empty = np.unique(cell).size - present.size
    if not empty:
        return cells, ()
    return cells, (
        Dropped("facility x interval cells without events (stage 1)", empty),
        Dropped("rows of such cells (stage 1)", cell.size - order.size),
    )


def evaluate_cells(
    matrix: Matrix, cells: Cells, coefficients: FloatArray, *, is_exact: bool, block_rows: int
) -> CellProfile:
    """Evaluate at `coefficients` (p,); the information is float32 within blocks unless exact.

    Value, score, means and centres are always float64. Exponents are relative to the largest of
    their cell, so that no step overflows.
    """
    term_count = matrix.shape[1]
    score = np.zeros(term_count)
    information = np.zeros((term_count, term_count))
    centres = np.zeros((cells.cell_events.size, term_count))
    means = np.empty(cells.order.size)
    block = np.empty((block_rows, term_count), np.float64 if is_exact else np.float32)
    value = 0.0
    for first, last in cells.groups(block_rows):
        value += _profile_cells(
            matrix,
            cells.order,
            cells.starts,
            cells.cell_events,
            cells.exposure,
            cells.events,
            coefficients,
            first,
            last,
            means,
            centres,
            score,
            block,
        )
        start, end = int(cells.starts[first]), int(cells.starts[last])
        if end - start <= block_rows:
            information += _cross(block[: end - start])
            continue
        for part in range(start, end, block_rows):
            stop = min(part + block_rows, end)
            _centre_rows(matrix, cells.order, means, centres[first], part, stop, block, 0)
            information += _cross(block[: stop - part])
    return CellProfile(
        log_likelihood=value,
        score=score,
        information=information,
        centres=centres,
        means=means,
    )


def sum_patient_scores(
    matrix: Matrix, cells: Cells, profile: CellProfile, *, patient: IntArray, block_rows: int
) -> FloatArray:
    """Return the sum over patients of u u', u = sum of (x - m)(y - mu) over a patient's rows.

    `patient` holds codes from 0 at each place of the cells' order. Shape (p, p), float64.
    """
    places = np.argsort(patient, kind="stable")
    _, starts = np.unique(patient[places], return_index=True)
    starts = np.append(starts, places.size).astype(np.intp, copy=False)
    residuals = cells.events - profile.means
    term_count = matrix.shape[1]
    total = np.zeros((term_count, term_count))
    block = np.empty((block_rows, term_count))
    for first in range(0, starts.size - 1, block_rows):
        last = min(first + block_rows, starts.size - 1)
        _sum_patients(
            matrix,
            cells.order,
            cells.cell,
            residuals,
            profile.centres,
            places,
            starts,
            first,
            last,
            block,
        )
        sums = block[: last - first]
        total += sums.T @ sums
    return total


def _cross(block: NDArray[np.floating]) -> NDArray[np.floating]:
    return block.T @ block


def _split(starts: IntArray, block_rows: int) -> list[tuple[int, int]]:
    groups: list[tuple[int, int]] = []
    first, count = 0, starts.size - 1
    while first < count:
        within = int(np.searchsorted(starts, starts[first] + block_rows, side="right")) - 1
        last = max(first + 1, within)
        groups.append((first, last))
        first = last
    return groups


@_compile
def _predict(row: Matrix, coefficients: FloatArray) -> float:
    predictor = 0.0
    for term in range(row.size):
        predictor += np.float64(row[term]) * coefficients[term]
    return predictor


@_compile
def _centre_rows(  # noqa: PLR0917 - numba has no keyword-only arguments
    matrix: Matrix,
    order: IntArray,
    means: FloatArray,
    centre: FloatArray,
    start: int,
    end: int,
    block: NDArray[np.floating],
    at: int,
) -> None:
    """Write the root of mu times (x - m), places start..end-1 of one cell, from row `at` on."""
    for place in range(start, end):
        row = matrix[order[place]]
        root = math.sqrt(means[place])
        centred = block[at + place - start]
        for term in range(row.size):
            centred[term] = root * (np.float64(row[term]) - centre[term])


@_compile
def _profile_cells(  # noqa: PLR0917 - numba has no keyword-only arguments
    matrix: Matrix,
    order: IntArray,
    starts: IntArray,
    cell_events: FloatArray,
    exposure: FloatArray,
    events: FloatArray,
    coefficients: FloatArray,
    first: int,
    last: int,
    means: FloatArray,
    centres: FloatArray,
    score: FloatArray,
    block: NDArray[np.floating],
) -> float:
    """Fill means and centres of the cells first..last-1, add to the score, return the value.

    The block is filled with their centred rows if it has room for all of them.
    """
    value = 0.0
    origin = starts[first]
    has_room = starts[last] - origin <= block.shape[0]
    for cell in range(first, last):
        places = range(starts[cell], starts[cell + 1])
        for place in places:
            means[place] = _predict(matrix[order[place]], coefficients)
        highest = means[starts[cell] : starts[cell + 1]].max()
        at_risk = 0.0
        for place in places:
            value += events[place] * (means[place] - highest)
            means[place] = exposure[place] * math.exp(means[place] - highest)
            at_risk += means[place]
        value -= cell_events[cell] * math.log(at_risk)
        centre = centres[cell]
        for place in places:
            share = means[place] / at_risk
            means[place] = share * cell_events[cell]
            row = matrix[order[place]]
            for term in range(row.size):
                centre[term] += share * np.float64(row[term])
        # mu (x - m) sums to 0 in a cell, so the score is the sum of y (x - m).
        for place in places:
            if events[place] > 0:
                row = matrix[order[place]]
                for term in range(row.size):
                    score[term] += events[place] * (np.float64(row[term]) - centre[term])
        if has_room:
            begin, end = starts[cell], starts[cell + 1]
            _centre_rows(matrix, order, means, centre, begin, end, block, begin - origin)
    return value


@_compile
def _sum_patients(  # noqa: PLR0917 - numba has no keyword-only arguments
    matrix: Matrix,
    order: IntArray,
    cell: IntArray,
    residuals: FloatArray,
    centres: FloatArray,
    places: IntArray,
    starts: IntArray,
    first: int,
    last: int,
    block: FloatArray,
) -> None:
    """Write the summed scores of the patients first..last-1 into the block."""
    for patient in range(first, last):
        total = block[patient - first]
        total[:] = 0.0
        for at in range(starts[patient], starts[patient + 1]):
            place = places[at]
            row = matrix[order[place]]
            centre = centres[cell[place]]
            for term in range(row.size):
                total[term] += residuals[place] * (np.float64(row[term]) - centre[term])
