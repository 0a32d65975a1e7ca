"""Design matrices in a compact dtype, and the passes over them that every fit makes.

A national matrix is stored once, in float32 or uint8, and read in blocks that fit the processor's
cache; only one block at a time is converted to float64.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.fit import Dropped, FitError, Regression

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Matrix = NDArray[np.float32 | np.uint8 | np.float64]

BLOCK_ROWS = 4096
"""Rows converted at a time: 5 MB in float64 at 150 columns, which fits a core's cache."""
ALIAS_TOLERANCE = 1e-6
"""A term is aliased if a smaller share of it is independent of the earlier terms."""
ROUNDING_SHARE = 1e-12
"""A term is constant, except for rounding, if variation is a smaller share of its squares."""
REPEATED_TERMS = "terms that repeat earlier ones"
EVENTLESS_TERMS = "terms that no row with an event has"


@dataclass(frozen=True, slots=True)
class Design:
    """Covariates: `matrix` has shape (rows, terms) in C order; `names` lists the terms.

    Values are used as given: a caller that converts to float32 must accept its rounding.
    """

    matrix: Matrix
    names: tuple[str, ...]

    @property
    def row_count(self) -> int:
        """Rows."""
        return int(self.matrix.shape[0])

    @property
    def term_count(self) -> int:
        """Columns."""
        return len(self.names)

    def blocks(self, size: int = BLOCK_ROWS) -> Iterator[slice]:
        """Yield the rows in blocks."""
        for start in range(0, self.row_count, size):
            yield slice(start, min(start + size, self.row_count))

    def multiply(self, coefficients: FloatArray, *, block_rows: int = BLOCK_ROWS) -> FloatArray:
        """Return the linear predictor x'b of every row, in float64: shape (rows,)."""
        product = np.empty(self.row_count)
        for rows in self.blocks(block_rows):
            product[rows] = self.matrix[rows].astype(np.float64, copy=False) @ coefficients
        return product

    def cross(self, residuals: FloatArray, *, block_rows: int = BLOCK_ROWS) -> FloatArray:
        """Return sum of x r over rows, in float64: shape (terms,)."""
        total = np.zeros(self.term_count)
        for rows in self.blocks(block_rows):
            total += residuals[rows] @ self.matrix[rows].astype(np.float64, copy=False)
        return total

    def information(
        self, weights: FloatArray, *, is_exact: bool, block_rows: int = BLOCK_ROWS
    ) -> FloatArray:
        """Return sum of w x x' over rows: shape (terms, terms), symmetric; weights must be >= 0.

        Blocks are summed in float32 (accurate to about 1e-6, enough for a Newton step) unless
        `is_exact`; block totals are always added in float64.
        """
        width = np.float64 if is_exact else np.float32
        roots = np.sqrt(weights)
        total = np.zeros((self.term_count, self.term_count))
        for rows in self.blocks(block_rows):
            weighted = self.matrix[rows] * roots[rows, None].astype(width)
            total += weighted.T @ weighted
        return total

    def predict(self, regression: Regression) -> FloatArray:
        """Return x'b of every row, shape (rows,); columns are matched to terms by name.

        A column without a coefficient contributes 0.
        """
        return self.multiply(regression.find_coefficients(self.names))

    def describe_values(self) -> str:
        """Return a message that lists the columns with values that are not finite."""
        is_whole = np.ones(self.term_count, dtype=bool)
        for rows in self.blocks():
            is_whole &= np.isfinite(self.matrix[rows]).all(axis=0)
        if is_whole.all():
            return "design: all values are finite, some too large"
        broken = (self.names[term] for term in np.flatnonzero(~is_whole))
        return f"design: values are not finite in {', '.join(broken)}"

    def select(self, terms: IntArray) -> "Design":
        """Return the design with only these columns."""
        kept = np.ascontiguousarray(self.matrix[:, terms])
        return Design(kept, tuple(self.names[term] for term in terms))

    def take(self, rows: IntArray) -> "Design":
        """Return the design with these rows, in this order."""
        return Design(np.ascontiguousarray(self.matrix[rows]), self.names)


def build_design(columns: Mapping[str, NDArray[np.generic]], *, dtype: type = np.float32) -> Design:
    """Build a design column by column: `columns` maps a term's name to its values, shape (rows,).

    Raises:
        FitError: no column, columns of different length, or a value that is not finite; the
            message states the column.
    """
    if not columns:
        raise FitError("a design needs at least one column")
    counts = {name: len(values) for name, values in columns.items()}
    row_count = next(iter(counts.values()))
    for name, values in columns.items():
        if counts[name] != row_count:
            raise FitError(f"column {name} has {counts[name]} rows, the first has {row_count}")
        check_finite(name, values)
    matrix = np.empty((row_count, len(columns)), dtype=dtype)
    arrays = list(columns.values())
    for start in range(0, row_count, BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        for term, values in enumerate(arrays):
            matrix[rows, term] = values[rows]
    return Design(matrix, tuple(columns))


def check_finite(name: str, values: NDArray[np.generic]) -> None:
    """Raise if a value is not finite.

    Raises:
        FitError: with the name of the array and the number of such values.
    """
    if np.issubdtype(values.dtype, np.floating):
        broken = int(np.count_nonzero(~np.isfinite(values)))
        if broken:
            raise FitError(f"{name}: {broken} values are not finite")


def find_aliased(
    information: FloatArray,
    names: tuple[str, ...],
    *,
    tolerance: float = ALIAS_TOLERANCE,
    rule: str = REPEATED_TERMS,
) -> tuple[IntArray, Dropped | None]:
    """Split terms into independent ones and ones that repeat earlier terms.

    Cholesky elimination of the information scaled to a unit diagonal, in the order given; a term
    of which less than `tolerance` is left is skipped, as R's limited pivoting (dqrdc2) does.
    Returns the kept terms in rising order and the names dropped under `rule`.
    """
    scale = np.sqrt(np.diag(information))
    unit = np.where(scale == 0, 1.0, scale)
    left = information / np.outer(unit, unit)
    kept: list[int] = []
    for term in range(len(names)):
        pivot = left[term, term]
        if pivot > tolerance:
            kept.append(term)
            after = left[term + 1 :, term]
            left[term + 1 :, term + 1 :] -= np.outer(after, after) / pivot
    gone = [term for term in range(len(names)) if term not in kept]
    order = np.array(kept, dtype=np.intp)
    if not gone:
        return order, None
    return order, Dropped(rule, len(gone), tuple(names[term] for term in gone))


def find_estimable(
    information: FloatArray,
    names: tuple[str, ...],
    *,
    rounding: FloatArray,
    rule: str = REPEATED_TERMS,
) -> tuple[IntArray, Dropped | None]:
    """Split terms by the information (p, p) at the start of a search, in float64.

    A term does not vary if its information does not exceed its `rounding` (p,).
    Returns the kept terms in rising order and the names dropped under `rule`.
    """
    varies = np.diag(information) > rounding
    return find_aliased(np.where(np.outer(varies, varies), information, 0.0), names, rule=rule)


def find_eventful(design: Design, events: FloatArray) -> tuple[IntArray, Dropped | None]:
    """Split terms into those present in a row with an event and those present in none.

    `events` (rows,) are counts. As the coefficient of a term without events falls, the likelihood
    of a rate model rises without bound. This happens for a rare condition in a small nation and is
    not an error in its files. Returns the kept terms in rising order and the dropped names.
    """
    has_event = np.zeros(design.term_count, dtype=bool)
    for rows in design.blocks():
        has_event |= (design.matrix[rows][events[rows] > 0] != 0).any(axis=0)
    kept = np.flatnonzero(has_event)
    gone = tuple(design.names[term] for term in np.flatnonzero(~has_event))
    return kept, Dropped(EVENTLESS_TERMS, len(gone), gone) if gone else None


def check_columns(design: Design, names: tuple[str, ...]) -> None:
    """Raise if the design does not have these columns in this order.

    Raises:
        FitError: with the columns of the fit.
    """
    if design.names != names:
        raise FitError(f"design: columns are not the fit's: {', '.join(names)}")
