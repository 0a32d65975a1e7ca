"""Assets of SRR and ED30, the measures of events after a hospital discharge."""

from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.modelled_measure import ModelledMeasure, make_measure_assets
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, make_multi_asset
from esrd_pipeline.tables import discharges, measured

if TYPE_CHECKING:
    from esrd_pipeline.families.cohort import Cohort
    from esrd_pipeline.families.discharges_cohort import Measure
    from esrd_pipeline.measures.specification import Program, Specification


def _read(
    step: StepContext, program: "Program", *, measure: "Measure"
) -> "tuple[Specification, Cohort]":
    """Read one program's index discharges with their conditions."""
    from esrd_pipeline.families.discharges_cohort import name_conditions, prepare

    year, warehouse = step.performance_year, step.warehouse
    table = discharges.ED30 if measure == "ed30" else discharges.SRR
    conditions = warehouse.read_arrow(
        discharges.DISCHARGE_CONDITION,
        year,
        columns=["patient_id", "stay", "condition_group"],
        where={"specification": name_conditions(measure, program)},
    )
    rows = warehouse.read_arrow(table, year, where={"program": program})
    return prepare(measure, program, year, rows, conditions)


_CONDITIONS = (Dependency(discharges.DISCHARGE_CONDITION),)
MODELLED_MEASURES = (
    ModelledMeasure(
        name="SRR",
        programs=("dfc", "qip"),
        tables=measured.MODELLED["srr"],
        cohort=discharges.SRR,
        read=partial(_read, measure="srr"),
        dependencies=_CONDITIONS,
        nothing="no_index_discharge",
    ),
    ModelledMeasure(
        name="ED30",
        programs=("dfc",),
        tables=measured.MODELLED["ed30"],
        cohort=discharges.ED30,
        read=partial(_read, measure="ed30"),
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
    parameters=lambda step: {"ccn": step.options["ccn"], "measure": step.options["measure"]},
)
_OPTIONS = {
    "ccn": dg.Field(
        str,
        default_value="",
        description="CMS Certification Number of the facility; without one the table is empty",
    ),
    "measure": dg.Field(str, default_value="srr", description="srr or ed30"),
}

ASSETS = (
    make_multi_asset("discharge_cohorts", _COHORTS),
    # A step of its own: it reads more years of claims.
    make_multi_asset("discharge_conditions", (_DISCHARGE_CONDITIONS,)),
    *(
        make_multi_asset(modelled.name.lower(), make_measure_assets(modelled))
        for modelled in MODELLED_MEASURES
    ),
    make_multi_asset("explanation_of_discharges", (_EXPLANATION,), options=_OPTIONS),
)
