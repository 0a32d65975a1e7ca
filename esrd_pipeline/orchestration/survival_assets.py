"""Times to an event: the cohorts of SMR, SWR and SMoSR, and their models."""

from typing import TYPE_CHECKING

from esrd_pipeline.measures import smosr, smr, swr
from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.explanation_config import (
    ExplanationConfig,
    name_facility,
    offer_measures,
)
from esrd_pipeline.orchestration.modelled_measure import ModelledMeasure, list_facts
from esrd_pipeline.orchestration.partitions import years_before
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, make_multi_asset
from esrd_pipeline.tables import history, linkage, measured, survival
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from esrd_pipeline.families.cohort import Cohort
    from esrd_pipeline.families.identity import Identity
    from esrd_pipeline.measures.specification import CoxSpecification, Program, Specification


def _read(
    step: StepContext,
    table: Table,
    years: int,
    *,
    columns: list[str] | None = None,
    where: dict[str, str] | None = None,
    joins_numbers: bool = False,
) -> "dict[int, pa.Table]":
    """Return the last years of a table by year, as far as they are stored.

    The patients and facilities of earlier years have the numbers of this one.
    """
    warehouse, last = step.warehouse, step.performance_year
    identity = step.keep("identity", lambda: _read_identity(step))
    read = {
        year: warehouse.read_arrow(table, year, columns=columns, where=where)
        for year in range(last - years + 1, last + 1)
        if warehouse.has(table, year)
    }
    return {
        year: rows if year == last else identity.rename(rows, joins_numbers=joins_numbers)
        for year, rows in read.items()
    }


def _read_identity(step: StepContext) -> "Identity":
    from esrd_pipeline.families.identity import Identity

    return Identity.of(
        step.read(linkage.EARLIER_PATIENT),
        step.read(linkage.PROVIDER_NUMBER, columns=["provider_number", "ccn"], program="dfc"),
    )


def _read_patients(
    step: StepContext, specification: "CoxSpecification", years: int
) -> "dict[int, pa.Table]":
    table = history.PATIENT_CHARACTERISTICS
    columns = ["patient_id", "performance_year", *list_facts(specification, table)]
    return _read(step, table, years, columns=columns)


def _read_smr(step: StepContext, _: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.families.survival_cohort import CONDITIONS, prepare_smr

    conditions = _read(
        step,
        history.PREVALENT_CONDITION,
        smr.YEARS,
        columns=["patient_id", "condition_group"],
        where={"specification": CONDITIONS},
        joins_numbers=True,
    )
    cohorts = {
        year: rows
        for year, rows in _read(step, survival.SMR, smr.YEARS).items()
        if year in conditions
    }
    year = step.performance_year
    patients = _read_patients(step, smr.specify(year), smr.YEARS)
    return prepare_smr(year, cohorts, patients, conditions)


def _read_swr(step: StepContext, _: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.families.survival_cohort import prepare_swr

    year = step.performance_year
    patients = _read_patients(step, swr.specify(year), swr.YEARS)
    return prepare_swr(year, _read(step, survival.SWR, swr.YEARS), patients)


def _read_smosr(step: StepContext, _: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.families.survival_cohort import prepare_smosr

    year = step.performance_year
    patients = _read_patients(step, smosr.specify(year), smosr.YEARS)
    return prepare_smosr(year, _read(step, survival.SMOSR, smosr.YEARS), patients)


_IDENTITY = (Dependency(linkage.EARLIER_PATIENT), Dependency(linkage.PROVIDER_NUMBER))

MODELLED_MEASURES = (
    ModelledMeasure(
        name="SMR",
        programs=("dfc",),
        tables=measured.MODELLED["smr"],
        cohort=survival.SMR,
        years=smr.YEARS,
        read=_read_smr,
        dependencies=(
            *_IDENTITY,
            Dependency(history.PREVALENT_CONDITION, years_before(first=smr.YEARS - 1)),
            Dependency(history.PATIENT_CHARACTERISTICS, years_before(first=smr.YEARS - 1)),
        ),
    ),
    ModelledMeasure(
        name="SWR",
        programs=("dfc",),
        tables=measured.MODELLED["swr"],
        cohort=survival.SWR,
        years=swr.YEARS,
        read=_read_swr,
        dependencies=(
            *_IDENTITY,
            Dependency(history.PATIENT_CHARACTERISTICS, years_before(first=swr.YEARS - 1)),
        ),
    ),
    ModelledMeasure(
        name="SMoSR",
        programs=("dfc",),
        tables=measured.MODELLED["smosr"],
        cohort=survival.SMOSR,
        years=smosr.YEARS,
        read=_read_smosr,
        dependencies=(
            *_IDENTITY,
            Dependency(history.PATIENT_CHARACTERISTICS, years_before(first=smosr.YEARS - 1)),
        ),
    ),
)

COHORTS = (
    make_select_asset(
        "cohort.smr_days",
        description="Every day of the year of every patient with ESRD: the facility in whose SMR it"
        " is at risk, or why in none, and deaths.",
    ),
    make_select_asset(
        "cohort.smr",
        description="SMR's patient-records of one calendar year: days at risk, deaths, and facts of"
        " the record's first day that adjust.",
    ),
    make_select_asset(
        "cohort.swr",
        description="Patients who began dialysis in the year before, followed for a year:"
        " waitlisted or given a living donor's kidney, at which facility, or why not counted.",
    ),
    make_select_asset(
        "cohort.smosr",
        description="Patients whose ESRD began in the year before, followed for a year: switched"
        " to home dialysis, at which facility, or why not counted.",
    ),
)

_EXPLANATION = make_select_asset(
    "explain.survival",
    description="One facility's SMR, first-year waitlisting or switches patient by patient,"
    " for its authorised reader: days counted, or excluded and why, observed and expected events."
    " Made for the facility and measure named in the run's configuration; never by a"
    " refresh.",
    parameters=name_facility,
)


class _Explained(ExplanationConfig):
    """A facility, and SMR, SWR or SMoSR."""

    measure: str = offer_measures(survival.MEASURES)


ASSETS = (
    make_multi_asset("cohort_of_times", COHORTS),
    make_multi_asset(
        "explanation_of_survival",
        (_EXPLANATION,),
        config=_Explained,
    ),
)
