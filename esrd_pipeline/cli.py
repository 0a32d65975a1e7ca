"""The `esrd` command: each subcommand launches a job that the UI can launch too."""

import gc
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from esrd_pipeline.settings import Settings, load_settings

DEMO_YEARS = (2022, 2025)
"""Four years of the embedded default: two of baseline before the two with a QIP rule set."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="esrd_pipeline")
def main() -> None:
    """Compute the CMS ESRD quality measures, QIP scores and star ratings."""
    # Imports make hundreds of thousands of objects that live to the end: collecting among them
    # as often as Python does by default costs a tenth of a refresh.
    gc.set_threshold(200_000, 50, 100)


@main.command()
def demo() -> None:
    """Refresh four years of the embedded default and show where the results are."""
    settings = load_settings()
    if settings.origin == "published":
        raise click.ClickException(
            f"{settings.published_dir} holds published files: use `esrd refresh --year` on them,"
            " or set ESRD_DATA_DIR to an empty folder for the demonstration"
        )
    first, last = DEMO_YEARS
    _refresh_years(range(first, last + 1), settings=settings, baseline="reset", cutoff=None)
    _show_results(settings, last)


@main.command()
@click.option("--year", type=int, required=True, help="Performance year.")
@click.option(
    "--cutoff",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Read only files released by this day.",
)
@click.option(
    "--star-baseline",
    type=click.Choice(["reset", "rebaseline"]),
    help="First make this year the star baseline, with this operation.",
)
def refresh(year: int, cutoff: object, star_baseline: str | None) -> None:
    """Refresh one performance year from its source files."""
    settings = load_settings()
    _refresh_years([year], settings=settings, baseline=star_baseline, cutoff=_iso(cutoff))
    _show_results(settings, year)


@main.command()
@click.option("--from", "first", type=int, required=True, help="First performance year.")
@click.option("--to", "last", type=int, required=True, help="Last performance year.")
@click.option(
    "--star-baseline",
    type=click.Choice(["reset", "rebaseline"]),
    help="First make the first year the star baseline, with this operation.",
)
def backfill(first: int, last: int, star_baseline: str | None) -> None:
    """Refresh several years, earlier ones first: later ones rest on them."""
    if first > last:
        raise click.BadParameter(f"--from {first} is after --to {last}")
    settings = load_settings()
    _refresh_years(range(first, last + 1), settings=settings, baseline=star_baseline, cutoff=None)
    _show_results(settings, last)


@main.command()
@click.option("--year", type=int, required=True, help="Performance year.")
@click.option("--name", default="", help="Name of the release; the run's id if not given.")
def export(year: int, name: str) -> None:
    """Write a year's tables as an immutable release of CSV files."""
    _launch("export", year, run_config={"ops": {"write_release": {"config": {"name": name}}}})
    click.echo(f"Written under {load_settings().data_dir / 'releases' / str(year)}")


@main.command()
@click.option("--port", type=int, default=3000, show_default=True, help="Port of the UI.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
def ui(port: int, host: str) -> None:
    """Open Dagster's own webserver and daemon on this installation."""
    _prepare_home(load_settings())
    dagster = shutil.which("dagster", path=str(Path(sys.executable).parent)) or "dagster"
    command = [dagster, "dev", "-m", "esrd_pipeline.definitions", "-p", str(port), "-h", host]
    click.echo(f"Dagster's UI: http://{host}:{port}  (stop with Ctrl+C)")
    # Dagster's own process takes this one's place, so that signals and exit codes are its own.
    os.execv(command[0], command)  # noqa: S606 - a fixed command of this installation


def _iso(day: object) -> str | None:
    return f"{day:%Y-%m-%d}" if day is not None else None


def _prepare_home(settings: Settings) -> None:
    from esrd_pipeline.orchestration.instance import prepare_dagster_home

    home = prepare_dagster_home(settings.dagster_home)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")


def _refresh_years(
    years: range | list[int], *, settings: Settings, baseline: str | None, cutoff: str | None
) -> None:
    from esrd_pipeline.orchestration.table_asset import CUTOFF_TAG

    tags = {CUTOFF_TAG: cutoff} if cutoff else {}
    operation = {"reset": "reset_star_baseline", "rebaseline": "rebaseline_stars"}
    for position, year in enumerate(years):
        if position == 0 and baseline:
            # The baseline rests on the year's facility tables, the year's stars on the baseline.
            _launch("refresh", year, tags=tags, only_through="facility")
            _launch(operation[baseline], year, tags=tags)
        _launch("refresh", year, tags=tags)
    click.echo(f"Stored under {settings.warehouse_dir}")


def _launch(
    job: str,
    year: int,
    *,
    tags: Mapping[str, str] | None = None,
    run_config: Mapping[str, object] | None = None,
    only_through: str | None = None,
) -> None:
    """Run a job of the definitions in Dagster's instance, with a progress bar in a terminal."""
    _prepare_home(load_settings())
    from esrd_pipeline.definitions import defs
    from esrd_pipeline.orchestration.launch import LaunchError, run_job

    try:
        run_job(
            defs, job, year, tags=tags or {}, run_config=run_config or {}, only_through=only_through
        )
    except LaunchError as failed:
        raise click.ClickException(str(failed)) from failed


def _show_results(settings: Settings, year: int) -> None:
    """A short table of the year's results, and where the rest is."""
    from rich.console import Console
    from rich.table import Table as RichTable

    from esrd_pipeline.orchestration.summary import summarise

    summary = summarise(settings, year)
    table = RichTable(title=f"Performance year {year} ({settings.origin} files)")
    for name in ("", "facilities", "result"):
        table.add_column(name, justify="left" if name in ("", "result") else "right")
    for line in summary:
        table.add_row(*line)
    Console().print(table)
    click.echo(f"Tables:  {settings.warehouse_dir}/<layer>/<table>/performance_year={year}")
    click.echo(f"Query:   {settings.catalog_path}  (DuckDB: FROM program.qip_tps)")
    click.echo("UI:      esrd ui")
    click.echo(f"Runs:    {settings.dagster_home}")
