"""Cells of the `qip_*.csv` of a payment year, read with the place of each for messages.

The files may be the operator's own (`ESRD_PARAMETER_DIR`): an empty or mistyped cell would score a
whole nation by another rule and show nowhere.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import isfinite
from typing import NoReturn

import pandas as pd

from esrd_pipeline.parameters.official import ParameterFileError


@dataclass(frozen=True, slots=True)
class Cells:
    """One row of `<table>.csv`; `key` tells it from the payment year's other rows."""

    table: str
    payment_year: int
    key: str
    texts: Mapping[str, str]

    def refuse(self, column: str, rule: str) -> NoReturn:
        """Refuse the row for what a column says.

        Raises:
            ParameterFileError: always; names file, payment year, row, column and rule.
        """
        place = f"{self.table}.csv, payment year {self.payment_year}, row {self.key}"
        raise ParameterFileError(f"{place}, column '{column}': {rule}")

    def text(self, column: str) -> str:
        """Return a text; an empty cell is an empty text."""
        return self.texts[column]

    def needed(self, column: str) -> str:
        """Return a text that must be there."""
        return self.texts[column] or self.refuse(column, "the cell is empty and must not be")

    def choose(self, column: str, known: Collection[str]) -> str:
        """Return one of the known texts, of which the empty one may be one."""
        text = self.texts[column]
        if text not in known:
            names = ", ".join(name or "an empty cell" for name in known)
            self.refuse(column, f"'{text}' is not one of: {names}")
        return text

    def flag(self, column: str) -> bool:
        """Return whether the cell says yes; it must say yes or no."""
        return self.choose(column, ("yes", "no")) == "yes"

    def whole(self, column: str, *, least: int, most: int | None = None) -> int:
        """Return a whole number from `least` to `most`."""
        text = self.needed(column)
        span = f"from {least} to {most}" if most is not None else f"from {least} on"
        try:
            number = int(text)
        except ValueError:
            self.refuse(column, f"'{text}' is not a whole number {span}")
        if number < least or (most is not None and number > most):
            self.refuse(column, f"{number} is not {span}")
        return number

    def fraction(self, column: str) -> Fraction:
        """Return a number above zero, written as a fraction or a decimal, exactly."""
        text = self.needed(column)
        try:
            number = Fraction(text)
        except (ValueError, ZeroDivisionError):
            self.refuse(column, f"'{text}' is not a number or fraction")
        if number <= 0:
            self.refuse(column, f"{text} is not above 0")
        return number

    def number(self, column: str) -> str:
        """Return the text of a number."""
        text = self.needed(column)
        try:
            is_number = isfinite(float(text))
        except ValueError:
            is_number = False
        return text if is_number else self.refuse(column, f"'{text}' is not a number")

    def month_and_day(self, column: str) -> tuple[int, int]:
        """Return month and day of a cell that is written MM-DD."""
        text = self.needed(column)
        try:
            # A year with the 29th of February.
            day = datetime.strptime(f"2000-{text}", "%Y-%m-%d")  # noqa: DTZ007
        except ValueError:
            self.refuse(column, f"'{text}' is not a day of the year, MM-DD")
        return day.month, day.day


def read_cells(table: pd.DataFrame, name: str, payment_year: int, *key: str) -> tuple[Cells, ...]:
    """Return the rows of a payment year in order; the columns of `key` tell them apart.

    Raises:
        ParameterFileError: a row repeats another one's key.
    """
    rows = tuple(_read(table, name, payment_year, key))
    seen: set[str] = set()
    for cells in rows:
        if cells.key in seen:
            cells.refuse(key[-1], "the payment year has the row twice")
        seen.add(cells.key)
    return rows


def _read(
    table: pd.DataFrame, name: str, payment_year: int, key: tuple[str, ...]
) -> Iterator[Cells]:
    rows = table.loc[table["payment_year"] == str(payment_year)].fillna("")
    for row in rows.to_dict("records"):
        texts = {str(column): str(text) for column, text in row.items()}
        yield Cells(name, payment_year, " ".join(texts[column] for column in key), texts)
