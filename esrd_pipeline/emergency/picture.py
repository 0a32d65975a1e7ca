"""What is known of an area on a day: read once, from stored tables and the Network's own files."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import pandas as pd

from esrd_pipeline.emergency.area import find_area
from esrd_pipeline.emergency.capacity import find_capacity
from esrd_pipeline.emergency.placement import Places, locate, place_displaced
from esrd_pipeline.emergency.rules import find_rule
from esrd_pipeline.emergency.status import find_status


@dataclass(frozen=True, slots=True)
class Request:
    """One area and day.

    Attributes:
        area: as `find_area` takes it: FL, N7, DR4828, US or REPORTED.
        day: the day.
        at: what was known at this time of UTC counts, as 2024-09-26T18:30Z.
        kilometres: how far the displaced are sent at most.
    """

    area: str
    day: date
    at: str
    kilometres: float


class Records(Protocol):
    """Where the frames come from: files and stored tables, or the tables of a run."""

    def read_directory(self) -> pd.DataFrame:
        """Return facility.directory."""
        ...

    def read_needs(self, day: date) -> pd.DataFrame:
        """Return emergency.facility_need of the day."""
        ...

    def read_inputs(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Return raw.facility_status, raw.disaster_declaration and raw.facility_asset."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """An area on a day.

    Attributes:
        request: what was asked for.
        title: the area's name.
        ccns: its facilities.
        directory: facility.directory, of the nation.
        reports: raw.facility_status.
        assets: raw.facility_asset.
        needs: emergency.facility_need, of the nation.
        capacity: emergency.capacity, of the nation.
        patients_at: the day whose patients they are: an earlier one where the stored year ends
            before the day.
        positions: latitude and longitude of facilities, by CCN.
        placements: emergency.placement, of the area's closed facilities.
    """

    request: Request
    title: str
    ccns: frozenset[str]
    directory: pd.DataFrame
    reports: pd.DataFrame
    assets: pd.DataFrame
    needs: pd.DataFrame
    capacity: pd.DataFrame
    patients_at: date
    positions: pd.DataFrame
    placements: pd.DataFrame


def make_request(
    area: str, day: date, *, at: str | None = None, kilometres: float | None = None
) -> Request:
    """Return the request of an area and day; by default all that was known at the day's end.

    Raises:
        ValueError: `at` is not a time as 2024-09-26T18:30Z.
    """
    moment = at or f"{day:%Y-%m-%d}T23:59Z"
    datetime.strptime(moment, "%Y-%m-%dT%H:%MZ")  # noqa: DTZ007 - it is only tried
    far = float(find_rule("kilometres")) if kilometres is None else kilometres
    return Request(area.strip().upper(), day, moment, far)


def draw_picture(request: Request, records: Records) -> Picture:
    """Return what is known of an area on a day.

    Raises:
        AreaError: there is no such area.
    """
    reports, declarations, assets = records.read_inputs()
    directory = records.read_directory()
    statuses = find_status(reports, request.at)
    title, ccns = find_area(request.area, directory, declarations, statuses)
    needs = records.read_needs(request.day)
    patients_at = min(request.day, date(int(directory["performance_year"].max()), 12, 31))
    capacity = find_capacity(
        day=request.day,
        directory=directory,
        assets=assets,
        needs=needs,
        statuses=statuses,
    )
    at = locate(directory)
    places = Places(request.day, directory, assets, needs, capacity, at)
    placements = place_displaced(places, ccns, kilometres=request.kilometres)
    return Picture(
        request=request,
        title=title,
        ccns=ccns,
        directory=directory,
        reports=reports,
        assets=assets,
        needs=needs,
        capacity=capacity,
        patients_at=patients_at,
        positions=at,
        placements=placements,
    )
