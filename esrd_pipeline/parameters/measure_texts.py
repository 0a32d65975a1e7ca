"""What measures are called on pages: for people who work with them, and in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from esrd_pipeline.parameters.rows import load_rows

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")


@dataclass(frozen=True, slots=True)
class PlainText:
    """One measure in plain words of one language.

    Attributes:
        name: what it is about.
        sentence: what it means for a person.
    """

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class MeasureText:
    """Names of one measure.

    Attributes:
        measure: short name, e.g. shr.
        abbreviation: what people who work with it call it, e.g. SHR.
        title: its whole name.
        plain_order: its place on the pages for patients; None if it is not shown to them.
        plain: what it means for a person, by language.
        citation: where the measure is defined.
    """

    measure: str
    abbreviation: str
    title: str
    plain_order: int | None
    plain: Mapping[Language, PlainText]
    citation: str


@cache
def load_measure_texts() -> Mapping[str, MeasureText]:
    """Return the names of every measure by its short name."""
    texts = [
        MeasureText(
            row["measure"],
            row["abbreviation"],
            row["title"],
            int(row["plain_order"]) if row["plain_order"] else None,
            {
                language: PlainText(row[f"plain_name_{language}"], row[f"plain_{language}"])
                for language in LANGUAGES
            },
            row["citation"],
        )
        for row in load_rows("measure_text")
    ]
    return MappingProxyType({text.measure: text for text in texts})


def find_measure_text(measure: str) -> MeasureText:
    """Return the names of one measure.

    Raises:
        LookupError: measure_text.csv has no row of it.
    """
    text = load_measure_texts().get(measure)
    if text is None:
        raise LookupError(f"measure_text.csv has no row of {measure}")
    return text


@cache
def list_plain_texts() -> tuple[MeasureText, ...]:
    """Return the measures that are shown to patients, in their order there."""
    shown = [text for text in load_measure_texts().values() if text.plain_order is not None]
    return tuple(sorted(shown, key=lambda text: text.plain_order or 0))
