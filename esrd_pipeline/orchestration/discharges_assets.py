"""Assets of SRR and ED30, the measures of events after a hospital discharge."""

from typing import TYPE_CHECKING

from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.explanation_config import (
    ExplanationConfig,
    name_facility,
    offer_measures,
)
from esrd_pipeline.orchestration.modelled_measure import ModelledMeasure, make_measure_assets
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, make_multi_asset
from esrd_pipeline.tables import discharges, measured
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    from esrd_pipeline.families.cohort import Cohort
    from esrd_pipeline.measures.specification import (
        Program,
        Specification,
        ThreeStageSpecification,
    )


def _read_srr(step: StepContext, program: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.measures.srr import specify

    return _read(step, specify(program, step.performance_year), discharges.SRR)


def _read_ed30(step: StepContext, _: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.measures.ed30 import specify

    return _read(step, specify(step.performance_year), discharges.ED30)


def _read(
    step: StepContext, specification: "ThreeStageSpecification", cohort: Table
) -> "tuple[Specification, Cohort]":
    """Read one program's index discharges with their conditions."""
    from esrd_pipeline.families.discharges_cohort import name_conditions, prepare

    year, warehouse = step.performance_year, step.warehouse
    conditions = warehouse.read_arrow(
        discharges.DISCHARGE_CONDITION,
        year,
        columns=["patient_id", "stay", "condition_group"],
        where={"specification": name_conditions(specification)},
    )
    rows = warehouse.read_arrow(cohort, year, where={"program": specification.program})
    return prepare(specification, rows, conditions)


_CONDITIONS = (Dependency(discharges.DISCHARGE_CONDITION),)
MODELLED_MEASURES = (
    ModelledMeasure(
        name="SRR",
        programs=("dfc", "qip"),
        tables=measured.MODELLED["srr"],
        cohort=discharges.SRR,
        read=_read_srr,
        dependencies=_CONDITIONS,
        nothing="no_index_discharge",
    ),
    ModelledMeasure(
        name="ED30",
        programs=("dfc",),
        tables=measured.MODELLED["ed30"],
        cohort=discharges.ED30,
        read=_read_ed30,
        dependencies=_CONDITIONS,
        nothing="no_index_discharge",
    ),
)
_COHORTS = (
    make_select_asset(
        "cohort.srr",
        description="Discharges of the year by each program's SRR rules: index discharges with"
        " outcome and adjusters, the others with the reason why not.",
    ),
    make_select_asset(
        "cohort.ed30",
        description="Discharges of two years by ED30's rules: index discharges with outcome and"
        " adjusters, the others with the reason why not.",
    ),
)
_DISCHARGE_CONDITIONS = make_select_asset(
    "cohort.discharge_condition",
    description="Conditions on claims of the year up to each index discharge of SRR and ED30.",
)
_EXPLANATION = make_select_asset(
    "explain.discharges",
    description="One facility's discharges in SRR or ED30, for its authorised reader:"
    " counted, followed by the event or not, or excluded and why. Made for the facility and"
    " measure named in the run's configuration; never by a refresh.",
    parameters=name_facility,
)


class _Explained(ExplanationConfig):
    """A facility, and SRR or ED30."""

    measure: str = offer_measures(("srr", "ed30"))


ASSETS = (
    make_multi_asset("discharge_cohorts", _COHORTS),
    # A step of its own: it reads more years of claims.
    make_multi_asset("discharge_conditions", (_DISCHARGE_CONDITIONS,)),
    *(
        make_multi_asset(modelled.name.lower(), make_measure_assets(modelled))
        for modelled in MODELLED_MEASURES
    ),
    make_multi_asset("explanation_of_discharges", (_EXPLANATION,), config=_Explained),
)
