"""A hurricane over three states: 600 closed of the nation's facilities, and room for some."""

from datetime import UTC, date, datetime
from time import perf_counter

import numpy as np
import pandas as pd

from esrd_pipeline.emergency.page import write_page
from esrd_pipeline.emergency.picture import draw_picture, make_request
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.emergency import IN_CENTER, PERITONEAL

DAY = date(2024, 9, 27)
STATES = ("FL", "GA", "SC")
CLOSED = 600


def _draw_directory(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return facilities of all states; a quarter of them in the three."""
    areas: dict[str, list[int]] = {}
    for row in load_rows("synthetic_zip_area"):
        areas.setdefault(row["state"], []).extend(range(int(row["first"]), int(row["last"]) + 1))
    others = [state for state in areas if state not in STATES]
    hit = rng.random(count) < 0.25
    states = np.where(hit, rng.choice(STATES, count), rng.choice(others, count))
    return pd.DataFrame(
        {
            "ccn": [f"{10_000 + place:06d}" for place in range(count)],
            "performance_year": DAY.year,
            "facility_name": "FACILITY",
            "network": 7,
            "city": "TOWN",
            "state": states,
            "zip_code": [
                f"{rng.choice(areas[state]):03d}{rng.integers(100):02d}" for state in states
            ],
            "county": "COUNTY",
            "chain_organization": rng.choice(["A", "B", "C", "Independent"], count),
            "station_count": rng.integers(8, 31, count),
            "has_in_center_hemodialysis": True,
            "has_peritoneal_dialysis": rng.random(count) < 0.5,
            "has_home_hemodialysis_training": False,
        }
    )


def _count_patients(directory: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return patients of each facility: three quarters to all of its places are taken."""
    places = directory["station_count"] * 4
    parts = []
    for modality, patients in (
        (IN_CENTER, (places * rng.uniform(0.75, 1, len(places))).astype(int)),
        (PERITONEAL, rng.integers(0, 30, len(places))),
    ):
        rows = {"ccn": directory["ccn"], "modality": modality, "patients": patients}
        counts = dict.fromkeys(["due_by_day", "due_next_day", "due_unknown", "in_nursing_home"], 0)
        parts.append(pd.DataFrame({**rows, **counts, "last_treatment": DAY}))
    return pd.concat(parts, ignore_index=True)


class _Records:
    """Frames in memory."""

    def __init__(self, facilities: int) -> None:
        rng = np.random.default_rng(24)
        self.directory = _draw_directory(facilities, rng)
        self.needs = _count_patients(self.directory, rng)
        hit = self.directory.loc[self.directory["state"].isin(STATES), "ccn"]
        closed = hit.head(round(CLOSED * facilities / 7500))
        self.reports = pd.DataFrame(
            {
                "ccn": closed,
                "from_at": "2024-09-26T18:00Z",
                "reported_at": "2024-09-26T17:30Z",
                "to_at": None,
                "status": "closed",
                "cause": "hurricane",
            }
        )

    def read_directory(self) -> pd.DataFrame:
        return self.directory

    def read_needs(self, day: date) -> pd.DataFrame:
        del day
        return self.needs

    def read_inputs(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        empty = (
            pd.DataFrame(columns=TABLES_BY_NAME[name].column_names)
            for name in ("raw.disaster_declaration", "raw.facility_asset")
        )
        declarations, assets = empty
        return self.reports, declarations, assets


def time_worst_day(facilities: int) -> tuple[int, float]:
    """Return the facilities, and the seconds of room, places for the displaced and the page."""
    records = _Records(facilities)
    start = perf_counter()
    picture = draw_picture(make_request("REPORTED", DAY), records)
    write_page(picture, datetime(2024, 9, 27, tzinfo=UTC))
    return facilities, perf_counter() - start
