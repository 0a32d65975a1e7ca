"""The command that explains a facility's numbers: patients, events, adjusters, scores.

It reads stored tables directly and starts no run of Dagster, so that it answers in seconds. What it
prints names no patient; what it writes does, in a folder for its owner alone.
"""

from typing import TYPE_CHECKING

import click

from esrd_pipeline.cli_checks import require_facility
from esrd_pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from esrd_pipeline.explanation.document import Document
    from esrd_pipeline.parameters.register import Program


@click.command()
@click.option("--measure", help="Measure, e.g. shr: any of the year's register.")
@click.option("--ccn", required=True, help="CMS Certification Number of the facility.")
@click.option("--year", type=int, required=True, help="Performance year.")
@click.option(
    "--program",
    type=click.Choice(["dfc", "qip"]),
    help="Only this program's number; by default of every program that has the measure.",
)
@click.option(
    "--tps",
    "is_of_scores",
    is_flag=True,
    help="Explain scores, Total Performance Score and stars instead of a measure.",
)
@click.option("--pdf/--no-pdf", default=True, show_default=True, help="Print the page as a PDF.")
def explain(
    *,
    measure: str | None,
    ccn: str,
    year: int,
    program: "Program | None",
    is_of_scores: bool,
    pdf: bool,
) -> None:
    """Explain a facility's number line by line, for its authorised reader."""
    if is_of_scores == (measure is not None):
        raise click.UsageError("give --measure, or --tps")
    settings = load_settings()
    ccn = ccn.strip().upper()
    require_facility(settings, year, ccn)
    if measure is None:
        _write(settings, year, [_explain_scores(settings, ccn, year, program)], pdf=pdf)
        return
    from esrd_pipeline.explanation.measures import list_explained, list_programs

    programs = list_programs(measure, year, program)
    if not programs:
        known = ", ".join(list_explained(year))
        where = f" of {program}" if program else ""
        raise click.ClickException(f"{measure} is no measure{where} in {year}; there are: {known}")
    documents = [_explain(settings, measure, ccn, year, one) for one in programs]
    _write(settings, year, documents, pdf=pdf)


def _explain(
    settings: Settings, measure: str, ccn: str, year: int, program: "Program"
) -> "Document":
    from esrd_pipeline.explanation.measures import explain_measure
    from esrd_pipeline.explanation.request import ExplanationError, Request
    from esrd_pipeline.stored_schema import OutdatedPartitionError
    from esrd_pipeline.warehouse import MissingPartitionError, open_warehouse

    request = Request(open_warehouse(settings), measure, program, ccn, year)
    try:
        return explain_measure(request)
    except (ExplanationError, MissingPartitionError, OutdatedPartitionError) as nothing:
        raise click.ClickException(str(nothing)) from None


def _explain_scores(
    settings: Settings, ccn: str, year: int, program: "Program | None"
) -> "Document":
    from esrd_pipeline.explanation.request import ExplanationError
    from esrd_pipeline.explanation.scores import explain_scores
    from esrd_pipeline.stored_schema import OutdatedPartitionError
    from esrd_pipeline.warehouse import MissingPartitionError, open_warehouse

    try:
        return explain_scores(open_warehouse(settings), ccn, year, program)
    except (ExplanationError, MissingPartitionError, OutdatedPartitionError) as nothing:
        raise click.ClickException(str(nothing)) from None


def _write(settings: Settings, year: int, documents: "list[Document]", *, pdf: bool) -> None:
    """Write and print explanations; fail where the lines do not add up to the number."""
    from esrd_pipeline.explanation.files import render_pdfs, write_document
    from esrd_pipeline.explanation.terminal import describe

    folders = []
    for document in documents:
        click.echo(describe(document))
        folders.append(write_document(document, settings.explanations_dir, year))
        whose = "patients' data" if document.is_of_patients else "the facility's own"
        click.echo(f"\nWritten to {folders[-1]}")
        click.echo(f"({whose}, for the authorised reader only)\n")
    # The answer is there; a long page takes Chromium longer than all of it.
    if pdf:
        refused = render_pdfs(folders)
        outcome = f"none: {refused}; print explanation.html" if refused else "explanation.pdf"
        click.echo(f"PDF: {outcome}")
    if broken := sum(len(document.broken) for document in documents):
        raise click.ClickException(
            f"{broken} of the sums above do not agree with the stored number: the year's tables"
            " are not of one refresh, or this is an error to report"
        )
