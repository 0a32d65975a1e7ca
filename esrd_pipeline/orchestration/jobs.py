"""Jobs that an operator launches: refresh, star operations, explanation, export, release."""

import dagster as dg
from pydantic import Field

from esrd_pipeline.orchestration.partitions import performance_years
from esrd_pipeline.orchestration.release_assets import STEP as RELEASE_STEP
from esrd_pipeline.orchestration.resources import Storage
from esrd_pipeline.orchestration.unchanged import CHANGED_TAG
from esrd_pipeline.tables import emergency as emergencies
from esrd_pipeline.tables import explain, standing
from esrd_pipeline.tables.catalog import COMPUTED_TABLES, PATIENT_TABLES
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.network_inputs import EMERGENCY_TABLES, NETWORK_EXTRACT
from esrd_pipeline.tables.program import STAR_BASELINE
from esrd_pipeline.tables.quarter_release import QUARTER_RELEASE
from esrd_pipeline.tables.raw import ECE_GRANT
from esrd_pipeline.tables.release import RELEASE
from esrd_pipeline.tables.site import SITE


def _select(*tables: Table) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(dg.AssetKey(table.path) for table in tables))


_BASELINE = _select(STAR_BASELINE)
_EMERGENCY = _select(*emergencies.PATIENT_TABLES, *emergencies.TABLES)
_AFTER_EMERGENCY = _select(*emergencies.AFTER_TABLES)
# What is made for one facility or one day, when somebody asks.
_EXPLANATIONS = _select(*explain.TABLES) | _EMERGENCY | _AFTER_EMERGENCY
_SITE = _select(SITE)
_RELEASES = _select(QUARTER_RELEASE)
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
    selection=dg.AssetSelection.all() - _BASELINE - _EXPLANATIONS - _SITE - _RELEASES,
    description="Everything of one performance year, from its patient-level and published files"
    " to its reports, with the stored star baseline.",
)

refresh_changed = dg.define_asset_job(
    "refresh_changed",
    selection=refresh.selection,
    tags={CHANGED_TAG: "yes"},
    description="The same, but a table is kept as stored if its files, code, parameters and all it"
    " reads are as they were; its record and checks then say `unchanged, kept`. As `esrd refresh"
    " --changed`. Any other job does so with the tag esrd/changed.",
)

refresh_published = dg.define_asset_job(
    "refresh_published",
    selection=dg.AssetSelection.all() - _BASELINE - _FROM_PATIENTS - _SITE - _RELEASES,
    description="One performance year from its published files alone. Measures that were computed"
    " from patient-level files before stay as they are stored.",
)

measure = dg.define_asset_job(
    "measure",
    # Standings against goals read the facility contract and the candidates.
    selection=(_FROM_PATIENTS | _select(RELEASE, ECE_GRANT))
    - _EXPLANATIONS
    - _select(*standing.TABLES),
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

emergency = dg.define_asset_job(
    "emergency",
    selection=_select(NETWORK_EXTRACT, *EMERGENCY_TABLES) | _EMERGENCY,
    description="One area on one day: reads the Network's files of statuses, declarations and"
    " assets again, counts patients and needs, finds room, writes the page for a phone: as `esrd"
    " emergency`, and stored.",
)

emergency_effect = dg.define_asset_job(
    "emergency_effect",
    selection=_select(NETWORK_EXTRACT, *EMERGENCY_TABLES, *emergencies.EFFECT_TABLES),
    description="What an emergency did to an area's patients, against the same area a year before"
    " and states without one: as `esrd emergency-effect`, and stored.",
)

propose_exceptions = dg.define_asset_job(
    "propose_exceptions",
    selection=_select(NETWORK_EXTRACT, *EMERGENCY_TABLES, emergencies.EXCEPTION_PROPOSAL),
    description="The months for which closed facilities could ask for an exception: as `esrd"
    " propose-exceptions`, and stored. It grants none.",
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


release = dg.define_asset_job(
    "release",
    selection=_RELEASES,
    config={"ops": {RELEASE_STEP: {"config": {"operation": "candidate"}}}},
    description="Make the candidate of a quarter's release from the stored year, if the gate lets"
    " it pass: name the quarter in the configuration. A second person approves it with"
    " `esrd release --approve`.",
)


class ExportConfig(dg.Config):
    """How an export is named."""

    name: str = Field(default="", description="Name of the export; the run's id if empty")


@dg.op(
    description="Write the year's facility, program and report tables as CSV into a new release"
    " folder, with cells under 11 patients suppressed.",
)
def write_release(context: dg.OpExecutionContext, storage: Storage, config: ExportConfig) -> str:
    """Export one year and return the folder."""
    from esrd_pipeline.export import export_year
    from esrd_pipeline.settings import check_export_name

    settings = storage.settings()
    year = int(context.partition_key)
    if config.name:
        check_export_name(config.name)
    folder = settings.releases_dir / str(year) / (config.name or context.run_id)
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
    refresh_changed,
    refresh_published,
    measure,
    reset_star_baseline,
    rebaseline_stars,
    *EXPLANATIONS,
    emergency,
    emergency_effect,
    propose_exceptions,
    site,
    export,
    release,
)
