"""What measures are called on pages: an abbreviation and a title each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from esrd_pipeline.parameters.rows import load_rows


@dataclass(frozen=True, slots=True)
class MeasureText:
    """Names of one measure.

    Attributes:
        measure: short name, e.g. shr.
        abbreviation: what people who work with it call it, e.g. SHR.
        title: its whole name.
        citation: where the measure is defined.
    """

    measure: str
    abbreviation: str
    title: str
    citation: str


@cache
def load_measure_texts() -> Mapping[str, MeasureText]:
    """Return the names of every measure by its short name."""
    texts = [
        MeasureText(row["measure"], row["abbreviation"], row["title"], row["citation"])
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
