"""What the columns of a published file say of each other.

Each cell may be one that can be, and the file still be wrong: headers that changed places, a column
that was sorted without the others, values moved by one column, a percent written as a fraction.
CMS's own files contradict themselves in a handful of rows, which are noted. A file that does so in
more is refused.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.cells import AVAILABLE, CellValue
from esrd_pipeline.sources.errors import Fault
from esrd_pipeline.sources.layout import SourceColumn
from esrd_pipeline.tables.raw import BY_MEASURE

LEAST_ROWS = 20
"""Fewer rows do not tell a file that is wrong from a few odd facilities."""
LEAST_VALUES = 50
"""Values by which a column's unit is judged."""
HIGHEST_SHARE = 0.01
"""Of rows that contradict themselves: 6 of 6,609 are the most in CMS's files at hand."""
MOST_ODD = 3
"""Rows that are odd in any file: a hundredth of a small one is none."""
HIGHEST_ADJUSTED = 0.1
"""Of rows whose adjusted rate is far from its numerator and denominator."""
ROUNDED = 0.001
"""Fractions are printed with four decimals, ratios with three."""
FAR = np.log(2.0)
"""An adjusted rate differs by less: at 11 patients it keeps two thirds (manual 4.1.1)."""
VALUES = ("value", "rate")
"""Fields of what a facility is judged by."""
LEAST_FRACTION = 0.02
REDUCTION_STEP = 0.5
RATE_LEVELS = (5.0, 800.0)
"""Where the mean of rates per 100 lies: of deaths at 22, of admissions at 150."""
RATIO_LEVELS = (0.05, 5.0)
"""Where the mean of ratios lies: 0.4 to 1."""
EITHER = (RATIO_LEVELS[0], RATE_LEVELS[1])
"""The QIP's files printed ratios of the same measures, and print rates since payment year 2024."""
ONE = (0.8, 1.25)
"""Where a ratio is one number by the other, half of the rows say that it is so many times it."""
STATE_DIGITS = 2
"""A CCN begins with the number of its state."""

Numbers = NDArray[np.float64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Part:
    """A column of a file: row i has the value `stored[places[i]]`."""

    header: str
    column: SourceColumn
    stored: Sequence[CellValue | None]
    places: NDArray[np.intp]

    def select(self, has: Callable[[CellValue | None], bool]) -> Rows:
        """Return the rows whose value is one of those asked for."""
        return np.array([has(value) for value in self.stored], dtype=bool)[self.places]

    @property
    def there(self) -> Rows:
        """The rows with a value."""
        return self.select(lambda value: value is not None)

    @property
    def numbers(self) -> Numbers:
        """The values by row; not a number where there is none."""
        return np.array(self.stored, dtype=np.float64)[self.places]


@dataclass(frozen=True, slots=True)
class _Answer:
    """A rule, the column that is named, the rows it is asked of, and those that break it."""

    rule: str
    header: str
    asked: Rows
    broken: Rows
    limit: float = HIGHEST_SHARE


def find_contradictions(
    parts: Mapping[str, Part], source: str, rows: Sequence[int]
) -> tuple[list[Fault], list[Fault]]:
    """Return why a file is refused, and what is odd in a few of its rows.

    `parts` are the file's columns by our names, `rows` the lines on which its records start.
    """
    refused: list[Fault] = []
    odd: list[Fault] = []
    for answer in _ask(parts, source):
        broken = np.flatnonzero(answer.broken).tolist()
        if not broken or answer.asked.sum() < LEAST_ROWS:
            continue
        is_refused = len(broken) > max(MOST_ODD, answer.limit * answer.asked.sum())
        fault = Fault(answer.rule, answer.header, tuple(rows[place] for place in broken))
        (refused if is_refused else odd).append(fault)
    return refused, odd


@dataclass(frozen=True, slots=True)
class _Measure:
    """A measure in one of our tables: whether its rate is adjusted, where it lies, its columns."""

    is_adjusted: bool
    levels: tuple[float, float]
    names: Mapping[str, str]


@cache
def _list_measures(source: str) -> tuple[_Measure, ...]:
    if source.startswith(BY_MEASURE):
        source = "qip_complete"
    adjusted = {
        (row["measure"], row["table"])
        for row in load_rows("published_adjustment")
        if row["source"] == source and row["is_adjusted"] == "yes"
    }
    rates = {
        row["measure"]
        for row in load_rows("published_measure")
        if row["divide_by_national"] == "yes"
    }
    fields: dict[tuple[str, str], dict[str, str]] = {}
    for row in load_rows("published_field"):
        if row["source"] == source:
            fields.setdefault((row["measure"], row["table"]), {})[row["field"]] = row["name"]
    of_rates = RATE_LEVELS if source == "dfc_facility" else EITHER
    return tuple(
        _Measure(key in adjusted, of_rates if key[0] in rates else RATIO_LEVELS, names)
        for key, names in fields.items()
    )


def _ask(parts: Mapping[str, Part], source: str) -> Iterator[_Answer]:
    if {"ccn", "state"} <= parts.keys():
        yield _ask_states(parts["ccn"], parts["state"])
    if "payment_reduction" in parts:
        yield _ask_reduction(parts["payment_reduction"])
    for measure in _list_measures(source):
        fields = {field: parts[name] for field, name in measure.names.items() if name in parts}
        value = next((fields[name] for name in VALUES if name in fields), None)
        if value is not None:
            yield from _ask_unit(value, measure.levels)
            yield from _ask_code(value, parts)
            if {"lower", "upper"} <= fields.keys():
                yield _ask_limits(value, fields["lower"], fields["upper"])
            if {"numerator", "denominator"} <= fields.keys():
                yield from _ask_rate(
                    value,
                    fields["numerator"],
                    fields["denominator"],
                    is_adjusted=measure.is_adjusted,
                )
        if {"unit_count", "denominator"} <= fields.keys():
            yield from _ask_months(fields["unit_count"], fields["denominator"])
        if {"score", "codes"} <= fields.keys() and fields["codes"].column.type == "codes":
            score, codes = fields["score"], fields["codes"]
            rule = f"has a score, and in column '{codes.header}' the reason for none"
            yield _Answer(rule, score.header, score.there, score.there & codes.there)


def _ask_states(ccn: Part, state: Part) -> _Answer:
    """Hold the beginning of each CCN against the state that most facilities with it are in."""
    states, numbers = _texts(state), _texts(ccn)
    counts: Counter[tuple[str, str]] = Counter()
    for number, name in zip(numbers, states, strict=True):
        counts[number[:STATE_DIGITS], name] += 1
    usual: dict[str, str] = {}
    for (number, name), _ in counts.most_common():
        usual.setdefault(number, name)
    broken = np.array(
        [
            usual[number[:STATE_DIGITS]] != name
            for number, name in zip(numbers, states, strict=True)
        ],
        dtype=bool,
    )
    rule = (
        f"begins with the number of another state than that in column '{state.header}':"
        " the columns were not sorted together"
    )
    return _Answer(rule, ccn.header, state.there, broken & state.there)


def _texts(part: Part) -> list[str]:
    return [str(part.stored[place]) for place in part.places]


def _ask_months(patients: Part, months: Part) -> Iterator[_Answer]:
    if months.column.name.endswith("patient_month_count"):
        rule = f"is less than the number of patients in column '{patients.header}'"
        asked = patients.there & months.there
        yield _Answer(rule, months.header, asked, months.numbers < patients.numbers)


def _ask_unit(value: Part, levels: tuple[float, float]) -> Iterator[_Answer]:
    numbers = value.numbers[value.there]
    if len(numbers) < LEAST_VALUES:
        return
    if np.ptp(numbers) == 0 and numbers[0] != 0:
        rule = f"every row has {numbers[0]:g}: the column was filled down"
        yield _Answer(rule, value.header, value.there, value.there)
    elif value.column.type == "percent" and numbers.max() <= 1 and np.any(numbers % 1):
        rule = "no value is above 1: these are fractions, and the column is in percent"
        yield _Answer(rule, value.header, value.there, value.there)
    elif value.column.type == "fraction" and 0 < numbers.max() <= LEAST_FRACTION:
        rule = f"no value is above {LEAST_FRACTION:g}: the column was divided by 100 twice"
        yield _Answer(rule, value.header, value.there, value.there)
    mean = numbers.mean()
    if value.column.type == "number" and mean and not levels[0] <= mean <= levels[1]:
        rule = (
            f"the mean of the column is {mean:.4g}, which lies outside {levels[0]:g} to"
            f" {levels[1]:g}: it is in another unit"
        )
        yield _Answer(rule, value.header, value.there, value.there)


def _ask_reduction(reduction: Part) -> _Answer:
    """Every payment reduction of the program is a multiple of half a percent."""
    rule = f"is no multiple of {REDUCTION_STEP:g} percent"
    return _Answer(
        rule,
        reduction.header,
        reduction.there,
        np.nan_to_num(reduction.numbers) % REDUCTION_STEP > 0,
    )


def _ask_code(value: Part, parts: Mapping[str, Part]) -> Iterator[_Answer]:
    code = parts.get(value.column.explained_by or "")
    if code is not None:
        told = code.select(lambda one: one != AVAILABLE)
        rule = f"has a value, and column '{code.header}' says why there is none"
        yield _Answer(rule, value.header, value.there, value.there & told)
        rule = f"has no value, and column '{code.header}' says that there is one"
        yield _Answer(rule, value.header, ~told, ~value.there & ~told)


def _ask_limits(value: Part, lower: Part, upper: Part) -> _Answer:
    low, own, high = lower.numbers, value.numbers, upper.numbers
    rule = f"is not between its limits in columns '{lower.header}' and '{upper.header}'"
    asked = value.there & (lower.there | upper.there)
    return _Answer(rule, value.header, asked, (own < low) | (own > high))


def _ask_rate(
    value: Part, numerator: Part, denominator: Part, *, is_adjusted: bool
) -> Iterator[_Answer]:
    """Hold a rate against its numerator and denominator.

    A fraction or a ratio is one by the other. A rate is that times the national rate, which is the
    same for all facilities.
    """
    own, over, under = value.numbers, numerator.numbers, denominator.numbers
    asked = value.there & numerator.there & (np.nan_to_num(under) > 0)
    divided = np.divide(over, under, out=np.full(len(own), np.nan), where=asked)
    has_both = asked & (np.nan_to_num(own) > 0) & (np.nan_to_num(divided) > 0)
    factors = np.divide(own, divided, out=np.full(len(own), np.nan), where=has_both)
    level = float(np.median(factors[has_both])) if has_both.any() else 1.0
    if value.column.type == "fraction":
        level = 1.0
    in_range = any(low <= level <= high for low, high in (ONE, RATE_LEVELS))
    if not in_range:
        rule = (
            f"half of the values are below {level:.4g} times column '{numerator.header}' by"
            f" '{denominator.header}': one of the three is in another unit"
        )
        yield _Answer(rule, value.header, asked, asked)
        return
    rule = (
        f"is not what columns '{numerator.header}' and '{denominator.header}' make"
        if level == 1.0
        else f"is not {level:.4g} times column '{numerator.header}' by '{denominator.header}',"
        " as in half of the rows"
    )
    if is_adjusted:
        broken = np.zeros(len(own), dtype=bool)
        broken[has_both] = np.abs(np.log(factors[has_both] / level)) > FAR
        if value.column.type == "fraction":
            broken |= asked & (np.nan_to_num(over) > np.nan_to_num(under))
        yield _Answer(rule, value.header, asked, broken, HIGHEST_ADJUSTED)
        return
    # A rate per 100 has two decimals, and so has an expected number that is below it.
    unsure = ROUNDED if level == 1.0 else ROUNDED * np.nan_to_num(own) + 0.05
    differs = np.nan_to_num(np.abs(own - level * divided)) > unsure
    yield _Answer(rule, value.header, asked, asked & differs)
