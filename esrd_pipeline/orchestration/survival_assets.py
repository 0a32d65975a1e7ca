"""Times to an event: the cohorts of SMR, SWR and SMoSR, and their models."""

from typing import TYPE_CHECKING

from esrd_pipeline.measures import smosr, smr, swr
from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.earlier_years import (
    IDENTITY,
    depend_on_years,
    read_conditions_of_years,
    read_patients_of_years,
    read_years,
)
from esrd_pipeline.orchestration.explanation_config import (
    ExplanationConfig,
    name_facility,
    offer_measures,
)
from esrd_pipeline.orchestration.modelled_measure import ModelledMeasure
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import make_multi_asset
from esrd_pipeline.tables import history, measured, survival

if TYPE_CHECKING:
    from esrd_pipeline.families.cohort import Cohort
    from esrd_pipeline.measures.specification import Program, Specification


def _read_smr(step: StepContext, _: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.families.survival_cohort import CONDITIONS, prepare_smr

    conditions = read_conditions_of_years(step, smr.YEARS, ascertained_by=CONDITIONS)
    cohorts = {
        year: rows
        for year, rows in read_years(step, survival.SMR, smr.YEARS).items()
        if year in conditions
    }
    year = step.performance_year
    patients = read_patients_of_years(step, smr.specify(year), smr.YEARS)
    return prepare_smr(year, cohorts, patients, conditions)


def _read_swr(step: StepContext, _: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.families.survival_cohort import prepare_swr

    year = step.performance_year
    patients = read_patients_of_years(step, swr.specify(year), swr.YEARS)
    return prepare_swr(year, read_years(step, survival.SWR, swr.YEARS), patients)


def _read_smosr(step: StepContext, _: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.families.survival_cohort import prepare_smosr

    year = step.performance_year
    patients = read_patients_of_years(step, smosr.specify(year), smosr.YEARS)
    return prepare_smosr(year, read_years(step, survival.SMOSR, smosr.YEARS), patients)


MODELLED_MEASURES = (
    ModelledMeasure(
        name="SMR",
        programs=("dfc",),
        tables=measured.MODELLED["smr"],
        cohort=survival.SMR,
        years=smr.YEARS,
        read=_read_smr,
        dependencies=(
            *IDENTITY,
            depend_on_years(history.PREVALENT_CONDITION, smr.YEARS),
            depend_on_years(history.PATIENT_CHARACTERISTICS, smr.YEARS),
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
            *IDENTITY,
            depend_on_years(history.PATIENT_CHARACTERISTICS, swr.YEARS),
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
            *IDENTITY,
            depend_on_years(history.PATIENT_CHARACTERISTICS, smosr.YEARS),
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
