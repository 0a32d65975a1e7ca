"""The page of an area's emergency, for an officer with a phone: one file, no other is needed.

Counts of 1 to 10 patients are not shown. Sums are of the shown cells alone, with the number of
facilities that are not in them, so that no sum tells a hidden count.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from esrd_pipeline.emergency.picture import Picture
from esrd_pipeline.emergency.placement import NONE
from esrd_pipeline.emergency.status import ALTERED, CLOSED, OPEN, UNKNOWN
from esrd_pipeline.reports.suppression import SMALLEST_SHOWN
from esrd_pipeline.site.writing import render
from esrd_pipeline.tables.emergency import MODALITIES

PAGE = "index.html"
FEW = f"1 to {SMALLEST_SHOWN - 1}"
_COUNTS = ("patients", "due_by_day", "due_next_day", "due_unknown", "in_nursing_home")
_ORDER = (CLOSED, ALTERED, UNKNOWN, OPEN)
_WIDTH, _MARGIN = 360.0, 14.0
_MOST_HEIGHT = 420.0
_HOURS_SHOWN = 48
"""An age beyond these hours is told in days."""


def write_page(picture: Picture, now: datetime) -> str:
    """Return the page's HTML; `now` is when it is written, in UTC."""
    return render("emergency.html", PAGE, describe(picture, now))


def show_count(count: int) -> str:
    """Return a count of patients as others are shown it."""
    return FEW if 0 < count < SMALLEST_SHOWN else f"{count:,}"


def add_shown(counts: Sequence[int]) -> tuple[int, int]:
    """Return the sum of the counts that are shown, and how many are not shown."""
    shown = [count for count in counts if not 0 < count < SMALLEST_SHOWN]
    return sum(shown), len(counts) - len(shown)


def describe(picture: Picture, now: datetime) -> dict[str, Any]:
    """Return what the template shows."""
    facilities = _list_facilities(picture)
    return {
        "year": picture.patients_at.year,
        "title": picture.title,
        "day": picture.request.day,
        "at": _write_moment(picture.request.at),
        "kilometres": picture.request.kilometres,
        "statuses": [(name, sum(row["status"] == name for row in facilities)) for name in _ORDER],
        "displaced": _sum_displaced(picture, facilities),
        "needs": _sum_needs(picture),
        "facilities": facilities,
        "sources": _list_sources(picture, now),
        "map": _draw_map(picture, facilities),
        "few": FEW,
        "written": f"{now:%Y-%m-%d %H:%M} UTC",
    }


def _sum_needs(picture: Picture) -> list[dict[str, Any]]:
    """Return the area's sums of each modality."""
    mine = picture.needs[picture.needs["ccn"].isin(picture.ccns)]
    found: list[dict[str, Any]] = []
    for modality in MODALITIES:
        rows = mine[mine["modality"] == modality]
        sums = {name: add_shown([int(count) for count in rows[name]]) for name in _COUNTS}
        found.append({"modality": modality, **sums})
    return found


def _sum_displaced(picture: Picture, facilities: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    closed = {row["ccn"] for row in facilities if row["status"] == CLOSED}
    mine = picture.needs[picture.needs["ccn"].isin(closed)]
    unplaced = picture.placements[picture.placements["to_ccn"] == NONE]
    return {
        "patients": add_shown([int(n) for n in mine.groupby("ccn")["patients"].sum()]),
        "unplaced": add_shown([int(n) for n in unplaced.groupby("from_ccn")["patients"].sum()]),
    }


def _list_facilities(picture: Picture) -> list[dict[str, Any]]:
    """Return the area's facilities: those that are not open first, then by city and name."""
    mine = picture.needs[picture.needs["ccn"].isin(picture.ccns)]
    totals = mine.groupby("ccn")[list(_COUNTS)].sum().reset_index().to_dict("records")
    sums = {str(row["ccn"]): row for row in totals}
    capacity = {str(row["ccn"]): row for row in picture.capacity.to_dict("records")}
    names = picture.directory.set_index("ccn")["facility_name"]
    found: list[dict[str, Any]] = []
    for row in picture.directory.to_dict("records"):
        ccn = str(row["ccn"])
        if ccn not in picture.ccns:
            continue
        place = capacity[ccn]
        counts = {name: int(sums[ccn][name]) if ccn in sums else 0 for name in _COUNTS}
        is_few = 0 < int(place["in_center_patients"]) < SMALLEST_SHOWN
        found.append(
            {
                "ccn": ccn,
                "name": row["facility_name"],
                "city": row["city"] or "",
                "status": place["status"],
                "is_reported": bool(place["is_reported"]),
                "since": _write_moment(place["from_at"]),
                "reported": _write_moment(place["reported_at"]),
                "cause": place["cause"] if isinstance(place["cause"], str) else "",
                "counts": {name: show_count(count) for name, count in counts.items()},
                "room": "not shown" if is_few else f"{int(place['room']):,}",
                "room_source": place["room_source"],
                "ways": _list_ways(picture, ccn, names),
            }
        )
    return sorted(
        found,
        key=lambda row: (_ORDER.index(row["status"]), row["city"], row["name"], row["ccn"]),
    )


def _list_ways(picture: Picture, ccn: str, names: pd.Series) -> list[dict[str, Any]]:
    """Return where a closed facility's patients could go; numbers only where each can be shown.

    One number that is not shown would follow from the others and the facility's patients.
    """
    mine = picture.placements[picture.placements["from_ccn"] == ccn]
    is_shown = bool((mine["patients"] >= SMALLEST_SHOWN).all())
    return [
        {
            "modality": way["modality"],
            "to": None if way["to_ccn"] == NONE else names.get(way["to_ccn"], way["to_ccn"]),
            "patients": f"{int(way['patients']):,}" if is_shown else None,
            "kilometres": None if way["to_ccn"] == NONE else f"{way['kilometres']:.0f}",
            "relation": way["relation"],
        }
        for way in mine.to_dict("records")
    ]


def _list_sources(picture: Picture, now: datetime) -> list[dict[str, str]]:
    """Return each source's last update, and its age when the page is written."""
    reports = picture.reports["reported_at"]
    known = reports[reports <= picture.request.at]
    last = picture.needs["last_treatment"].dropna()
    treated = max(pd.Timestamp(day).date() for day in last) if len(last) else None
    years = picture.assets["asset_year"]
    newest = None if known.empty else str(known.max())
    return [
        {
            "name": "Reports of facilities' status",
            "last": _write_moment(newest) or "no report",
            "age": "" if newest is None else _write_age(_read_moment(newest), now),
        },
        {
            "name": "Patients by facility",
            "last": picture.patients_at.isoformat(),
            "age": _write_age(_at_midnight(picture.patients_at), now),
        },
        {
            "name": "Sessions on dialysis claims",
            "last": treated.isoformat() if treated else "none known near the day",
            "age": "" if treated is None else _write_age(_at_midnight(treated), now),
        },
        {
            "name": "What facilities have for an emergency",
            "last": "no file" if years.empty else f"of {int(years.max())}",
            "age": "",
        },
    ]


def _draw_map(picture: Picture, facilities: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the map's size and its signs: north is up, a degree of longitude as wide as here."""
    shown = {row["ccn"]: row for row in facilities}
    at = picture.positions[picture.positions.index.isin(list(shown))]
    if at.empty:
        return None
    middle = float(at["latitude"].mean())
    squeeze = max(0.1, _cosine(middle))
    x, y = at["longitude"] * squeeze, -at["latitude"]
    span = max(float(x.max() - x.min()), float(y.max() - y.min()) * _WIDTH / _MOST_HEIGHT, 0.05)
    scale = (_WIDTH - 2 * _MARGIN) / span
    height = float(y.max() - y.min()) * scale + 2 * _MARGIN
    signs = [
        {
            "x": round(float((x[ccn] - x.min()) * scale + _MARGIN), 1),
            "y": round(float((y[ccn] - y.min()) * scale + _MARGIN), 1),
            "status": shown[ccn]["status"],
            "name": shown[ccn]["name"],
        }
        for ccn in sorted(at.index, key=lambda ccn: (-_ORDER.index(shown[ccn]["status"]), ccn))
    ]
    return {"width": _WIDTH, "height": round(height, 1), "signs": signs}


def _cosine(degrees: float) -> float:

    return math.cos(math.radians(degrees))


def _read_moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


def _at_midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _write_moment(text: object) -> str:
    return f"{_read_moment(text):%Y-%m-%d %H:%M} UTC" if isinstance(text, str) else ""


def _write_age(then: datetime, now: datetime) -> str:
    hours = max(0.0, (now - then).total_seconds() / 3600)
    return f"{hours:.0f} hours old" if hours < _HOURS_SHOWN else f"{hours / 24:.0f} days old"
