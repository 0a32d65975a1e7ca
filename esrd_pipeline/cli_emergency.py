"""The command of an emergency: a page for an officer, a list for a facility's authorised reader."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from esrd_pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from esrd_pipeline.emergency.picture import Request
    from esrd_pipeline.emergency.records import StoredRecords

_LISTS = "emergency"


@click.command()
@click.option("--area", required=True, help="FL, N7, DR4828, US, REPORTED.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day.")
@click.option("--at", help="What was known at this time of UTC; by default at the day's end.")
@click.option("--kilometres", type=click.FloatRange(0), help="How far the displaced are sent.")
@click.option("--ccn", help="Write this facility's patients, for its authorised reader, instead.")
def emergency(
    *, area: str, day: datetime, at: str | None, kilometres: float | None, ccn: str | None
) -> None:
    """Write the page of an area on a day: status, needs, room, and who could go where.

    Reads the stored year of the day (while it is not stored, the one before, as the page says) and
    the files of ESRD_NETWORK_DIR as they are now; starts no run. An area is a state, a Network
    (N7), a declared disaster (DR4828), the nation (US), or REPORTED: the states with a facility
    that is reported as other than open.
    """
    from esrd_pipeline.emergency.area import AreaError
    from esrd_pipeline.emergency.records import StoredRecords, find_stored_year
    from esrd_pipeline.sources.errors import SourceError
    from esrd_pipeline.stored_schema import OutdatedPartitionError
    from esrd_pipeline.warehouse import MissingPartitionError, open_warehouse

    settings = load_settings()
    warehouse = open_warehouse(settings)
    year = find_stored_year(warehouse, day.date())
    records = StoredRecords(warehouse, year, settings.network_dir)
    try:
        if ccn is not None:
            _write_list(settings, records, ccn.strip().upper(), day)
        else:
            _write_area(settings, records, _make_request(area, day, at, kilometres))
    except (AreaError, SourceError, MissingPartitionError, OutdatedPartitionError) as refused:
        raise click.ClickException(str(refused)) from refused


def _make_request(area: str, day: datetime, at: str | None, kilometres: float | None) -> "Request":
    from esrd_pipeline.emergency.picture import make_request

    try:
        return make_request(area, day.date(), at=at, kilometres=kilometres)
    except ValueError:
        raise click.BadParameter("is not a time as 2024-09-26T18:30Z", param_hint="--at") from None


def _write_area(settings: Settings, records: "StoredRecords", request: "Request") -> None:
    from esrd_pipeline.emergency.picture import draw_picture
    from esrd_pipeline.emergency.writing import write_area
    from esrd_pipeline.reports.rounding import write_count

    picture = draw_picture(request, records)
    path = write_area(settings.emergency_dir, picture)
    closed = picture.capacity[
        picture.capacity["ccn"].isin(picture.ccns) & (picture.capacity["status"] == "closed")
    ]
    facilities = write_count(len(picture.ccns), "facility", "facilities")
    click.echo(f"{picture.title}: {facilities}, {len(closed)} closed")
    click.echo(f"Written: {path}")


def _write_list(settings: Settings, records: "StoredRecords", ccn: str, day: datetime) -> None:
    from esrd_pipeline.cli_checks import require_facility
    from esrd_pipeline.private import make_private_folder, write_private

    require_facility(settings, records.performance_year, ccn)
    rows = records.read_patients(day.date(), ccn)
    folder = make_private_folder(settings.explanations_dir, str(day.year), f"{ccn}_{_LISTS}")
    path = Path(folder, f"{day:%Y-%m-%d}.csv")
    with write_private(path) as file:
        rows.to_csv(file, index=False)
    click.echo(f"Written for the facility's authorised reader alone: {path}")
