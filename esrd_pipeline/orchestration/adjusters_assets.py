"""What one facility's patients were adjusted for, in every modelled measure."""

import pandas as pd

from esrd_pipeline.orchestration import (
    access_assets,
    discharges_assets,
    recurrent_events_assets,
    survival_assets,
)
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.empty import leave_empty
from esrd_pipeline.orchestration.explanation_config import ExplanationConfig, offer_measures
from esrd_pipeline.orchestration.modelled_measure import (
    ModelledMeasure,
    has_no_cohort,
    take_assessed,
)
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import explain

MODELLED: dict[str, ModelledMeasure] = {
    modelled.name.lower(): modelled
    for modelled in (
        *recurrent_events_assets.MODELLED_MEASURES,
        *survival_assets.MODELLED_MEASURES,
        *discharges_assets.MODELLED_MEASURES,
        *access_assets.MODELLED_MEASURES,
    )
}


class _Explained(ExplanationConfig):
    """One facility, and one of the modelled measures."""

    measure: str = offer_measures(tuple(MODELLED))


def _list_adjusters(step: StepContext) -> StepResult:
    from esrd_pipeline.families.explanation import list_adjusters

    config = step.read_config(_Explained)
    measure, ccn = config.measure, config.ccn
    modelled = MODELLED[measure]
    if not ccn or has_no_cohort(modelled, step):
        return leave_empty(explain.ADJUSTERS)
    (row,) = (name for name in modelled.cohort.key if name not in ("program", "patient_id", "ccn"))
    fit, parts = step.read(modelled.tables.fit), []
    for program in modelled.programs:
        cohort = take_assessed(modelled, step, modelled.read(step, program)[1])
        listed = list_adjusters(cohort, fit[fit["program"] == program], ccn=ccn, row=row)
        parts.append(listed.assign(program=program))
    frame = pd.concat(parts, ignore_index=True).assign(
        performance_year=step.performance_year, ccn=ccn, measure=measure
    )
    return StepResult((frame[explain.ADJUSTERS.column_names],))


_DEPENDENCIES = {
    dependency.table.name: dependency
    for modelled in MODELLED.values()
    for dependency in (*modelled.sources, Dependency(modelled.tables.fit))
}
ASSETS = (
    make_multi_asset(
        "explanation_of_adjusters",
        (
            TableAsset(
                tables=(explain.ADJUSTERS,),
                compute=_list_adjusters,
                description="What one facility's patients were adjusted for in one modelled"
                " measure, for its authorised reader: every adjuster that is not 0, row by row,"
                " with its coefficient. Made for the facility and measure named in the run's"
                " configuration; never by a refresh.",
                dependencies=tuple(_DEPENDENCIES.values()),
            ),
        ),
        config=_Explained,
    ),
)
