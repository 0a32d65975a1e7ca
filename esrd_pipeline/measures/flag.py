"""The size rule and the flag of a measure, both from the register's entry.

The facility contract, `program.flags` and the QIP's scores all use these functions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from esrd_pipeline.parameters.reasons import RowReasons
from esrd_pipeline.parameters.register import FlagRule, RegisterEntry

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A measure's results for F facilities, each of shape (F,), NaN where there is none."""

    value: Floats
    lower: Floats
    upper: Floats
    p_value: Floats
    z: Floats

    @property
    def is_untested(self) -> Bools:
        """Facilities with neither a limit nor a test."""
        numbers = np.column_stack([self.lower, self.upper, self.p_value, self.z])
        return np.asarray(np.isnan(numbers).all(axis=1), dtype=bool)


@dataclass(frozen=True, slots=True)
class Flags:
    """Better, as or worse than expected, None without a limit or test; and the method used."""

    category: NDArray[np.object_]
    method: NDArray[np.object_]


def is_below_minimum_units(entry: RegisterEntry, unit_count: Floats) -> Bools:
    """Return which facilities are too small; an unknown count is not."""
    if entry.minimum_units is None:
        return np.zeros(unit_count.shape, dtype=bool)
    return unit_count < entry.minimum_units


def add_size_reason(reasons: RowReasons, entry: RegisterEntry, is_small: Bools) -> None:
    """Write the reason of facilities that are too small, with the size that they lack."""
    reasons.add(is_small, "below_minimum_units", entry.minimum_units or 0)


def add_size_reasons(
    reasons: RowReasons, entry: RegisterEntry, *, unit_count: Floats, expected: Floats
) -> None:
    """Write the reason of facilities that are too small, or have too few expected events."""
    add_size_reason(reasons, entry, is_below_minimum_units(entry, unit_count))
    if entry.minimum_expected is not None:
        is_unexpected = expected < entry.minimum_expected
        reasons.add(is_unexpected, "below_minimum_expected", entry.minimum_expected)


def flag_results(entry: RegisterEntry, results: Results, *, national: float) -> Flags:
    """Compare facilities with the entry's reference, by its method.

    The measure's own test decides where its p-value or z-score is available; else the interval
    does. An interval that ends at the reference contains it: as expected. A missing limit (no
    event, or no bound) cannot exclude the reference on its side. A measure that is not flagged has
    no categories.

    Args:
        entry: the register's entry of the measure.
        results: the results of its facilities.
        national: the national level, in the unit of the values; used where the entry has no
            reference of its own.
    """
    count = results.value.size
    category = np.full(count, None, dtype=object)
    method = np.full(count, "interval", dtype=object)
    if entry.flag is None:
        return Flags(category, method)
    reference = national if entry.flag.reference is None else entry.flag.reference
    is_tested, is_significant = _test(entry.flag, results)
    method[is_tested] = entry.flag.method
    is_above = np.where(
        is_tested, is_significant & (results.value > reference), results.lower > reference
    )
    is_below = np.where(
        is_tested, is_significant & (results.value < reference), results.upper < reference
    )
    above, below = ("better", "worse") if entry.direction == "higher" else ("worse", "better")
    category[:] = np.select([is_above, is_below], [above, below], "as")
    category[results.is_untested] = None
    return Flags(category, method)


def _test(flag: FlagRule, results: Results) -> tuple[Bools, Bools]:
    """Return where the measure's own test is available, and where it is significant."""
    match flag.method:
        case "p_value":
            return ~np.isnan(results.p_value), results.p_value < flag.significance
        case "wald_z":
            bound = norm.ppf(1 - flag.significance / 2)
            return ~np.isnan(results.z), np.abs(results.z) > bound
        case "interval":
            nowhere = np.zeros(results.value.size, dtype=bool)
            return nowhere, nowhere
