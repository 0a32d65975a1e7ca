"""The register: CMS's definition of each measure of a program, by range of performance years.

To change a value from some year on, add a row with the new value and its first year: a row without
a last year ends where the measure's next row of the program begins. Only of a measure that ends, or
that another family computes from then on, is the last year written down. An empty first year leaves
the range open on that side. Rows of years before `FIRST_PATIENT_YEAR` say how a published file is
read; their measures are of the family `published` (reading 191).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from esrd_pipeline.parameters.rows import load_rows, load_rows_of

FIRST_PUBLISHED_YEAR = 2015
"""The first performance year of a published file whose columns are known: the listing of January
2017, with the hospitalization ratio of 2015."""
FIRST_PATIENT_YEAR = 2021
"""The first performance year that the measures' rules, the manual's, are computed for."""
Program = Literal["dfc", "qip"]
Direction = Literal["higher", "lower"]
FlagMethod = Literal["interval", "p_value", "wald_z"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRule:
    """The rule that flags a facility as better than, as, or worse than expected.

    Attributes:
        method: the basis of the flag: the measure's interval, its p-value, or its z-score.
        significance: level of the two-sided test.
        reference: value that the facility is compared with; None for the year's national level.
    """

    method: FlagMethod
    significance: float
    reference: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEntry:
    """One measure of one program in some performance years.

    Attributes:
        measure: short name, e.g. shr.
        program: the program that sets these rules.
        family: the family that computes it; `published` if only CMS computes it.
        unit: unit of its size: patient_years, patients, discharges.
        direction: the better side of the national level; None if neither side is better.
        minimum_units: smallest size that is reported and scored; None without a minimum.
        minimum_expected: fewest expected events that are reported; None without a minimum.
        minimum_modelled: smallest size in the national model, in rates of events in its empirical
            null alone; None without a minimum.
        flag: the rule that flags facilities; None if they are not flagged.
        rate_scale: units of size in the published rate: 100 for events per 100 patient-years.
        citation: section of the manual or other source.
    """

    measure: str
    program: Program
    family: str
    unit: str
    direction: Direction | None
    citation: str
    minimum_units: float | None = None
    minimum_expected: float | None = None
    minimum_modelled: int | None = None
    flag: FlagRule | None = None
    rate_scale: float = 1


def describe_too_early(performance_year: int) -> str:
    """Say why measures of a year before the first cannot be computed from patients."""
    return (
        f"{performance_year} is before {FIRST_PATIENT_YEAR}, the first performance year whose"
        " measures are computed from patient-level files: no rule of an earlier year is known."
        " Its published files alone can be scored"
    )


_RATIO_FAMILIES = frozenset({"recurrent_events", "survival", "discharges"})


def is_ratio(measure: str, family: str) -> bool:
    """Return whether a measure's value is observed over expected."""
    return family in _RATIO_FAMILIES or measure == "nhsn_bsi"


def find_measure(measure: str, program: Program, performance_year: int) -> RegisterEntry:
    """Return the register's entry of a measure in a performance year.

    Raises:
        LookupError: there is not exactly one row of the measure, program and year.
    """
    return _find_one(
        load_rows_of(measure, "register", "measure"), measure, program, performance_year
    )


def find_of_family(
    family: str, measure: str, program: Program, performance_year: int
) -> RegisterEntry:
    """Return the entry of one of a family's measures, for code that computes all of them.

    Raises:
        LookupError: there is not exactly one row of the measure, program and year in the family.
    """
    of_family = load_rows_of(family, "register", "family")
    rows = [row for row in of_family if row["measure"] == measure]
    return _find_one(rows, measure, program, performance_year)


def list_family(family: str, program: Program, performance_year: int) -> tuple[RegisterEntry, ...]:
    """Return a family's measures of a program in a performance year, in order of their names."""
    rows = load_rows_of(family, "register", "family")
    return tuple(map(_read, _keep_valid(rows, program, performance_year)))


def list_measures(program: Program, performance_year: int) -> tuple[RegisterEntry, ...]:
    """Return every measure of a program in a performance year, in order of their names."""
    return tuple(map(_read, _keep_valid(load_rows("register"), program, performance_year)))


def list_measure_names() -> tuple[str, ...]:
    """Return the short names of all measures of all years, in order."""
    return tuple(sorted({row["measure"] for row in load_rows("register")}))


def _find_one(
    rows: Iterable[Mapping[str, str]], measure: str, program: Program, performance_year: int
) -> RegisterEntry:
    valid = _keep_valid(rows, program, performance_year)
    if len(valid) != 1:
        raise LookupError(
            f"register.csv has {len(valid)} rows of {measure} of {program} for performance year"
            f" {performance_year}; one is needed"
        )
    return _read(valid[0])


def _keep_valid(
    rows: Iterable[Mapping[str, str]], program: Program, performance_year: int
) -> list[Mapping[str, str]]:
    """Return a program's rows that hold in a year, without those that a later row has ended."""
    valid: list[Mapping[str, str]] = []
    for row in rows:
        last = int(row["last_performance_year"] or performance_year)
        if row["program"] == program and _first(row) <= performance_year <= last:
            valid.append(row)
    newest = {row["measure"]: row for row in sorted(valid, key=_first)}
    return [
        row
        for row in valid
        if row["last_performance_year"] or _first(row) == _first(newest[row["measure"]])
    ]


def _first(row: Mapping[str, str]) -> int:
    return int(row["first_performance_year"] or 0)


def _read(row: Mapping[str, str]) -> RegisterEntry:
    return RegisterEntry(
        measure=row["measure"],
        program=cast("Program", row["program"]),
        family=row["family"],
        unit=row["unit"],
        direction=cast("Direction", row["direction"]) if row["direction"] else None,
        minimum_units=_number(row["minimum_units"]),
        minimum_expected=_number(row["minimum_expected"]),
        minimum_modelled=int(row["minimum_modelled"]) if row["minimum_modelled"] else None,
        flag=FlagRule(
            method=cast("FlagMethod", row["flag_method"]),
            significance=float(row["significance"]),
            reference=None if row["reference"] == "national" else float(row["reference"]),
        )
        if row["flag_method"]
        else None,
        rate_scale=_number(row["rate_scale"]) or 1,
        citation=row["citation"],
    )


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
