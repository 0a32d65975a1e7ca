"""The command that scores a year as it might have been.

It reads stored tables directly, stores nothing and starts no run of Dagster.
"""

from pathlib import Path

import click

from esrd_pipeline.cli_checks import require_facility, require_stored
from esrd_pipeline.settings import load_settings


@click.command("what-if")
@click.option("--year", type=int, required=True, help="Performance year.")
@click.option("--ccn", help="One facility; without it, the nation.")
@click.option(
    "--set",
    "settings_",
    multiple=True,
    metavar="MEASURE.COLUMN=NUMBER",
    help="A value in place of the stored one: shr.numerator=40, minimum_tps=60.",
)
@click.option(
    "--scenario",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV of values: table, ccn, measure, column, value.",
)
@click.option("--rule-set", default="default", help="Score by this rule set of the payment year.")
@click.option(
    "--impact-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CMS's provider level impact file, saved as CSV: payments in dollars.",
)
@click.option(
    "--months",
    type=click.IntRange(1, 12),
    default=12,
    show_default=True,
    help="Months that the stored year holds; those to come are drawn.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write who moves to this CSV file.")
def what_if(
    *,
    year: int,
    ccn: str | None,
    settings_: tuple[str, ...],
    scenario: Path | None,
    rule_set: str,
    impact_file: Path | None,
    months: int,
    out: Path | None,
) -> None:
    """Score a stored year as it might have been; nothing is stored.

    Of a facility, as it is: the events to the next point of each measure, the fewest to a lower
    payment reduction, and how likely each reduction is. With values or another rule set: its
    scores beside the stored ones. Of the nation: who moves.
    """
    from esrd_pipeline.stored_schema import OutdatedPartitionError
    from esrd_pipeline.warehouse import MissingPartitionError, open_warehouse
    from esrd_pipeline.what_if.answers import Question, answer
    from esrd_pipeline.what_if.changes import ScenarioError
    from esrd_pipeline.what_if.overlay import parse_setting, read_scenario

    settings = load_settings()
    require_stored(settings, year)
    if ccn is not None:
        ccn = ccn.strip().upper()
        require_facility(settings, year, ccn)
    try:
        changes = [parse_setting(text, ccn or "") for text in settings_]
        changes += read_scenario(scenario) if scenario else []
        if ccn is None and not changes and rule_set == "default":
            raise click.UsageError("give --ccn, or values, or another rule set")
        question = Question(year, ccn, changes, rule_set, impact_file, out, months)
        lines = answer(open_warehouse(settings), question)
    except (ScenarioError, MissingPartitionError, OutdatedPartitionError) as refused:
        raise click.ClickException(str(refused)) from None
    click.echo("\n".join(lines))
