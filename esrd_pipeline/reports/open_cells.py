"""Whether hidden cells of a table can be computed from those that are shown beside their sums.

A reader knows the sums, and that a hidden count is at least 1. A hidden cell is open if there is
another table with the same shown cells and sums in which it differs by one or more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

_ROUNDS = 6
_SEED = 11
_REACH = 2.0
"""How far from the truth another table is looked for. A cell open only beyond it counts as closed,
so that more is hidden rather than less; a count that is larger than it is like any other."""
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
    connected set of hidden cells together. Sets that are alike are tried once.
    """
    cells = np.flatnonzero(hidden)
    if not len(cells):
        return cells
    matrix = sums.to_matrix()[:, cells].tocsc()
    matrix.sort_indices()
    numbers = sums.numbers[cells]
    label = _connect(matrix)
    has_many = np.zeros(label.max() + 1, dtype=bool)
    has_many[label[np.diff(matrix.indptr) > 1]] = True
    doubtful = has_many[label] & ~_have_twin(matrix, numbers)
    asked = np.bincount(label[doubtful], minlength=len(has_many)) > 0
    tried: dict[tuple[bytes, ...], np.ndarray] = {}
    given = [cells[:0]]
    for at, rows, columns, signs in _split(matrix, label, asked):
        # Beyond the reach, by how much a count is above 1 makes no difference.
        near = np.minimum(numbers[at], _REACH + 1.0)
        key = tuple(part.tobytes() for part in (rows, columns, signs, near, doubtful[at]))
        if key not in tried:
            equations = sparse.csr_matrix((signs, (rows, columns)))
            tried[key] = _find_closed(equations, near, np.flatnonzero(doubtful[at]))
        given.append(cells[at[tried[key]]])
    return np.sort(np.concatenate(given))


def _connect(matrix: sparse.csc_matrix) -> np.ndarray:
    """Number the sets of columns that equations connect."""
    by_sum = matrix.tocsr()
    first = by_sum.indices[by_sum.indptr[:-1][np.diff(by_sum.indptr) > 0]]
    of = np.repeat(first, np.diff(by_sum.indptr)[np.diff(by_sum.indptr) > 0])
    count = len(matrix.indptr) - 1
    links = sparse.coo_matrix((np.ones(len(of)), (of, by_sum.indices)), shape=(count, count))
    _, label = connected_components(links, directed=False)
    return np.asarray(label)


def _split(
    matrix: sparse.csc_matrix, label: np.ndarray, asked: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield each set asked for: its columns, and its entries by row and column within the set."""
    order = np.argsort(label, kind="stable")
    order = order[asked[label[order]]]
    if not len(order):
        return
    part = sparse.coo_matrix(matrix[:, order])
    rows, columns = np.asarray(part.row), np.asarray(part.col)
    of = label[order]
    begins = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
    place = np.cumsum(np.r_[True, of[1:] != of[:-1]]) - 1
    entry = np.lexsort([columns, rows, place[columns]])
    row, column = rows[entry], columns[entry]
    mine = place[column]
    new_row = np.r_[True, (row[1:] != row[:-1]) | (mine[1:] != mine[:-1])]
    number = np.cumsum(new_row) - 1
    starts = np.searchsorted(mine, np.arange(len(begins) + 1))
    row_within = number - number[starts[mine]]
    column_within = column - begins[mine]
    signs = part.data[entry]
    ends = np.r_[begins[1:], len(order)]
    for one, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        here = slice(starts[one], starts[one + 1])
        yield order[begin:end], row_within[here], column_within[here], signs[here]


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
