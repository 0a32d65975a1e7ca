"""The ESRD QIP's rule sets: measures, domains, weights, sizes, cut-offs, standards, reductions.

A payment year is a set of rows in `parameters/qip_*.csv`; a new one needs rows and no code.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Literal, cast, get_args

import pandas as pd

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.parameters.register import Direction, Program, RegisterEntry, find_measure
from esrd_pipeline.program.qip_missing import (
    Domain,
    StatedByFootnote,
    check_domains,
    check_sent,
    read_domains,
    read_footnotes,
)
from esrd_pipeline.program.qip_rule_sets import DEFAULT, load_tables
from esrd_pipeline.program.qip_steps import Step, check_steps, read_steps

Scoring = Literal[
    "achievement_improvement",
    "components_by_unit_count",
    "components_mean",
    "components_weighted",
    "reporting",
    "reporting_steps",
    "published",
    "published_or_reported",
    "published_or_unknown",
]
"""How a measure gets its score: against standards (4.1.2), from its components weighted by
patients (4.1.4), equally (4.1.3) or by their rows, from counts of what was reported (`numerator /
denominator x multiplier - subtrahend`: 2.8.13, 2.19.9 and so on) or the steps they reach, or as CMS
published it. A measure whose year's file has its score and no counts is `published_or_reported`:
where its counts were computed the formula applies. Where CMS may have a score that no file prints,
`published_or_unknown` leaves that open."""


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
class MeasureRule:
    """One measure, topic or component of a payment year.

    `weight` is the exact share of the domain, of a component that of its topic, None where a topic
    weights otherwise; `parent` is the topic or survey to which a component contributes.
    `precision` is the number of decimals of published rates and applies to clinical measures only,
    `reporting` to measures scored by reporting. `ece_rule`: `facility` excludes a facility with any
    granted month, `months` one with all months granted. Without a score the weight of the measure
    goes to the domain `weight_to`; where that is None or has no score it stays in its own. `entry`
    is the measure's row of the register in the performance year: unit, minimum size, direction.
    """

    entry: RegisterEntry
    domain: str
    role: Literal["measure", "component"]
    parent: str | None
    weight: Fraction | None
    scoring: Scoring
    precision: int
    small_facility: SmallFacility | None
    reporting: Reporting
    compliance: Compliance | None
    cutoff: Cutoff | None
    requires_in_center_hemodialysis: bool
    ece_rule: Literal["facility", "months"]
    weight_to: str | None = None

    @property
    def measure(self) -> str:
        """Short name, e.g. shr."""
        return self.entry.measure

    @property
    def unit(self) -> str:
        """What the measure's size counts."""
        return self.entry.unit

    @property
    def direction(self) -> Direction:
        """Which way is better."""
        return self.entry.direction or "higher"


FindMeasure = Callable[[str, Program, int], RegisterEntry]
"""Looks up the register's entry of a measure, program and performance year."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """Payment reduction in percent from this many points below the minimum TPS."""

    points_below_minimum: int
    percent: float


@dataclass(frozen=True, slots=True)
class PublishedStandard:
    """A measure's standards as the text CMS published."""

    measure: str
    achievement_threshold: str
    performance_standard: str
    benchmark: str
    citation: str


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles of performance used as standards, and the number of rates they need."""

    achievement_threshold: int
    performance_standard: int
    benchmark: int
    minimum_facilities: int


@dataclass(frozen=True, slots=True)
class QipRules:
    """All QIP rules of one payment year.

    Domains and measures are in the order of the rows. `standards_are_published` states whether
    CMS's own table of standards takes precedence over computed ones. `rule_set` names the set of
    the payment year where there are several.
    """

    payment_year: int
    performance_year: int
    baseline_year: int
    improvement_year: int
    minimum_tps: int
    minimum_scored_domains: int
    standards_are_published: bool
    percentiles: Percentiles
    domains: tuple[Domain, ...]
    measures: tuple[MeasureRule, ...]
    reductions: tuple[Reduction, ...]
    published_standards: tuple[PublishedStandard, ...]
    rule_set: str = DEFAULT
    stated_by_footnotes: tuple[StatedByFootnote, ...] = ()

    @property
    def domain_measures(self) -> tuple[MeasureRule, ...]:
        """The measures with a weight of their own in a domain."""
        return tuple(rule for rule in self.measures if rule.role == "measure")

    @property
    def clinical_measures(self) -> tuple[MeasureRule, ...]:
        """The measures and components scored against standards."""
        return tuple(rule for rule in self.measures if rule.scoring == "achievement_improvement")

    def measures_of(self, domain: str) -> tuple[MeasureRule, ...]:
        """Return the measures with a weight of their own in a domain."""
        return tuple(rule for rule in self.domain_measures if rule.domain == domain)

    def components_of(self, measure: str) -> tuple[MeasureRule, ...]:
        """Return the components of a topic or survey."""
        return tuple(rule for rule in self.measures if rule.parent == measure)

    def share_components(self, measure: str) -> dict[str, int]:
        """Return whole numbers in the ratio of the components' weights; 1 each without weights."""
        weights = {part.measure: part.weight or Fraction(1) for part in self.components_of(measure)}
        scale = lcm(*(weight.denominator for weight in weights.values()))
        return {part: int(weight * scale) for part, weight in weights.items()}


def known_payment_years() -> tuple[int, ...]:
    """List the payment years that have a rule set, in order."""
    return tuple(sorted(int(year) for year in load_parameters("qip_year")["payment_year"]))


def load_rules(payment_year: int, rule_set: str = DEFAULT) -> QipRules:
    """Read a rule set of a payment year: its own, or one that is named.

    Raises:
        LookupError: there is none; the message lists the known ones.
    """
    tables = load_tables(payment_year, rule_set)
    rules = build_rules(
        payment_year=payment_year,
        years=tables["qip_year"],
        domains=tables["qip_domain"],
        measures=tables["qip_measure"],
        reductions=tables["qip_reduction"],
        standards=tables["qip_standard"],
    )
    return replace(rules, rule_set=rule_set)


def build_rules(
    *,
    payment_year: int,
    years: pd.DataFrame,
    domains: pd.DataFrame,
    measures: pd.DataFrame,
    reductions: pd.DataFrame,
    standards: pd.DataFrame,
    steps: pd.DataFrame | None = None,
    find: FindMeasure = find_measure,
) -> QipRules:
    """Build a rule set from frames of text with the columns of `parameters/qip_*.csv`.

    `find` looks a measure up in the register; where no `steps` are given they are the package's.

    Raises:
        LookupError: `years` has no row of the payment year (the message lists the known years),
            or the register does not have a measure in the performance year.
        ValueError: the rows contradict each other.
    """
    found = _rows(years, payment_year)
    if len(found) != 1:
        known = ", ".join(sorted(years["payment_year"]))
        raise LookupError(
            f"there is no QIP rule set for payment year {payment_year}; there are: {known}"
        )
    year = found[0]
    steps = load_parameters("qip_step") if steps is None else steps
    rules = QipRules(
        payment_year=payment_year,
        performance_year=int(year["performance_year"]),
        baseline_year=int(year["baseline_year"]),
        improvement_year=int(year["improvement_year"]),
        minimum_tps=int(year["minimum_tps"]),
        minimum_scored_domains=int(year["minimum_scored_domains"]),
        standards_are_published=year["standards"] == "published",
        percentiles=Percentiles(
            achievement_threshold=int(year["achievement_threshold_percentile"]),
            performance_standard=int(year["performance_standard_percentile"]),
            benchmark=int(year["benchmark_percentile"]),
            minimum_facilities=int(year["minimum_facilities"]),
        ),
        domains=read_domains(_rows(domains, payment_year)),
        measures=tuple(
            _read_measure(
                row,
                find(row["measure"], "qip", int(year["performance_year"])),
                read_steps(steps, payment_year, row["measure"]),
            )
            for row in _rows(measures, payment_year)
        ),
        reductions=tuple(
            sorted(
                (
                    Reduction(int(row["points_below_minimum"]), float(row["payment_reduction"]))
                    for row in _rows(reductions, payment_year)
                ),
                key=lambda reduction: reduction.points_below_minimum,
            )
        ),
        published_standards=tuple(
            PublishedStandard(
                measure=row["measure"],
                achievement_threshold=row["achievement_threshold"],
                performance_standard=row["performance_standard"],
                benchmark=row["benchmark"],
                citation=row["citation"],
            )
            for row in _rows(standards, payment_year)
        ),
        stated_by_footnotes=read_footnotes(_rows(load_parameters("qip_no_score"), payment_year)),
    )
    _check(rules)
    return rules


def _rows(table: pd.DataFrame, payment_year: int) -> list[dict[str, str]]:
    """Return the rows of a payment year as dicts of text; an empty cell is an empty text."""
    rows = table.loc[table["payment_year"] == str(payment_year)].fillna("")
    return cast("list[dict[str, str]]", rows.to_dict("records"))


def _read_measure(
    row: dict[str, str], entry: RegisterEntry, steps: tuple[Step, ...]
) -> MeasureRule:
    weight, cutoff = row["weight"], row["certification_cutoff"]
    return MeasureRule(
        entry=entry,
        domain=row["domain"],
        role=cast("Literal['measure', 'component']", row["role"]),
        parent=row["parent"] or None,
        weight=Fraction(weight) if weight else None,
        scoring=cast("Scoring", row["scoring"]),
        precision=int(row["precision"] or 0),
        small_facility=SmallFacility(entry.minimum_units or 0, int(row["small_facility_upper"]))
        if row["small_facility_upper"]
        else None,
        reporting=Reporting(
            multiplier=int(row["reporting_multiplier"] or 0),
            subtrahend=int(row["reporting_subtrahend"] or 0),
            months_from_calendar=row["eligible_months"] == "new_facility_and_ece",
            steps=steps,
        ),
        compliance=Compliance(
            measure=row["compliance_measure"],
            before_size=row["compliance_before_size"] == "yes",
        )
        if row["compliance_measure"]
        else None,
        cutoff=Cutoff(
            month=int(cutoff[:2]),
            day=int(cutoff[3:]),
            year_offset=int(row["certification_year_offset"]),
        )
        if cutoff
        else None,
        requires_in_center_hemodialysis=row["requires_in_center_hemodialysis"] == "yes",
        ece_rule=cast("Literal['facility', 'months']", row["ece_rule"]),
        weight_to=row["weight_if_missing"] or None,
    )


def _check(rules: QipRules) -> None:
    """Reject a rule set that contradicts itself."""
    where = f"QIP rule set of payment year {rules.payment_year}"
    check_domains(rules.domains, where)
    for domain in rules.domains:
        if sum(rule.weight or 0 for rule in rules.measures_of(domain.name)) != 1:
            raise ValueError(
                f"{where}: the weights of the measures of {domain.name} do not sum to 1"
            )
    names = {rule.measure for rule in rules.domain_measures}
    for rule in rules.measures:
        if rule.scoring not in get_args(Scoring):
            raise ValueError(f"{where}: {rule.measure} has an unknown scoring, {rule.scoring}")
        if rule.domain not in {domain.name for domain in rules.domains}:
            raise ValueError(f"{where}: {rule.measure} has an unknown domain, {rule.domain}")
        if rule.role == "component" and rule.parent not in names:
            raise ValueError(f"{where}: component {rule.measure} has no parent, {rule.parent}")
        if rule.scoring.startswith("components") != bool(rules.components_of(rule.measure)):
            raise ValueError(f"{where}: the components of {rule.measure} do not fit its scoring")
        if (
            rule.scoring == "components_weighted"
            and sum(part.weight or 0 for part in rules.components_of(rule.measure)) != 1
        ):
            raise ValueError(f"{where}: the weights of the components of {rule.measure} are not 1")
        others = rules.domains if rule.role == "measure" else ()
        check_sent(others, rule.measure, rule.domain, rule.weight_to, where)
        check_steps(where, rule.measure, rule.scoring, rule.reporting.steps)
    if not rules.reductions or rules.reductions[0].points_below_minimum != 0:
        raise ValueError(f"{where}: no payment reduction is given for a TPS at the minimum")
