"""Parts of a measure's rule and of a year's, with the cells of `qip_*.csv` they are read from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from esrd_pipeline.parameters.register import Program, RegisterEntry
from esrd_pipeline.program.qip_cells import Cells
from esrd_pipeline.program.qip_steps import Step

FindMeasure = Callable[[str, Program, int], RegisterEntry]
"""Looks up the register's entry of a measure, program and performance year."""
_FORMULAS = frozenset(("reporting", "published_or_reported"))
"""Ways of scoring that need a formula."""
_MOST_DECIMALS = 6
_MONTHS = "new_facility_and_ece"


@dataclass(frozen=True, slots=True)
class Reporting:
    """The formula of a reporting measure: `numerator / denominator x multiplier - subtrahend`.

    Where `months_from_calendar` is set, the denominator of a row that CMS printed is the year's
    months less those before a new facility must report (3.5) and those of a granted ECE (3.4); a
    computed row has its own months. A measure scored by steps has `steps` instead of the formula.
    """

    multiplier: int
    subtrahend: int
    months_from_calendar: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class SmallFacility:
    """Thresholds L and C of the small facility adjustment (Table 18), both inclusive.

    L is the smallest size that is scored.
    """

    lower: float
    upper: int


@dataclass(frozen=True, slots=True)
class Compliance:
    """A measure on which a facility must have reported in full; otherwise it scores 0.

    Reporting is incomplete where the numerator of `measure` is below its denominator. With
    `before_size` the 0 applies however few units the measure has (2.17.9).
    """

    measure: str
    before_size: bool


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Facilities certified on or after this day, `year_offset` from the year, are not scored."""

    month: int
    day: int
    year_offset: int

    def on(self, performance_year: int) -> date:
        """Return the first day that is too late."""
        return date(performance_year + self.year_offset, self.month, self.day)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles of performance used as standards, and the number of rates they need."""

    achievement_threshold: int
    performance_standard: int
    benchmark: int
    minimum_facilities: int


def read_precision(cells: Cells, scoring: str) -> int:
    """Read the decimals of published rates, which a measure scored against standards must have."""
    if scoring != "achievement_improvement" and not cells.text("precision"):
        return 0
    return cells.whole("precision", least=0, most=_MOST_DECIMALS)


def read_small_facility(cells: Cells, entry: RegisterEntry) -> SmallFacility | None:
    """Read the sizes of the small facility adjustment; None of a measure without one."""
    if not cells.text("small_facility_upper"):
        return None
    lower = entry.minimum_units or 0
    upper = cells.whole("small_facility_upper", least=0)
    if upper < lower:
        cells.refuse("small_facility_upper", f"{upper} is below the smallest size, {lower:g}")
    return SmallFacility(lower, upper)


def read_reporting(cells: Cells, scoring: str, steps: tuple[Step, ...]) -> Reporting:
    """Read the formula of a measure; without its numbers every facility would score 0."""
    multiplier = subtrahend = 0
    if scoring in _FORMULAS:
        multiplier = cells.whole("reporting_multiplier", least=1)
        subtrahend = cells.whole("reporting_subtrahend", least=0)
    return Reporting(
        multiplier=multiplier,
        subtrahend=subtrahend,
        months_from_calendar=cells.choose("eligible_months", ("", _MONTHS)) == _MONTHS,
        steps=steps,
    )


def read_compliance(cells: Cells, find: FindMeasure, performance_year: int) -> Compliance | None:
    """Read the measure on which a facility must have reported in full; None where there is none."""
    measure = cells.text("compliance_measure")
    before_size = cells.choose("compliance_before_size", ("yes", "no") if measure else ("",))
    if not measure:
        return None
    try:
        find(measure, "qip", performance_year)
    except LookupError as unknown:
        cells.refuse("compliance_measure", str(unknown))
    return Compliance(measure, before_size=before_size == "yes")


def read_cutoff(cells: Cells) -> Cutoff | None:
    """Read from which certification date on a facility is not scored; None where from none."""
    if not cells.text("certification_cutoff"):
        cells.choose("certification_year_offset", ("",))
        return None
    month, day = cells.month_and_day("certification_cutoff")
    return Cutoff(month, day, cells.whole("certification_year_offset", least=-2, most=0))


def read_percentiles(cells: Cells) -> Percentiles:
    """Read the percentiles that are standards, from the worst to the best."""
    names = (
        "achievement_threshold_percentile",
        "performance_standard_percentile",
        "benchmark_percentile",
    )
    threshold, median, benchmark = (cells.whole(name, least=1, most=99) for name in names)
    if not threshold < median < benchmark:
        cells.refuse(names[-1], f"{threshold}, {median}, {benchmark} do not rise")
    return Percentiles(
        achievement_threshold=threshold,
        performance_standard=median,
        benchmark=benchmark,
        minimum_facilities=cells.whole("minimum_facilities", least=1),
    )


def read_years(cells: Cells) -> tuple[int, int, int]:
    """Read performance, baseline and improvement year, of which the first is the latest."""
    year = cells.whole("performance_year", least=1, most=cells.payment_year - 1)
    earlier = ("baseline_year", "improvement_year")
    baseline, improvement = (cells.whole(name, least=1, most=year - 1) for name in earlier)
    return year, baseline, improvement
