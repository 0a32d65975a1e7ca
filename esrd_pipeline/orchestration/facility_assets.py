"""Assets of the facility layer: published files converted to the facility contract."""

import pandas as pd

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import facility, raw
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.release import RELEASE


def _read_or_none(step: StepContext, table: Table) -> pd.DataFrame | None:
    """Read a raw table, or None where this year has no such file (its partition has no row)."""
    frame = step.read(table)
    return None if frame.empty else frame


def _build_national(step: StepContext) -> StepResult:
    from esrd_pipeline.families.published import build_national
    from esrd_pipeline.sources.files_together import check_together

    dfc, nation, qip = (
        _read_or_none(step, table)
        for table in (raw.DFC_FACILITY, raw.DFC_NATIONAL, raw.QIP_COMPLETE)
    )
    files = {"dfc_facility": dfc, "dfc_national": nation, "qip_complete": qip}
    check_together(files, step.performance_year)
    frame = build_national(
        performance_year=step.performance_year, dfc=dfc, dfc_national=nation, qip=qip
    )
    sources = frame["source"].value_counts()
    return StepResult((frame,), notes={f"from {source}": int(n) for source, n in sources.items()})


def _read_registered(step: StepContext) -> pd.DataFrame | None:
    """Read the facilities of EQRS, in a year that was computed from patient-level files."""
    if not step.warehouse.has(facility.REGISTERED, step.performance_year):
        return None
    return step.read(facility.REGISTERED)


def _build_directory(step: StepContext) -> StepResult:
    from esrd_pipeline.families.published import build_directory

    frame = build_directory(
        performance_year=step.performance_year,
        dfc=_read_or_none(step, raw.DFC_FACILITY),
        qip=_read_or_none(step, raw.QIP_COMPLETE),
        registered=_read_registered(step),
    )
    return StepResult(
        (frame,),
        notes={
            "in the DFC file": int(frame["has_dfc_row"].sum()),
            "in the QIP file": int(frame["has_qip_row"].sum()),
        },
    )


def _build_published(step: StepContext) -> StepResult:
    from esrd_pipeline.families.published import publish_contract
    from esrd_pipeline.orchestration.pictures import draw_reportable_share
    from esrd_pipeline.sources.files_together import check_together

    dfc, qip, survey = (
        _read_or_none(step, table)
        for table in (raw.DFC_FACILITY, raw.QIP_COMPLETE, raw.ICH_CAHPS_FACILITY)
    )
    files = {"dfc_facility": dfc, "qip_complete": qip, "ich_cahps_facility": survey}
    check_together(files, step.performance_year)
    frame = publish_contract(
        performance_year=step.performance_year,
        dfc=dfc,
        qip=qip,
        ich_cahps=survey,
        national=step.read(facility.NATIONAL),
    )
    return StepResult(
        (frame,),
        notes={
            "facilities": int(frame["ccn"].nunique()),
            "measures": len(frame[["program", "measure"]].drop_duplicates()),
            "reportable rows": int(frame["reportable"].sum()),
        },
        picture=draw_reportable_share(frame),
    )


def _build_improvement(step: StepContext) -> StepResult:
    from esrd_pipeline.families.published import publish_improvement

    frame = publish_improvement(
        performance_year=step.performance_year, qip=_read_or_none(step, raw.QIP_COMPLETE)
    )
    return StepResult((frame,), notes={"reportable rows": int(frame["reportable"].sum())})


def _build_results(step: StepContext) -> StepResult:
    from esrd_pipeline.families.published import publish_results

    frame = publish_results(
        performance_year=step.performance_year,
        dfc=_read_or_none(step, raw.DFC_FACILITY),
        qip=_read_or_none(step, raw.QIP_COMPLETE),
        ich_cahps=_read_or_none(step, raw.ICH_CAHPS_FACILITY),
        files=_name_files(step),
    )
    return StepResult((frame,), notes={"files": ", ".join(sorted(frame["file_name"].unique()))})


def _name_files(step: StepContext) -> dict[str, str]:
    """Return the names of the files the year is made from, by source."""
    files = step.read(RELEASE, columns=("source", "file_name")).dropna()
    return dict(zip(files["source"], files["file_name"], strict=True))


_FILES = (Dependency(raw.DFC_FACILITY), Dependency(raw.QIP_COMPLETE))
_ALL_FILES = (*_FILES, Dependency(raw.ICH_CAHPS_FACILITY))

_TABLES = (
    TableAsset(
        tables=(facility.NATIONAL,),
        compute=_build_national,
        description="National level of every published measure, and how many facilities CMS put"
        " in each category.",
        dependencies=(*_FILES, Dependency(raw.DFC_NATIONAL)),
    ),
    TableAsset(
        tables=(facility.DIRECTORY,),
        compute=_build_directory,
        description="The facilities: name, place, chain, services, certification date.",
        dependencies=(*_FILES, Dependency(facility.REGISTERED)),
    ),
    TableAsset(
        tables=(facility.PUBLISHED,),
        compute=_build_published,
        description="Every published measure in the facility contract: value, limits, units,"
        " and whether it is reportable or why not.",
        dependencies=(*_ALL_FILES, Dependency(facility.NATIONAL)),
    ),
    TableAsset(
        tables=(facility.PUBLISHED_IMPROVEMENT,),
        compute=_build_improvement,
        description="Rates of the improvement period, the year before, as published in this"
        " year's QIP file.",
        dependencies=(Dependency(raw.QIP_COMPLETE),),
    ),
    TableAsset(
        tables=(facility.PUBLISHED_RESULT,),
        compute=_build_results,
        description="The categories, scores, stars and payment reductions CMS published, to compare"
        " ours with.",
        dependencies=(*_ALL_FILES, Dependency(RELEASE)),
    ),
)

_REGISTERED = make_select_asset(
    "facility.registered",
    description="The facilities of both programs' lists with their EQRS description.",
)

ASSETS = (make_multi_asset("registered", (_REGISTERED,)), make_multi_asset("facility", _TABLES))
