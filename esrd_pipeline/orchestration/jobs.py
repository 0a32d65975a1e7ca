"""What an operator launches: a refresh, the two star operations, an export."""

import dagster as dg

from esrd_pipeline.orchestration.partitions import performance_years
from esrd_pipeline.orchestration.resources import Storage
from esrd_pipeline.tables.program import STAR_BASELINE

_BASELINE = dg.AssetSelection.assets(dg.AssetKey(STAR_BASELINE.path))
_BASELINE_STEP = "_".join(STAR_BASELINE.path)

STAR_OPERATIONS = {
    "reset_star_baseline": {"ops": {_BASELINE_STEP: {"config": {"operation": "reset"}}}},
    "rebaseline_stars": {
        "ops": {_BASELINE_STEP: {"config": {"operation": "rebaseline", "counts_from": "published"}}}
    },
}
"""Run configuration of the two star operations, by job."""

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all() - _BASELINE,
    description="Everything of one performance year, from its source files to its reports,"
    " against the star baseline stored.",
)

reset_star_baseline = dg.define_asset_job(
    "reset_star_baseline",
    selection=_BASELINE,
    config=STAR_OPERATIONS["reset_star_baseline"],
    description="Make this year the star baseline: 10/20/40/20/10 percent (manual 5.9.2)."
    " Refresh the years that follow afterwards.",
)

rebaseline_stars = dg.define_asset_job(
    "rebaseline_stars",
    selection=_BASELINE,
    config=STAR_OPERATIONS["rebaseline_stars"],
    description="Make this year the star baseline with cut-offs that reproduce its release's"
    " star counts (manual 5.9.1).",
)


@dg.op(
    config_schema={
        "name": dg.Field(
            str, default_value="", description="Name of the release; the run's id if empty"
        )
    },
    description="Write the year's facility, program and report tables as CSV into a new release"
    " folder, with cells under 11 patients suppressed.",
)
def write_release(context: dg.OpExecutionContext, storage: Storage) -> str:
    """Export one year and return the folder."""
    from esrd_pipeline.export import export_year

    settings = storage.settings()
    year = int(context.partition_key)
    folder = (
        settings.data_dir / "releases" / str(year) / (context.op_config["name"] or context.run_id)
    )
    written = export_year(
        warehouse=storage.warehouse(), performance_year=year, folder=folder, origin=settings.origin
    )
    context.add_output_metadata({"folder": dg.MetadataValue.path(str(folder)), "files": written})
    return str(folder)


@dg.job(
    partitions_def=performance_years,
    description="Write the year's tables as an immutable release of CSV files.",
)
def export() -> None:
    """One step: write the release."""
    write_release()


JOBS = (refresh, reset_star_baseline, rebaseline_stars, export)
