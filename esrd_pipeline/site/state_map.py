"""The map of states: outlines, shaded by mean stars, each with its number."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.reports.rounding import write_rounded
from esrd_pipeline.site.data import SiteData
from esrd_pipeline.site.facility_page import find_rating

_CLASSES = 5
_LOWEST, _HIGHEST = 1, 5
_BESIDE_AT, _FIRST_BESIDE, _STEP = 985, 150, 30
"""Where the numbers stand of states too small for them, one under the other, in map units."""


@dataclass(frozen=True, slots=True)
class State:
    """One state's facilities and the mean stars of those that are rated."""

    code: str
    name: str
    count: int
    rated: int
    mean: float | None

    @property
    def shade(self) -> str:
        """The class of its shade: none, or q0 to q4 from the fewest stars to the most.

        It is that of the printed mean, so that states with one number have one shade.
        """
        if self.mean is None:
            return "none"
        tenths = round(10 * float(write_rounded(self.mean, 1)))
        step = 10 * (_HIGHEST - _LOWEST) // _CLASSES
        return f"q{min((tenths - 10 * _LOWEST) // step, _CLASSES - 1)}"


def name_states() -> dict[str, str]:
    """Return the names of states and territories by their codes."""
    return {row["state"]: row["name"] for row in load_rows("state_outline")}


def list_states(data: SiteData) -> list[State]:
    """Return states and territories by name."""
    by_state: dict[str, list[int]] = {}
    counts = Counter(str(row["state"]) for row in data.facilities.values())
    for ccn, row in data.facilities.items():
        rating = find_rating(data.stars.get(ccn))
        if rating is not None:
            by_state.setdefault(str(row["state"]), []).append(rating)
    found = []
    for code, name in name_states().items():
        stars = by_state.get(code, [])
        mean = sum(stars) / len(stars) if stars else None
        found.append(State(code, name, counts[code], len(stars), mean))
    return sorted(found, key=lambda state: state.name)


def draw_map(states: Sequence[State]) -> str:
    """Draw the map. A list beside it has the same numbers and links.

    A state leads to its page for who points at it; keys and screen readers use the list.
    """
    by_code = {state.code: state for state in states}
    rows = load_rows("state_outline")
    parts = ['<svg class="map" viewBox="0 0 1020 610" aria-hidden="true">']
    texts = []
    for row in rows:
        state = by_code[row["state"]]
        outline = f'<path class="{state.shade}" d="{row["outline"]}"/>'
        if state.count:
            outline = f'<a href="states/{state.code}.html" tabindex="-1">{outline}</a>'
        parts.append(outline)
    beside = sorted((row for row in rows if row["is_beside"] == "true"), key=lambda row: row["y"])
    places = {row["state"]: _FIRST_BESIDE + _STEP * at for at, row in enumerate(beside)}
    for row in rows:
        state, x, y = by_code[row["state"]], int(row["x"]), int(row["y"])
        shown = state.code if state.mean is None else f"{state.code} {write_rounded(state.mean, 1)}"
        if row["state"] in places:
            at = places[row["state"]]
            texts.append(
                f'<path class="to" d="M{x} {y}L{_BESIDE_AT - 32} {at - 5}"/>'
                f'<text x="{_BESIDE_AT}" y="{at}">{shown}</text>'
            )
            continue
        dark = ' class="dark"' if state.shade in {"q3", "q4"} and row["state"] != "HI" else ""
        if state.mean is None:
            texts.append(f'<text{dark} x="{x}" y="{y + 6}">{shown}</text>')
        else:
            texts.append(
                f'<text{dark} x="{x}" y="{y - 2}">{state.code}'
                f'<tspan x="{x}" dy="16">{write_rounded(state.mean, 1)}</tspan></text>'
            )
    return "".join([*parts, *texts, "</svg>"])
