"""Assets of measures computed from raw files: cohort, fit, witness and facilities of each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd

from esrd_pipeline.orchestration.absent import leave_empty
from esrd_pipeline.orchestration.build import Build, Built
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import TableAsset, Upstream, make_step
from esrd_pipeline.tables import cohort, facility, history, linkage, measured
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from esrd_pipeline.measures.specification import Program, Specification

PROGRAMS: tuple["Program", ...] = ("dfc", "qip")
SAMPLE_SEED = 2728
SAMPLE_FACILITIES = 25
MOST_DIFFERENCE = 1e-4
"""Relative to the larger of estimate and standard error; beyond it the two fits disagree."""
_CODE = (
    "families/cohort.py",
    "families/conditions.py",
    "families/contract.py",
    "families/fits.py",
    "families/hospitalisation.py",
    "families/listed.py",
    "families/rates.py",
    "measures/shr.py",
    "parameters/measure_specification.csv",
    "parameters/prevalent_condition_group.csv",
)


def _choose(build: Build) -> Mapping[str, object]:
    from esrd_pipeline.families.hospitalisation import choose_specification

    return {"specification": choose_specification(build.performance_year)}


def _prepare(build: Build, program: "Program") -> "tuple[Specification, pa.Table]":
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


def _has_no_cohort(build: Build) -> bool:
    return not build.warehouse.count_rows(cohort.SHR, build.performance_year)


def _fit_shr(build: Build) -> Built:
    from esrd_pipeline.families import rates
    from esrd_pipeline.families.hospitalisation import estimate_reliability, group_by_risk
    from esrd_pipeline.orchestration.pictures import draw_calibration

    if _has_no_cohort(build):
        return leave_empty(measured.SHR_FIT, measured.SHR_RELIABILITY)
    fits, reliability, deciles, notes = [], [], [], {}
    for program in PROGRAMS:
        specification, rows = _prepare(build, program)
        fit = rates.fit_measure(specification, build.performance_year, rows)
        stored = rates.read_fit(specification, fit).regression
        notes |= {
            f"{program}: rows": stored.row_count,
            f"{program}: admissions": stored.event_count,
            f"{program}: terms": len(stored.names),
            f"{program}: steps": stored.iterations,
        }
        fits.append(fit)
        reliability.append(estimate_reliability(specification, build.performance_year, fit, rows))
        deciles.append(group_by_risk(specification, fit, rows))
    return Built(
        (pd.concat(fits, ignore_index=True), pd.concat(reliability, ignore_index=True)),
        notes=notes,
        picture=draw_calibration(deciles[PROGRAMS.index("dfc")]),
    )


def _witness_shr(build: Build) -> Built:
    from esrd_pipeline.families.second_opinion import compare_rates_fit, tell_difference

    if _has_no_cohort(build):
        return leave_empty(measured.SHR_SECOND_OPINION)
    compared = []
    for program in PROGRAMS:
        specification, rows = _prepare(build, program)
        compared.append(
            compare_rates_fit(
                specification,
                build.performance_year,
                rows,
                seed=SAMPLE_SEED,
                facility_count=SAMPLE_FACILITIES,
            )
        )
    frame = pd.concat(compared, ignore_index=True)
    largest, sentence = tell_difference(frame)
    return Built(
        (frame,),
        notes={"largest difference": largest},
        warning=sentence if largest > MOST_DIFFERENCE else None,
    )


def _assess_shr(build: Build) -> Built:
    from esrd_pipeline.families import rates
    from esrd_pipeline.families.hospitalisation import finish
    from esrd_pipeline.orchestration.pictures import draw_ratio

    if _has_no_cohort(build):
        return leave_empty(measured.SHR, measured.SHR_NULL, cohort.SHR_EXPECTED)
    fit = build.read(measured.SHR_FIT)
    contracts, nulls, expected, picture = [], [], [], None
    for program in PROGRAMS:
        specification, rows = _prepare(build, program)
        mine = fit[fit["program"] == program]
        assessed = rates.assess_facilities(specification, build.performance_year, mine, rows)
        expected.append(rates.expect_by_period(specification, mine, rows))
        facilities = build.read(linkage.FACILITY, program=program)
        contract = finish(program, build.performance_year, assessed, facilities)
        contracts.append(contract)
        if program == "dfc":
            nulls.append(assessed.null_rows)
            picture = draw_ratio(contract, assessed.null)
    frame = pd.concat(contracts, ignore_index=True)
    reported = frame[frame["reportable"].astype(bool)]
    return Built(
        (
            frame,
            pd.concat(nulls, ignore_index=True),
            pd.concat(expected, ignore_index=True),
        ),
        notes={
            "facilities": int(frame["ccn"].nunique()),
            "reportable rows": len(reported),
            **{
                str(name): int(count) for name, count in reported["category"].value_counts().items()
            },
        },
        picture=picture,
    )


def _unite(build: Build) -> Built:
    from esrd_pipeline.families.united import unite_contract

    computed = [
        _read_stored(build, table) for table in (measured.SHR, measured.MONTHLY, measured.REPORTING)
    ]
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


_COHORT_OF_SHR = (Upstream(cohort.SHR), Upstream(history.PREVALENT_CONDITION))

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
_MEASURES = (
    TableAsset(
        tables=(measured.SHR_FIT, measured.SHR_RELIABILITY),
        compute=_fit_shr,
        description="SHR's national model, both stages, fitted for each program; how reliable"
        " the measure is.",
        upstream=_COHORT_OF_SHR,
        code=("statistics/rates.py", "statistics/rate_cells.py", *_CODE),
    ),
    TableAsset(
        tables=(measured.SHR_SECOND_OPINION,),
        compute=_witness_shr,
        description="The same model fitted by statsmodels to a seeded sample of facilities,"
        " beside ours. Its plausibility check warns where they disagree.",
        upstream=_COHORT_OF_SHR,
        code=("families/second_opinion.py", *_CODE),
    ),
    TableAsset(
        tables=(measured.SHR, measured.SHR_NULL, cohort.SHR_EXPECTED),
        compute=_assess_shr,
        description="SHR of every facility: observed, expected, ratio, rate; for Dialysis"
        " Facility Measures limits, p-value against the empirical null, and category.",
        upstream=(*_COHORT_OF_SHR, Upstream(measured.SHR_FIT), Upstream(linkage.FACILITY)),
        code=("statistics/facility_rates.py", "statistics/empirical_null.py", *_CODE),
    ),
)
_CONTRACT = TableAsset(
    tables=(measured.CONTRACT,),
    compute=_unite,
    description="What programs score and rate: every measure computed from raw files, the others"
    " as published.",
    upstream=(
        Upstream(facility.PUBLISHED),
        Upstream(measured.SHR),
        Upstream(measured.MONTHLY),
        Upstream(measured.REPORTING),
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
    make_step("measures", _MEASURES),
    make_step("contract", (_CONTRACT,)),
    # On its own: it alone takes a facility.
    make_step("explanation_of_shr", (_EXPLANATION,), options=_FACILITY_OPTION),
)
