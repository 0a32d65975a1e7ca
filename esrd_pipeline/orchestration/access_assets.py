"""Assets of SFR and PPPW: their cohorts, models and facility explanations."""

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
from esrd_pipeline.tables import access, history, measured
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    from esrd_pipeline.families.cohort import Cohort
    from esrd_pipeline.measures.specification import GeeSpecification, Program, Specification


def _read_sfr(step: StepContext, program: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.measures.sfr import specify

    return _read(step, specify(program, step.performance_year), access.SFR)


def _read_pppw(step: StepContext, program: "Program") -> "tuple[Specification, Cohort]":
    from esrd_pipeline.measures.pppw import specify

    return _read(step, specify(program, step.performance_year), access.PPPW)


def _read(
    step: StepContext, specification: "GeeSpecification", cohort: Table
) -> "tuple[Specification, Cohort]":
    """Read one program's months, and their patients' characteristics if a term needs them."""
    from esrd_pipeline.families.access_cohort import list_columns, prepare

    year, warehouse = step.performance_year, step.warehouse
    columns, characteristics = list_columns(specification, cohort)
    where = {"program": specification.program}
    rows = warehouse.read_arrow(cohort, year, columns=columns, where=where)
    patients = None
    if len(characteristics) > 1:
        patients = warehouse.read_arrow(
            history.PATIENT_CHARACTERISTICS, year, columns=characteristics
        )
    return prepare(specification, rows, patients)


MODELLED_MEASURES = (
    ModelledMeasure(
        name="SFR",
        programs=("dfc",),
        tables=measured.MODELLED["sfr"],
        cohort=access.SFR,
        read=_read_sfr,
        dependencies=(Dependency(history.PATIENT_CHARACTERISTICS),),
        nothing="no_eligible_patient_month",
    ),
    ModelledMeasure(
        name="PPPW",
        programs=("dfc", "qip"),
        tables=measured.MODELLED["pppw"],
        cohort=access.PPPW,
        read=_read_pppw,
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
    parameters=name_facility,
)


class _Explained(ExplanationConfig):
    """A facility, and SFR or PPPW."""

    measure: str = offer_measures(access.MEASURES)


ASSETS = (
    make_multi_asset("access_cohorts", _COHORTS),
    *(
        make_multi_asset(modelled.name.lower(), make_measure_assets(modelled))
        for modelled in MODELLED_MEASURES
    ),
    # A step of its own: only this asset takes a facility.
    make_multi_asset("explanation_of_access", (_EXPLANATION,), config=_Explained),
)
