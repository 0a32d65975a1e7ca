"""Codes and texts of the reasons why something is not counted, scored or published.

Tables store the code and, if the text contains a CMS number, the number beside it.
`parameters/reason_footnote.csv` maps reasons to the footnotes of the published layouts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from esrd_pipeline.parameters.rows import load_rows


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


@cache
def load_reasons() -> Mapping[str, Reason]:
    """Return all reasons by code."""
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
    """Return the text of a code, e.g. "fewer than 11 patients".

    `number` is the CMS parameter stored beside the code, `unit` its unit (e.g. patient_years).

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
