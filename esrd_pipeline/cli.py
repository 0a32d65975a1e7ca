"""The `esrd` command line: each subcommand launches a job that the UI can launch too."""

import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click

from esrd_pipeline.cli_changed import UNCHANGED, plan_refresh, show_plan
from esrd_pipeline.cli_checks import require_files, require_stored
from esrd_pipeline.cli_completion import add_examples, completion
from esrd_pipeline.cli_doctor import doctor
from esrd_pipeline.cli_emergency import emergency
from esrd_pipeline.cli_emergency_effect import emergency_effect
from esrd_pipeline.cli_exceptions import propose_exceptions
from esrd_pipeline.cli_explain import explain
from esrd_pipeline.cli_files import check, synthesize
from esrd_pipeline.cli_fit import write_fits
from esrd_pipeline.cli_network import network
from esrd_pipeline.cli_pages import PAGES
from esrd_pipeline.cli_plain import PlainGroup
from esrd_pipeline.cli_release import release
from esrd_pipeline.cli_rule_sets import check_rule_set, choose_rule_sets
from esrd_pipeline.cli_site import make_site, write_site
from esrd_pipeline.cli_status import status
from esrd_pipeline.cli_what_if import what_if
from esrd_pipeline.judge import prepare as prepare_judge
from esrd_pipeline.settings import (
    ORIGIN_FILES,
    Settings,
    check_export_name,
    check_named_folders,
    load_settings,
)

BASELINE_YEARS = range(2022, 2024)
"""Baseline year of the embedded default, for the QIP and stars of later years."""
DEMO_YEARS = range(2024, 2026)
"""Years with a QIP rule set, computed from the nation's raw files on."""


@click.group(
    cls=PlainGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="esrd_pipeline")
def main() -> None:
    """Compute the CMS ESRD quality measures, QIP scores and star ratings."""
    load_settings()
    if os.environ.get("ESRD_PARAMETER_DIR"):
        from esrd_pipeline.parameters import check_official

        check_official()


_COMMANDS = (
    synthesize,
    check,
    write_site,
    write_fits,
    network,
    status,
    doctor,
    emergency,
    emergency_effect,
    propose_exceptions,
    completion,
    release,
    explain,
    what_if,
)
for _command in (*PAGES, *_COMMANDS):
    main.add_command(_command)


@main.command()
def demo() -> None:
    """Refresh the embedded default, its last two years from raw files, and show the results."""
    settings = load_settings()
    if settings.origin == "published":
        raise click.ClickException(
            f"{settings.published_dir} holds published files: use `esrd refresh --year` on them,"
            " or set ESRD_DATA_DIR to an empty folder for the demonstration"
        )
    for year in BASELINE_YEARS:
        _refresh_year("refresh_published", year, "reset" if year == BASELINE_YEARS[0] else None)
    for year in DEMO_YEARS:
        _refresh_year("refresh", year)
    click.echo(f"Stored under {settings.warehouse_address}")
    _show_results(settings, DEMO_YEARS[-1])
    make_site(settings, DEMO_YEARS[-1], settings.site_dir / str(DEMO_YEARS[-1]))


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
@click.option(
    "--rule-set",
    default="default",
    show_default=True,
    help="Score by this rule set of the payment year (see payment-year).",
)
@click.option(
    "--changed",
    "is_changed",
    is_flag=True,
    help="Make what changed and what depends on it; keep all else.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Tell what --changed would make, and why; run and write nothing.",
)
def refresh(
    *,
    year: int,
    cutoff: datetime | None,
    star_baseline: str | None,
    rule_set: str,
    is_changed: bool,
    dry_run: bool,
) -> None:
    """Refresh one performance year from its source files."""
    if star_baseline and (is_changed or dry_run):
        raise click.UsageError("--star-baseline makes the year anew: it takes no --changed")
    settings = load_settings()
    require_files(settings, year)
    check_rule_set(year, rule_set)
    job = _choose_job(settings, year)
    if dry_run:
        day = cutoff.date() if cutoff else None
        show_plan(plan_refresh(job, year, cutoff=day, rule_set=rule_set), year)
        return
    if is_changed:
        _refresh_changed(job, year, cutoff=cutoff, rule_set=rule_set)
    else:
        _refresh_year(job, year, star_baseline, cutoff=_iso(cutoff), rule_set=rule_set)
    click.echo(f"Stored under {settings.warehouse_address}")
    _show_results(settings, year)


@main.command()
@click.option("--from", "first", type=int, required=True, help="First performance year.")
@click.option("--to", "last", type=int, required=True, help="Last performance year.")
@click.option(
    "--star-baseline",
    type=click.Choice(["reset", "rebaseline"]),
    help="First make the first year the star baseline, with this operation.",
)
@click.option(
    "--rule-set",
    default="default",
    show_default=True,
    help="Score the years that have this rule set by it, the others by their own.",
)
@click.option(
    "--changed",
    "is_changed",
    is_flag=True,
    help="In each year, make what changed and what depends on it; keep all else.",
)
def backfill(
    *, first: int, last: int, star_baseline: str | None, rule_set: str, is_changed: bool
) -> None:
    """Refresh several years, earlier ones first, because later ones depend on them."""
    if star_baseline and is_changed:
        raise click.UsageError("--star-baseline makes its year anew: it takes no --changed")
    if first > last:
        raise click.BadParameter(f"--from {first} is after --to {last}")
    chosen = choose_rule_sets(range(first, last + 1), rule_set)
    check_named_folders()
    settings = load_settings()
    for year, rules in chosen.items():
        baseline = star_baseline if year == first else None
        if is_changed:
            _refresh_changed(_choose_job(settings, year), year, rule_set=rules)
            continue
        _refresh_year(_choose_job(settings, year), year, baseline, rule_set=rules)
    click.echo(f"Stored under {settings.warehouse_address}")
    _show_results(settings, last)


@main.command()
@click.option("--year", type=int, required=True, help="Performance year.")
@click.option("--name", default="", help="Name of the release; the run's id if not given.")
def export(year: int, name: str) -> None:
    """Write a year's tables as an immutable release of CSV files."""
    if name:
        check_export_name(name)
    require_stored(load_settings(), year)
    _launch("export", year, run_config={"ops": {"write_release": {"config": {"name": name}}}})
    click.echo(f"Written under {load_settings().releases_dir / str(year)}")


@main.command()
@click.option("--port", type=int, default=3000, show_default=True, help="Port of the UI.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to serve on; by default only this machine reaches it.",
)
def ui(port: int, host: str) -> None:
    """Open Dagster's own webserver and daemon on this installation."""
    from esrd_pipeline.private import warn_of_host

    _prepare_home(load_settings())
    dagster = shutil.which("dagster", path=str(Path(sys.executable).parent)) or "dagster"
    command = [dagster, "dev", "-m", "esrd_pipeline.definitions", "-p", str(port), "-h", host]
    click.echo(f"Dagster's UI: http://{host}:{port}  (stop with Ctrl+C)")
    if warning := warn_of_host(host, port):
        click.echo(warning, err=True)
    # What a script starts in the background ignores Ctrl+C's signal. Dagster stops its servers with
    # that signal: they would outlive a kill of this process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Dagster replaces this process, so that it handles signals and exit codes itself.
    os.execv(command[0], command)  # noqa: S606 - a fixed command of this installation


def _iso(day: object) -> str | None:
    return f"{day:%Y-%m-%d}" if day is not None else None


def _prepare_home(settings: Settings) -> None:
    from esrd_pipeline.orchestration.instance import (
        UnusableHomeError,
        describe_switch,
        prepare_dagster_home,
    )

    try:
        home = prepare_dagster_home(settings.dagster_home)
    except UnusableHomeError as unusable:
        raise click.ClickException(str(unusable)) from unusable
    if switch := describe_switch(settings):
        click.echo(switch, err=True)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    # Planned events of a run are stored together (see orchestration/event_log.py).
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")


def _choose_job(settings: Settings, year: int) -> str:
    """Return the job for the year's files: patient-level or published only."""
    return "refresh" if settings.has_patients(year) else "refresh_published"


def _refresh_year(
    job: str,
    year: int,
    baseline: str | None = None,
    *,
    cutoff: str | None = None,
    rule_set: str = "default",
) -> None:
    prepare_judge()
    from esrd_pipeline.orchestration.launch import LAYERS
    from esrd_pipeline.orchestration.rule_set import configure
    from esrd_pipeline.orchestration.table_asset import CUTOFF_TAG

    tags = {CUTOFF_TAG: cutoff} if cutoff else {}
    chosen = configure(rule_set)
    if not baseline:
        _launch(job, year, tags=tags, run_config=chosen)
        return
    # The baseline needs the year's facility tables, the year's stars need the baseline.
    operation = {"reset": "reset_star_baseline", "rebaseline": "rebaseline_stars"}
    through = LAYERS.index("facility") + 1
    _launch(job, year, tags=tags, layers=LAYERS[:through])
    _launch(operation[baseline], year, tags=tags)
    _launch(job, year, tags=tags, run_config=chosen, layers=LAYERS[through:])


def _refresh_changed(
    job: str, year: int, *, cutoff: datetime | None = None, rule_set: str = "default"
) -> None:
    """Make the tables of a year that changed, and of those that read them the ones that change."""
    day = cutoff.date() if cutoff else None
    plan = plan_refresh(job, year, cutoff=day, rule_set=rule_set)
    from esrd_pipeline.orchestration.plan import list_made
    from esrd_pipeline.orchestration.rule_set import configure
    from esrd_pipeline.orchestration.table_asset import CUTOFF_TAG
    from esrd_pipeline.orchestration.unchanged import CHANGED_TAG

    made = list_made(plan)
    count = sum(len(one.tables) for one in plan)
    if not made:
        _fail_left_runs()
        click.echo(f"{year}: all {count} tables are up to date: {UNCHANGED}")
        return
    click.echo(f"{year}: {len(made)} of {count} tables changed or read one; all else is kept")
    prepare_judge()
    tags = {CHANGED_TAG: "yes"} | ({CUTOFF_TAG: day.isoformat()} if day else {})
    _launch(job, year, tags=tags, run_config=configure(rule_set), tables=made)


def _fail_left_runs() -> None:
    _prepare_home(load_settings())
    from esrd_pipeline.orchestration.launch import LaunchError, fail_left_runs

    try:
        fail_left_runs()
    except LaunchError as failed:
        raise click.ClickException(str(failed)) from failed


def _launch(
    job: str,
    year: int,
    *,
    tags: Mapping[str, str] | None = None,
    run_config: Mapping[str, object] | None = None,
    layers: Sequence[str] | None = None,
    tables: Sequence[str] | None = None,
) -> None:
    """Run a job of the definitions in Dagster's instance, with a progress bar in a terminal."""
    _prepare_home(load_settings())
    from esrd_pipeline.definitions import defs
    from esrd_pipeline.orchestration.launch import LaunchError, StoppedError, run_job

    try:
        run_job(
            defs,
            job,
            year,
            tags=tags or {},
            run_config=run_config or {},
            layers=layers,
            tables=tables,
        )
    except StoppedError as stopped:
        click.echo(str(stopped), err=True)
        sys.stdout.flush()
        sys.stderr.flush()
        # Taking apart all that was imported and opened would take as long as the run took to stop.
        os._exit(128 + signal.SIGTERM)
    except LaunchError as failed:
        raise click.ClickException(str(failed)) from failed


def _show_results(settings: Settings, year: int) -> None:
    """Print a short table of the year's results and where to find the rest."""
    from esrd_pipeline.orchestration.summary import summarise

    title = f"Performance year {year} ({ORIGIN_FILES[settings.origin]})"
    _print_table(title, [("", "facilities", "result"), *summarise(settings, year)])
    click.echo(f"Tables:  {settings.warehouse_address}/<layer>/<table>/performance_year={year}")
    click.echo(f"Query:   {settings.catalog_path}  (DuckDB: FROM program.qip_tps)")
    click.echo("UI:      esrd ui")
    click.echo(f"Runs:    {settings.dagster_home}")


def _print_table(title: str, lines: Sequence[Sequence[str]]) -> None:
    """Print lines as a table; the first names its columns."""
    from rich.console import Console
    from rich.table import Table as RichTable

    table = RichTable(title=title)
    for name in lines[0]:
        is_text = name in ("", "result", "reason")
        # In a narrow terminal, words wrap and numbers do not.
        table.add_column(name, justify="left" if is_text else "right", no_wrap=not is_text)
    for line in lines[1:]:
        table.add_row(*line)
    Console().print(table)


add_examples(main)
