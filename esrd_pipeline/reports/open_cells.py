"""Whether hidden cells of a table can be computed from those that are shown beside their sums.

A reader knows the sums, and that a hidden count is at least 1. A hidden cell is open if there is
another table with the same shown cells and sums in which it differs by one or more.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

_ROUNDS = 6
_SEED = 11
_REACH = 12.0
"""How far from the truth another table is looked for: it need not be further."""
_NEARLY_ONE = 1.0 - 1e-6


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over cells: cell `part[i]` is a part of sum `of[i]`, whose total is the cell `total[s]`.

    Attributes:
        numbers: every cell's number; the last `extra` are totals that are no cells of the column.
        extra: how many.
        part: cells that are parts.
        of: the sum of each part.
        total: the cell that is each sum's total.
        in_columns: by name of another column, pairs of a row and the extra cell it holds.
    """

    numbers: np.ndarray
    extra: int
    part: np.ndarray
    of: np.ndarray
    total: np.ndarray
    in_columns: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of sums."""
        return len(self.total)

    @property
    def is_shown(self) -> np.ndarray:
        """Whether the table shows a cell; a total known from elsewhere cannot be hidden."""
        shown = np.ones(len(self.numbers), dtype=bool)
        shown[len(self.numbers) - self.extra :] = False
        for pairs in self.in_columns.values():
            shown[pairs[:, 1]] = True
        return shown

    def to_matrix(self) -> sparse.csr_matrix:
        """Return the equations as a matrix over all cells: parts minus total is zero."""
        rows = np.concatenate([self.of, np.arange(self.count)])
        cells = np.concatenate([self.part, self.total])
        signs = np.concatenate([np.ones(len(self.part)), -np.ones(self.count)])
        shape = (self.count, len(self.numbers))
        return sparse.csr_matrix((signs, (rows, cells)), shape=shape)


def find_given_away(sums: Sums, hidden: np.ndarray) -> np.ndarray:
    """Return the hidden cells that what is shown determines, in order.

    Cells of a single sum are open by the rule that hides them; the others are tried, those of one
    connected set of hidden cells together.
    """
    cells = np.flatnonzero(hidden)
    if not len(cells):
        return cells
    matrix = sums.to_matrix()[:, cells]
    matrix = matrix[np.diff(matrix.indptr) > 0]
    times = np.diff(matrix.tocsc().indptr)
    linked = matrix.T @ matrix
    _, label = connected_components(linked, directed=False)
    has_many = np.zeros(label.max() + 1, dtype=bool)
    has_many[label[times > 1]] = True
    doubtful = has_many[label] & ~_have_twin(matrix.tocsc(), sums.numbers[cells])
    given = [
        cells[at[closed]]
        for one in np.unique(label[doubtful])
        for at in [np.flatnonzero(label == one)]
        for closed in [
            _find_closed(
                _rows_of(matrix, at), sums.numbers[cells[at]], np.flatnonzero(doubtful[at])
            )
        ]
    ]
    return np.sort(np.concatenate(given)) if given else cells[:0]


def _rows_of(matrix: sparse.csr_matrix, columns: np.ndarray) -> sparse.csr_matrix:
    part = matrix[:, columns]
    return part[np.diff(part.indptr) > 0]


def _have_twin(matrix: sparse.csc_matrix, values: np.ndarray) -> np.ndarray:
    """Return which cells can exchange one with another cell of the very same sums."""
    signature = [
        (matrix.indices[a:b].tobytes(), matrix.data[a:b].tobytes())
        for a, b in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    ]
    numbered: dict[tuple[bytes, bytes], int] = {}
    group = np.array([numbered.setdefault(one, len(numbered)) for one in signature])
    others = np.bincount(group)[group] - 1
    gives = np.bincount(group, weights=values > 1)[group]
    return (others > 0) & (gives > 0)


def _find_closed(equations: sparse.csr_matrix, truth: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return which of the cells asked for have no other value, given the equations."""
    known = equations @ truth
    lower = np.minimum(np.maximum(1.0, truth - _REACH), truth)
    bounds = np.column_stack([lower, truth + _REACH])
    rng = np.random.default_rng(_SEED)
    open_ = np.zeros(len(truth), dtype=bool)

    def solve(objective: np.ndarray) -> np.ndarray:
        solved = linprog(objective, A_eq=equations, b_eq=known, bounds=bounds, method="highs")
        return truth if solved.x is None else solved.x

    # A table at random shows many cells to be open at once; only the rest is asked one by one.
    for _ in range(_ROUNDS):
        if open_[asked].all():
            return asked[:0]
        open_ |= np.abs(solve(rng.normal(size=len(truth))) - truth) >= _NEARLY_ONE
    closed = []
    for cell in asked[~open_[asked]]:
        objective = np.zeros(len(truth))
        objective[cell] = 1.0
        width = solve(-objective)[cell] - solve(objective)[cell]
        if width < _NEARLY_ONE:
            closed.append(cell)
    return np.array(closed, dtype=np.int64)
