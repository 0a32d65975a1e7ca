"""What each measure counts, in a sentence of our own: numerator and denominator by program."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from esrd_pipeline.parameters.register import Program
from esrd_pipeline.parameters.rows import load_rows


@dataclass(frozen=True, slots=True)
class MeasureDefinition:
    """Numerator and denominator of one measure.

    Attributes:
        numerator: what is counted: events, or what is met.
        denominator: what it is compared with: expected events, or all that could be met.
        citation: where both are defined.
    """

    numerator: str
    denominator: str
    citation: str


@cache
def _load() -> Mapping[tuple[str, str], MeasureDefinition]:
    return MappingProxyType(
        {
            (row["measure"], row["program"]): MeasureDefinition(
                row["numerator"], row["denominator"], row["citation"]
            )
            for row in load_rows("measure_definition")
        }
    )


def find_definition(measure: str, program: Program) -> MeasureDefinition:
    """Return a program's definition of a measure, else the one that both programs share.

    Raises:
        LookupError: measure_definition.csv has neither.
    """
    found = _load().get((measure, program)) or _load().get((measure, ""))
    if found is None:
        raise LookupError(f"measure_definition.csv has no row of {measure} for {program}")
    return found
