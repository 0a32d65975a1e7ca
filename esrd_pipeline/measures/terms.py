"""Adjusters as terms: each makes one or more columns of a model's design from facts of a row.

Facts are columns of the cohort and of the patients' characteristics, read by name. A column keeps
the narrowest type that holds its values exactly; the design narrows it to float32.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
Columns = dict[str, Values]


class Facts(Protocol):
    """Facts of the rows: an array of shape (rows,) by the name of the fact."""

    def __getitem__(self, name: str, /) -> Values:
        """Return one fact of every row."""
        ...


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric fact, or its difference from `origin`.

    Attributes:
        fact: a number of the row.
        name: name of the column; by default that of the fact.
        origin: the number subtracted.
        least: lower bound of the result: 0 for years over the origin; none without a bound.
        row: the manual's table row or section the term comes from.
    """

    fact: str
    name: str | None = None
    origin: float = 0
    least: float | None = None
    row: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The column it makes."""
        return (self.name or self.fact,)

    @property
    def facts(self) -> tuple[str, ...]:
        """What it reads."""
        return (self.fact,)

    def build(self, facts: Facts, _: Facts) -> Columns:
        """Return the column by its name."""
        values = facts[self.fact]
        if self.origin:
            values = _widen(values)
            values = np.subtract(values, _type_as(values, self.origin))
        if self.least is not None:
            values = np.maximum(values, _type_as(values, self.least))
        return {self.names[0]: values}


@dataclass(frozen=True, slots=True)
class Flag:
    """1 where any of some yes-or-no facts is true, else 0; reversed where `negated`.

    Attributes:
        name: name of the column.
        any_of: the facts; by default the fact with the column's name.
        negated: 1 where none of the facts is true.
        row: the manual's table row or section the term comes from.
    """

    name: str
    any_of: tuple[str, ...] = ()
    negated: bool = False
    row: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The column it makes."""
        return (self.name,)

    @property
    def facts(self) -> tuple[str, ...]:
        """What it reads."""
        return self.any_of or (self.name,)

    def build(self, facts: Facts, _: Facts) -> Columns:
        """Return the column by its name."""
        is_any = np.logical_or.reduce([facts[name] != 0 for name in self.facts])
        return {self.name: (is_any != self.negated).astype(np.uint8)}


@dataclass(frozen=True, slots=True)
class Level:
    """1 where a fact is in a range or is one of some values, else 0.

    Attributes:
        name: name of the column.
        fact: a number, or a text where `values` are given.
        low: lower end of the range, inclusive; none where there is none.
        high: upper end of the range, inclusive; none where there is none.
        values: values of the fact, instead of a range.
        row: the manual's table row or section the term comes from.
    """

    name: str
    fact: str
    low: float | None = None
    high: float | None = None
    values: tuple[str | int, ...] = ()
    row: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The column it makes."""
        return (self.name,)

    @property
    def facts(self) -> tuple[str, ...]:
        """What it reads."""
        return (self.fact,)

    def build(self, facts: Facts, _: Facts) -> Columns:
        """Return the column by its name."""
        fact = facts[self.fact]
        is_in = np.zeros(fact.shape, dtype=np.bool_)
        for value in self.values:
            is_in |= fact == value
        if not self.values:
            is_in[:] = True
            if self.low is not None:
                is_in &= fact >= self.low
            if self.high is not None:
                is_in &= fact <= self.high
        return {self.name: is_in.astype(np.uint8)}


@dataclass(frozen=True, slots=True)
class Spline:
    """A piecewise linear function of a fact, with one column per segment between knots.

    A column is the fact clipped to its segment minus the origin clipped to the same segment: it is
    0 where the fact equals the origin.

    Attributes:
        fact: a number of the row.
        knots: where the slope changes, in ascending order.
        names: names of the columns: one more than there are knots.
        start: lower end of the first segment; none where it has none.
        origin: value of the fact at which every column is 0.
        row: the manual's table row or section the term comes from.
    """

    fact: str
    knots: tuple[float, ...]
    names: tuple[str, ...]
    start: float | None = None
    origin: float = 0
    row: str = ""

    @property
    def facts(self) -> tuple[str, ...]:
        """What it reads."""
        return (self.fact,)

    def build(self, facts: Facts, _: Facts) -> Columns:
        """Return the columns by name, in the order of the segments."""
        values = _widen(facts[self.fact])
        columns: Columns = {}
        lows, highs = (self.start, *self.knots), (*self.knots, None)
        for name, low, high in zip(self.names, lows, highs, strict=True):
            part, origin = values, self.origin
            if high is not None:
                part, origin = np.minimum(part, _type_as(values, high)), min(origin, high)
            if low is not None:
                part, origin = np.maximum(part, _type_as(values, low)), max(origin, low)
            columns[name] = np.subtract(part, _type_as(values, origin))
        return columns


@dataclass(frozen=True, slots=True)
class Product:
    """The product of two columns.

    Attributes:
        name: name of the column.
        first: the name of an earlier column of the model, or a term that is not in the model.
        second: the same for the second factor.
        row: the manual's table row or section the term comes from.
    """

    name: str
    first: "str | Term"
    second: "str | Term"
    row: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The column it makes."""
        return (self.name,)

    @property
    def facts(self) -> tuple[str, ...]:
        """What its own terms read."""
        own = (part for part in (self.first, self.second) if not isinstance(part, str))
        return tuple(fact for part in own for fact in part.facts)

    def build(self, facts: Facts, columns: Facts) -> Columns:
        """Return the column by its name; `columns` are the model's earlier ones."""
        first, second = (_find(part, facts, columns) for part in (self.first, self.second))
        return {self.name: np.multiply(first, second)}


def make_other_diabetes(*facts: str, row: str) -> Product:
    """Diabetes other than as the cause of ESRD: a reported diabetes where the cause is another.

    Args:
        facts: where diabetes is reported; by default on CMS-2728 alone.
        row: the manual's table row or section the term comes from.
    """
    return Product(
        "has_other_diabetes",
        Flag("has_any_diabetes", facts or ("has_diabetes",)),
        Flag("has_another_cause", ("is_diabetes_cause",), negated=True),
        row=row,
    )


@dataclass(frozen=True, slots=True)
class AnyOf:
    """1 where any of some earlier columns is not 0, else 0.

    Attributes:
        name: name of the column.
        columns: names of earlier columns of the model.
        row: the manual's table row or section the term comes from.
    """

    name: str
    columns: tuple[str, ...]
    row: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The column it makes."""
        return (self.name,)

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts it reads: none, only earlier columns."""
        return ()

    def build(self, _: Facts, columns: Facts) -> Columns:
        """Return the column by its name; `columns` are the model's earlier ones."""
        is_any = np.logical_or.reduce([columns[name] != 0 for name in self.columns])
        return {self.name: is_any.astype(np.uint8)}


@dataclass(frozen=True, slots=True)
class Condition:
    """1 where a group of conditions was seen on the patient's claims, else 0.

    Attributes:
        group: the group of conditions, and the name of the column.
        unless: an earlier column of the model, 1 where conditions are not observable: the column
            is then 0.
        row: the manual's table row or section the term comes from.
    """

    group: str
    unless: str | None = None
    row: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The column it makes."""
        return (self.group,)

    @property
    def facts(self) -> tuple[str, ...]:
        """What it reads."""
        return (self.group,)

    def build(self, facts: Facts, columns: Facts) -> Columns:
        """Return the column by its name; `columns` are the model's earlier ones."""
        has = facts[self.group] != 0
        if self.unless is not None:
            has &= columns[self.unless] == 0
        return {self.group: has.astype(np.uint8)}


Term = Number | Flag | Level | Spline | Product | AnyOf | Condition


def _find(part: str | Term, facts: Facts, columns: Facts) -> Values:
    if isinstance(part, str):
        return columns[part]
    (column,) = part.build(facts, columns).values()
    return column


def _widen(values: Values) -> Values:
    """Return values of a signed type: unsigned ones would wrap around below zero."""
    return values.astype(np.int64) if values.dtype.kind in "bu" else values


def _type_as(values: Values, number: float) -> np.generic:
    """Return a whole number as an integer where the values are integers, which stay exact."""
    is_whole = values.dtype.kind == "i" and number == int(number)
    return np.int64(number) if is_whole else np.float64(number)
