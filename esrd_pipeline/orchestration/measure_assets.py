"""Assets of the modelled measures: fits, facilities, and the contract of all measures."""

from functools import partial

import pandas as pd

from esrd_pipeline.orchestration import discharges_assets, recurrent_events_assets, survival_assets
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.modelled_measure import (
    ModelledMeasure,
    make_measure_assets,
    score_with_baseline_models,
)
from esrd_pipeline.orchestration.partitions import LONGEST_STAR_LOOKBACK, years_before
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import facility, measured, program
from esrd_pipeline.tables.model import Table


def _combine(step: StepContext) -> StepResult:
    from esrd_pipeline.families.combined import combine_contract

    computed = [_read_stored(step, table) for table in measured.COMPUTED]
    frame = combine_contract(
        performance_year=step.performance_year,
        published=step.read(facility.PUBLISHED),
        computed=computed,
    )
    return StepResult(
        (frame,), notes={str(o): int(n) for o, n in frame["origin"].value_counts().items()}
    )


def _combine_levels(step: StepContext) -> StepResult:
    from esrd_pipeline.families.levels import combine_levels

    percentages: dict[tuple[str, str], float] = {}
    for measure, tables in measured.MODELLED.items():
        fit = _read_stored(step, tables.fit)
        stated = fit[(fit["element"] == "summary") & (fit["term"] == "national percentage")]
        for row in stated.to_dict("records"):
            percentages[str(row["program"]), measure] = float(row["estimate"])
    frame = combine_levels(
        performance_year=step.performance_year,
        contract=step.read(measured.CONTRACT),
        published=step.read(facility.NATIONAL),
        percentages=percentages,
    )
    return StepResult(
        (frame,), notes={str(o): int(n) for o, n in frame["source"].value_counts().items()}
    )


def _read_stored(step: StepContext, table: Table) -> pd.DataFrame:
    """Read a measure's rows: none where the year was not computed from raw files."""
    if not step.warehouse.has(table, step.performance_year):
        return pd.DataFrame(columns=table.column_names)
    return step.read(table)


_MODELLED_MEASURES: tuple[ModelledMeasure, ...] = (
    *recurrent_events_assets.MODELLED_MEASURES,
    *survival_assets.MODELLED_MEASURES,
)
_MEASURES_BY_NAME = {
    modelled.name: modelled
    for modelled in (*_MODELLED_MEASURES, *discharges_assets.MODELLED_MEASURES)
}
_RATED = tuple(_MEASURES_BY_NAME[name] for name in ("SMR", "SHR", "SRR", "STrR", "SWR"))
"""Ratios that the star rating adjusts to its baseline (manual 5.6.2.2)."""
_BASELINE_SCORED = TableAsset(
    tables=(measured.BASELINE_SCORED,),
    compute=partial(score_with_baseline_models, _RATED),
    description="Events that the models of the star baseline's year expect in this year's rows: how"
    " much the nation's events have changed.",
    dependencies=(
        # Measures that share a cohort read it once.
        *{source.table.name: source for modelled in _RATED for source in modelled.sources}.values(),
        Dependency(program.STAR_BASELINE, years_before(first=LONGEST_STAR_LOOKBACK, last=1)),
        *(
            Dependency(modelled.tables.fit, years_before(first=LONGEST_STAR_LOOKBACK, last=1))
            for modelled in _RATED
        ),
    ),
)
_CONTRACT = TableAsset(
    tables=(measured.CONTRACT,),
    compute=_combine,
    description="Input of scores and ratings: every measure computed from raw files, the others"
    " as published.",
    dependencies=(
        Dependency(facility.PUBLISHED),
        *(Dependency(table) for table in measured.COMPUTED),
    ),
)

_LEVELS = TableAsset(
    tables=(facility.LEVEL,),
    compute=_combine_levels,
    description="The nation's level of every measure, which facilities are held against: of"
    " computed measures their own, of the others as published.",
    dependencies=(
        Dependency(measured.CONTRACT),
        Dependency(facility.NATIONAL),
        *(Dependency(tables.fit) for tables in measured.MODELLED.values()),
    ),
)

ASSETS = (
    *recurrent_events_assets.COHORTS,
    *survival_assets.ASSETS,
    # A step each: some read more years of their cohort than others.
    *(
        make_multi_asset(
            modelled.name.lower(),
            # SHR's reliability uses the cohort and the fit that SHR's own step has read.
            (
                *make_measure_assets(modelled),
                *(
                    (recurrent_events_assets.RELIABILITY,)
                    if modelled is recurrent_events_assets.SHR
                    else ()
                ),
            ),
        )
        for modelled in _MODELLED_MEASURES
    ),
    recurrent_events_assets.SUBMISSION,
    make_multi_asset("baseline_scored", (_BASELINE_SCORED,)),
    make_multi_asset("contract", (_CONTRACT, _LEVELS)),
    # A step of its own: only this asset takes a facility.
    recurrent_events_assets.EXPLANATION,
)
