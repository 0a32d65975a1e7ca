"""SHR, STrR and SEDR: their days, their cohorts, their models, one facility's explanation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.empty import leave_empty
from esrd_pipeline.orchestration.explanation_config import (
    ExplanationConfig,
    name_facility,
    offer_measures,
)
from esrd_pipeline.orchestration.modelled_measure import (
    ModelledMeasure,
    has_no_cohort,
    list_facts,
    read_once,
    read_patients,
)
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import history, measured, recurrent_events

if TYPE_CHECKING:
    import pyarrow as pa

    from esrd_pipeline.families.cohort import Cohort
    from esrd_pipeline.measures.specification import Program, Specification

MEASURES = ("shr", "strr", "sedr")
_ROW = ("ccn", "patient_id", "period", "interval", "days_at_risk", "event_count")
"""What the rates family takes beside the adjusters, and what a row's expectation is told by."""
_PATIENTS = Dependency(history.PATIENT_CHARACTERISTICS)
_CONDITIONS = Dependency(history.PREVALENT_CONDITION)


def _choose(step: StepContext) -> Mapping[str, object]:
    from esrd_pipeline.measures.shr import choose_specification

    return {"specification": choose_specification(step.performance_year)}


def _read_shr(step: StepContext, program: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.measures.shr import choose_specification, specify

    year = step.performance_year
    chosen = choose_specification(year)
    return _read_with_conditions(step, specify(program, year), ascertained_by=chosen)


def _read_strr(step: StepContext, program: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.measures.strr import specify

    specification = specify(program, step.performance_year)
    return specification, _read_cohort(step, specification)


def _read_sedr(step: StepContext, _: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.measures.sedr import specify

    return _read_with_conditions(step, specify(step.performance_year), ascertained_by="sedr")


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


def _measure_reliability(step: StepContext) -> StepResult:
    from esrd_pipeline.families.hospitalisation import estimate_reliability

    if has_no_cohort(SHR, step):
        return leave_empty(measured.SHR_RELIABILITY)
    fit, parts = step.read(SHR.tables.fit), []
    for program in SHR.programs:
        specification, cohort = read_once(SHR, step, program)
        mine = fit[fit["program"] == program]
        parts.append(estimate_reliability(specification, step.performance_year, mine, cohort))
    return StepResult((pd.concat(parts, ignore_index=True),))


SHR = ModelledMeasure(
    name="SHR",
    programs=("dfc", "qip"),
    tables=measured.MODELLED["shr"],
    cohort=recurrent_events.COHORTS["shr"],
    read=_read_shr,
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
        read=_read_sedr,
        dependencies=(_PATIENTS, _CONDITIONS),
    ),
)

_PERIODS = "Person-periods of {}: days at risk, events, and the facts as of their first day."
SHR_DAYS = make_select_asset(
    "cohort.shr_days",
    description="The year's days by SHR's rules: the facility they count in, or why in none, with"
    " the admissions that began on them.",
    parameters=_choose,
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
RELIABILITY = TableAsset(
    tables=(measured.SHR_RELIABILITY,),
    compute=_measure_reliability,
    description="Reliability of SHR: inter-unit reliability, C-statistic.",
    dependencies=(*SHR.sources, Dependency(SHR.tables.fit)),
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
