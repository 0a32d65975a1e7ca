"""The asset of the static site."""

import pandas as pd

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import (
    change,
    exclusion,
    facility,
    measured,
    monitor,
    network,
    program,
    source_agreement,
    standing,
    trend,
    what_if,
)
from esrd_pipeline.tables.site import SITE


def _write_site(step: StepContext) -> StepResult:
    from esrd_pipeline.orchestration.pictures import draw_tps
    from esrd_pipeline.program.qip_rules import load_rules
    from esrd_pipeline.program.qip_tps import list_bands
    from esrd_pipeline.site.build import build_site
    from esrd_pipeline.site.data import open_site_data

    year = step.performance_year
    folder = step.settings.site_dir / str(year)
    built = build_site(open_site_data(step.warehouse, year), folder)
    rows = [
        {
            "kind": kind.kind,
            "performance_year": year,
            "page_count": kind.pages,
            "size_bytes": kind.bytes,
            "largest_bytes": kind.largest,
            "example": kind.example,
        }
        for kind in built
    ]
    tps = step.read(program.QIP_TPS)
    scored = tps[tps["tps"].notna()]
    picture = None
    if not scored.empty:
        first = scored.iloc[0]
        rules = load_rules(int(first["payment_year"]), str(first["rule_set"]))
        picture = draw_tps(scored, list_bands(rules))
    return StepResult(
        (pd.DataFrame(rows, columns=SITE.column_names),),
        notes={"address": (folder / "index.html").as_uri(), "pages": sum(k.pages for k in built)},
        picture=picture,
    )


ASSETS = (
    make_multi_asset(
        "static_site",
        (
            TableAsset(
                tables=(SITE,),
                compute=_write_site,
                description="The year's static site: pages of the nation, the Networks, states,"
                " chains and facilities, for people who do not open Dagster. The folder is"
                " replaced when all pages are written.",
                dependencies=tuple(
                    Dependency(table)
                    for table in (
                        measured.CONTRACT,
                        facility.DIRECTORY,
                        facility.LEVEL,
                        program.FLAGS,
                        program.QIP_MEASURE_SCORE,
                        program.QIP_DOMAIN_SCORE,
                        program.QIP_TPS,
                        program.STARS,
                        program.STAR_MEASURE_SCORE,
                        trend.TREND,
                        network.CANDIDATE,
                        network.PEER,
                        monitor.SIGNAL,
                        network.INDICATORS,
                        *standing.TABLES,
                        change.CHANGE,
                        source_agreement.SOURCE_AGREEMENT,
                        trend.STRATUM,
                        trend.COHORT,
                        exclusion.EXCLUSION,
                        *what_if.TABLES,
                        what_if.REDUCTION_DOLLARS,
                    )
                ),
                kinds=frozenset({"html", "parquet"}),
            ),
        ),
        forks=True,
    ),
)
