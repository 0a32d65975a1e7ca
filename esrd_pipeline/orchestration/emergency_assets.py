"""Assets of emergencies, made on request for one area and day; the last one writes the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.select_asset import make_select_asset
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import emergency, facility, network_inputs
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    import pandas as pd

STEP = "emergency_page"


class EmergencyConfig(dg.Config):
    """The area and day of an emergency."""

    area: str = Field(
        default="REPORTED",
        description="State (FL), Network (N7), declared disaster (DR4828), nation (US), or"
        " REPORTED: the states with a facility that is reported as other than open",
    )
    day: str = Field(
        default="", description="Day of the partition's year as 2024-09-27; its last if empty"
    )
    at: str = Field(
        default="", description="What was known at this time of UTC; the day's end if empty"
    )


def _find_day(step: StepContext) -> date:
    """Return the day that is asked for, or the last of the year."""
    text = step.read_config(EmergencyConfig).day
    return read_day(step, text) if text else date(step.performance_year, 12, 31)


def read_day(step: StepContext, text: str) -> date:
    """Return a configured day.

    Raises:
        Failure: it is no day, or of another year.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise dg.Failure(f"day: {text} is no day as 2024-09-27", allow_retries=False) from None
    if day.year != step.performance_year:
        raise dg.Failure(
            f"day: {text} is not in the partition {step.performance_year}", allow_retries=False
        )
    return day


def _name_day(step: StepContext) -> Mapping[str, object]:
    return {"day": _find_day(step)}


@dataclass(frozen=True, slots=True)
class StepRecords:
    """The tables of the step's year."""

    step: StepContext

    def read_directory(self) -> "pd.DataFrame":
        """Return facility.directory."""
        return self.step.read(facility.DIRECTORY)

    def read_needs(self, day: date) -> "pd.DataFrame":
        """Return emergency.facility_need of the day."""
        needs = self.step.read(emergency.FACILITY_NEED)
        return needs[needs["day"].astype(str) == day.isoformat()]

    def read_outcomes(self, day: date) -> "pd.DataFrame":
        """Return emergency.facility_outcome of the day."""
        outcomes = self.step.read(emergency.FACILITY_OUTCOME)
        return outcomes[outcomes["day"].astype(str) == day.isoformat()]

    def read_inputs(self) -> "tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]":
        """Return raw.facility_status, raw.disaster_declaration and raw.facility_asset."""
        status, declaration, asset = map(self.step.read, network_inputs.EMERGENCY_TABLES)
        return status, declaration, asset


def _find_places(step: StepContext) -> StepResult:
    from esrd_pipeline.emergency.area import REPORTED, AreaError
    from esrd_pipeline.emergency.picture import draw_picture, make_request
    from esrd_pipeline.emergency.writing import write_area

    config = step.read_config(EmergencyConfig)
    try:
        request = make_request(config.area, _find_day(step), at=config.at or None)
        picture = draw_picture(request, StepRecords(step))
    except AreaError as refused:
        if config.area.strip().upper() != REPORTED:
            raise dg.Failure(str(refused), allow_retries=False) from refused
        return StepResult(
            (_empty(emergency.CAPACITY), _empty(emergency.PLACEMENT)),
            notes={"page": "none: no facility is reported as other than open"},
        )
    except ValueError as refused:
        raise dg.Failure(f"at: {refused}", allow_retries=False) from refused
    path = write_area(step.settings.emergency_dir, picture)
    closed = int((picture.capacity["status"] == "closed").sum())
    return StepResult(
        (picture.capacity, picture.placements),
        notes={
            "page": path.as_uri(),
            "facilities of the area": len(picture.ccns),
            "closed": closed,
        },
    )


def _empty(table: Table) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(columns=table.column_names)


_PLACES = TableAsset(
    tables=(emergency.CAPACITY, emergency.PLACEMENT),
    compute=_find_places,
    description="Status and room of every facility, and where the patients of the area's closed"
    " facilities could go; writes the area's page. Room is stations times shifts times two, less"
    " own patients; distances are between ZIP codes.",
    dependencies=(
        Dependency(facility.DIRECTORY),
        Dependency(emergency.FACILITY_NEED),
        *(Dependency(table) for table in network_inputs.EMERGENCY_TABLES),
    ),
)

ASSETS = (
    make_multi_asset(
        STEP,
        (
            make_select_asset(
                "emergency.patient_need",
                description="Patients on dialysis on a day: facility, modality, last treatment"
                " known, next one due, nursing home. Made for the day that is configured.",
                parameters=_name_day,
            ),
            make_select_asset(
                "emergency.facility_need",
                description="Patients of each facility and modality on that day, and their needs.",
            ),
            _PLACES,
        ),
        config=EmergencyConfig,
    ),
)
