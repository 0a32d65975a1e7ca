"""Where ZIP codes lie, from the data of the package `zipcodes`, which asks no server."""

from collections.abc import Iterable, Mapping
from functools import cache

Position = tuple[float, float]
"""Latitude and longitude of a ZIP code's centre, in degrees."""
REGION = 2
"""Digits of a ZIP code that name its region; a file of positions holds one region."""
_AREA = 3


def load_positions(states: Iterable[str]) -> Mapping[str, Position]:
    """Return the positions of the ZIP codes of some states, by ZIP code."""
    found = {zip_code: at for state in states for zip_code, at in _load_state(state)}
    return dict(sorted(found.items()))


@cache
def _load_state(state: str) -> tuple[tuple[str, Position], ...]:
    import zipcodes  # noqa: PLC0415 - its data take a second to load

    return tuple(
        (row["zip_code"], (float(row["lat"]), float(row["long"])))
        for row in zipcodes.filter_by(state=state)
        # The package writes an unknown position as 0, 0, which is in the Gulf of Guinea.
        if float(row["lat"]) or float(row["long"])
    )


def find_position(zip_code: str, positions: Mapping[str, Position]) -> Position | None:
    """Return where a ZIP code lies; the middle of those with its first three digits if unknown."""
    return find_positions([zip_code], positions).get(zip_code)


def find_positions(
    zip_codes: Iterable[str], positions: Mapping[str, Position]
) -> Mapping[str, Position]:
    """Return where ZIP codes lie, those left out of which not even the first three digits do."""
    areas: dict[str, list[Position]] = {}
    for zip_code, at in positions.items():
        areas.setdefault(zip_code[:_AREA], []).append(at)
    middles = {
        area: (
            sum(latitude for latitude, _ in near) / len(near),
            sum(longitude for _, longitude in near) / len(near),
        )
        for area, near in areas.items()
    }
    found = {code: positions.get(code, middles.get(code[:_AREA])) for code in zip_codes}
    return {code: at for code, at in found.items() if at is not None}
