"""Commands of patient-level files: write a synthetic nation's, check an agency's."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from esrd_pipeline.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@click.option("--facilities", type=click.IntRange(1), default=200, show_default=True)
@click.option("--first-year", type=int, required=True, help="First performance year.")
@click.option("--last-year", type=int, required=True, help="Last performance year.")
@click.option("--seed", type=click.IntRange(0), default=2728, show_default=True)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["parquet", "rif"]),
    default="parquet",
    show_default=True,
    help="Parquet, or pipe-delimited text.",
)
@click.option(
    "--folder", type=click.Path(path_type=Path), required=True, help="Parent of the years' folders."
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
@click.option(
    "--activity",
    "planted",
    multiple=True,
    help="Plant a Network's activity, NETWORK:RULE:RATIO, as 5:worst:0.8: its facilities with the"
    " most admissions in the year before the last (or random ones) have so many times the"
    " admissions from the last year on.",
)
@click.option(
    "--hurricane",
    "struck",
    multiple=True,
    help="Plant a hurricane over a state, STATE:DAY:EARLY:MISSED:HARM, as"
    " FL:2024-09-26:0.6:0.3:1.5: of its patients in center the first share is dialysed early, the"
    " second share of their sessions in three days is missed, and for 30 days they have so many"
    " times the admissions, emergency visits and deaths. Half of the facilities close.",
)
def synthesize(
    *,
    facilities: int,
    first_year: int,
    last_year: int,
    seed: int,
    kind: Literal["parquet", "rif"],
    folder: Path,
    workers: int,
    planted: tuple[str, ...],
    struck: tuple[str, ...],
) -> None:
    """Write the raw files of a synthetic nation and their ground truth."""
    from rich.progress import Progress

    from esrd_pipeline.synthetic.nation.activities import read_planted
    from esrd_pipeline.synthetic.nation.block import Span
    from esrd_pipeline.synthetic.nation.calibration import read_calibration
    from esrd_pipeline.synthetic.nation.hurricanes import read_hurricane
    from esrd_pipeline.synthetic.nation.network_files import NETWORK_FOLDER
    from esrd_pipeline.synthetic.nation.run import TRUTH_FOLDER, Order, synthesize_nation

    span = Span(seed, first_year, last_year)
    try:
        activities = tuple(read_planted(text) for text in planted)
        hurricanes = tuple(read_hurricane(text) for text in struck)
        order = Order(facilities, span, folder, kind, workers, activities, hurricanes)
        with Progress() as progress:
            bar = progress.add_task("Markets", total=None)
            synthesize_nation(
                order, lambda done, of: progress.update(bar, completed=done, total=of)
            )
    except ValueError as refused:
        raise click.ClickException(str(refused)) from refused
    _show_calibration(read_calibration(folder, facilities))
    click.echo(f"Written under {folder}, with the ground truth in {folder / TRUTH_FOLDER}")
    if planted or struck:
        click.echo(f"The Network's files: ESRD_NETWORK_DIR={folder / NETWORK_FOLDER}")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, resolve_path=True))
@click.option("--year", type=int, help="Performance year, if it is not the folder's name.")
@click.option(
    "--cutoff",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Read only files released by this day, as a refresh with it does.",
)
def check(folder: Path, year: int | None, cutoff: datetime | None) -> None:
    """Read a year's patient-level files, store nothing, and tell what a refresh would refuse."""
    from esrd_pipeline.orchestration.patient_assets import SOURCES
    from esrd_pipeline.reports.rounding import write_count
    from esrd_pipeline.sources.check import check_tables
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.sources.extract_files import list_unread
    from esrd_pipeline.sources.files import IGNORE_FILE
    from esrd_pipeline.sources.intake.folder import ask_folder
    from esrd_pipeline.sources.intake.judging import FAILS, describe_answer
    from esrd_pipeline.warehouse import open_warehouse

    if not folder.is_dir():
        raise click.ClickException(f"{folder} is not a folder")
    faulty = set()
    performance_year = _find_year(folder, year)
    until = cutoff.date() if cutoff else None
    with open_warehouse(load_settings()).connect() as query:
        for found in check_tables(
            folder, SOURCES, performance_year=performance_year, query=query, cutoff=until
        ):
            if found.fault is not None:
                faulty.add(found.table)
            rows = ", ".join(
                f"{write_count(count, 'row')} in {name}" for name, count in found.rows.items()
            )
            click.echo(f"{found.table}: {found.fault or rows or 'no file'}")
            for column, count in found.rewritten.items():
                click.echo(f"  {column}: {count:,} values are brought into the form of their codes")
        judged = ask_folder(
            folder, performance_year=performance_year, query=query, faulty=faulty, cutoff=until
        )
    click.echo("Asked of the tables together:")
    for answer in judged.to_dict("records"):
        click.echo(f"  {answer['outcome']}: {describe_answer(answer)}")
    try:
        unread = list_unread(folder, SOURCES, until)
    except SourceError:
        # Told above, at the table whose files exclude each other.
        unread = []
    for name in unread:
        click.echo(
            f"{name}: no table takes a file of this name: rename it, or list it in {IGNORE_FILE}"
        )
    faults = len(faulty) + len(unread) + int((judged["outcome"] == FAILS).sum())
    if faults:
        raise click.ClickException(f"a refresh would stop: {write_count(faults, 'fault')}")
    click.echo("A refresh would read these files, and compare them with the year before.")


def _find_year(folder: Path, year: int | None) -> int:
    """Return the year of a folder of patient-level files: the one given, else its name."""
    from esrd_pipeline.parameters.register import FIRST_PATIENT_YEAR, describe_too_early

    if year is None and not folder.name.isdigit():
        raise click.UsageError("the folder is not named by a year: give --year")
    performance_year = year or int(folder.name)
    if performance_year < FIRST_PATIENT_YEAR:
        raise click.ClickException(describe_too_early(performance_year))
    return performance_year


def _show_calibration(calibration: "pd.DataFrame") -> None:
    """Print the synthetic nation's figures beside published ones."""
    from rich.console import Console
    from rich.table import Table as RichTable

    table = RichTable(title="The nation beside published figures")
    for name in ("outcome", "published", "nation", "ratio"):
        table.add_column(name, justify="left" if name == "outcome" else "right")
    for row in calibration.itertuples():
        table.add_row(
            str(row.outcome), f"{row.published:,.1f}", f"{row.nation:,.1f}", f"{row.ratio:.2f}"
        )
    Console().print(table)
