"""SHR, STrR and SEDR: their days, their cohorts, their models, one facility's explanation."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd
from pydantic import Field

from esrd_pipeline.measures import sedr
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.earlier_years import (
    IDENTITY,
    depend_on_years,
    read_conditions_of_years,
    read_patients_of_years,
    read_years,
)
from esrd_pipeline.orchestration.empty import leave_empty
from esrd_pipeline.orchestration.explanation_config import (
    ExplanationConfig,
    name_facility,
    offer_measures,
)
from esrd_pipeline.orchestration.modelled_measure import (
    FEW_FACILITIES,
    ModelledMeasure,
    has_no_cohort,
    list_facts,
    make_measure_assets,
    read_once,
    read_patients,
)
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import history, measured, recurrent_events
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from esrd_pipeline.families.cohort import Cohort
    from esrd_pipeline.measures.specification import Program, Specification

MEASURES = ("shr", "strr", "sedr")
_ROW = ("ccn", "patient_id", "period", "interval", "days_at_risk", "event_count")
"""What the rates family reads beside the adjusters, and what identifies an expectation."""
_PATIENTS = Dependency(history.PATIENT_CHARACTERISTICS)
_CONDITIONS = Dependency(history.PREVALENT_CONDITION)


class SubmissionConfig(dg.Config):
    """Whether a run computes SHR by its 2025 submission, beside the manual's."""

    compute: bool | None = Field(
        default=None,
        description="Compute it or not; without a choice, shr_submission.csv says for which years",
    )


def choose_submission(step: StepContext) -> Mapping[str, object]:
    """Return the parameter of the submission's days: the run's choice, else the year's row."""
    from esrd_pipeline.measures.shr import is_submission_listed

    chosen = step.read_config(SubmissionConfig).compute
    return {"is_chosen": is_submission_listed(step.performance_year) if chosen is None else chosen}


def _read_shr(step: StepContext, program: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.measures.shr import specify

    specification = specify(program, step.performance_year)
    return _read_with_conditions(step, specification, ascertained_by="manual")


def _read_submission(step: StepContext, program: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.measures.shr import specify_submission

    specification = specify_submission(program, step.performance_year)
    return _read_with_conditions(step, specification, ascertained_by="submission")


def _read_strr(step: StepContext, program: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.measures.strr import specify

    specification = specify(program, step.performance_year)
    return specification, _read_cohort(step, specification)


def _read_sedr(step: StepContext, _: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.families.recurrent_events_cohort import CONDITIONS, prepare_sedr

    year, table = step.performance_year, recurrent_events.SEDR
    specification = sedr.specify(year)
    conditions = read_conditions_of_years(step, sedr.YEARS, ascertained_by=CONDITIONS)
    columns = [*_ROW, "performance_year", *list_facts(specification, table)]
    rows = read_years(step, table, sedr.YEARS, columns=list(dict.fromkeys(columns)))
    cohorts = {of_year: known for of_year, known in rows.items() if of_year in conditions}
    patients = read_patients_of_years(step, specification, sedr.YEARS)
    return prepare_sedr(year, cohorts, patients, conditions)


def _read_cohort(
    step: StepContext, specification: "Specification", conditions: "pa.Table | None" = None
) -> "Cohort":
    from esrd_pipeline.families.cohort import read_cohort

    table = recurrent_events.COHORTS[specification.measure]
    rows = step.warehouse.read_arrow(
        table,
        step.performance_year,
        columns=list(dict.fromkeys([*_ROW, *list_facts(specification, table)])),
        where={"program": specification.program},
    )
    patients = read_patients(step, specification)
    return read_cohort(specification, rows, patients=patients, conditions=conditions)


def _read_with_conditions(
    step: StepContext, specification: "Specification", *, ascertained_by: str
) -> "tuple[Specification, Cohort]":
    from esrd_pipeline.families.conditions import add_conditions, list_common

    conditions = step.warehouse.read_arrow(
        history.PREVALENT_CONDITION,
        step.performance_year,
        columns=["patient_id", "condition_group"],
        where={"specification": ascertained_by},
    )
    specification = add_conditions(specification, list_common(ascertained_by, conditions))
    return specification, _read_cohort(step, specification, conditions)


def _measure_reliability(modelled: ModelledMeasure, table: Table, step: StepContext) -> StepResult:
    from esrd_pipeline.families.hospitalisation import estimate_reliability
    from esrd_pipeline.statistics.fit import FitError

    if has_no_cohort(modelled, step):
        return leave_empty(table)
    fit, parts = step.read(modelled.tables.fit), []
    for program in modelled.programs:
        specification, cohort = read_once(modelled, step, program)
        mine = fit[fit["program"] == program]
        try:
            if mine.empty:
                return leave_empty(table, why="the measure has no model of so few facilities")
            parts.append(estimate_reliability(specification, step.performance_year, mine, cohort))
        except FitError as refused:
            if len(cohort.ccns) >= FEW_FACILITIES:
                raise
            return leave_empty(table, why=str(refused))
    return StepResult((pd.concat(parts, ignore_index=True),))


def _make_reliability(modelled: ModelledMeasure, table: Table) -> TableAsset:
    return TableAsset(
        tables=(table,),
        compute=partial(_measure_reliability, modelled, table),
        description=f"Reliability of {modelled.name}: inter-unit reliability, C-statistic.",
        dependencies=(*modelled.sources, Dependency(modelled.tables.fit)),
    )


SHR = ModelledMeasure(
    name="SHR",
    programs=("dfc", "qip"),
    tables=measured.MODELLED["shr"],
    cohort=recurrent_events.COHORTS["shr"],
    read=_read_shr,
    dependencies=(_PATIENTS, _CONDITIONS),
)
SHR_SUBMISSION = ModelledMeasure(
    name="SHR by its submission",
    programs=("dfc", "qip"),
    tables=measured.SHR_SUBMISSION,
    cohort=recurrent_events.COHORTS["shr_submission"],
    read=_read_submission,
    dependencies=(_PATIENTS, _CONDITIONS),
)
MODELLED_MEASURES = (
    SHR,
    ModelledMeasure(
        name="STrR",
        programs=("dfc", "qip"),
        tables=measured.MODELLED["strr"],
        cohort=recurrent_events.COHORTS["strr"],
        read=_read_strr,
        dependencies=(_PATIENTS,),
    ),
    ModelledMeasure(
        name="SEDR",
        programs=("dfc",),
        tables=measured.MODELLED["sedr"],
        cohort=recurrent_events.COHORTS["sedr"],
        years=sedr.YEARS,
        years_assessed=1,
        read=_read_sedr,
        dependencies=(
            *IDENTITY,
            depend_on_years(history.PREVALENT_CONDITION, sedr.YEARS),
            depend_on_years(history.PATIENT_CHARACTERISTICS, sedr.YEARS),
        ),
    ),
)

_PERIODS = "Person-periods of {}: days at risk, events, and the facts as of their first day."
SHR_DAYS = make_select_asset(
    "cohort.shr_days",
    description="The year's days by SHR's rules: the facility they count in, or why in none, with"
    " the admissions that began on them.",
)
COHORTS = (
    make_multi_asset(
        "days",
        (
            make_select_asset(
                "cohort.days",
                description="Every day of the year of every patient with ESRD, with the facts that"
                " SHR, STrR and SEDR share: attributed facility, Medicare coverage, age.",
            ),
        ),
    ),
    # One step per measure: it runs even if the sources of another are broken.
    make_multi_asset(
        "shr_cohort",
        (
            SHR_DAYS,
            make_select_asset("cohort.shr", description=_PERIODS.format("SHR")),
        ),
    ),
    make_multi_asset(
        "strr_cohort",
        (
            make_select_asset(
                "cohort.strr_days",
                description="The year's days by STrR's rules: the facility they count in, or why in"
                " none, with their transfusions.",
            ),
            make_select_asset("cohort.strr", description=_PERIODS.format("STrR")),
        ),
    ),
    make_multi_asset(
        "sedr_cohort",
        (
            make_select_asset(
                "cohort.sedr_days",
                description="The year's days by SEDR's rules: the facility they count in, or why in"
                " none, with the emergency department encounters that began on them.",
            ),
            make_select_asset("cohort.sedr", description=_PERIODS.format("SEDR")),
        ),
    ),
)
RELIABILITY = _make_reliability(SHR, measured.SHR_RELIABILITY)
SUBMISSION = make_multi_asset(
    # One step, from the days to the facilities: one choice holds for all of it.
    "shr_submission",
    (
        make_select_asset(
            "cohort.shr_submission_days",
            description="The year's days by the rules of SHR's 2025 submission, with the admissions"
            " that began on them. No rows where the submission is not chosen: by the run's"
            " configuration, or else by the year's row of shr_submission.csv.",
            parameters=choose_submission,
        ),
        make_select_asset(
            "cohort.shr_submission", description=_PERIODS.format("SHR by its submission")
        ),
        *make_measure_assets(SHR_SUBMISSION),
        _make_reliability(SHR_SUBMISSION, measured.SHR_SUBMISSION_RELIABILITY),
    ),
    config=SubmissionConfig,
)


class _Explained(ExplanationConfig):
    """A facility, and SHR, STrR or SEDR."""

    measure: str = offer_measures(MEASURES)


EXPLANATION = make_multi_asset(
    "explanation_of_recurrent_events",
    (
        make_select_asset(
            "explain.recurrent_events",
            description="One facility's SHR, STrR or SEDR patient by patient, for its authorised"
            " reader: days counted, or excluded and why, observed and expected events."
            " Made for the facility and measure named in the run's configuration; never by a"
            " refresh.",
            parameters=name_facility,
        ),
    ),
    config=_Explained,
)
