"""The command that tells what is stored, what is stale, and where everything is."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from esrd_pipeline.settings import ORIGIN_FILES, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esrd_pipeline.status import LastRun, Stored

_CHECKS = {
    "expectations": "broken expectations, not stored",
    "plausibility": "unlike the years before",
}
"""What a failed check of a year means."""
_SHOWN = 4
_THOUSAND = 1000


@click.command()
@click.option("--all", "is_whole", is_flag=True, help="List every table by name.")
def status(*, is_whole: bool) -> None:
    """Tell years, origin, what is stored and stale and why, the last run, baseline and disk."""
    from esrd_pipeline import status as found
    from esrd_pipeline.code_state import read_kept
    from esrd_pipeline.stores import open_store

    settings = load_settings()
    stored = found.list_stored(open_store(settings))
    click.echo(f"Data folder: {settings.data_dir}")
    click.echo(f"Origin:      {ORIGIN_FILES[settings.origin]}")
    click.echo(f"Tables:      {settings.warehouse_address}")
    made = settings.catalog_path
    click.echo(f"Database:    {made if made.exists() else f'none yet ({made})'}")
    if not stored:
        click.echo("Stored:      nothing yet: run `esrd demo`, or `esrd refresh --year YEAR`")
    else:
        versions = read_kept()
        failed = found.find_failed_checks(settings.dagster_home)
        _show_years(stored, found.find_stale(stored, versions), failed, is_whole=is_whole)
        if versions is None:
            click.echo("             code is not compared: no command has loaded this code yet")
    baseline = found.find_baseline(stored)
    click.echo(f"Baseline:    {_format_baseline(baseline)}")
    click.echo(f"Last run:    {_format_run(found.find_last_run(settings.dagster_home))}")
    sizes = [f"{name} {_format_size(size)}" for name, size in found.list_sizes(settings)]
    disks = list(found.list_disks(settings))
    free = [f"free {_format_size(disks[0][2])}"]
    # Where tables or runs are on a disk of their own, that one fills up.
    free += [f"free for {what} {_format_size(size)}" for what, _, size in disks[1:]]
    click.echo(f"Disk:        {', '.join([*sizes, *free])}")


def _show_years(
    stored: "Sequence[Stored]",
    stale: dict[tuple[int, str], list[str]],
    failed: dict[tuple[int, str], list[str]],
    *,
    is_whole: bool,
) -> None:
    for year in sorted({one.year for one in stored}):
        mine = [one for one in stored if one.year == year]
        count = sum(len(tables) for (of, _), tables in stale.items() if of == year)
        newest = datetime.fromtimestamp(max(one.time for one in mine)).astimezone()
        size = _format_size(sum(one.size for one in mine))
        text = f"{count} stale" if count else "none stale"
        click.echo(
            f"{year}:        {len(mine)} tables, {size}, stored {newest:%Y-%m-%d %H:%M}, {text}"
        )
        for (of, reason), tables in stale.items():
            if of == year:
                click.echo(f"             stale: {_name(tables, is_whole=is_whole)}: {reason}")
        for check, says in _CHECKS.items():
            tables = failed.get((year, check), [])
            if tables:
                click.echo(f"             {says}: {_name(tables, is_whole=is_whole)}")
        if count:
            click.echo(f"             make it again: esrd refresh --year {year}")


def _name(tables: "Sequence[str]", *, is_whole: bool) -> str:
    named = tables if is_whole else tables[:_SHOWN]
    more = len(tables) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _format_baseline(year: int | None) -> str:
    if year is None:
        return "none: make one with `esrd refresh --year YEAR --star-baseline reset`"
    return f"{year}, for the stars of {year} and later"


def _format_run(run: "LastRun | None") -> str:
    if run is None:
        return "none"
    when = "" if run.started is None else f", started {run.started.astimezone():%Y-%m-%d %H:%M}"
    took = "" if run.seconds is None else f", took {run.seconds:.0f} s"
    end = "; its process was killed: refresh the year again" if run.is_dead else ""
    return f"{run.job} {run.year}: {run.status.lower()}{when}{took}{end}"


def _format_size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < _THOUSAND:
            return f"{size:.0f} {unit}" if unit in ("B", "kB") else f"{size:.1f} {unit}"
        size /= _THOUSAND
    return f"{size:.1f} TB"
