"""The command of a year's releases: candidate, approval, correction, list and verification."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from esrd_pipeline.settings import ORIGIN_FILES, Settings, load_settings

if TYPE_CHECKING:
    from esrd_pipeline.releases.ledger import Entry
    from esrd_pipeline.releases.state import Release


@click.command()
@click.option("--year", type=int, help="Performance year.")
@click.option("--quarter", help="Calendar quarter, as 2026Q3.")
@click.option("--by", "person", default="", help="Your name; needed for an approval.")
@click.option("--approve", "what", flag_value="approve", help="Approve the quarter's candidate.")
@click.option("--verify", "what", flag_value="verify", help="Recompute the digests.")
@click.option("--list", "what", flag_value="list", help="List the releases and candidates.")
@click.option(
    "--cutoff",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Data cut-off of the year's refresh, if it is not the 15th of the quarter's first month.",
)
@click.option("--replaces", default="", help="The release that this one corrects.")
@click.option("--because", default="", help="Why it is corrected.")
def release(
    *,
    year: int | None,
    quarter: str | None,
    person: str,
    what: str | None,
    cutoff: object,
    replaces: str,
    because: str,
) -> None:
    """Make the candidate of a quarter's release from the stored year, and approve it."""
    settings = load_settings()
    if what == "list":
        _list(settings, year)
    elif what == "verify":
        _verify(settings, year, quarter)
    elif year is None or quarter is None:
        raise click.UsageError("give --year and --quarter, or --list or --verify")
    elif what == "approve":
        _approve(settings, year, _check(quarter), person)
    else:
        day = f"{cutoff:%Y-%m-%d}" if cutoff else ""
        order = {
            "quarter": _check(quarter),
            "cutoff": day,
            "person": person,
            "replaces": replaces,
            "because": because,
        }
        _make(settings, year, order)


def _check(quarter: str) -> str:
    from esrd_pipeline.releases.quarter import check_quarter

    try:
        return check_quarter(quarter)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--quarter") from wrong


def _make(settings: Settings, year: int, order: Mapping[str, str]) -> None:
    from esrd_pipeline.releases.approval import list_releases
    from esrd_pipeline.releases.ledger import CHANGES, find_candidate
    from esrd_pipeline.releases.people import ApprovalError, find_account
    from esrd_pipeline.releases.state import choose_name, find_pending

    folder = settings.releases_dir / str(year)
    try:
        choose_name(_read(folder), order["quarter"], order["replaces"], order["because"])
    except ApprovalError as refused:
        raise click.ClickException(str(refused)) from refused
    _run(settings, year, {"operation": "candidate", "account": find_account(), **order})
    made = find_pending(list_releases(folder), order["quarter"]).made
    candidate = find_candidate(folder, made)
    click.echo(f"Candidate {made.name} of {year}: {candidate}")
    click.echo(f"Read {candidate / CHANGES}. Somebody else approves it:")
    click.echo(f'esrd release --year {year} --quarter {made.quarter} --approve --by "<name>"')


def _approve(settings: Settings, year: int, quarter: str, person: str) -> None:
    from datetime import UTC, datetime

    from esrd_pipeline.releases.approval import approve
    from esrd_pipeline.releases.ledger import LedgerError
    from esrd_pipeline.releases.people import (
        ApprovalError,
        Person,
        distinguish_by_names,
        find_account,
    )

    folder = settings.releases_dir / str(year)
    try:
        entry = approve(
            folder=folder,
            quarter=quarter,
            approver=Person(person, find_account()),
            when=datetime.now(tz=UTC),
            by_names=distinguish_by_names(),
        )
    except (ApprovalError, LedgerError) as refused:
        raise click.ClickException(str(refused)) from refused
    _run(settings, year, {"operation": "look"})
    click.echo(f"Released: {folder / entry.name}")
    click.echo(f"Approved by {entry.person} (account {entry.account}), {entry.when}")
    click.echo(f"SHA-256 of its SHA256SUMS, to be noted elsewhere too: {entry.digest}")


def _list(settings: Settings, year: int | None) -> None:
    lines = [
        (
            str(release.made.performance_year),
            release.name,
            _format_state(release),
            _format_who(release.made),
            _format_who(release.approved),
            release.digest[:8],
        )
        for folder in _list_folders(settings, year)
        for release in _read(folder)
    ]
    if not lines:
        click.echo(f"No release is under {settings.releases_dir}")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Releases ({ORIGIN_FILES[settings.origin]})")
    for name in ("year", "release", "state", "made by", "approved by", "digest"):
        table.add_column(name, overflow="fold", no_wrap=name in ("year", "release", "digest"))
    for line in lines:
        table.add_row(*line)
    Console().print(table)


def _format_who(entry: "Entry | None") -> str:
    return "" if entry is None else f"{entry.person}\n{entry.when[:10]}"


def _format_state(release: "Release") -> str:
    return f"{release.state}: {release.made.why}" if release.state == "refused" else release.state


def _verify(settings: Settings, year: int | None, quarter: str | None) -> None:
    from esrd_pipeline.releases.approval import verify
    from esrd_pipeline.releases.ledger import LedgerError
    from esrd_pipeline.reports.rounding import write_count

    wanted = _check(quarter) if quarter else None
    count, faults = 0, list[str]()
    for folder in _list_folders(settings, year):
        try:
            verified, strange = verify(folder)
        except LedgerError as damaged:
            raise click.ClickException(str(damaged)) from damaged
        for one in verified:
            if one.release.state == "refused" or wanted not in (None, one.release.made.quarter):
                continue
            count += 1
            verdict = ": " + "; ".join(one.faults) if one.faults else " is what it was"
            click.echo(f"{folder.name} {one.release.name} ({one.release.state}){verdict}")
            faults += one.faults
        for text in strange:
            click.echo(f"{folder.name} {text}")
        faults += strange
    if not count and not faults:
        raise click.ClickException("there is nothing to verify")
    if faults:
        raise click.ClickException(write_count(len(faults), "fault"))


def _list_folders(settings: Settings, year: int | None) -> list[Path]:
    if year is not None:
        return [settings.releases_dir / str(year)]
    return sorted(settings.releases_dir.glob("[12][0-9][0-9][0-9]"))


def _read(folder: Path) -> "list[Release]":
    from esrd_pipeline.releases.approval import list_releases
    from esrd_pipeline.releases.ledger import LedgerError

    try:
        return list_releases(folder)
    except LedgerError as damaged:
        raise click.ClickException(str(damaged)) from damaged


def _run(settings: Settings, year: int, config: Mapping[str, str]) -> None:
    """Run the job `release`, which stores the state of the year's releases too."""
    from esrd_pipeline.orchestration.instance import UnusableHomeError, prepare_dagster_home

    try:
        os.environ["DAGSTER_HOME"] = str(prepare_dagster_home(settings.dagster_home))
    except UnusableHomeError as unusable:
        raise click.ClickException(str(unusable)) from unusable
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    from esrd_pipeline.definitions import defs
    from esrd_pipeline.orchestration.launch import LaunchError, run_job
    from esrd_pipeline.orchestration.release_assets import STEP

    step = {"ops": {STEP: {"config": dict(config)}}}
    try:
        run_job(defs, "release", year, tags={}, run_config=step)
    except LaunchError as failed:
        raise click.ClickException(str(failed)) from failed
