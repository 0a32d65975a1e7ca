"""A measure's cohort as the arrays its estimator reads, column by column from Arrow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import Design, FloatArray, IntArray, build_design
from esrd_pipeline.statistics.fit import Regression

CCN = "ccn"
PATIENT = "patient_id"


class CohortError(ValueError):
    """A cohort lacks what its measure's model needs: names measure, column and rule."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Rows of one measure's cohort.

    Attributes:
        measure: for messages.
        table: the rows, as narrow as they are stored.
        ccns: facilities of the cohort, rising.
        facility: place in `ccns` of each row.
        patient: code of each row's patient, in order of their numbers.
        design: the adjusters, float32.
    """

    measure: str
    table: pa.Table
    ccns: NDArray[np.object_]
    facility: IntArray
    patient: IntArray
    design: Design

    def numbers(self, name: str) -> FloatArray:
        """A column as float64, shape (rows,).

        Raises:
            CohortError: there is no such column, or it has nulls.
        """
        return np.asarray(_values(self.measure, self.table, name), dtype=np.float64)

    def codes(self, name: str) -> IntArray:
        """A column of whole numbers from 0, shape (rows,).

        Raises:
            CohortError: there is no such column, it has nulls or is not of whole numbers.
        """
        values = _values(self.measure, self.table, name)
        if not np.issubdtype(values.dtype, np.integer):
            raise CohortError(f"cohort of {self.measure}: column {name} is not of whole numbers")
        return values.astype(np.intp)

    def labels(self, name: str) -> tuple[NDArray[np.object_], IntArray]:
        """Return a column's distinct values, rising, and each row's place among them.

        Raises:
            CohortError: there is no such column, or it has nulls.
        """
        return _encode(self.measure, self.table, name)

    def count_patients(self) -> FloatArray:
        """Return the patients of each facility, whatever their rows, shape (facilities,)."""
        spread = int(self.patient.max()) + 1
        pairs = np.unique(self.facility * spread + self.patient)
        return np.bincount(pairs // spread, minlength=len(self.ccns)).astype(np.float64)

    def predict(self, regression: Regression) -> FloatArray:
        """Return x'b of every row; an adjuster that the fit set aside counts as nothing."""
        return self.design.predict(regression)


def read_cohort(measure: str, table: pa.Table, adjusters: Sequence[str]) -> Cohort:
    """Turn a cohort's rows into arrays; the order of rows is kept, labels are sorted.

    Raises:
        CohortError: no rows, a column is missing or has nulls.
        FitError: an adjuster is not finite.
    """
    if not table.num_rows:
        raise CohortError(f"cohort of {measure}: no rows")
    ccns, facility = _encode(measure, table, CCN)
    _, patient = _encode(measure, table, PATIENT)
    if adjusters:
        design = build_design({name: _values(measure, table, name) for name in adjusters})
    else:
        design = Design(np.empty((table.num_rows, 0), dtype=np.float32), ())
    return Cohort(measure, table, ccns, facility, patient, design)


def _encode(measure: str, table: pa.Table, name: str) -> tuple[NDArray[np.object_], IntArray]:
    """Return the distinct values, rising, and each row's place among them."""
    column = _column(measure, table, name).combine_chunks().dictionary_encode()
    distinct = column.dictionary.to_numpy(zero_copy_only=False)
    order = np.argsort(distinct, kind="stable")
    rank = np.empty(order.size, dtype=np.intp)
    rank[order] = np.arange(order.size)
    return distinct[order], rank[column.indices.to_numpy()]


def _values(measure: str, table: pa.Table, name: str) -> NDArray[np.generic]:
    return _column(measure, table, name).to_numpy()


def _column(measure: str, table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise CohortError(f"cohort of {measure}: column {name} is missing")
    column = table.column(name)
    if column.null_count:
        raise CohortError(f"cohort of {measure}: column {name} has {column.null_count:,} nulls")
    return column
