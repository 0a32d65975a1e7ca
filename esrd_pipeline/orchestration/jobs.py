"""Jobs that an operator launches: refresh, the two star operations, explanation, export."""

import dagster as dg
from pydantic import Field

from esrd_pipeline.orchestration.partitions import performance_years
from esrd_pipeline.orchestration.resources import Storage
from esrd_pipeline.tables import explain
from esrd_pipeline.tables.catalog import COMPUTED_TABLES, PATIENT_TABLES
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.program import STAR_BASELINE
from esrd_pipeline.tables.raw import ECE_GRANT
from esrd_pipeline.tables.release import RELEASE
from esrd_pipeline.tables.site import SITE


def _select(*tables: Table) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(dg.AssetKey(table.path) for table in tables))


_BASELINE = _select(STAR_BASELINE)
_EXPLANATIONS = _select(*explain.TABLES)
_SITE = _select(SITE)
# Tables computed from patients, and the measures computed from them.
_FROM_PATIENTS = _select(*PATIENT_TABLES, *COMPUTED_TABLES)
_BASELINE_STEP = "_".join(STAR_BASELINE.path)

STAR_OPERATIONS = {
    "reset_star_baseline": {"ops": {_BASELINE_STEP: {"config": {"operation": "reset"}}}},
    "rebaseline_stars": {"ops": {_BASELINE_STEP: {"config": {"operation": "rebaseline"}}}},
}
"""Run configuration of the two star operations, by job."""

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all() - _BASELINE - _EXPLANATIONS - _SITE,
    description="Everything of one performance year, from its patient-level and published files"
    " to its reports, with the stored star baseline.",
)

refresh_published = dg.define_asset_job(
    "refresh_published",
    selection=dg.AssetSelection.all() - _BASELINE - _FROM_PATIENTS - _SITE,
    description="One performance year from its published files alone. Measures that were computed"
    " from patient-level files before stay as they are stored.",
)

measure = dg.define_asset_job(
    "measure",
    selection=(_FROM_PATIENTS | _select(RELEASE, ECE_GRANT)) - _EXPLANATIONS,
    description="The measures of one performance year that are computed from patient-level files,"
    " and nothing of the programs.",
)

_EXPLAINED = {
    "recurrent_events": (explain.RECURRENT_EVENTS, "SHR, STrR or SEDR patient by patient"),
    "patient_months": (explain.PATIENT_MONTHS, "patient-months in one measure"),
    "yearly": (explain.YEARLY, "patients in one measure of patients"),
    "reported": (explain.REPORTED, "own reports in one measure, item by item"),
    "discharges": (explain.DISCHARGES, "discharges in SRR or ED30"),
    "access": (explain.ACCESS, "patient-months in SFR or PPPW"),
    "adjusters": (explain.ADJUSTERS, "adjusters, patient by patient, in one modelled measure"),
    "survival": (
        explain.SURVIVAL,
        "mortality, first-year waitlisting or modality switches patient by patient",
    ),
}
EXPLANATIONS = tuple(
    dg.define_asset_job(
        f"explain_{kind}",
        selection=_select(table),
        description=f"One facility's {what}: name its CCN and the measure in the configuration.",
    )
    for kind, (table, what) in _EXPLAINED.items()
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
    description="Make this year the star baseline with cut-offs that reproduce the star counts of"
    " its release (manual 5.9.1): those CMS published, else our stored ones of the year.",
)


site = dg.define_asset_job(
    "site",
    selection=_SITE,
    description="Write the year's static site: pages of the nation, the Networks, states, chains"
    " and facilities, from the stored tables.",
)


class ReleaseConfig(dg.Config):
    """How a release is named."""

    name: str = Field(default="", description="Name of the release; the run's id if empty")


@dg.op(
    description="Write the year's facility, program and report tables as CSV into a new release"
    " folder, with cells under 11 patients suppressed.",
)
def write_release(context: dg.OpExecutionContext, storage: Storage, config: ReleaseConfig) -> str:
    """Export one year and return the folder."""
    from esrd_pipeline.export import export_year

    settings = storage.settings()
    year = int(context.partition_key)
    folder = settings.data_dir / "releases" / str(year) / (config.name or context.run_id)
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


JOBS = (
    refresh,
    refresh_published,
    measure,
    reset_star_baseline,
    rebaseline_stars,
    *EXPLANATIONS,
    site,
    export,
)
