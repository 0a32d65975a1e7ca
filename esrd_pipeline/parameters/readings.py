"""Readings of the manual: how each place where it is unclear is understood, and why.

`parameters/reading.csv` is the one place where they are written. The page `docs/readings.md` is
made from it with `esrd readings`, and `report.reading` shows it beside the stored results.
"""

import textwrap
from dataclasses import dataclass
from functools import cache

from esrd_pipeline.parameters.rows import load_rows

PAGE_WIDTH = 105
_INTRODUCTION = """\
# Readings of the manual

<!-- Made with `esrd readings` from esrd_pipeline/parameters/reading.csv: edit the table. -->

The CMS ESRD Measures Manual (version 10.1, for payment year 2027) is the specification of
everything computed here. In places it is silent, contradicts itself, or is misprinted. In each such
place this project follows **one** reading, written down here with its section and its reason, so
that code, tests and reports agree.

Code, SQL headers, parameter tables and tests cite a reading by its number ("reading 25"). A test
checks that every number cited anywhere stands here. Numbers are never reused. Where an entry names
files, they apply the reading and state it in full.

Section numbers are the manual's. "DFC" stands for the Dialysis Facility Measures published on
Dialysis Facility Compare, "QIP" for the ESRD Quality Incentive Program. Other terms:
[glossary.md](glossary.md).
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading.

    Attributes:
        number: what code and tests cite it by.
        topic: heading of the page under which it stands.
        section: the places of the manual it reads; None where it reads another document.
        title: what it is about.
        reading: how the place is understood.
        why: the reason, where the reading does not give it itself.
        files: the files that apply it.
        citation: the documents it rests on.
    """

    number: int
    topic: str
    section: str | None
    title: str
    reading: str
    why: str | None
    files: tuple[str, ...]
    citation: str


@cache
def load_readings() -> tuple[Reading, ...]:
    """Return the readings in the order of their numbers."""
    found = [
        Reading(
            number=int(row["number"]),
            topic=row["topic"],
            section=row["section"] or None,
            title=row["title"],
            reading=row["reading"],
            why=row["why"] or None,
            files=tuple(row["files"].split()),
            citation=row["citation"],
        )
        for row in load_rows("reading")
    ]
    return tuple(sorted(found, key=lambda reading: reading.number))


def render_readings() -> str:
    """Return the page `docs/readings.md`: topic by topic, each in the order of the numbers."""
    topics = dict.fromkeys(reading.topic for reading in load_readings())
    parts = [_INTRODUCTION]
    for topic in topics:
        parts.append(f"\n## {topic}\n")
        parts += [_render(reading) for reading in load_readings() if reading.topic == topic]
    return "".join(parts)


def _render(reading: Reading) -> str:
    _, _, beside = reading.citation.partition("; ")
    place = f"Manual {reading.section}" if reading.section else reading.citation
    sentences = [f"*{place}{f'; {beside}' if reading.section and beside else ''}.*"]
    sentences.append(reading.reading)
    if reading.why:
        sentences.append(f"*Why:* {reading.why}")
    if reading.files:
        word = "File" if len(reading.files) == 1 else "Files"
        sentences.append(f"{word}: {', '.join(f'`{file}`' for file in reading.files)}.")
    body = textwrap.fill(
        " ".join(sentences), PAGE_WIDTH, break_long_words=False, break_on_hyphens=False
    )
    return f"\n### Reading {reading.number}: {reading.title}\n{body}\n"
