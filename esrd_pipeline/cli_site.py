"""The command that writes the static site of a stored year."""

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from esrd_pipeline.cli_checks import require_facility, require_stored
from esrd_pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from esrd_pipeline.site.build import Choice


@click.command("site")
@click.option("--year", type=int, required=True, help="Performance year.")
@click.option("--facility", "ccn", help="Only this facility's page (CCN) and those around it.")
@click.option("--network", help="Only this ESRD Network and its facilities (1 to 18).")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Write into this folder instead; replaced."
)
@click.option("--open", "is_opened", is_flag=True, help="Open the first page in a browser.")
def write_site(
    year: int, ccn: str | None, network: str | None, folder: Path | None, *, is_opened: bool
) -> None:
    """Write a year's pages for people who do not open Dagster, from the stored tables."""
    if ccn and network:
        raise click.UsageError("give --facility or --network, not both")
    settings = load_settings()
    require_stored(settings, year)
    if ccn:
        require_facility(settings, year, ccn)
    from esrd_pipeline.site.build import Choice

    name = "-".join(part for part in (str(year), ccn, network and f"network-{network}") if part)
    target = folder or settings.site_dir / name
    start = make_site(settings, year, target, Choice(facility=ccn, network=network))
    if is_opened:
        webbrowser.open(start.resolve().as_uri())


def make_site(settings: Settings, year: int, folder: Path, choice: "Choice | None" = None) -> Path:
    """Write a year's site with a progress bar, tell where it is, and return its first page."""
    from rich.progress import Progress

    from esrd_pipeline.site.build import ForeignFolderError, build_site
    from esrd_pipeline.site.data import open_site_data
    from esrd_pipeline.stored_schema import OutdatedPartitionError
    from esrd_pipeline.warehouse import open_warehouse

    try:
        with Progress() as progress:
            bar = progress.add_task(f"Site of {year}", total=None)
            built = build_site(
                open_site_data(open_warehouse(settings), year),
                folder,
                choice=choice,
                progress=lambda done, of: progress.update(bar, completed=done, total=of),
            )
    except (LookupError, ForeignFolderError, OutdatedPartitionError) as unknown:
        raise click.ClickException(str(unknown)) from unknown
    pages = sum(kind.pages for kind in built)
    size = sum(kind.bytes for kind in built) / 1e6
    one = next(
        (kind.example for kind in built if kind.kind == "facility" and kind.pages == 1), None
    )
    first = folder / (one or "index.html")
    click.echo(f"Site:    {first}  ({pages:,} pages, {size:,.1f} MB)")
    return first
