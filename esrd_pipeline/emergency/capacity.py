"""Where there is room: stations and shifts, less the patients a facility has itself."""

from datetime import date

import numpy as np
import pandas as pd

from esrd_pipeline.emergency.rules import find_rule
from esrd_pipeline.emergency.status import OPEN
from esrd_pipeline.tables.emergency import CAPACITY, IN_CENTER, ROOM_SOURCES

_FROM_ASSET, _FROM_DIRECTORY, _NOT_KNOWN = ROOM_SOURCES


def find_capacity(
    *,
    day: date,
    directory: pd.DataFrame,
    assets: pd.DataFrame,
    needs: pd.DataFrame,
    statuses: pd.DataFrame,
) -> pd.DataFrame:
    """Return emergency.capacity: status and room of every facility that treats dialysis patients.

    Args:
        day: the day.
        directory: facility.directory: ccn, station_count.
        assets: raw.facility_asset; a facility's newest year that is not after the day counts.
        needs: emergency.facility_need of the day.
        statuses: what `find_status` returns.

    A station and shift has places for two patients, three days a week each (reading 244). Only an
    open facility has room; one that is altered treats its own.
    """
    current = assets[assets["asset_year"] <= day.year]
    newest = current.sort_values(["ccn", "asset_year"]).groupby("ccn").tail(1)
    in_center = needs[needs["modality"] == IN_CENTER].set_index("ccn")["patients"]
    table = (
        directory[["ccn", "station_count"]]
        .merge(newest[["ccn", "stations", "shifts"]], on="ccn", how="left")
        .merge(statuses, on="ccn", how="left")
        .sort_values("ccn", ignore_index=True)
    )
    has_asset = table["stations"].notna()
    has_directory = ~has_asset & table["station_count"].notna()
    stations = table["stations"].astype("Float64").fillna(table["station_count"].astype("Float64"))
    shifts = table["shifts"].astype("Float64").fillna(float(find_rule("assumed_shifts")))
    shifts = shifts.where(has_asset | has_directory)
    places = stations * shifts * find_rule("patients_per_place")
    own = table["ccn"].map(in_center).fillna(0).astype(int)
    status = table["status"].fillna(OPEN)
    room = (places - own).clip(lower=0).where(status == OPEN).fillna(0)
    source = np.select([has_asset, has_directory], [_FROM_ASSET, _FROM_DIRECTORY], _NOT_KNOWN)
    return table.assign(
        performance_year=day.year,
        day=day,
        is_reported=table["status"].notna(),
        status=status,
        stations=stations.astype("Int64"),
        shifts=shifts.astype("Int64"),
        room_source=source,
        places=places.astype("Int64"),
        in_center_patients=own,
        room=room.astype(int),
    )[CAPACITY.column_names]
