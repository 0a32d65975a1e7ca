"""How numbers, categories and reasons are written on pages."""

import math
from collections.abc import Mapping
from typing import Any

from esrd_pipeline.parameters.reasons import describe_reason
from esrd_pipeline.parameters.register import Program
from esrd_pipeline.reports.rounding import PERCENT, write_rounded

NOTHING = "\u2013"
HIDDEN = "*"
"""In place of a count that is hidden; a sentence under the table says what it stands for."""
CATEGORY_WORDS = {
    "better": "Better than expected",
    "as": "As expected",
    "worse": "Worse than expected",
}
CATEGORY_SIGNS = {"better": "▲", "as": "●", "worse": "▼"}
"""Beside the word, so that nothing is said by a colour alone."""


def is_missing(value: object) -> bool:
    """Return whether a cell is empty."""
    return value is None or value != value  # noqa: PLR0124 - NaN is not itself


def write_value(value: object, *, ratio: bool, program: Program) -> str:
    """Write a measure's value: a ratio with two decimals, a share in percent with one."""
    number = _number(value)
    if number is None:
        return NOTHING
    if ratio:
        return write_rounded(number, 2)
    return f"{write_rounded(number, 1, shift=PERCENT if program == 'qip' else 0)}%"


def write_number(value: object, digits: int = 0) -> str:
    """Write a number with thousands separated; whole ones without decimals."""
    number = _number(value)
    if number is None:
        return NOTHING
    if digits and number == math.floor(number):
        return f"{number:,.0f}"
    return write_rounded(number, digits)


def write_reason(row: Mapping[str, Any]) -> str:
    """Write why a row has no result, with a capital."""
    code = row.get("reason")
    if is_missing(code):
        return ""
    number, unit = row.get("reason_number"), row.get("unit")
    text = describe_reason(
        str(code),
        None if is_missing(number) else float(number or 0),
        None if is_missing(unit) else str(unit),
    )
    return text[:1].upper() + text[1:]


def write_percent(share: object, digits: int = 1) -> str:
    """Write a fraction in percent."""
    number = _number(share)
    return NOTHING if number is None else f"{write_rounded(number, digits, shift=PERCENT)}%"


def _number(value: Any) -> float | None:  # noqa: ANN401 - a cell of any column
    return None if is_missing(value) else float(value)
