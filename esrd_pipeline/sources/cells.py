"""Readers of one published cell: each takes the text and its column, and returns the value.

A text that breaks a rule raises ValueError with the rule; the caller adds file, row and column.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from esrd_pipeline.sources.layout import SourceColumn, load_meanings

CellValue = str | int | float | bool | date | list[str]

NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
CCN = re.compile(r"(?=(?:[A-Z]*[0-9]){4})[0-9A-Z]{6}", re.ASCII)
NETWORK = re.compile(r"(?:Network )?(\d{1,2})", re.ASCII | re.IGNORECASE)
ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
WORD_DATE = re.compile(r"(\d{1,2})-?([A-Za-z]{3})-?(\d{4})", re.ASCII)
MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DATE_FORMS = "YYYY-MM-DD, MM/DD/YYYY or DDMonYYYY"
MONTH = re.compile(r"(\d{4})-(\d{2})(?:-\d{2})?", re.ASCII)
CODE = re.compile(r"\d{1,3}", re.ASCII)
AVAILABLE = "001"
"""The availability code of a value that is there."""
OLDEST_YEAR = 1900  # an earlier year is a typing error: the program began in 1972
CODE_LENGTH = 3
LONGEST_NUMBER = 17  # sign, point and the 15 digits a float64 keeps
# Control characters except the tab.
DAMAGE = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
LOST_LETTER = "\ufffd"
"""The replacement character of a lost byte: kept in a text, and noted."""


def _decimal(number: str, published: str, column: SourceColumn, shift: int = 0) -> Decimal:
    if NUMBER.fullmatch(number) is None:
        raise ValueError(f"'{published}' is not a number")
    if len(number) > LONGEST_NUMBER:
        raise ValueError(f"'{published}' has more than 15 digits")
    value = Decimal(number).scaleb(shift)
    _check_range(value, published, column)
    return value


def _check_range(value: Decimal | int, published: str, column: SourceColumn) -> None:
    if column.minimum is not None and value < column.minimum:
        raise ValueError(f"'{published}' is below the minimum {column.minimum:g}")
    if column.maximum is not None and value > column.maximum:
        raise ValueError(f"'{published}' is above the maximum {column.maximum:g}")


def read_number(text: str, column: SourceColumn) -> float:
    """Return a number as published."""
    return float(_decimal(text, text, column))


def read_integer(text: str, column: SourceColumn) -> int:
    """Return a whole number; the DFC file formats counts as `68.0`."""
    value = _decimal(text, text, column)
    if value != value.to_integral_value():
        raise ValueError(f"'{text}' is not a whole number")
    return int(value)


def read_percent(text: str, column: SourceColumn) -> float:
    """Return a percent, with or without its sign: `12.9` and `12.9%` are both 12.9."""
    return float(_decimal(text.removesuffix("%"), text, column))


def read_fraction(text: str, column: SourceColumn) -> float:
    """Return a fraction from a fraction or from a percent with its sign.

    The decimal point is shifted exactly: `12.91%` is `0.1291`.
    """
    shift = -2 if text.endswith("%") else 0
    return float(_decimal(text.removesuffix("%"), text, column, shift))


def read_text(text: str, _column: SourceColumn) -> str:
    """Return a text, with the letters that a release lost; control characters are errors."""
    if found := DAMAGE.search(text):
        raise ValueError(f"the text contains the damaged character {found.group()!a}")
    return text


def read_ccn(text: str, _column: SourceColumn) -> str:
    """Return a CMS Certification Number: six digits or capital letters, four of them digits.

    TOTALS and NATION are no facilities.
    """
    if CCN.fullmatch(text) is None:
        raise ValueError(f"'{text}' is not a CCN of six digits or capital letters")
    return text


def read_network(text: str, column: SourceColumn) -> int:
    """Return the number of an ESRD Network: `15` or `Network 15`."""
    found = NETWORK.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is not an ESRD Network")
    network = int(found.group(1))
    _check_range(network, text, column)
    return network


def read_date(text: str, _column: SourceColumn) -> date:
    """Return a date: `2006-01-04`, `01/04/2006` or `04Jan2006`."""
    return parse_date(text)


def parse_date(text: str) -> date:
    """Return a date in one of the forms of `DATE_FORMS`.

    Raises:
        ValueError: the text is in none of them, or no day of the calendar.
    """
    if found := ISO_DATE.fullmatch(text):
        year, month, day = found.groups()
    elif found := US_DATE.fullmatch(text):
        month, day, year = found.groups()
    elif (found := WORD_DATE.fullmatch(text)) and found.group(2).lower() in MONTH_NAMES:
        day, name, year = found.groups()
        month = str(MONTH_NAMES.index(name.lower()) + 1)
    else:
        raise ValueError(f"'{text}' is not a date ({DATE_FORMS})")
    return _date(text, int(year), int(month), int(day))


def read_period(text: str) -> tuple[date, date]:
    """Return first and last day of a period: `01Jan2024-31Dec2024`, `01/01/2024-12/31/2024`.

    Raises:
        ValueError: the text is not two dates with a dash between them.
    """
    for found in re.finditer("-", text):
        try:
            return parse_date(text[: found.start()].strip()), parse_date(
                text[found.end() :].strip()
            )
        except ValueError:
            continue  # a dash within one of the dates
    raise ValueError(f"'{text}' is not a period of two dates ({DATE_FORMS})")


def read_month(text: str, _column: SourceColumn) -> date:
    """Return the first day of a calendar month, given as `2025-03` or as a day in it."""
    found = MONTH.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is not a month (YYYY-MM)")
    return _date(text, int(found.group(1)), int(found.group(2)), 1)


def _date(text: str, year: int, month: int, day: int) -> date:
    if year < OLDEST_YEAR:
        raise ValueError(f"'{text}' is before {OLDEST_YEAR}")
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"'{text}' is not a day of the calendar") from None


def read_code(text: str, _column: SourceColumn) -> str:
    """Return an availability code; the ICH CAHPS file writes 001 as `1`."""
    code = text.zfill(CODE_LENGTH)
    if code not in load_meanings("availability_code"):
        raise ValueError(f"'{text}' is not a known availability code")
    return code


def read_codes(text: str, _column: SourceColumn) -> list[str]:
    """Return a list of footnote numbers: `4,7`."""
    codes = [part.strip() for part in text.split(",")]
    for code in codes:
        if CODE.fullmatch(code) is None or code not in load_meanings("qip_footnote"):
            raise ValueError(f"'{code}' in '{text}' is not a known footnote")
    return codes


def read_choice(text: str, column: SourceColumn) -> str:
    """Return the stored text of one of the column's published texts."""
    if text not in column.choices:
        raise ValueError(f"'{text}' is none of {', '.join(column.choices)}")
    return column.choices[text]


def read_yes_no(text: str, column: SourceColumn) -> bool:
    """Return whether the text is Yes; any text except Yes and No is an error."""
    return read_choice(text, column) == "true"


READERS: dict[str, Callable[[str, SourceColumn], CellValue]] = {
    "text": read_text,
    "ccn": read_ccn,
    "network": read_network,
    "integer": read_integer,
    "number": read_number,
    "percent": read_percent,
    "fraction": read_fraction,
    "date": read_date,
    "month": read_month,
    "code": read_code,
    "codes": read_codes,
    "choice": read_choice,
    "yes_no": read_yes_no,
}


def read_cell(text: str, column: SourceColumn) -> CellValue | None:
    """Return the cell's value; None for an empty cell or one of the column's sentinels."""
    if text in column.sentinels:
        return None
    if text:
        return READERS[column.type](text, column)
    if column.required:
        raise ValueError("the cell is empty and must not be")
    return None
