"""Codes and texts of the reasons why something is not counted, scored or published.

Tables store the code and, if the text contains a CMS number, the number beside it.
`parameters/reason_footnote.csv` maps reasons to the footnotes of the published layouts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.parameters.rows import load_rows

PUBLISHED_CODES = {"availability_code": "availability_", "qip_footnote": "footnote_"}
"""Lists of the codes that CMS prints, and what their numbers are called as reasons."""
NOT_PRINTED = "score_not_printed"
"""The reason of a score that CMS may have given and no file of the year prints."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its code, and its text with the placeholders {number}, {date} and {unit}."""

    code: str
    text: str
    citation: str

    @property
    def takes_number(self) -> bool:
        """Whether the reason has a number; a date is the number YYYYMMDD."""
        return "{number}" in self.text or "{date}" in self.text

    @property
    def takes_date(self) -> bool:
        """Whether that number is a date."""
        return "{date}" in self.text


@cache
def load_reasons() -> Mapping[str, Reason]:
    """Return every reason by its code.

    What CMS prints itself is a reason too: availability_199 and footnote_13 are the meanings of
    `availability_code.csv` and `qip_footnote.csv`.
    """
    reasons = [
        Reason(code=row["code"], text=row["text"], citation=row["citation"])
        for row in load_rows("reason")
    ]
    reasons += [
        Reason(code=f"{prefix}{row['code']}", text=row["meaning"], citation=row["citation"])
        for name, prefix in PUBLISHED_CODES.items()
        for row in load_rows(name)
    ]
    return MappingProxyType({reason.code: reason for reason in reasons})


def find_reason(code: str) -> Reason:
    """Return the reason of one code.

    Raises:
        LookupError: reason.csv has no such code.
    """
    reason = load_reasons().get(code)
    if reason is None:
        raise LookupError(f"reason.csv has no code {code}")
    return reason


def describe_reason(codes: str, number: float | None = None, unit: str | None = None) -> str:
    """Return what people read for a stored reason, e.g. "fewer than 11 patients".

    A reason is one code, or several separated by spaces. `number` is what is stored beside it,
    `unit` what the number counts (patient_years).

    Raises:
        LookupError: reason.csv has no such code, or the number its text needs is missing.
    """
    return "; ".join(_describe(find_reason(code), number, unit) for code in codes.split())


def takes_number(codes: str) -> bool:
    """Whether a number belongs to a stored reason of one or several codes."""
    return any(find_reason(code).takes_number for code in codes.split())


def describe_rows(frame: pd.DataFrame) -> list[str | None]:
    """Return the texts of a table's rows: of reason, reason_number and unit, where it has them.

    Raises:
        LookupError: as `describe_reason`.
    """
    columns = [
        frame[name] if name in frame.columns else pd.Series(None, index=frame.index, dtype=object)
        for name in ("reason", "reason_number", "unit")
    ]
    return [
        None
        if pd.isna(code)
        else describe_reason(
            code, None if pd.isna(number) else float(number), None if pd.isna(unit) else unit
        )
        for code, number, unit in zip(*columns, strict=True)
    ]


def _describe(reason: Reason, number: float | None, unit: str | None) -> str:
    if not reason.takes_number:
        return reason.text
    if number is None:
        raise LookupError(f"reason {reason.code} takes a number, and none was given")
    words = {"number": f"{number:g}", "unit": (unit or "units").replace("_", "-")}
    if "{date}" in reason.text:
        words["date"] = date.fromisoformat(f"{number:.0f}").isoformat()
    return reason.text.format(**words)


@cache
def find_footnote(source: str, measure: str, reason: str, day: str = "") -> str | None:
    """Return the code of the measure's own row, else that of all measures; None without either.

    A code "-" says that CMS's list has none for the reason.
    """
    codes = {
        row["measure"]: row["code"]
        for row in load_rows("reason_footnote")
        if (row["source"], row["reason"], row["day"]) == (source, reason, day)
        and row["measure"] in ("", measure)
    }
    return codes.get(measure) or codes.get("")


def number_of_day(day: date) -> float:
    """Return a day as the number that stands beside a code whose text has a {date}."""
    return float(f"{day:%Y%m%d}")


class RowReasons:
    """Why rows have nothing: by row a code and its number, None and NaN where there is none.

    The first reason that is written of a row stays.
    """

    __slots__ = ("code", "number")

    def __init__(self, count: int) -> None:
        """Start without a reason in any of `count` rows."""
        self.code: NDArray[np.object_] = np.full(count, None, dtype=object)
        self.number: NDArray[np.float64] = np.full(count, np.nan)

    @property
    def is_silent(self) -> NDArray[np.bool_]:
        """The rows without a reason."""
        return np.asarray(pd.isna(self.code), dtype=bool)

    def add(
        self,
        where: NDArray[np.bool_],
        code: str | NDArray[np.object_],
        number: float | NDArray[np.float64] = np.nan,
    ) -> None:
        """Write a reason where it applies and none stands.

        An array gives the reasons of another table by row, of one or several codes: those it has
        are taken over.

        Raises:
            LookupError: reason.csv has no such code.
        """
        if isinstance(code, str):
            find_reason(code)
        free = np.asarray(where, dtype=bool) & self.is_silent
        if not isinstance(code, str):
            free &= np.asarray(pd.notna(code), dtype=bool)
            for codes in pd.unique(code[free]):
                for one in str(codes).split():
                    find_reason(one)
        self.code[free] = code if isinstance(code, str) else code[free]
        self.number[free] = number[free] if isinstance(number, np.ndarray) else number
