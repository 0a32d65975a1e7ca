"""What a refresh of what changed would make, and why: planned without a run, and printed."""

import textwrap
from datetime import date
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esrd_pipeline.orchestration.plan import Planned

_WIDTH = 80
UNCHANGED = "files, code, parameters and all they read are as they were when they were made"


def plan_refresh(
    job: str, year: int, *, cutoff: date | None = None, rule_set: str = "default"
) -> "list[Planned]":
    """Return what a run of a job would make of a year if it kept what is unchanged.

    Raises:
        ClickException: the job cannot be run for the year.
    """
    from esrd_pipeline.definitions import defs
    from esrd_pipeline.orchestration.launch import LaunchError, find_job
    from esrd_pipeline.orchestration.plan import make_plan
    from esrd_pipeline.orchestration.rule_set import configure

    try:
        resolved = find_job(defs, job, year)
    except LaunchError as refused:
        raise click.ClickException(str(refused)) from refused
    return make_plan(resolved, year, cutoff=cutoff, run_config=configure(rule_set))


def show_plan(plan: "Sequence[Planned]", year: int) -> None:
    """Print each table that would be made and why, those that are up to date, and the numbers."""
    certain = _print_made(plan, is_certain=True, title="Will be made:")
    possible = _print_made(
        plan,
        is_certain=False,
        title="Will be made if what they read becomes another, and kept if not:",
    )
    kept = [name for one in plan if one.reason is None for name in one.tables]
    if kept:
        click.echo(_wrap(f"Up to date, because {UNCHANGED}:", ""))
        click.echo(_wrap(", ".join(sorted(kept)), "  "))
    count = certain + possible + len(kept)
    click.echo(
        _wrap(
            f"{year}: {certain} of {count} tables will be made, {possible} may be, {len(kept)} are"
            " up to date. Nothing was run or written.",
            "",
        )
    )
    click.echo(f"esrd refresh --year {year} --changed   makes what changed, as listed")
    click.echo(f"esrd refresh --year {year}             makes all {count}")


def _print_made(plan: "Sequence[Planned]", *, is_certain: bool, title: str) -> int:
    """Print the tables to be made, certain or possible; return their number."""
    made = [one for one in plan if one.reason is not None and one.is_certain == is_certain]
    if made:
        click.echo(title)
    for one in made:
        click.echo(_wrap(f"{', '.join(one.tables)}: {one.reason}", "  "))
    return sum(len(one.tables) for one in made)


def _wrap(text: str, indent: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
    )
