"""Units of the measures' values and rates, by the register.

Apart from the register itself: a measure's computation does not depend on them, nor on the rows of
other measures by which a measure of years with published files alone is known as a ratio.
"""

from dataclasses import dataclass
from functools import cache

from esrd_pipeline.parameters.register import Program, list_measures
from esrd_pipeline.parameters.rows import load_rows

_EXPOSURES = {
    "recurrent_events": "patient-years",
    "survival": "patient-years",
    "discharges": "discharges",
}
"""Families whose value is observed over expected events, and what their rate is per."""
_RATIO_OF_REPORTS = "nhsn_bsi"
"""Observed over expected infections, as NHSN computes it (manual 2.18): without a rate."""


@dataclass(frozen=True, slots=True)
class Units:
    """Units of one measure of one program.

    Attributes:
        program: the program.
        measure: short name.
        value: of the value and its limits: ratio, percent, fraction, or events per an exposure.
        rate: of the ratio times the national rate; None where there is no such rate.
    """

    program: Program
    measure: str
    value: str
    rate: str | None


def list_units(performance_year: int) -> tuple[Units, ...]:
    """Return the units of every measure of a year.

    A proportion is in percent (DFC) or a fraction (QIP). The QIP scores a ratio as the rate that it
    makes of the national one (reading 10), but for the infection ratio, which has no national rate.
    """
    ratios = _list_ratios()
    found = []
    for program in ("dfc", "qip"):
        for entry in list_measures(program, performance_year):
            rate = ratios.get(entry.measure)
            value = "percent" if program == "dfc" else "fraction"
            if entry.measure in ratios:
                value = (program == "qip" and rate) or "ratio"
            found.append(Units(program, entry.measure, value, rate))
    return tuple(found)


@cache
def _list_ratios() -> dict[str, str | None]:
    """Return the measures that are observed over expected, and the unit of the rate of each.

    Rows of years with published files alone do not say so: another row of the measure does.
    """
    rates: dict[str, str | None] = {
        row["measure"]: f"events per {row['rate_scale']} {_EXPOSURES[row['family']]}"
        for row in load_rows("register")
        if row["family"] in _EXPOSURES
    }
    return rates | {_RATIO_OF_REPORTS: None}
