"""A measure's cohort, read once: rows, design and codes, column by column from Arrow."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.measures.terms import AnyOf, Columns, Condition, Product, Values
from esrd_pipeline.statistics.design import Design, FloatArray, IntArray, build_design
from esrd_pipeline.statistics.fit import Regression

CCN = "ccn"
PATIENT = "patient_id"
GROUP = "condition_group"


class CohortError(ValueError):
    """A cohort does not meet its model's requirements: names measure, column and rule."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Rows of one measure's cohort.

    Attributes:
        measure: short name, for messages.
        table: the rows, in their stored types.
        ccns: facilities of the cohort, in ascending order.
        facility: index into `ccns` of each row.
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
        """Return a column as float64, shape (rows,).

        Raises:
            CohortError: there is no such column, or it has nulls.
        """
        return np.asarray(_values(self.measure, self.table, name), dtype=np.float64)

    def codes(self, name: str) -> IntArray:
        """Return a column of whole numbers from 0, shape (rows,).

        Raises:
            CohortError: there is no such column, it has nulls or is not of whole numbers.
        """
        values = _values(self.measure, self.table, name)
        if not np.issubdtype(values.dtype, np.integer):
            raise CohortError(f"cohort of {self.measure}: column {name} is not of whole numbers")
        return values.astype(np.intp)

    def labels(self, name: str) -> tuple[NDArray[np.object_], IntArray]:
        """Return a column's distinct values in ascending order, and each row's index into them.

        Raises:
            CohortError: there is no such column, or it has nulls.
        """
        return _encode(self.measure, self.table, name)

    def count_patients(self) -> FloatArray:
        """Return the number of patients of each facility, shape (facilities,)."""
        spread = int(self.patient.max()) + 1
        pairs = np.unique(self.facility * spread + self.patient)
        return np.bincount(pairs // spread, minlength=len(self.ccns)).astype(np.float64)

    def predict(self, regression: Regression) -> FloatArray:
        """Return x'b of every row; an adjuster that the fit dropped contributes 0."""
        return self.design.predict(regression)

    def drop(self, names: Collection[str]) -> "Cohort":
        """Return the cohort without these columns of its design."""
        if not names:
            return self
        kept = [term for term, name in enumerate(self.design.names) if name not in names]
        return replace(self, design=self.design.select(np.array(kept, dtype=np.intp)))

    def keep(self, names: Collection[str]) -> "Cohort":
        """Return the cohort with only these columns of its design."""
        return self.drop([name for name in self.design.names if name not in names])

    def take(self, rows: IntArray) -> "Cohort":
        """Return the cohort of these rows, in this order, with only their facilities."""
        return _assemble(self.measure, self.table.take(pa.array(rows)), self.design.take(rows))


def read_cohort(
    specification: Specification,
    table: pa.Table,
    *,
    patients: pa.Table | None = None,
    conditions: pa.Table | None = None,
) -> Cohort:
    """Turn a cohort's rows into arrays; the order of rows is kept, labels are sorted.

    Args:
        specification: its terms make the design.
        table: the rows: patient, time, events and the facts as of then.
        patients: characteristics, one row per patient (and performance year, if it is a column).
        conditions: one row per condition_group of a patient, keyed by the columns it shares with
            the cohort (patient_id, and stay or performance_year).

    Raises:
        CohortError: no rows, a fact is missing or has nulls, or a patient is not among `patients`.
        FitError: an adjuster is not finite.
    """
    measure = specification.measure
    if not table.num_rows:
        raise CohortError(f"cohort of {measure}: no rows")
    if not specification.terms:
        return _assemble(measure, table, Design(np.empty((table.num_rows, 0), np.float32), ()))
    own = None if patients is None else _Characteristics.of(measure, table, patients)
    known = None if conditions is None else _Conditions.of(table, conditions)
    groups = frozenset(term.group for term in specification.terms if isinstance(term, Condition))
    facts = _Facts(measure, table, own, known, groups)
    columns: Columns = {}
    for term in specification.terms:
        if own is not None and not isinstance(term, Product | AnyOf) and own.has(term.facts):
            # Texts are compared once per patient, not once per row.
            columns |= {name: v[own.place] for name, v in term.build(own, columns).items()}
        else:
            columns |= term.build(facts, columns)
    return _assemble(measure, table, build_design(columns))


def _assemble(measure: str, table: pa.Table, design: Design) -> Cohort:
    ccns, facility = _encode(measure, table, CCN)
    _, patient = _encode(measure, table, PATIENT)
    return Cohort(measure, table, ccns, facility, patient, design)


@dataclass(frozen=True, slots=True)
class _Characteristics:
    """Characteristics of patients, one value per patient, and each row's index into them."""

    measure: str
    table: pa.Table
    place: IntArray

    @classmethod
    def of(cls, measure: str, rows: pa.Table, patients: pa.Table) -> "_Characteristics":
        keys = [name for name in (PATIENT, "performance_year") if name in patients.column_names]
        place = _index(patients, keys).get_indexer(_index(rows, keys))
        unknown = int(np.count_nonzero(place < 0))
        if unknown:
            raise CohortError(
                f"cohort of {measure}: {unknown:,} rows of patients without characteristics"
            )
        return cls(measure, patients, place)

    def has(self, facts: Collection[str]) -> bool:
        return set(facts) <= set(self.table.column_names)

    def __getitem__(self, name: str) -> Values:
        return _values(self.measure, self.table, name)


@dataclass(frozen=True, slots=True)
class _Conditions:
    """Conditions of patients, and each row's index into those who have any, else -1."""

    who: dict[str, IntArray]
    place: IntArray
    count: int

    @classmethod
    def of(cls, rows: pa.Table, conditions: pa.Table) -> "_Conditions":
        keys = [name for name in conditions.column_names if name != GROUP]
        who = _index(conditions, keys)
        distinct = who.unique()
        code = distinct.get_indexer(who)
        groups = conditions.column(GROUP).to_pandas()
        return cls(
            who={str(group): code[rows] for group, rows in groups.groupby(groups).indices.items()},
            place=distinct.get_indexer(_index(rows, keys)),
            count=len(distinct),
        )

    def find(self, group: str) -> Values:
        """Return 1 for the rows with a condition, 0 for the others."""
        # The last element, index -1, is for rows without any condition.
        has = np.zeros(self.count + 1, dtype=np.uint8)
        has[self.who.get(group, [])] = 1
        return has[self.place]


@dataclass(frozen=True, slots=True)
class _Facts:
    """The facts of each row: its own columns, its patient's characteristics, its conditions."""

    measure: str
    rows: pa.Table
    patients: _Characteristics | None
    conditions: _Conditions | None
    groups: frozenset[str]

    def __getitem__(self, name: str) -> Values:
        if name in self.groups and self.conditions is not None:
            return self.conditions.find(name)
        if self.patients is not None and self.patients.has([name]):
            return self.patients[name][self.patients.place]
        return _values(self.measure, self.rows, name)


def _index(table: pa.Table, keys: Sequence[str]) -> pd.Index:
    """Return the rows' keys as an index, a plain one where there is one key."""
    columns = [table.column(name).to_numpy() for name in keys]
    return pd.Index(columns[0]) if len(columns) == 1 else pd.MultiIndex.from_arrays(columns)


def _encode(measure: str, table: pa.Table, name: str) -> tuple[NDArray[np.object_], IntArray]:
    """Return the distinct values in ascending order, and each row's index into them."""
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
