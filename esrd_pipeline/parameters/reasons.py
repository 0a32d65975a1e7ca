"""Why something is not counted, scored or printed: codes, and the texts people read.

Tables store the code and, where the text has a number of CMS's, the number beside it. What stands
for a reason in a published layout is in `parameters/reason_footnote.csv`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.parameters.rows import load_rows


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its code, and its text with {number}, {date} and {unit} to be filled in."""

    code: str
    text: str
    citation: str

    @property
    def takes_number(self) -> bool:
        """Whether a number belongs to the reason; a date is the number YYYYMMDD."""
        return "{number}" in self.text or "{date}" in self.text


@cache
def load_reasons() -> Mapping[str, Reason]:
    """Return every reason by its code."""
    return MappingProxyType(
        {
            row["code"]: Reason(code=row["code"], text=row["text"], citation=row["citation"])
            for row in load_rows("reason")
        }
    )


def find_reason(code: str) -> Reason:
    """Return the reason of a code.

    Raises:
        LookupError: reason.csv has no such code.
    """
    reason = load_reasons().get(code)
    if reason is None:
        raise LookupError(f"reason.csv has no code {code}")
    return reason


def describe_reason(code: str, number: float | None = None, unit: str | None = None) -> str:
    """Return what people read for a code, e.g. "fewer than 11 patients".

    `number` is the CMS parameter stored beside the code, `unit` what it counts (patient_years).

    Raises:
        LookupError: reason.csv has no such code, or the number its text needs is missing.
    """
    reason = find_reason(code)
    if not reason.takes_number:
        return reason.text
    if number is None or number != number:  # noqa: PLR0124 - NaN is what an empty number column holds
        raise LookupError(f"reason {code} takes a number, and none was given")
    words = {"number": f"{number:g}", "unit": (unit or "units").replace("_", "-")}
    if "{date}" in reason.text:
        words["date"] = date.fromisoformat(f"{number:.0f}").isoformat()
    return reason.text.format(**words)


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
        return np.equal(self.code, None).astype(bool)

    def add(
        self,
        where: NDArray[np.bool_],
        code: str | NDArray[np.object_],
        number: float | NDArray[np.float64] = np.nan,
    ) -> None:
        """Write a reason, or those of another table by row, where it applies and none stands.

        Raises:
            LookupError: reason.csv has no such code.
        """
        if isinstance(code, str):
            find_reason(code)
        free = np.asarray(where, dtype=bool) & self.is_silent
        self.code[free] = code if isinstance(code, str) else code[free]
        self.number[free] = number[free] if isinstance(number, np.ndarray) else number
