"""The command that writes a stored fit as files for statisticians."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from esrd_pipeline.cli_checks import require_stored
from esrd_pipeline.settings import load_settings

if TYPE_CHECKING:
    from esrd_pipeline.families.fit_files import Exported
    from esrd_pipeline.measures.specification import Program
    from esrd_pipeline.orchestration.context import StepContext
    from esrd_pipeline.orchestration.modelled_measure import ModelledMeasure

FITTED = (
    *("shr", "strr", "sedr", "smr", "swr", "smosr", "srr", "ed30", "sfr", "pppw"),
    "shr_submission",
)
"""Measures with a national model; named here, so that the command answers without their imports."""
_README = """\
{measure} of program {program}, performance year {year}: the fit, and what it was fitted to.

coefficients              estimates by stage with robust standard errors and 95% limits
*_covariance_of_stage_N   covariance of the coefficients as a matrix: of the model, and robust
                          (clustered by patient)
baseline                  rates by interval, or the cumulative hazard by day
other_elements            convergence, what was dropped, effects, groups (fit.{measure}, element)
design                    the rows of the model; adjusters by name, float32 as they are fitted
sample                    the same of {facilities} facilities, fitted anew by us; of a GEE with
                          each facility's intercept
refit.R                   refits the sample with another library and compares

Everything but the script is there as Parquet and as CSV. Facilities, patients and hospitals have
numbers of their own, drawn anew at every export, and the rows stand in random order. They are
still rows of patients: the folder is its owner's alone, and not for publication.
{no_sample}"""


@click.command("fit")
@click.argument("measure", type=click.Choice(FITTED))
@click.option("--year", type=int, required=True, help="Performance year; its fit is stored.")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write: new, or empty.",
)
@click.option(
    "--program",
    type=click.Choice(["dfc", "qip"]),
    help="Only this program's model; without it, every program's.",
)
def write_fits(measure: str, year: int, folder: Path, program: "Program | None") -> None:
    """Write a measure's fit: coefficients, covariance, baseline, design, and an R script."""
    settings = load_settings()
    require_stored(settings, year)
    from esrd_pipeline.orchestration.context import StepContext
    from esrd_pipeline.private import make_private_folder
    from esrd_pipeline.stored_schema import OutdatedPartitionError
    from esrd_pipeline.warehouse import MissingPartitionError, open_warehouse

    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty: name another folder")
    step = StepContext(year, open_warehouse(settings), settings)
    modelled = find_modelled(measure)
    programs: list[Program] = [of for of in modelled.programs if program in (None, of)]
    if not programs:
        raise click.ClickException(f"{measure} is no measure of {program}")
    try:
        for of in programs:
            below = make_private_folder(folder.absolute(), of)
            written = _write(step, modelled, of, below)
            count = len(written.files) + 1
            click.echo(f"{measure} of {of}: {count} files under {below}")
            if written.no_sample:
                click.echo(f"  no sample for R: {written.no_sample}")
            else:
                click.echo(f"  compare: cd {below} && Rscript refit.R")
    except (MissingPartitionError, OutdatedPartitionError, LookupError) as missing:
        raise click.ClickException(str(missing)) from missing


def find_modelled(measure: str) -> "ModelledMeasure":
    """Return how a measure's cohort is read."""
    from esrd_pipeline.orchestration import (
        access_assets,
        discharges_assets,
        recurrent_events_assets,
        survival_assets,
    )
    from esrd_pipeline.tables import measured

    by_fit = {
        modelled.tables.fit.name: modelled
        for modelled in (
            *recurrent_events_assets.MODELLED_MEASURES,
            recurrent_events_assets.SHR_SUBMISSION,
            *survival_assets.MODELLED_MEASURES,
            *discharges_assets.MODELLED_MEASURES,
            *access_assets.MODELLED_MEASURES,
        )
    }
    of_submission = measured.SHR_SUBMISSION if measure == "shr_submission" else None
    return by_fit[(of_submission or measured.MODELLED[measure]).fit.name]


def _write(
    step: "StepContext", modelled: "ModelledMeasure", program: "Program", folder: Path
) -> "Exported":
    from esrd_pipeline.families.fit_files import SAMPLE_FACILITIES, write_fit

    fit = step.read(modelled.tables.fit, program=program)
    if fit.empty:
        raise LookupError(
            f"{modelled.tables.fit.name} {step.performance_year} has no fit of {program}: the year"
            " has no cohort"
        )
    specification, cohort = modelled.read(step, program)
    written = write_fit(specification, step.performance_year, fit, cohort, folder)
    text = _README.format(
        measure=specification.measure,
        program=program,
        year=step.performance_year,
        facilities=SAMPLE_FACILITIES,
        no_sample=f"\nThere is no sample: {written.no_sample}.\n" if written.no_sample else "",
    )
    readme = folder / "README.txt"
    readme.write_text(text, encoding="utf-8")
    readme.chmod(0o600)
    return written
