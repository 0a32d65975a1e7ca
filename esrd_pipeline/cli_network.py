"""Commands of what a Network keeps itself: empty files with their dictionary, and their check."""

from pathlib import Path

import click

from esrd_pipeline.settings import load_settings


@click.group()
def network() -> None:
    """The files a Network keeps itself: activities and emergencies."""


@network.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, resolve_path=True))
def template(folder: Path) -> None:
    """Write empty files with a dictionary of their columns; nothing is overwritten."""
    from esrd_pipeline.sources.network_layout import write_templates

    try:
        written = write_templates(folder)
    except FileExistsError as there:
        raise click.ClickException(f"{there}: nothing was written") from there
    for path in written:
        click.echo(path.name)
    click.echo(f"Written into {folder}. ESRD_NETWORK_DIR names the folder that a refresh reads.")


@network.command("check")
@click.argument(
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    required=False,
)
def check_network(folder: Path | None) -> None:
    """Read the files of FOLDER, or of ESRD_NETWORK_DIR, and tell what a refresh would refuse."""
    from esrd_pipeline.reports.rounding import write_count
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.sources.network_check import check_files
    from esrd_pipeline.warehouse import open_warehouse

    settings = load_settings()
    place = folder or settings.network_dir
    if not place.is_dir():
        raise click.ClickException(f"{place} is not a folder: `esrd network template {place}`")
    faults = 0
    with open_warehouse(settings).connect() as query:
        try:
            for table, text, is_fault in check_files(place, query):
                faults += is_fault
                click.echo(f"{table}: {text}")
        except SourceError as fault:
            raise click.ClickException(str(fault)) from fault
    if faults:
        tables = write_count(faults, "table")
        raise click.ClickException(f"a refresh would stop: {tables} with faults")
    click.echo("A refresh would read these files.")
