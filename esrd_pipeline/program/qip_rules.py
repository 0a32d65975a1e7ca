"""The ESRD QIP's rule sets: measures, domains, weights, sizes, cut-offs, standards, reductions.

A payment year is a set of rows in `parameters/qip_*.csv`; a new one needs rows and no code.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import Literal, cast, get_args

import pandas as pd

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.parameters.register import Direction, RegisterEntry, find_measure
from esrd_pipeline.program.qip_cells import Cells, read_cells
from esrd_pipeline.program.qip_missing import (
    Domain,
    StatedByFootnote,
    check_domains,
    check_sent,
    read_domains,
    read_footnotes,
)
from esrd_pipeline.program.qip_parts import (
    Compliance,
    Cutoff,
    FindMeasure,
    Percentiles,
    Reporting,
    SmallFacility,
    read_compliance,
    read_cutoff,
    read_percentiles,
    read_precision,
    read_reporting,
    read_small_facility,
    read_years,
)
from esrd_pipeline.program.qip_reductions import Reduction, read_reductions
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


EceRule = Literal["facility", "months"]
"""Whom a granted exception takes out: a facility with any granted month, or with all of them."""


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
    ece_rule: EceRule
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


@dataclass(frozen=True, slots=True)
class PublishedStandard:
    """A measure's standards as the text CMS published."""

    measure: str
    achievement_threshold: str
    performance_standard: str
    benchmark: str
    citation: str


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
        ParameterFileError: a cell is empty or none of what it may be; the message names file,
            row, column and rule.
        ValueError: the rows contradict each other.
    """
    found = read_cells(years, "qip_year", payment_year, "payment_year")
    if not found:
        known = ", ".join(sorted(years["payment_year"]))
        raise LookupError(
            f"there is no QIP rule set for payment year {payment_year}; there are: {known}"
        )
    year = found[0]
    performance_year, baseline_year, improvement_year = read_years(year)
    steps = load_parameters("qip_step") if steps is None else steps
    of_domains = read_domains(read_cells(domains, "qip_domain", payment_year, "domain"))
    rules = QipRules(
        payment_year=payment_year,
        performance_year=performance_year,
        baseline_year=baseline_year,
        improvement_year=improvement_year,
        minimum_tps=year.whole("minimum_tps", least=0, most=100),
        minimum_scored_domains=year.whole(
            "minimum_scored_domains", least=1, most=max(len(of_domains), 1)
        ),
        standards_are_published=year.choose("standards", ("computed", "published")) == "published",
        percentiles=read_percentiles(year),
        domains=of_domains,
        measures=tuple(
            _read_measure(cells, find, performance_year, read_steps(steps, cells))
            for cells in read_cells(measures, "qip_measure", payment_year, "measure")
        ),
        reductions=read_reductions(
            read_cells(reductions, "qip_reduction", payment_year, "points_below_minimum"),
            f"qip_reduction.csv, payment year {payment_year}",
        ),
        published_standards=tuple(
            _read_standard(cells)
            for cells in read_cells(standards, "qip_standard", payment_year, "measure")
        ),
        stated_by_footnotes=read_footnotes(
            read_cells(
                *(load_parameters("qip_no_score"), "qip_no_score", payment_year),
                *("measure", "stated_by", "footnote"),
            )
        ),
    )
    _check(rules)
    return rules


def _read_standard(cells: Cells) -> PublishedStandard:
    names = ("achievement_threshold", "performance_standard", "benchmark")
    threshold, standard, benchmark = (cells.number(name) for name in names)
    return PublishedStandard(
        measure=cells.text("measure"),
        achievement_threshold=threshold,
        performance_standard=standard,
        benchmark=benchmark,
        citation=cells.text("citation"),
    )


def _read_measure(
    cells: Cells, find: FindMeasure, performance_year: int, steps: tuple[Step, ...]
) -> MeasureRule:
    entry = find(cells.text("measure"), "qip", performance_year)
    scoring = cells.choose("scoring", get_args(Scoring))
    is_measure = cells.choose("role", ("measure", "component")) == "measure"
    has_weight = is_measure or bool(cells.text("weight"))
    return MeasureRule(
        entry=entry,
        domain=cells.needed("domain"),
        role="measure" if is_measure else "component",
        parent=cells.choose("parent", ("",)) or None if is_measure else cells.needed("parent"),
        weight=cells.fraction("weight") if has_weight else None,
        scoring=cast("Scoring", scoring),
        precision=read_precision(cells, scoring),
        small_facility=read_small_facility(cells, entry),
        reporting=read_reporting(cells, scoring, steps),
        compliance=read_compliance(cells, find, performance_year),
        cutoff=read_cutoff(cells),
        requires_in_center_hemodialysis=cells.flag("requires_in_center_hemodialysis"),
        ece_rule=cast("EceRule", cells.choose("ece_rule", get_args(EceRule))),
        weight_to=cells.text("weight_if_missing") or None,
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
    domain_of = {rule.measure: rule.domain for rule in rules.domain_measures}
    for rule in rules.measures:
        if rule.domain not in {domain.name for domain in rules.domains}:
            raise ValueError(f"{where}: {rule.measure} has an unknown domain, {rule.domain}")
        if rule.role == "component" and rule.parent not in domain_of:
            raise ValueError(f"{where}: component {rule.measure} has no parent, {rule.parent}")
        if rule.parent is not None and rule.domain != domain_of[rule.parent]:
            raise ValueError(f"{where}: component {rule.measure} has not its parent's domain")
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
