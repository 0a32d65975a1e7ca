"""Design matrices: covariates by row, kept narrow, and the passes over them that every fit makes.

A national matrix is stored once, in float32 or uint8, and read in blocks small enough for the
processor's cache; only a block is ever widened to float64.
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
"""Rows widened at a time: at 150 columns 5 MB in float64, which a core's cache holds."""
ALIAS_TOLERANCE = 1e-6
"""A term of which less than this share is its own, given the earlier ones, repeats them."""
ROUNDING_SHARE = 1e-12
"""A term of whose squares less than this share is variation varies by rounding alone."""
REPEATED_TERMS = "terms that repeat earlier ones"
EVENTLESS_TERMS = "terms that no row with an event has"


@dataclass(frozen=True, slots=True)
class Design:
    """Covariates: `matrix` has shape (rows, terms), row by row in memory; `names` are the terms'.

    Values are read as given: whoever narrows to float32 answers for what it rounds.
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
        """The rows, a block at a time."""
        for start in range(0, self.row_count, size):
            yield slice(start, min(start + size, self.row_count))

    def multiply(self, coefficients: FloatArray, *, block_rows: int = BLOCK_ROWS) -> FloatArray:
        """The linear predictor x'b of every row, in float64."""
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

        In float32 within a block (good to about 1e-6, enough for a Newton step) unless
        `is_exact`; block totals are added in float64 either way.
        """
        width = np.float64 if is_exact else np.float32
        roots = np.sqrt(weights)
        total = np.zeros((self.term_count, self.term_count))
        for rows in self.blocks(block_rows):
            weighted = self.matrix[rows] * roots[rows, None].astype(width)
            total += weighted.T @ weighted
        return total

    def predict(self, regression: Regression) -> FloatArray:
        """Return x'b of every row, shape (rows,); a column the fit does not have counts as nothing.

        Columns are found by name.
        """
        return self.multiply(regression.find_coefficients(self.names))

    def describe_values(self) -> str:
        """Say which columns hold values that are not finite: a pass, for messages."""
        is_whole = np.ones(self.term_count, dtype=bool)
        for rows in self.blocks():
            is_whole &= np.isfinite(self.matrix[rows]).all(axis=0)
        if is_whole.all():
            return "design: all values are finite, some too large"
        broken = (self.names[term] for term in np.flatnonzero(~is_whole))
        return f"design: values are not finite in {', '.join(broken)}"

    def select(self, terms: IntArray) -> "Design":
        """Return the design of these columns alone."""
        kept = np.ascontiguousarray(self.matrix[:, terms])
        return Design(kept, tuple(self.names[term] for term in terms))

    def take(self, rows: IntArray) -> "Design":
        """Return the design of these rows, in this order."""
        return Design(np.ascontiguousarray(self.matrix[rows]), self.names)


def build_design(columns: Mapping[str, NDArray[np.generic]], *, dtype: type = np.float32) -> Design:
    """Build a design column by column: `columns` maps a term's name to its values, shape (rows,).

    Raises:
        FitError: no column, columns of different length, or a value that is not finite; the
            column is named.
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
    """Refuse values that are not finite.

    Raises:
        FitError: naming the array and how many values of it are not.
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
    """Split terms into those that stand for themselves and those that repeat earlier ones.

    Cholesky elimination of the information scaled to a unit diagonal, in the order given; a term
    of which less than `tolerance` is left is passed over, as R's limited pivoting (dqrdc2) does.
    Returns the kept terms in rising order and what is set aside under `rule`, by name.
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

    A term whose information is not above its `rounding` (p,) does not vary where it should.
    Returns the kept terms in rising order and what is set aside under `rule`, by name.
    """
    varies = np.diag(information) > rounding
    return find_aliased(np.where(np.outer(varies, varies), information, 0.0), names, rule=rule)


def find_eventful(design: Design, events: FloatArray) -> tuple[IntArray, Dropped | None]:
    """Split terms into those that some row with an event has and those that none has.

    `events` (rows,) are counts. The likelihood of a rate rises for ever as the coefficient of a
    term without events falls: a small nation's rare condition, not an error of its files. Returns
    the kept terms in rising order and what is set aside, by name.
    """
    has_event = np.zeros(design.term_count, dtype=bool)
    for rows in design.blocks():
        has_event |= (design.matrix[rows][events[rows] > 0] != 0).any(axis=0)
    kept = np.flatnonzero(has_event)
    gone = tuple(design.names[term] for term in np.flatnonzero(~has_event))
    return kept, Dropped(EVENTLESS_TERMS, len(gone), gone) if gone else None


def check_columns(design: Design, names: tuple[str, ...]) -> None:
    """Refuse a design that has not these columns in this order.

    Raises:
        FitError: naming the columns of the fit.
    """
    if design.names != names:
        raise FitError(f"design: columns are not the fit's: {', '.join(names)}")
