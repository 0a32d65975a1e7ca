"""Assets of the modelled measures: cohorts, the road of each, and the contract of all."""

from functools import partial

import pandas as pd

from esrd_pipeline.orchestration import discharge_assets, rates_assets, times_assets
from esrd_pipeline.orchestration.build import Build, Built
from esrd_pipeline.orchestration.partitions import LONGEST_STAR_LOOKBACK, years_before
from esrd_pipeline.orchestration.road import Road, carry_models, make_road
from esrd_pipeline.orchestration.table_asset import TableAsset, Upstream, make_step
from esrd_pipeline.tables import facility, measured, program
from esrd_pipeline.tables.model import Table


def _unite(build: Build) -> Built:
    from esrd_pipeline.families.united import unite_contract

    computed = [_read_stored(build, table) for table in measured.COMPUTED]
    frame = unite_contract(
        performance_year=build.performance_year,
        published=build.read(facility.PUBLISHED),
        computed=computed,
    )
    return Built(
        (frame,), notes={str(o): int(n) for o, n in frame["origin"].value_counts().items()}
    )


def _unite_levels(build: Build) -> Built:
    from esrd_pipeline.families.levels import unite_levels

    percentages: dict[tuple[str, str], float] = {}
    for measure, tables in measured.MODELLED.items():
        fit = _read_stored(build, tables.fit)
        stated = fit[(fit["element"] == "summary") & (fit["term"] == "national percentage")]
        for row in stated.to_dict("records"):
            percentages[str(row["program"]), measure] = float(row["estimate"])
    frame = unite_levels(
        performance_year=build.performance_year,
        contract=build.read(measured.CONTRACT),
        published=build.read(facility.NATIONAL),
        percentages=percentages,
    )
    return Built(
        (frame,), notes={str(o): int(n) for o, n in frame["source"].value_counts().items()}
    )


def _read_stored(build: Build, table: Table) -> pd.DataFrame:
    """A measure's rows, or none where the year was not computed from raw files."""
    if not build.warehouse.has(table, build.performance_year):
        return pd.DataFrame(columns=table.column_names)
    return build.read(table)


_ROADS: tuple[Road, ...] = (*rates_assets.ROADS, *times_assets.ROADS)
_COHORT = (*rates_assets.COHORT,)
_ROADS_BY_NAME = {road.name: road for road in (*_ROADS, *discharge_assets.ROADS)}
_RATED = tuple(_ROADS_BY_NAME[name] for name in ("SMR", "SHR", "SRR", "STrR", "SWR"))
"""Ratios that the star rating puts on its baseline's level (manual 5.6.2.2)."""
_CARRIED = TableAsset(
    tables=(measured.CARRIED,),
    compute=partial(carry_models, _RATED),
    description="What the models of the star baseline's year expect of this year's rows: how far"
    " the nation's events have moved.",
    upstream=(
        # Measures that share a cohort read it once.
        *{source.table.name: source for road in _RATED for source in road.sources}.values(),
        Upstream(program.STAR_BASELINE, years_before(first=LONGEST_STAR_LOOKBACK, last=1)),
        *(
            Upstream(road.tables.fit, years_before(first=LONGEST_STAR_LOOKBACK, last=1))
            for road in _RATED
        ),
    ),
    code=("families/family.py", "orchestration/road.py"),
)
_CONTRACT = TableAsset(
    tables=(measured.CONTRACT,),
    compute=_unite,
    description="What programs score and rate: every measure computed from raw files, the others"
    " as published.",
    upstream=(
        Upstream(facility.PUBLISHED),
        *(Upstream(table) for table in measured.COMPUTED),
    ),
    code=("families/united.py", "families/published_fields.py", "parameters/published_measure.csv"),
)

_LEVELS = TableAsset(
    tables=(facility.LEVEL,),
    compute=_unite_levels,
    description="The nation's level of every measure, which facilities are held against: of"
    " computed measures their own, of the others as published.",
    upstream=(
        Upstream(measured.CONTRACT),
        Upstream(facility.NATIONAL),
        *(Upstream(tables.fit) for tables in measured.MODELLED.values()),
    ),
    code=("families/levels.py", "parameters/published_measure.csv"),
)

ASSETS = (
    make_step("cohort", _COHORT),
    *times_assets.ASSETS,
    # A step each: some look back over more years of their cohort than others.
    *(
        make_step(
            road.name.lower(),
            # SHR's reliability is of the cohort and the fit that its own step has at hand.
            (*make_road(road), *((rates_assets.RELIABILITY,) if road is rates_assets.SHR else ())),
        )
        for road in _ROADS
    ),
    make_step("carried", (_CARRIED,)),
    make_step("contract", (_CONTRACT, _LEVELS)),
    # On its own: it alone takes a facility.
    rates_assets.EXPLANATION,
)
