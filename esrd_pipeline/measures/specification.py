"""The form in which a measure says what it is. How it is computed does not belong here."""

from dataclasses import dataclass
from typing import Literal

Program = Literal["dfc", "qip"]
Direction = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """One measure of one program, as far as its estimator and its size rule need to know.

    Attributes:
        measure: short name, e.g. shr.
        program: whose rules it follows.
        adjusters: columns of the cohort in the model, in the order they are estimated.
        unit: what the measure's size counts: patient_years, patients, discharges.
        better: on which side of the national level a facility is better.
        minimum_units: smallest size that is reported; none where every size is.
        rate_scale: units of size in the printed rate: 100 for events per 100 patient-years.
        source: where the manual says so.
    """

    measure: str
    program: Program
    adjusters: tuple[str, ...]
    unit: str
    better: Direction
    minimum_units: float | None
    rate_scale: float
    source: str
