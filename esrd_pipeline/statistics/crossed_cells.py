"""Rows in the cells of two crossed factors, and the elimination of one factor onto the other.

The information of a logistic model with one effect per level of each factor has two diagonal blocks
and one sparse off-diagonal block, which holds the weights of the cells. The factor with more levels
is eliminated, so that only a matrix of the smaller factor's size is factorised.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky, get_lapack_funcs
from scipy.sparse import csr_array

from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.rows import check_amounts, check_codes, check_finite_rows, sum_by

DENSE_SHARE = 0.05
"""If a larger share of the cells have rows, dense products are faster than sparse ones."""
BLOCK_ROWS = 16384
"""Rows summed at a time, so that intermediate results stay in a core's cache."""
CHUNK_LEVELS = 512
"""Levels of the larger factor multiplied at a time: 16 MB at 4,000 levels of the smaller one."""

Codes = NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossedCells:
    """Rows ordered by cell: by level of the larger factor, then of the smaller.

    Attributes:
        order: the row at each place, shape (rows,).
        starts: first place of each of the C cells that have rows.
        counts: rows of each cell, shape (C,).
        larger: level of the larger factor, shape (C,), rising.
        smaller: level of the smaller factor, shape (C,).
        larger_count: number of levels of the larger factor, including those without rows.
        smaller_count: number of levels of the smaller factor, including those without rows.
        blocks: first cell of each block of about BLOCK_ROWS rows and, last, C.
        offset: at each place, shape (rows,).
        events: events of each cell, shape (C,).
        event_offset: sum of the offsets of all events.
    """

    order: IntArray
    starts: IntArray
    counts: IntArray
    larger: IntArray
    smaller: IntArray
    larger_count: int
    smaller_count: int
    blocks: tuple[int, ...]
    offset: FloatArray
    events: FloatArray
    event_offset: float

    def sum_larger(self, values: FloatArray) -> FloatArray:
        """Return the sum over the cells of each larger level."""
        return sum_by(self.larger, values, count=self.larger_count)

    def sum_smaller(self, values: FloatArray) -> FloatArray:
        """Return the sum over the cells of each smaller level."""
        return sum_by(self.smaller, values, count=self.smaller_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSums:
    """Results of one pass over the rows: the log-likelihood and its derivatives by cell, (C,).

    Attributes:
        log_likelihood: of all rows.
        residuals: sum of y - p.
        weights: sum of p (1 - p).
        slopes: sum of p (1 - p) (1 - 2 p), the derivative of the weights.
    """

    log_likelihood: float
    residuals: FloatArray
    weights: FloatArray
    slopes: FloatArray


@dataclass(frozen=True, slots=True)
class Spread:
    """The prior of a factor's effects: at the mode, `variance` x score = `pull` x effect.

    Normal effects have pull 1 and their variance, which may be 0; fixed effects have pull 0 and
    variance 1.
    """

    pull: float
    variance: float


FREE = Spread(0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elimination:
    """The equations of a Newton step for both factors' effects, the larger factor eliminated.

    With D the weights of the levels and C of the cells, variance v and pull a of each factor,
    the equations are (a + v D) x + v C y = e, one set for each factor. With this scaling a
    variance of 0 is no special case. Divided by v, the matrix is the information of the penalised
    likelihood.

    Attributes:
        cells: the cells of both factors.
        spreads: of the larger and the smaller factor.
        weights: C as a list, shape (cells,).
        cross: C as a matrix, shape (larger, smaller), dense or sparse.
        diagonal: a + v D of the larger factor.
        factor: lower Cholesky factor of what is left for the smaller factor (Schur complement).
    """

    cells: CrossedCells
    spreads: tuple[Spread, Spread]
    weights: FloatArray
    cross: Any
    diagonal: FloatArray
    factor: FloatArray

    @property
    def log_determinant(self) -> float:
        """Log-determinant of the whole matrix."""
        return float(np.log(self.diagonal).sum() + 2 * np.log(np.diag(self.factor)).sum())

    def solve(self, larger: FloatArray, smaller: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Solve for right-hand sides (levels,) or (levels, k)."""
        first, second = self.spreads
        diagonal = self.diagonal if larger.ndim == 1 else self.diagonal[:, None]
        left = smaller - second.variance * (self.cross.T @ (larger / diagonal))
        y = np.asarray(cho_solve((self.factor, True), left, check_finite=False))
        return (larger - first.variance * (self.cross @ y)) / diagonal, y

    def invert(self) -> tuple[FloatArray, FloatArray]:
        """Return the diagonal of the Schur complement's inverse G, and C G at the cells."""
        potri: Any = get_lapack_funcs("potri", (self.factor,))
        lower, _ = potri(self.factor, lower=1)
        inverse = lower + lower.T
        diagonal = np.diag(lower).copy()
        np.fill_diagonal(inverse, diagonal)
        products = np.empty(self.cells.larger.size)
        for first in range(0, self.cells.larger_count, CHUNK_LEVELS):
            places = slice(*np.searchsorted(self.cells.larger, (first, first + CHUNK_LEVELS)))
            block = self.cross[first : first + CHUNK_LEVELS] @ inverse
            products[places] = block[self.cells.larger[places] - first, self.cells.smaller[places]]
        return diagonal, products


def check_rows(
    *, offset: FloatArray, outcome: NDArray[np.number], facility: Codes, hospital: Codes
) -> None:
    """Raise if arrays differ in length or contain invalid values.

    Raises:
        FitError: with the name of the array and the problem.
    """
    rows = len(outcome)
    check_amounts("outcome", outcome, rows=rows)
    odd = int(np.count_nonzero((outcome != 0) & (outcome != 1)))
    if odd:
        raise FitError(f"outcome: {odd} values are neither 0 nor 1")
    check_finite_rows("offset", offset, rows=rows)
    check_codes("facility", facility, rows=rows)
    check_codes("hospital", hospital, rows=rows)


def count_levels(name: str, codes: Codes, count: int | None) -> int:
    """Return the number of levels: `count`, by default one more than the largest code.

    Raises:
        FitError: a code is beyond the count.
    """
    largest = int(codes.max())
    if count is None:
        return largest + 1
    if largest >= count:
        raise FitError(f"{name}: codes reach {largest}, but there are {count} levels")
    return count


def group_rows(
    *,
    larger: Codes,
    smaller: Codes,
    larger_count: int,
    smaller_count: int,
    offset: FloatArray,
    outcome: NDArray[np.number],
) -> CrossedCells:
    """Order rows by cell; arrays have shape (rows,) and must have passed `check_rows`."""
    code = np.asarray(larger, dtype=np.intp) * smaller_count + np.asarray(smaller, dtype=np.intp)
    order = np.argsort(code, kind="stable")
    ordered = code[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    events = np.asarray(outcome, dtype=np.float64)[order]
    offsets = np.asarray(offset, dtype=np.float64)[order]
    levels = ordered[starts]
    blocks = np.searchsorted(starts, np.arange(0, order.size, BLOCK_ROWS))
    return CrossedCells(
        order=order,
        starts=starts,
        counts=np.diff(starts, append=order.size),
        larger=levels // smaller_count,
        smaller=levels % smaller_count,
        larger_count=larger_count,
        smaller_count=smaller_count,
        blocks=tuple(np.unique(np.append(blocks, starts.size)).tolist()),
        offset=offsets,
        events=np.add.reduceat(events, starts),
        event_offset=float(events @ offsets),
    )


def sum_rows(cells: CrossedCells, levels: FloatArray) -> CellSums:
    """Sum over rows whose linear predictor is their offset plus their cell's level, shape (C,)."""
    sums = np.empty((3, cells.starts.size))
    softplus = 0.0
    bounds = np.append(cells.starts, cells.offset.size)
    for first, last in pairwise(cells.blocks):
        places = slice(bounds[first], bounds[last])
        level = np.repeat(levels[first:last], cells.counts[first:last])
        predictor = cells.offset[places] + level
        decay = np.exp(-np.abs(predictor))
        share = 1 / (1 + decay)
        weights = decay * share * share
        probability = np.where(predictor >= 0, share, decay * share)
        softplus += float(np.maximum(predictor, 0).sum() + np.log1p(decay).sum())
        starts = cells.starts[first:last] - bounds[first]
        for place, values in enumerate((probability, weights, weights * (1 - 2 * probability))):
            sums[place, first:last] = np.add.reduceat(values, starts)
    return CellSums(
        log_likelihood=float(cells.events @ levels + cells.event_offset - softplus),
        residuals=cells.events - sums[0],
        weights=sums[1],
        slopes=sums[2],
    )


def eliminate(
    cells: CrossedCells, weights: FloatArray, spreads: tuple[Spread, Spread]
) -> Elimination:
    """Eliminate the larger factor and factorise the Schur complement of the smaller.

    Raises:
        FitError: the information is not finite or not positive definite.
    """
    first, second = spreads
    shape = (cells.larger_count, cells.smaller_count)
    pointers = np.searchsorted(cells.larger, np.arange(shape[0] + 1))
    cross: Any = csr_array((weights, cells.smaller, pointers), shape=shape)
    diagonal = first.pull + first.variance * cells.sum_larger(weights)
    scale = np.sqrt(first.variance * second.variance / diagonal)
    scaled: Any = csr_array((weights * scale[cells.larger], cells.smaller, pointers), shape=shape)
    if weights.size > DENSE_SHARE * shape[0] * shape[1]:
        cross, scaled = cross.toarray(), scaled.toarray()
        reduced = -(scaled.T @ scaled)
    else:
        reduced = -(scaled.T @ scaled).toarray()
    reduced[np.diag_indices(shape[1])] += second.pull + second.variance * cells.sum_smaller(weights)
    if not np.all(np.isfinite(np.diag(reduced))):
        raise FitError("the information is not finite: a linear predictor is out of range")
    try:
        factor = cholesky(reduced.T, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError as error:
        raise FitError("the information of the crossed effects is not positive definite") from error
    return Elimination(
        cells=cells,
        spreads=spreads,
        weights=weights,
        cross=cross,
        diagonal=diagonal,
        factor=factor,
    )
