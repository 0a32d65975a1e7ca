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
    """What is known of the rows: an array of shape (rows,) by the name of the fact."""

    def __getitem__(self, name: str, /) -> Values:
        """Return one fact of every row."""
        ...


@dataclass(frozen=True, slots=True)
class Number:
    """A fact as it stands, or how far it lies above `origin`.

    Attributes:
        fact: a number of the row.
        name: of the column; the fact's own where none is given.
        origin: what is subtracted.
        least: what lower results count as: 0 for years over the origin; none where none do.
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
    """1 where any of some yes-or-no facts is true, else 0; the other way round where `negated`.

    Attributes:
        name: of the column.
        any_of: the facts; one of the column's own name where none is given.
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
    """1 where a fact lies in a range or is one of some values, else 0.

    Attributes:
        name: of the column.
        fact: a number, or a word where `values` are given.
        low: smallest number of the range, itself included; none where it has no lower end.
        high: largest number of the range, itself included; none where it has no upper end.
        values: what the fact may be instead.
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
    """A piecewise linear function of a fact: a column a segment, each how far the fact is in it.

    A column is the fact, held within its segment, less the origin, held within it too: it is 0 for
    everyone who is where the origin is.

    Attributes:
        fact: a number of the row.
        knots: where the slope changes, rising.
        names: of the columns: one more than there are knots.
        start: where the first segment begins; none where it has no lower end.
        origin: where every column is 0.
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
        name: of the column.
        first: the name of an earlier column of the model, or a term of its own.
        second: the other.
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
        """What the terms of its own read."""
        own = (part for part in (self.first, self.second) if not isinstance(part, str))
        return tuple(fact for part in own for fact in part.facts)

    def build(self, facts: Facts, columns: Facts) -> Columns:
        """Return the column by its name; `columns` are the model's earlier ones."""
        first, second = (_find(part, facts, columns) for part in (self.first, self.second))
        return {self.name: np.multiply(first, second)}


@dataclass(frozen=True, slots=True)
class AnyOf:
    """1 where any of some earlier columns is not 0, else 0.

    Attributes:
        name: of the column.
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
        """What it reads: nothing but earlier columns."""
        return ()

    def build(self, _: Facts, columns: Facts) -> Columns:
        """Return the column by its name; `columns` are the model's earlier ones."""
        is_any = np.logical_or.reduce([columns[name] != 0 for name in self.columns])
        return {self.name: is_any.astype(np.uint8)}


@dataclass(frozen=True, slots=True)
class Condition:
    """1 where a group of conditions was seen on the patient's claims, else 0.

    Attributes:
        group: of the conditions, and the name of the column.
        unless: an earlier column of the model, 1 for those whose conditions could not be seen:
            they have 0.
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
    """Return values of a type that has numbers below zero: others would go round."""
    return values.astype(np.int64) if values.dtype.kind in "bu" else values


def _type_as(values: Values, number: float) -> np.generic:
    """Return a whole number as whole where the values are, so that they stay exact."""
    is_whole = values.dtype.kind == "i" and number == int(number)
    return np.int64(number) if is_whole else np.float64(number)
