"""Manglings of cells: a column lost or swapped, values in other forms, dates shifted."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from random import Random

from esrd_pipeline.sources.intake.questions import BIRTHS, HISTORIES, NEAR, load_codes
from esrd_pipeline.tables.model import Column
from esrd_pipeline_tests.manglings.files import ENOUGH, File, Rows, write
from esrd_pipeline_tests.manglings.trial import Contents
from esrd_pipeline_tests.manglings.whole import Mangle

Rewrite = Callable[[str, Random], str]
FREE = frozenset({"first_name", "last_name", "facility_name", "address", "city", "fac_name"})
"""Columns of names, of which any spelling may be right."""


def _is(*types: str) -> Callable[[Column], bool]:
    return lambda column: column.type in types


def _is_code(column: Column) -> bool:
    """A code of digits and letters whose form is known."""
    return column.type == "text" and column.form is not None


def _is_typed(column: Column) -> bool:
    return column.type != "text" or (column.form is not None and column.form.pattern is not None)


def _is_id(column: Column) -> bool:
    return column.type == "integer" and (column.is_identifier or column.name.endswith("_id"))


def _choose(file: File, draw: Random, fits: Callable[[Column], bool]) -> int | None:
    """Return a column that fits and has values."""
    rows = file.rows
    places = [
        place
        for place, column in enumerate(file.columns)
        if fits(column) and any(row[place] for row in rows[1:])
    ]
    return draw.choice(places) if places else None


def _rewrite(
    file: File, draw: Random, *, fits: Callable[[Column], bool], into: Rewrite
) -> Contents | None:
    """Write a column's values otherwise: all of them, or one."""
    place = _choose(file, draw, fits)
    if place is None:
        return None
    rows = file.rows
    filled = [row for row in rows[1:] if row[place]]
    for row in filled if draw.random() < 0.7 else [draw.choice(filled)]:
        row[place] = into(row[place], draw)
    return {file.name: write(rows)}


def _rewrite_all(
    file: File, draw: Random, *, fits: Callable[[Column], bool], into: Rewrite
) -> Contents | None:
    """Write all of a column's values otherwise, in a file whose shares are judged."""
    place = _choose(file, draw, fits) if file.row_count >= ENOUGH else None
    if place is None:
        return None
    rows = file.rows
    for row in rows[1:]:
        row[place] = row[place] and into(row[place], draw)
    return {file.name: write(rows)}


def _into(*forms: Rewrite) -> Rewrite:
    """Return one of some forms, by the first draw for a file: all cells take the same."""
    return lambda text, draw: forms[hash_of(draw) % len(forms)](text, draw)


def hash_of(draw: Random) -> int:
    """Return a number of this draw that further draws do not change."""
    return getattr(draw, "form", 0)


def _day(text: str) -> date:
    return datetime.strptime(text, "%d-%b-%Y").date()  # noqa: DTZ007 - a day has no time zone


def _spell(form: str) -> Rewrite:
    return lambda text, _: _day(text).strftime(form)


def _days_since(year: int) -> Rewrite:
    return lambda text, _: str((_day(text) - date(year, 1, 1)).days)


def _text(form: str) -> Rewrite:
    return lambda text, _: form.format(text)


def _number(form: str) -> Rewrite:
    return lambda text, _: form.format(float(text))


def _lower(text: str, _: Random) -> str:
    return text.lower()


def _lose_zeros(text: str, _: Random) -> str:
    return text.lstrip("0") or "0"


def _point(text: str, _: Random) -> str:
    return f"{text[:3]}.{text[3:]}" if len(text) > 3 else text


def _dash(text: str, _: Random) -> str:
    if re.fullmatch(r"\d{9}", text):
        return f"{text[:3]}-{text[3:5]}-{text[5:]}"
    if re.fullmatch(r"[0-9A-Z]{11}", text):
        return f"{text[:4]}-{text[4:7]}-{text[7:]}"
    return f"{text[:2]}-{text[2:]}" if re.fullmatch(r"\d{6}", text) else text


def _put(texts: tuple[str, ...]) -> Rewrite:
    return lambda _, draw: texts[hash_of(draw) % len(texts)]


def _yes_no(pair: tuple[str, str]) -> Rewrite:
    return lambda text, _: pair[text == "Y"]


def _is_digits(text: str) -> bool:
    return text.isdigit()


def _zeros(file: File, draw: Random) -> Contents | None:
    """Columns of texts of digits that a spreadsheet takes for numbers."""
    return _on_digits(file, draw, _into(_lose_zeros, _text("{}.0"), _text("'{}"), _text('="{}"')))


def _on_digits(file: File, draw: Random, into: Rewrite) -> Contents | None:
    rows = file.rows
    places = [
        place
        for place, column in enumerate(file.columns)
        if column.type == "text"
        and column.name not in FREE
        and any(row[place].startswith("0") and _is_digits(row[place]) for row in rows[1:])
    ]
    if not places:
        return None
    place = draw.choice(places)
    for row in rows[1:]:
        if _is_digits(row[place]):
            row[place] = into(row[place], draw)
    return {file.name: write(rows)}


def _fill_empty(file: File, draw: Random) -> Contents | None:
    """Empty cells written as a word: all of the file, or of one column."""
    words = ("NULL", "NA", ".", "nan", "None", r"\N", "NaT", '""', "#N/A", "<NA>", "missing")
    word = words[hash_of(draw) % len(words)]
    rows = file.rows
    empty = sorted({p for row in rows[1:] for p, cell in enumerate(row) if not cell})
    if not empty:
        return None
    places = set(empty) if draw.random() < 0.5 else {draw.choice(empty)}
    for row in rows[1:]:
        for place in places:
            row[place] = row[place] or word
    return {file.name: write(rows)}


def _drop(file: File, draw: Random) -> Contents | None:
    rows = file.rows
    place = _choose_told(file, draw)
    if place is None:
        return None
    return {file.name: write([[*row[:place], *row[place + 1 :]] for row in rows])}


def _rename_column(file: File, draw: Random) -> Contents | None:
    rows = file.rows
    place = _choose_told(file, draw)
    if place is None:
        return None
    name = rows[0][place]
    rows[0][place] = draw.choice([name[:-1], name + "S", name.replace("_", ""), f"#{name}"])
    return {file.name: write(rows)} if rows[0][place] != name else None


def _empty_column(file: File, draw: Random) -> Contents | None:
    rows = file.rows
    place = _choose_told(file, draw)
    if place is None:
        return None
    for row in rows[1:]:
        row[place] = ""
    return {file.name: write(rows)}


def _choose_told(file: File, draw: Random) -> int | None:
    """Return a column that is required, or filled in so many rows that its loss is judged."""
    rows = file.rows[1:]
    places = [
        place
        for place, column in enumerate(file.columns)
        if column.required or sum(1 for row in rows if row[place]) >= ENOUGH
    ]
    return draw.choice(places) if places else None


def _empty_needed(file: File, draw: Random) -> Contents | None:
    place = _choose(file, draw, lambda column: column.required)
    if place is None:
        return None
    rows = file.rows
    draw.choice(rows[1:])[place] = ""
    return {file.name: write(rows)}


def _swap(file: File, draw: Random) -> Contents | None:
    """Two columns of different kinds in each other's place."""
    if file.row_count < ENOUGH:
        return None
    rows = file.rows
    places = range(len(rows[0]))
    pairs = [
        (one, other)
        for one in places
        for other in places
        if one < other and _kind(file, one) != _kind(file, other)
        if _fills(rows, one) or _fills(rows, other)
    ]
    if not pairs:
        return None
    one, other = draw.choice(pairs)
    rows[0][one], rows[0][other] = rows[0][other], rows[0][one]
    return {file.name: write(rows)}


def _kind(file: File, place: int) -> str:
    """What a column holds, by which two columns are told apart."""
    column = file.columns[place]
    if column.type in {"integer", "number"} and not _is_id(column):
        return "number"
    if column.form is not None and column.form.pattern is not None:
        return column.form.pattern.partition("{")[0]  # codes of letters and digits
    if column.name in load_codes() or column.allowed:
        return column.name
    return column.type if column.type != "text" else "text"


def _fills(rows: Rows, place: int) -> bool:
    return sum(1 for row in rows[1:] if row[place]) > 0.9 * len(rows)


def _shift_cells(file: File, draw: Random) -> Contents | None:
    """All rows' cells moved by one, from a column on that is filled and of another kind."""
    if file.row_count < ENOUGH:
        return None
    rows = file.rows
    last = len(rows[0]) - 1
    places = [
        place
        for place in range(last)
        if _fills(rows, place)
        and _fills(rows, place + 1)
        and len({_kind(file, place), _kind(file, place + 1), _kind(file, last)}) == 3
    ]
    if not places:
        return None
    place = draw.choice(places)
    for row in rows[1:]:
        row.insert(place, row.pop())
    return {file.name: write(rows)}


def _shift_days(file: File, draw: Random) -> Contents | None:
    """A column of days moved by years: those that are needed, and that the intake asks about."""
    if file.row_count < ENOUGH:
        return None
    needed = {*NEAR.get(file.table.name, ()), BIRTHS.get(file.table.name)}
    place = _choose(file, draw, lambda c: c.type == "date" and (c.required or c.name in needed))
    if place is None:
        return None
    # A birth ten years earlier is as likely as the true one.
    is_birth = "birth" in file.columns[place].name
    years = draw.choice([-100, 100] if is_birth else [-100, -10, 10, 100])
    rows = file.rows
    for row in rows[1:]:
        row[place] = _move(row[place], years)
    return {file.name: write(rows)}


def _shift_all_days(file: File, draw: Random) -> Contents | None:
    """All days of a file moved by a year or more: another year's file."""
    places = [place for place, column in enumerate(file.columns) if column.type == "date"]
    is_register = file.table.name in HISTORIES
    if not places or file.row_count < ENOUGH or (file.table.name in BIRTHS and not is_register):
        return None
    # A register that reaches a year further was extracted later.
    years = draw.choice([-2, -1, 2] if is_register else [-2, -1, 1, 2])
    rows = file.rows
    for row in rows[1:]:
        for place in places:
            row[place] = _move(row[place], years)
    return {file.name: write(rows)}


def _move(text: str, years: int) -> str:
    if not text:
        return text
    day = _day(text)
    moved = date(day.year + years, day.month, 1) + timedelta(days=min(day.day, 28) - 1)
    return moved.strftime("%d-%b-%Y")


DATE_FORMS = _into(
    _spell("%Y-%m-%d"),
    _spell("%Y%m%d"),
    _spell("%d%b%Y"),
    _spell("%Y-%m-%dT00:00:00"),
    _spell("%Y-%m-%d 00:00:00.000"),
    lambda text, _: text.upper(),
    lambda text, _: text.lower(),
    _spell("%m/%d/%Y"),
    _spell("%d/%m/%Y"),
    _spell("%d.%m.%Y"),
    _spell("%y%m%d"),
    _spell("%d-%b-%y"),
    _spell("%d-%m-%Y"),
    _spell("%m-%d-%y"),
    _spell("%Y/%m/%d"),
    _spell("%Y-%j"),
    _spell("%Y%j"),
    _spell("%b %d, %Y"),
    _spell("%d-%B-%Y"),
    _spell("%Y-%m-%d 12:30:00"),
    _spell("%Y%m%d.0"),
    _spell("%Y-%m"),
    _spell("%Y"),
    _days_since(1960),
    _days_since(1900),
    _days_since(1970),
)
NO_VALUES = (
    *("#REF!", "########", "?", "abc", "1e400", "NaN", "inf", "-", "00", "0000-00-00"),
    *("31-Feb-2024", "2024-13-01", "\u0661\u0662", "--", "true false", "1 2", "0x1F", "1_000"),
)
YES_NO = (("0", "1"), ("No", "Yes"), ("false", "true"), ("n", "j"), ("2", "1"), ("0", "-1"))
CELLS: Mapping[str, Mangle] = {
    "dates in another form": partial(_rewrite, fits=_is("date"), into=DATE_FORMS),
    "ids as floats": partial(
        _rewrite,
        fits=_is_id,
        into=_into(
            *(_text("{}.0"), _number("{:E}"), _number("{:.5E}"), _number("{:,.0f}")),
            *(_text("+{}"), _text("{}.5"), _text("{}."), _number("{:.15g}")),
        ),
    ),
    "ids in another form": partial(
        _rewrite,
        fits=_is_id,
        into=_into(_text("00{}"), _text("#{}"), _text("ID{}"), _text("{}L"), _text("'{}")),
    ),
    "ids cut off": partial(
        _rewrite_all, fits=_is_id, into=_into(lambda t, _: t[:9], lambda t, _: t[-6:])
    ),
    "ids with another sign": partial(_rewrite_all, fits=_is_id, into=_text("-{}")),
    "numbers in another form": partial(
        _rewrite,
        fits=_is("number"),
        into=_into(
            *(_number("{:,.2f}"), _text("${}"), _number("{:E}"), _text("{}-"), _text("({})")),
            *(_text("{} USD"), _text("{}%"), lambda t, _: t.replace(".", ",") + ",0"),
        ),
    ),
    "whole numbers in another form": partial(
        _rewrite,
        fits=lambda column: column.type == "integer" and not _is_id(column),
        into=_into(_text("{}.0"), _text("{}.5"), _text("0{}"), _text("{},0"), _text("{}e0")),
    ),
    "yes and no in another form": partial(
        _rewrite,
        fits=_is("boolean"),
        into=_into(*map(_yes_no, YES_NO)),
    ),
    "codes in small letters": partial(_rewrite, fits=_is_code, into=_lower),
    "codes with a point": partial(
        _rewrite, fits=lambda c: c.form is not None and "." in c.form.removed, into=_point
    ),
    "identifiers with dashes": partial(
        _rewrite, fits=lambda c: c.form is not None and "-" in c.form.removed, into=_dash
    ),
    "codes in quotes of their own": partial(
        _rewrite, fits=_is_code, into=_into(_text("'{}'"), _text("`{}`"), _text("\u201c{}\u201d"))
    ),
    "codes beside a blank": partial(
        _rewrite, fits=_is_code, into=_into(_text(" {}"), _text("\t{}"), _text("\u00a0{}"))
    ),
    "codes with a zero more": partial(
        _rewrite_all,
        fits=lambda c: _is_code(c) and (c.form.width or 0) > 1,  # type: ignore[union-attr]
        into=_text("0{}"),
    ),
    "texts of a list in other letters": partial(
        _rewrite, fits=lambda column: column.allowed is not None, into=_lower
    ),
    "leading zeros lost": _zeros,
    "no value": partial(_rewrite, fits=_is_typed, into=_put(NO_VALUES)),
    "empty cells as words": _fill_empty,
    "a column lost": _drop,
    "a column renamed": _rename_column,
    "a column empty": _empty_column,
    "a needed cell empty": _empty_needed,
    "two columns swapped": _swap,
    "cells shifted": _shift_cells,
    "days of a column shifted": _shift_days,
    "all days shifted": _shift_all_days,
}
