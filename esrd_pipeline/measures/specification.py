"""The specification of a measure: its register entry, model terms and options."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from esrd_pipeline.measures.terms import Term
from esrd_pipeline.parameters.register import Program, RegisterEntry

WHOLE: dict[Program, float] = {"dfc": 100.0, "qip": 1.0}
"""A proportion of 1 in each program's files: percent (DFC) or fraction (QIP)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """One measure of one program in a performance year: its register entry and its model.

    Attributes:
        family: the module whose FAMILY estimates it. Code versions follow this name.
        entry: the measure's row of the register: unit, sizes, direction, flag, rate scale.
        terms: the terms of the model, in the order of estimation.
    """

    family: ClassVar[str]

    entry: RegisterEntry
    terms: tuple[Term, ...] = ()

    @property
    def adjusters(self) -> tuple[str, ...]:
        """The columns of the model's design."""
        return tuple(name for term in self.terms for name in term.names)

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts of a row that the terms read, each once."""
        return tuple(dict.fromkeys(fact for term in self.terms for fact in term.facts))

    @property
    def measure(self) -> str:
        """Short name, e.g. shr."""
        return self.entry.measure

    @property
    def program(self) -> Program:
        """The program whose rules apply."""
        return self.entry.program

    @property
    def unit(self) -> str:
        """Unit of the measure's size: patient_years, patients, discharges."""
        return self.entry.unit

    @property
    def minimum_units(self) -> float | None:
        """Minimum size that is reported; None where every size is."""
        return self.entry.minimum_units

    @property
    def minimum_modelled(self) -> int | None:
        """Minimum size of facilities in the national model or its null; None where all are."""
        return self.entry.minimum_modelled

    @property
    def rate_scale(self) -> float:
        """Units of size in the published rate: 100 for events per 100 patient-years."""
        return self.entry.rate_scale


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSpecification(Specification):
    """A ratio of observed to expected events, given the days at risk (2.12, 2.13, 2.25).

    All facilities are in the model; those with at least `minimum_modelled` patient-years are in the
    empirical null (reading 284).
    """

    family: ClassVar[str] = "esrd_pipeline.families.recurrent_events"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxSpecification(Specification):
    """A measure of times to an event (2.14.13, 2.15.13, 2.27.13).

    Attributes:
        second_stage: column added in the second stage, where all facilities share one hazard:
            for SMR the log of the state's race-specific death rate.
        inference: mid-p with an empirical null (SMR), or exact Poisson (SWR, SMoSR).
    """

    family: ClassVar[str] = "esrd_pipeline.families.survival"

    second_stage: str | None
    inference: Literal["empirical_null", "exact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeStageSpecification(Specification):
    """A measure of events after a hospital discharge (2.10.12, 2.11.14, 2.26.13).

    Facilities with at least `minimum_modelled` discharges are in stages 2 and 3, their median and
    the empirical null (ED30, 2.26.13). Stage 1 always requires cells of 11.
    """

    family: ClassVar[str] = "esrd_pipeline.families.discharges"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeeSpecification(Specification):
    """A directly standardised percentage of patient-months (2.2.14, 2.16.13).

    Facilities with at least `minimum_modelled` patients are in the model and in the national level
    (2.2.14, 2.16.7).

    Attributes:
        national: the reference of facilities: the percentage of the nation's patient-months, or
            the unweighted mean of the facilities' values, which reproduces published categories
            best.
        inference: Wald's test on the logit scale (PPPW), or an empirical null on the scale of the
            percentage (SFR; reading 73).
        seed: seed of the random groups of facilities.
        group_count: the number of groups.
    """

    family: ClassVar[str] = "esrd_pipeline.families.access"

    national: Literal["patient_months", "facilities"]
    inference: Literal["wald", "empirical_null"]
    seed: int
    group_count: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionSpecification(Specification):
    """An unadjusted proportion of patient-months or patients (2.1, 2.3 to 2.9)."""
