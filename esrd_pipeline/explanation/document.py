"""An explanation before it is written: what is printed above, its tables, and its sums."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.parameters.reasons import describe_rows

Line = Mapping[Hashable, Any]
"""One row of a stored table, by column."""

COUNTED = "counted"
"""What stands in place of a reason on a line that counts."""


@dataclass(frozen=True, slots=True)
class Check:
    """A sum of the explanation beside the stored number it must give.

    Attributes:
        what: what is added up.
        added: the sum here; None where there is nothing to add.
        stored: the number that was stored; None where none was.
        tolerance: largest difference, relative to the number, that rounding may make.
    """

    what: str
    added: float | None
    stored: float | None
    tolerance: float = 1e-9

    @property
    def agrees(self) -> bool | None:
        """Whether they are one number; None where there is nothing to compare."""
        if self.added is None or self.stored is None:
            return None
        return abs(self.added - self.stored) <= self.tolerance * max(1.0, abs(self.stored))

    @property
    def verdict(self) -> str:
        """The comparison in a word."""
        return {True: "agrees", False: "DOES NOT AGREE", None: "no number stored"}[self.agrees]


@dataclass(frozen=True, slots=True)
class Section:
    """One table of an explanation: a CSV file, and a part of the page.

    Attributes:
        name: name of the file.
        title: heading of the part.
        rows: its lines; columns are explained in the legend.
        note: a sentence under the heading.
        is_printed: whether the page shows it; else it is a file alone.
    """

    name: str
    title: str
    rows: pd.DataFrame
    note: str = ""
    is_printed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One facility's number of one program, explained.

    Attributes:
        name: name of its folder.
        title: heading.
        facts: what is printed first: facility, year, value, limits, category.
        sections: its tables.
        checks: its sums.
        is_of_patients: whether it names patients.
    """

    name: str
    title: str
    facts: list[tuple[str, str]]
    sections: list[Section]
    checks: list[Check] = field(default_factory=list)
    is_of_patients: bool = True

    @property
    def broken(self) -> list[Check]:
        """The sums that are not the stored number."""
        return [check for check in self.checks if check.agrees is False]

    def find(self, name: str) -> pd.DataFrame:
        """Return the rows of one table.

        Raises:
            LookupError: it has no such table.
        """
        for section in self.sections:
            if section.name == name:
                return section.rows
        raise LookupError(f"{self.name} has no table {name}")


def is_missing(value: Any) -> bool:  # noqa: ANN401 - a cell of any table
    """Whether a cell is empty."""
    return value is None or bool(pd.isna(value))


def describe_why(rows: pd.DataFrame) -> NDArray[np.object_]:
    """Return the texts of a table's reasons, as a column."""
    return np.array(describe_rows(rows), dtype=object)
