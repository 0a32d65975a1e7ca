"""Assets of the facility layer: published files brought into the facility contract."""

import pandas as pd

from esrd_pipeline.orchestration.build import Build, Built
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import TableAsset, Upstream, make_step
from esrd_pipeline.tables import facility, raw
from esrd_pipeline.tables.model import Table

_CODE = (
    "families/published.py",
    "families/published_fields.py",
    *(
        f"parameters/{name}.csv"
        for name in (
            "availability_code",
            "published_column",
            "published_field",
            "published_measure",
            "qip_footnote",
        )
    ),
)


def _read_or_none(build: Build, table: Table) -> pd.DataFrame | None:
    """A raw table, or None where this year has no such file (its partition holds no row)."""
    frame = build.read(table)
    return None if frame.empty else frame


def _build_national(build: Build) -> Built:
    from esrd_pipeline.families.published import build_national

    frame = build_national(
        performance_year=build.performance_year,
        dfc=_read_or_none(build, raw.DFC_FACILITY),
        dfc_national=_read_or_none(build, raw.DFC_NATIONAL),
        qip=_read_or_none(build, raw.QIP_COMPLETE),
    )
    sources = frame["source"].value_counts()
    return Built((frame,), notes={f"from {source}": int(n) for source, n in sources.items()})


def _read_registered(build: Build) -> pd.DataFrame | None:
    """The facilities EQRS knows, in a year that was computed from patient-level files."""
    if not build.warehouse.has(facility.REGISTERED, build.performance_year):
        return None
    return build.read(facility.REGISTERED)


def _build_directory(build: Build) -> Built:
    from esrd_pipeline.families.published import build_directory

    frame = build_directory(
        performance_year=build.performance_year,
        dfc=_read_or_none(build, raw.DFC_FACILITY),
        qip=_read_or_none(build, raw.QIP_COMPLETE),
        registered=_read_registered(build),
    )
    return Built(
        (frame,),
        notes={
            "in the DFC file": int(frame["has_dfc_row"].sum()),
            "in the QIP file": int(frame["has_qip_row"].sum()),
        },
    )


def _build_published(build: Build) -> Built:
    from esrd_pipeline.families.published import publish_contract
    from esrd_pipeline.orchestration.pictures import draw_reportable_share

    frame = publish_contract(
        performance_year=build.performance_year,
        dfc=_read_or_none(build, raw.DFC_FACILITY),
        qip=_read_or_none(build, raw.QIP_COMPLETE),
        ich_cahps=_read_or_none(build, raw.ICH_CAHPS_FACILITY),
        national=build.read(facility.NATIONAL),
    )
    return Built(
        (frame,),
        notes={
            "facilities": int(frame["ccn"].nunique()),
            "measures": len(frame[["program", "measure"]].drop_duplicates()),
            "reportable rows": int(frame["reportable"].sum()),
        },
        picture=draw_reportable_share(frame),
    )


def _build_improvement(build: Build) -> Built:
    from esrd_pipeline.families.published import publish_improvement

    frame = publish_improvement(
        performance_year=build.performance_year, qip=_read_or_none(build, raw.QIP_COMPLETE)
    )
    return Built((frame,), notes={"reportable rows": int(frame["reportable"].sum())})


def _build_results(build: Build) -> Built:
    from esrd_pipeline.families.published import publish_results

    frame = publish_results(
        performance_year=build.performance_year,
        dfc=_read_or_none(build, raw.DFC_FACILITY),
        qip=_read_or_none(build, raw.QIP_COMPLETE),
        ich_cahps=_read_or_none(build, raw.ICH_CAHPS_FACILITY),
    )
    return Built((frame,))


_FILES = (Upstream(raw.DFC_FACILITY), Upstream(raw.QIP_COMPLETE))
_ALL_FILES = (*_FILES, Upstream(raw.ICH_CAHPS_FACILITY))

_TABLES = (
    TableAsset(
        tables=(facility.NATIONAL,),
        compute=_build_national,
        description="National level of every published measure, and how many facilities CMS put"
        " in each category.",
        upstream=(*_FILES, Upstream(raw.DFC_NATIONAL)),
        code=_CODE,
    ),
    TableAsset(
        tables=(facility.DIRECTORY,),
        compute=_build_directory,
        description="Who the facilities are: name, place, chain, services, certification date.",
        upstream=(*_FILES, Upstream(facility.REGISTERED)),
        code=_CODE,
    ),
    TableAsset(
        tables=(facility.PUBLISHED,),
        compute=_build_published,
        description="Every published measure in the facility contract: value, limits, units,"
        " and whether it is reportable or why not.",
        upstream=(*_ALL_FILES, Upstream(facility.NATIONAL)),
        code=_CODE,
    ),
    TableAsset(
        tables=(facility.PUBLISHED_IMPROVEMENT,),
        compute=_build_improvement,
        description="The year before, as printed beside it in this year's QIP file: the"
        " improvement period's rates.",
        upstream=(Upstream(raw.QIP_COMPLETE),),
        code=_CODE,
    ),
    TableAsset(
        tables=(facility.PUBLISHED_RESULT,),
        compute=_build_results,
        description="The categories, scores, stars and payment reductions CMS printed, to hold"
        " ours against.",
        upstream=_ALL_FILES,
        code=_CODE,
    ),
)

_REGISTERED = make_select_asset(
    "facility.registered",
    description="The facilities of both programs' lists as EQRS describes them.",
)

ASSETS = (make_step("registered", (_REGISTERED,)), make_step("facility", _TABLES))
