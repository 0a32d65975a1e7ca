"""The form in which a measure says what it is. How it is computed does not belong here."""

from dataclasses import dataclass
from typing import Literal

from esrd_pipeline.measures.terms import Term

Program = Literal["dfc", "qip"]
Direction = Literal["higher", "lower"]

WHOLE: dict[Program, float] = {"dfc": 100.0, "qip": 1.0}
"""What all of a proportion is in each program's files: percents there, fractions here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """One measure of one program, as far as its estimator and its size rule need to know.

    Attributes:
        measure: short name, e.g. shr.
        program: whose rules it follows.
        terms: of the model, in the order they are estimated.
        unit: what the measure's size counts: patient_years, patients, discharges.
        better: on which side of the national level a facility is better.
        minimum_units: smallest size that is reported; none where every size is.
        minimum_expected: fewest expected events that are reported; none where any are.
        rate_scale: units of size in the printed rate: 100 for events per 100 patient-years.
        source: where the manual says so.
    """

    measure: str
    program: Program
    terms: tuple[Term, ...]
    unit: str
    better: Direction
    minimum_units: float | None
    rate_scale: float
    source: str
    minimum_expected: float | None = None

    @property
    def adjusters(self) -> tuple[str, ...]:
        """The columns of the model's design."""
        return tuple(name for term in self.terms for name in term.names)

    @property
    def facts(self) -> tuple[str, ...]:
        """What the terms read of a row, each fact once."""
        return tuple(dict.fromkeys(fact for term in self.terms for fact in term.facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxSpecification(Specification):
    """A measure of times to an event (2.14.13, 2.15.13, 2.27.13).

    Attributes:
        second_stage: column that joins the second stage, where all facilities share one hazard:
            for SMR the log of the state's race-specific death rate.
        inference: mid-p with an empirical null (SMR), or exact Poisson (SWR, SMoSR).
    """

    second_stage: str | None
    inference: Literal["empirical_null", "exact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeStageSpecification(Specification):
    """A measure of what follows a discharge from hospital (2.10.12, 2.11.14, 2.26.13).

    Attributes:
        minimum_modelled: fewest discharges of a facility that takes part in stages 2 and 3, their
            median and the empirical null: 11 for ED30 (2.26.13); none where all do. Stage 1 asks
            for cells of 11 in any case.
    """

    minimum_modelled: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GeeSpecification(Specification):
    """A directly standardised percentage of patient-months (2.2.14, 2.16.13).

    Attributes:
        national: what facilities are held against: the percentage of the nation's patient-months,
            or the unweighted mean of the facilities' values, which reproduces published
            categories best.
        seed: of the random groups of facilities.
        group_count: how many groups.
        minimum_modelled: fewest patients of a facility that takes part in the model and in the
            national level: 11 for SFR (2.2.14) and PPPW (2.16.7); none where all do.
    """

    national: Literal["patient_months", "facilities"]
    seed: int
    group_count: int = 10
    minimum_modelled: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionSpecification(Specification):
    """An unadjusted proportion of patient-months or patients (2.1, 2.3 to 2.9).

    Attributes:
        limits: clustered by patient, or Wilson's, which takes every unit of the denominator as
            independent: for one row a patient.
    """

    limits: Literal["clustered", "wilson"] = "clustered"
