"""Commands that print what is written down, and run nothing: readings, places, rule sets."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from esrd_pipeline.program.qip_page import Page
    from esrd_pipeline.trace import Place

_PAGE_WIDTH = 110
"""Least width of a page's tables, in characters."""


@click.command()
@click.option(
    "--write", "page", type=click.Path(path_type=Path), help="Write them into this file instead."
)
def readings(page: Path | None) -> None:
    """Print how unclear places of the manual are read, as the page docs/readings.md."""
    from esrd_pipeline.parameters.readings import render_readings

    if page is None:
        click.echo(render_readings(), nl=False)
    else:
        page.write_text(render_readings(), encoding="utf-8")


@click.command()
@click.argument("asked", metavar="[SECTION or MEASURE]", required=False)
@click.option("--missing", is_flag=True, help="List the manual's sections that no test cites.")
def trace(asked: str | None, *, missing: bool) -> None:
    """Print what answers to a section of the manual (2.13.11) or to a measure (shr)."""
    from esrd_pipeline.trace import find_places, has_tests

    if missing == bool(asked):
        raise click.UsageError("give a section, a measure, or --missing")
    if not has_tests():
        click.echo("The tests are not part of this installation: run it in the repository.")
    if asked:
        try:
            _show_places(asked, find_places(asked))
        except LookupError as unknown:
            raise click.ClickException(str(unknown)) from unknown
    elif has_tests():
        _show_missing()


@click.command("payment-year")
@click.argument("year", type=int)
@click.option("--rule-set", default="default", show_default=True, help="Which of its rule sets.")
@click.option(
    "--write",
    "file",
    type=click.Path(path_type=Path),
    help="Write it into this file as Markdown instead.",
)
def payment_year(year: int, rule_set: str, file: Path | None) -> None:
    """Print a payment year's QIP rule set, to be checked against the regulation."""
    from esrd_pipeline.program.qip_page import describe_payment_year, render_markdown

    try:
        page = describe_payment_year(year, rule_set)
    except LookupError as unknown:
        raise click.ClickException(str(unknown)) from unknown
    if file is None:
        _show_page(page)
    else:
        file.write_text(render_markdown(page), encoding="utf-8")


def _show_page(page: "Page") -> None:
    """Print a page with its tables in the width of the terminal, and no value cut off."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable

    console = Console(markup=False, highlight=False)
    console.width = max(console.width, _PAGE_WIDTH)
    console.print(page.title)
    if page.note:
        console.print(page.note)
    for part in page.parts:
        console.print(f"\n{part.title.upper()}")
        for sentence in part.sentences:
            console.print(sentence)
        if not part.lines:
            continue
        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        for place, name in enumerate(part.lines[0]):
            # Where it is narrow, sentences wrap and names do not.
            words = [line[place] for line in part.lines[1:]]
            table.add_column(name, no_wrap=all(" " not in word for word in words), overflow="fold")
        for line in part.lines[1:]:
            table.add_row(*line)
        console.print(table)


def _show_places(asked: str, places: "Sequence[Place]") -> None:
    from esrd_pipeline.trace import describe, describe_section

    click.echo(describe_section(asked))
    lines = describe(places)
    for kind in dict.fromkeys(line[0] for line in lines):
        click.echo(f"\n{kind}")
        for where, words in ((where, words) for of, where, words in lines if of == kind):
            click.echo(f"  {where}: {words}")


def _show_missing() -> None:
    from esrd_pipeline.parameters.manual import load_sections
    from esrd_pipeline.trace import find_missing, list_reasons

    missing = find_missing()
    click.echo("Rules that no test cites:" if missing else "A test cites every rule.")
    for number in missing:
        click.echo(f"  {number} {load_sections()[number].title}")
    click.echo("\nSections without a rule, and why")
    for why, numbers in list_reasons().items():
        click.echo(f"  {why}: {', '.join(numbers)}")


PAGES = (readings, trace, payment_year)
"""The commands of this module."""
