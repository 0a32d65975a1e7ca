"""Logistic regression with one intercept per cell in plain NumPy, for comparison with ours.

Newton's method for coefficients and intercepts together: a pass over the rows in blocks computes
the sums of a step, and the intercepts, whose information is diagonal, are eliminated (Schur
complement). No step is halved and no cell is dropped, so rows must need neither.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from esrd_pipeline.statistics.newton import GRADIENT_TOLERANCE

Floats = NDArray[np.float64]
PLAIN_ROWS = 8192
TUNED_ROWS = 1024
"""Rows at a time: the fastest of 512 to 32,768, because intermediate results stay in cache."""
STEP_LIMIT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of C cells; `cell` has the codes 0..C-1."""

    matrix: NDArray[np.float32]
    outcome: Floats
    cell: NDArray[np.intp]

    def sort(self) -> "Rows":
        """Return the rows in the order of their cells."""
        order = np.argsort(self.cell, kind="stable")
        return Rows(matrix=self.matrix[order], outcome=self.outcome[order], cell=self.cell[order])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The sums of a step: of the p terms, of the C cells, and of both (C, p)."""

    score: Floats
    information: Floats
    cross: Floats
    cell_score: Floats
    weights: Floats


Pass = Callable[[Rows, Floats, Floats, Sums], None]
"""Adds the sums of all rows at these intercepts and coefficients."""


def add_plainly(rows: Rows, intercepts: Floats, coefficients: Floats, sums: Sums) -> None:
    """Read rows in any order, all in float64, as the formulas are written."""
    cells = intercepts.size
    for start in range(0, rows.cell.size, PLAIN_ROWS):
        block = slice(start, start + PLAIN_ROWS)
        cell, x = rows.cell[block], rows.matrix[block].astype(np.float64)
        chance = expit(intercepts[cell] + x @ coefficients)
        weight, residual = chance * (1 - chance), rows.outcome[block] - chance
        weighted = weight[:, None] * x
        np.add(sums.score, residual @ x, out=sums.score)
        np.add(sums.information, x.T @ weighted, out=sums.information)
        np.add.at(sums.cross, cell, weighted)
        np.add(sums.cell_score, np.bincount(cell, residual, cells), out=sums.cell_score)
        np.add(sums.weights, np.bincount(cell, weight, cells), out=sums.weights)


def add_tuned(rows: Rows, intercepts: Floats, coefficients: Floats, sums: Sums) -> None:
    """Read rows sorted by cell, the information in float32 and by one symmetric product."""
    for start in range(0, rows.cell.size, TUNED_ROWS):
        block = slice(start, start + TUNED_ROWS)
        cell, x = rows.cell[block], rows.matrix[block]
        wide = x.astype(np.float64)
        chance = expit(intercepts[cell] + wide @ coefficients)
        weight, residual = chance * (1 - chance), rows.outcome[block] - chance
        roots = np.sqrt(weight).astype(np.float32)[:, None]
        weighted = roots * x
        np.add(sums.score, residual @ wide, out=sums.score)
        np.add(sums.information, weighted.T @ weighted, out=sums.information)
        weighted *= roots
        first = np.flatnonzero(np.diff(cell, prepend=-1))
        present = cell[first]
        sums.cross[present] += np.add.reduceat(weighted, first, axis=0)
        sums.cell_score[present] += np.add.reduceat(residual, first)
        sums.weights[present] += np.add.reduceat(weight, first)


def fit_blockwise(rows: Rows, add: Pass) -> tuple[Floats, list[float]]:
    """Return the coefficients and the seconds of every step."""
    cells, terms = int(rows.cell.max()) + 1, rows.matrix.shape[1]
    intercepts, coefficients = np.zeros(cells), np.zeros(terms)
    taken: list[float] = []
    for _ in range(STEP_LIMIT):
        begun = time.perf_counter()
        sums = Sums(
            score=np.zeros(terms),
            information=np.zeros((terms, terms)),
            cross=np.zeros((cells, terms)),
            cell_score=np.zeros(cells),
            weights=np.zeros(cells),
        )
        add(rows, intercepts, coefficients, sums)
        centres = sums.cross / sums.weights[:, None]
        score = sums.score - sums.cell_score @ centres
        step = np.linalg.solve(sums.information - sums.cross.T @ centres, score)
        shift = sums.cell_score / sums.weights - centres @ step
        intercepts, coefficients = intercepts + shift, coefficients + step
        taken.append(time.perf_counter() - begun)
        # Each step squares the remaining distance, in standard errors.
        if score @ step + sums.cell_score**2 @ (1 / sums.weights) <= GRADIENT_TOLERANCE:
            return coefficients, taken
    raise RuntimeError(f"no maximum after {STEP_LIMIT} steps")
