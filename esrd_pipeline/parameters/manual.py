"""The sections of the manual, and the citations of them in any text.

`parameters/manual_section.csv` has the manual's headings: number, title, and whether a section
holds a rule or prose. A citation is a number ("2.13.11"), a range of them ("2.13.9 to 2.13.11"), or
a table or figure ("Figure 27"), which stands for the section it is printed in.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, cast

from esrd_pipeline.parameters.rows import load_rows

SectionKind = Literal["rule", "prose", "heading", "outside"]

_NUMBER = r"[2-5](?:\.\d{1,2}){1,3}"
_RANGE = rf"{_NUMBER}(?:\s+to\s+{_NUMBER})?"
_EXHIBITS = r"(?:Tables?|Figures?)\s+\d+(?:(?:,\s+and|,|\s+and|\s+to)\s+\d+)*"
_ITEM = re.compile(
    rf"(?<![\w.$])(?:(?P<sections>{_RANGE})(?![\w%]|\.\d)|(?P<exhibits>{_EXHIBITS}))"
)
_EXHIBIT_LIST = re.compile(r"\d+(?:\s+to\s+\d+)?")
_BEFORE = re.compile(
    r"(?:\b[Mm]anual(?:'s|,|:)?(?:\s+v10\.1)?|\b[Ss]ections?|\b[Cc]hapters?|\()\s*$"
)
"""What a chapter's number follows, which could else be any number with a decimal."""
_BETWEEN = re.compile(r"\s*(?:\([^()]*\))?\s*[,;]?\s*(?:and|or|to)?\s*")
"""What may stand between the citations of a list."""
_OTHER_DOCUMENT = re.compile(r"Data Dictionary|Health,? United States|DFC facility file|codebook")
"""Its tables are not the manual's."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the manual.

    Attributes:
        number: its number, e.g. 2.13.11.
        title: its heading.
        kind: a rule; prose, which leaves nothing to compute; only a heading; or a rule that others
            apply before their files reach this project.
        why: why it holds no rule; None for a rule.
        measures: the measures a chapter defines.
        exhibits: the tables and figures printed in it.
    """

    number: str
    title: str
    kind: SectionKind
    why: str | None
    measures: tuple[str, ...]
    exhibits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Citation:
    """One citation in a text: where it begins, its words, and the sections it stands for."""

    start: int
    words: str
    sections: frozenset[str]


@cache
def load_sections() -> Mapping[str, Section]:
    """Return the manual's sections by number, in the manual's order."""
    return {
        row["section"]: Section(
            number=row["section"],
            title=row["title"],
            kind=cast("SectionKind", row["kind"]),
            why=row["why"] or None,
            measures=tuple(row["measures"].split()),
            exhibits=tuple(part for part in row["exhibits"].split("; ") if part),
        )
        for row in load_rows("manual_section")
    }


@cache
def _find_exhibit(name: str) -> str | None:
    """Return the section in which a table or figure is printed."""
    found = [section.number for section in load_sections().values() if name in section.exhibits]
    return found[0] if found else None


def find_chapters(measure: str) -> tuple[str, ...]:
    """Return the chapters that define a measure; none for what the manual does not define."""
    return tuple(s.number for s in load_sections().values() if measure in s.measures)


def is_below(section: str, other: str) -> bool:
    """Whether a section stands within another."""
    return section.startswith(f"{other}.")


@lru_cache(maxsize=4096)
def find_citations(text: str) -> tuple[Citation, ...]:
    """Return the citations of a text, in its order; numbers the manual does not have are none."""
    citations = [
        Citation(
            start=found.start(),
            words=" ".join(found[0].split()),
            sections=_expand_exhibits(found["exhibits"])
            if found["exhibits"]
            else _expand(found["sections"]),
        )
        for found, is_manual in _find_items(text)
        if is_manual or not found["exhibits"]
    ]
    return tuple(citation for citation in citations if citation.sections)


def parse_citation(text: str) -> frozenset[str]:
    """Return the sections that a list of citations names: what a test's mark says.

    Raises:
        ValueError: it is no list of citations, or names what the manual does not have.
    """
    named = set[str]()
    for part in re.split(r",\s+", text):
        found = _ITEM.fullmatch(part.strip())
        sections = frozenset[str]()
        if found and found["exhibits"]:
            sections = _expand_exhibits(part)
        elif found and set(re.findall(_NUMBER, part)) <= load_sections().keys():
            sections = _expand(part)
        if not sections:
            raise ValueError(f"{part!r} is no section, table or figure of the manual")
        named |= sections
    return frozenset(named)


def _find_items(text: str) -> Iterator[tuple[re.Match[str], bool]]:
    """Yield what looks like a citation, and whether a table or figure is one of the manual's.

    A number of three or four parts always is a citation; one of two only in a list of citations, or
    after a word that says so.
    """
    end = -1
    for found in _ITEM.finditer(text):
        follows = end >= 0 and _BETWEEN.fullmatch(text[end : found.start()]) is not None
        number = found["sections"]
        if number and number.split(maxsplit=1)[0].count(".") == 1:
            before = text[max(0, found.start() - 40) : found.start()]
            if not follows and not _BEFORE.search(before):
                continue
        end = found.end()
        clause = text[max(0, found.start() - 200) : found.start()].rpartition(";")[2]
        yield found, _OTHER_DOCUMENT.search(clause) is None


@cache
def _expand(words: str) -> frozenset[str]:
    """Return the sections of a number or a range.

    A range of chapters is the chapters; one of sections is all between them, with their parts.
    """
    first, *others = re.findall(_NUMBER, words)
    order = list(load_sections())
    if not others:
        return frozenset({first} & load_sections().keys())
    last = others[0]
    if first not in order or last not in order:
        return frozenset({first, last} & load_sections().keys())
    between = order[order.index(first) : order.index(last) + 1]
    parts = [number for number in order if is_below(number, last)]
    if first.count(".") == last.count(".") == 1:
        return frozenset(number for number in between if number.count(".") == 1)
    return frozenset([*between, *parts])


def _expand_exhibits(words: str) -> frozenset[str]:
    """Return the sections in which tables or figures are printed: "Figures 11 and 12"."""
    kind = words.split(maxsplit=1)[0].rstrip("s")
    numbers = set[int]()
    for part in _EXHIBIT_LIST.findall(words):
        first, *others = map(int, re.findall(r"\d+", part))
        numbers |= set(range(first, (others or [first])[0] + 1))
    sections = [_find_exhibit(f"{kind} {number}") for number in sorted(numbers)]
    return frozenset(section for section in sections if section)
