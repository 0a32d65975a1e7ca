"""Assets of SFR and PPPW: their cohorts, models and facility explanations."""

from typing import TYPE_CHECKING

import dagster as dg

from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.modelled_measure import ModelledMeasure, make_measure_assets
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, make_multi_asset
from esrd_pipeline.tables import access, history, measured
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from esrd_pipeline.families.cohort import Cohort
    from esrd_pipeline.measures.specification import Program, Specification


def _make_reader(
    measure: str, table: Table
) -> "Callable[[StepContext, Program], tuple[Specification, Cohort]]":
    def read(step: StepContext, program: "Program") -> "tuple[Specification, Cohort]":
        from esrd_pipeline.families.access_cohort import list_columns, prepare

        year, warehouse = step.performance_year, step.warehouse
        columns, characteristics = list_columns(measure, program, year)
        rows = warehouse.read_arrow(table, year, columns=columns, where={"program": program})
        patients = None
        if len(characteristics) > 1:
            patients = warehouse.read_arrow(
                history.PATIENT_CHARACTERISTICS, year, columns=characteristics
            )
        return prepare(measure, program, year, rows, patients)

    return read


_MODELLED_MEASURES = (
    ModelledMeasure(
        name="SFR",
        programs=("dfc",),
        tables=measured.MODELLED["sfr"],
        cohort=access.SFR,
        read=_make_reader("sfr", access.SFR),
        dependencies=(Dependency(history.PATIENT_CHARACTERISTICS),),
        nothing="no_eligible_patient_month",
    ),
    ModelledMeasure(
        name="PPPW",
        programs=("dfc", "qip"),
        tables=measured.MODELLED["pppw"],
        cohort=access.PPPW,
        read=_make_reader("pppw", access.PPPW),
        nothing="no_eligible_patient_month",
    ),
)
_COHORTS = (
    make_select_asset(
        "cohort.sfr",
        description="Every month of every patient at each facility, with a fistula alone or not,"
        " or the rule that excludes it; and the adjusters of the fistula rate.",
    ),
    make_select_asset(
        "cohort.pppw",
        description="Every month of every patient with ESRD, on the waitlist on its last day or"
        " not, or the rule that excludes it; and age.",
    ),
)
_EXPLANATION = make_select_asset(
    "explain.access",
    description="One facility's patient-months in SFR or PPPW, for its authorised reader:"
    " counted, met, or excluded and why. Made for the facility and measure named in the run's"
    " configuration; never by a refresh.",
    parameters=lambda step: {
        "ccn": step.options["ccn"],
        "measure": step.options["measure"],
    },
)
_OPTIONS = {
    "ccn": dg.Field(
        str,
        default_value="",
        description="CMS Certification Number of the facility; without one the table is empty",
    ),
    "measure": dg.Field(
        str,
        default_value=access.MEASURES[0],
        description=f"One of {', '.join(access.MEASURES)}",
    ),
}

ASSETS = (
    make_multi_asset("access_cohorts", _COHORTS),
    *(
        make_multi_asset(modelled.name.lower(), make_measure_assets(modelled))
        for modelled in _MODELLED_MEASURES
    ),
    # A step of its own: only this asset takes a facility.
    make_multi_asset("explanation_of_access", (_EXPLANATION,), options=_OPTIONS),
)
