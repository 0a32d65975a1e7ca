"""Assets of the modelled measures: cohorts, the road of each, and the contract of all."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd

from esrd_pipeline.orchestration.absent import leave_empty
from esrd_pipeline.orchestration.build import Build, Built
from esrd_pipeline.orchestration.road import Road, has_no_cohort, make_road
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import TableAsset, Upstream, make_step
from esrd_pipeline.tables import cohort, facility, history, measured
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from esrd_pipeline.measures.specification import Program, Specification


def _choose(build: Build) -> Mapping[str, object]:
    from esrd_pipeline.families.hospitalisation import choose_specification

    return {"specification": choose_specification(build.performance_year)}


def _read_shr(build: Build, program: "Program") -> "tuple[Specification, pa.Table]":
    """Read one program's cohort, conditions beside it."""
    from esrd_pipeline.families.hospitalisation import choose_specification, prepare

    year, warehouse = build.performance_year, build.warehouse
    rows = warehouse.read_arrow(cohort.SHR, year, where={"program": program})
    conditions = warehouse.read_arrow(
        history.PREVALENT_CONDITION,
        year,
        columns=["patient_id", "condition_group"],
        where={"specification": choose_specification(year)},
    )
    return prepare(program, year, rows, conditions)


def _measure_reliability(build: Build) -> Built:
    from esrd_pipeline.families.hospitalisation import estimate_reliability

    if has_no_cohort(_SHR, build):
        return leave_empty(measured.SHR_RELIABILITY)
    fit, parts = build.read(_SHR.tables.fit), []
    for program in _SHR.programs:
        specification, rows = _read_shr(build, program)
        mine = fit[fit["program"] == program]
        parts.append(estimate_reliability(specification, build.performance_year, mine, rows))
    return Built((pd.concat(parts, ignore_index=True),))


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


def _read_stored(build: Build, table: Table) -> pd.DataFrame:
    """A measure's rows, or none where the year was not computed from raw files."""
    if not build.warehouse.has(table, build.performance_year):
        return pd.DataFrame(columns=table.column_names)
    return build.read(table)


_SHR = Road(
    name="SHR",
    programs=("dfc", "qip"),
    tables=measured.MODELLED["shr"],
    cohort=cohort.SHR,
    read=_read_shr,
    upstream=(Upstream(history.PREVALENT_CONDITION),),
    code=(
        "families/hospitalisation.py",
        "families/rates.py",
        "measures/shr.py",
        "parameters/measure_specification.csv",
        "parameters/prevalent_condition_group.csv",
        "statistics/facility_rates.py",
        "statistics/rate_cells.py",
        "statistics/rates.py",
    ),
)
_ROADS: tuple[Road, ...] = (_SHR,)

_COHORT = (
    make_select_asset(
        "cohort.shr_days",
        description="Every day of the year of every patient with ESRD: whose SHR it counts in, or"
        " why in no one's, with the admissions that began then.",
        parameters=_choose,
    ),
    make_select_asset(
        "cohort.shr",
        description="SHR's person-periods: days at risk, admissions and adjusters.",
        parameters=_choose,
    ),
)
_RELIABILITY = TableAsset(
    tables=(measured.SHR_RELIABILITY,),
    compute=_measure_reliability,
    description="How reliable SHR is: inter-unit reliability, C-statistic.",
    upstream=(*_SHR.sources, Upstream(_SHR.tables.fit)),
    code=("statistics/concordance.py", "statistics/reliability.py", *_SHR.code),
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

_EXPLANATION = make_select_asset(
    "explain.shr",
    description="One facility's SHR patient by patient, for its authorised reader: which days"
    " count and which do not and why, admissions, and what was expected. Made for the facility"
    " named in the run's configuration; never by a refresh.",
    parameters=lambda build: {**_choose(build), "ccn": build.options["ccn"]},
)
_FACILITY_OPTION = {
    "ccn": dg.Field(
        str,
        default_value="",
        description="CMS Certification Number of the facility; without one the table is empty",
    )
}

ASSETS = (
    make_step("cohort", _COHORT),
    # A step each: some look back over more years of their cohort than others.
    *(make_step(road.name.lower(), make_road(road)) for road in _ROADS),
    make_step("reliability", (_RELIABILITY,)),
    make_step("contract", (_CONTRACT,)),
    # On its own: it alone takes a facility.
    make_step("explanation_of_shr", (_EXPLANATION,), options=_FACILITY_OPTION),
)
