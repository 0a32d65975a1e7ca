"""Traces every number on a page to the cell of a stored table that it is made of.

Pages name the table (`data-t`), the key (`data-k`, parts with | between) and the columns (`data-c`)
of their numbers, on the cell itself or on what it stands in: row, head of the column, table. A
reader's script does with them what is done here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from esrd_pipeline.site.formats import write_reason

Frames = Mapping[tuple[str, int], pd.DataFrame]
_VOID = {"meta", "link", "input", "br", "rect", "path", "circle", "polyline", "use"}
_UNTRACED = {
    *("svg", "code", "abbr", "script", "style", "caption", "thead"),
    *("head", "footer", "header"),
}
"""Drawings, which a table repeats, and names."""
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?%?")
_WHOLES = re.compile(r" of (?:5|100)\b")


@dataclass(slots=True)
class Element:
    """An element, its attributes and what it stands in."""

    tag: str
    attributes: dict[str, str]
    parent: "Element | None"
    children: list["Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def above(self) -> Iterator["Element"]:
        """Yield the element and all it stands in, from the inside."""
        at: Element | None = self
        while at is not None:
            yield at
            at = at.parent

    def find(self, tag: str) -> Iterator["Element"]:
        """Yield the elements of a kind below this one."""
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.find(tag)

    def walk(self) -> Iterator["Element"]:
        """Yield all elements below this one in their order."""
        for child in self.children:
            yield child
            yield from child.walk()

    @property
    def text(self) -> str:
        """All text in it, in one line."""
        whole = "".join([*self.texts, *(child.text for child in self.children)])
        return " ".join(whole.split())


class Page(HTMLParser):
    """A page as elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = Element("page", {}, None)
        self._at = self.root
        self.pieces: list[tuple[Element, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        element = Element(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.children.append(element)
        if tag not in _VOID:
            self._at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add an element without content."""
        attributes = {name: value or "" for name, value in attrs}
        self._at.children.append(Element(tag, attributes, self._at))

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        for element in self._at.above():
            if element.tag == tag and element.parent is not None:
                self._at = element.parent
                return

    def handle_data(self, data: str) -> None:
        """Keep a piece of text with its element."""
        self._at.texts.append(data)
        if data.strip():
            self.pieces.append((self._at, " ".join(data.split())))


@dataclass(frozen=True, slots=True)
class Traced:
    """What was found of a page.

    Attributes:
        columns: table and column of every number that was traced.
        wrong: numbers that are not those stored.
        others: pieces of text with numbers that name no cell.
    """

    columns: list[str]
    wrong: list[str]
    others: list[str]


def is_number(piece: str) -> bool:
    """Return whether a piece of text is a number alone."""
    return _NUMBER.fullmatch(piece) is not None


def trace(text: str, frames: Frames, year: int) -> Traced:
    """Trace the numbers of a page's text to stored tables of the year, and of others it names."""
    page = Page(text)
    columns, wrong, others = [], [], []
    spelled: dict[tuple[str, int, str], np.ndarray] = {}
    for element, piece in page.pieces:
        if not _NUMBER.search(piece) or any(one.tag in _UNTRACED for one in element.above()):
            continue
        table, key, names = _find_source(element)
        if not names:
            if not any(one.tag == "th" for one in element.above()):
                others.append(piece)
            continue
        rows = _find_rows(table, key, frames, year, spelled)
        fault = _compare(piece, table, rows, key, names)
        columns += [f"{table}.{name}" for name in names]
        if fault:
            wrong.append(f"{piece}: {table} {key} {names}: {fault}")
    return Traced(columns, wrong, others)


def _find_source(element: Element) -> tuple[str, dict[str, str], list[str]]:
    """Return the table, key and columns that stand nearest to a piece of text."""
    table, names = "", list[str]()
    key: dict[str, str] = {}
    for one in _nearest(element):
        table = table or one.attributes.get("data-t", "")
        if not names and one.tag != "tr":
            names = one.attributes.get("data-c", "").split()
        for part in filter(None, one.attributes.get("data-k", "").split("|")):
            name, _, value = part.partition("=")
            key.setdefault(name, value)
    return table, key, names


def _nearest(element: Element) -> Iterator[Element]:
    """Yield what an element stands in, from the inside; the head of a cell's column after it."""
    for one in element.above():
        yield one
        if one.tag in {"td", "th"}:
            head = _find_head(one)
            if head is not None and head is not one:
                yield head


def _find_head(cell: Element) -> Element | None:
    row = cell.parent
    table = next(one for one in cell.above() if one.tag == "table")
    heads = [head for part in table.find("thead") for head in part.find("th")]
    if row is None or not heads:
        return None
    cells = [one for one in row.children if one.tag in {"td", "th"}]
    # From the end: a cell over several rows is missing in those after the first.
    at = len(heads) - (len(cells) - cells.index(cell))
    return heads[at] if at >= 0 else None


def _find_rows(
    table: str,
    key: Mapping[str, str],
    frames: Frames,
    year: int,
    spelled: dict[tuple[str, int, str], np.ndarray],
) -> pd.DataFrame | None:
    """Return the rows of a key; `spelled` keeps columns as texts from one piece to the next."""
    at = int(key.get("performance_year", year))
    rows = frames.get((table, at))
    if rows is None:
        return None
    chosen = np.ones(len(rows), dtype=bool)
    for name, value in key.items():
        if name in rows.columns:
            if (table, at, name) not in spelled:
                spelled[table, at, name] = rows[name].astype(str).to_numpy(dtype=object)
            chosen &= spelled[table, at, name] == value
    return rows[chosen]


def _compare(
    piece: str,
    table: str,
    rows: pd.DataFrame | None,
    key: Mapping[str, str],
    names: Sequence[str],
) -> str | None:
    """Return what is stored where a piece of text does not tell it; None where it does."""
    if rows is None or len(rows) != 1:
        return "no such table" if rows is None else f"{len(rows)} rows"
    row = rows.iloc[0]
    stored = [row[name] for name in names if not pd.isna(row[name])]
    listed = f"stored {stored}"
    if names == ["reason"]:
        message = write_reason(
            {name: row.get(name) for name in ("reason", "reason_number", "unit")}
        )
        return None if piece == message else listed
    if len(names) == 1 and isinstance(row[names[0]], str):
        return None if piece == row[names[0]] else listed
    if len(names) == 1 and isinstance(row[names[0]], date):
        return None if piece == f"{row[names[0]]:%Y-%m}" else listed
    found = _NUMBER.findall(_WHOLES.sub("", piece))
    # Of ours and the published stars the first there is; a rate where there is no value.
    numbers = stored[: len(found) or 1]
    # A measure's share is in percent in DFC, a fraction in the QIP; the reduction is in percent.
    in_percent = "dfc" in {key.get("program"), row.get("program")} and table != "report.cohort"
    scale = 1 if in_percent or "payment_reduction" in names else 100
    is_equal = len(numbers) == len(found) and all(
        _is_rounded(shown, float(number) * (scale if shown.endswith("%") else 1))
        for shown, number in zip(found, numbers, strict=True)
    )
    return None if is_equal else listed


def _is_rounded(shown: str, number: float) -> bool:
    text = shown.rstrip("%").replace(",", "")
    digits = len(text.partition(".")[2])
    return abs(float(text) - number) <= 0.5000001 * 10**-digits
