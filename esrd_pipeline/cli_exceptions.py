"""The command that proposes exceptions for closed facilities; it grants none."""

from datetime import UTC, datetime

import click

from esrd_pipeline.settings import load_settings


@click.command("propose-exceptions")
@click.option("--year", type=int, required=True, help="Year of the months.")
@click.option("--at", help="What was known at this time of UTC, as 2024-10-05T12:00Z; now if none.")
def propose_exceptions(*, year: int, at: str | None) -> None:
    """Write the months for which closed facilities could ask for an exception.

    Reads the status files of ESRD_NETWORK_DIR and the stored list of granted exceptions. The file
    has the rows of emergency.exception_proposal in the layout of that list, with a reason. Nothing
    reads it: what CMS grants is put into the year's raw folder by hand.
    """
    from esrd_pipeline.emergency.exceptions import list_as_grants
    from esrd_pipeline.emergency.exceptions import propose_exceptions as propose
    from esrd_pipeline.emergency.records import StoredRecords
    from esrd_pipeline.reports.rounding import write_count
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.stored_schema import OutdatedPartitionError
    from esrd_pipeline.tables.raw import ECE_GRANT
    from esrd_pipeline.warehouse import MissingPartitionError, open_warehouse

    form = "%Y-%m-%dT%H:%MZ"
    try:
        known = datetime.strptime(at, form).replace(tzinfo=UTC) if at else datetime.now(tz=UTC)
    except ValueError:
        raise click.BadParameter("is not a time as 2024-10-05T12:00Z", param_hint="--at") from None
    settings = load_settings()
    warehouse = open_warehouse(settings)
    try:
        reports, _, _ = StoredRecords(warehouse, year, settings.network_dir).read_inputs()
        granted = warehouse.read(ECE_GRANT, year)
    except (SourceError, MissingPartitionError, OutdatedPartitionError) as refused:
        raise click.ClickException(str(refused)) from refused
    proposed = propose(reports, granted, year, known.strftime(form))
    path = settings.emergency_dir / f"proposed_exceptions_{year}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    list_as_grants(proposed).to_csv(path, index=False)
    click.echo(f"Proposed, none granted: {write_count(len(proposed), 'row')} in {path}")
