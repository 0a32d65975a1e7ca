"""Makes parameters/state_outline.csv from the outlines of the npm package us-atlas.

    npm pack us-atlas@3.0.1 && tar xf us-atlas-3.0.1.tgz
    python -m esrd_pipeline_tests.site.outlines package/states-albers-10m.json FILE.csv

The package has the Census Bureau's cartographic boundary files of 2017, projected (Albers, with
Alaska and Hawaii moved) to 975 x 610. Borders are simplified before states are put together, so
that neighbours keep the same border.
"""

import csv
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

Point = tuple[float, float]
Ring = list[Point]
TOLERANCE = 1.1
"""How far a border may be off, in units of the map."""
SMALLEST = 14.0
"""Islands below this area are left out, but for a state's largest part."""
CITATION = "U.S. Census Bureau cartographic boundary files 2017, npm us-atlas 3.0.1, simplified"
TERRITORIES = {
    "PR": "Puerto Rico",
    "VI": "U.S. Virgin Islands",
    "GU": "Guam",
    "MP": "Northern Mariana Islands",
    "AS": "American Samoa",
}
"""Beside the map as squares: us-atlas has no projection of them."""
BESIDE = ("VT", "NH", "MA", "RI", "CT", "NJ", "DE", "MD", "DC")
"""Too small for a number within."""
_PAIRS = """
AL01 AK02 AZ04 AR05 CA06 CO08 CT09 DE10 DC11 FL12 GA13 HI15 ID16 IL17 IN18 IA19
KS20 KY21 LA22 ME23 MD24 MA25 MI26 MN27 MS28 MO29 MT30 NE31 NV32 NH33 NJ34 NM35
NY36 NC37 ND38 OH39 OK40 OR41 PA42 RI44 SC45 SD46 TN47 TX48 UT49 VT50 VA51 WA53
WV54 WI55 WY56
"""
CODES = {pair[2:]: pair[:2] for pair in _PAIRS.split()}
"""States by the number the Census Bureau gives them."""
LABELS: dict[str, Point] = {
    "HI": (330, 545),
    "ID": (204, 172),
    "AK": (120, 515),
    "MI": (688, 202),
    "FL": (790, 500),
    "LA": (562, 474),
    "CA": (62, 300),
}
"""Where the middle of a state's largest part is no good place for its number."""


def simplify(points: Ring) -> Ring:
    """Leave out points that are near the line between those left (Douglas and Peucker)."""
    if len(points) < 3:
        return points
    (x0, y0), (x1, y1) = points[0], points[-1]
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5

    def distance(point: Point) -> float:
        x, y = point
        if length == 0:
            return ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
        return abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length

    at = max(range(1, len(points) - 1), key=lambda place: distance(points[place]))
    if distance(points[at]) <= TOLERANCE:
        return [points[0], points[-1]]
    return simplify(points[: at + 1])[:-1] + simplify(points[at:])


def decode(topology: dict[str, Any]) -> list[Ring]:
    """Return the arcs of a quantized topology."""
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        points: Ring = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        arcs.append(points)
    return arcs


def area(ring: Ring) -> float:
    """Return the area within a ring."""
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise([*ring, ring[0]]))) / 2


def middle(ring: Ring) -> Point:
    """Return the centre of gravity of a ring."""
    x = y = whole = 0.0
    for (x0, y0), (x1, y1) in pairwise([*ring, ring[0]]):
        cross = x0 * y1 - x1 * y0
        x, y, whole = x + (x0 + x1) * cross, y + (y0 + y1) * cross, whole + cross
    return x / (3 * whole), y / (3 * whole)


def write_path(rings: list[Ring]) -> str:
    """Write rings as a path of whole numbers, each relative to the one before."""
    parts = []
    for ring in rings:
        whole = [(round(x), round(y)) for x, y in ring]
        kept = [whole[0], *(after for before, after in pairwise(whole) if before != after)]
        if kept[-1] == kept[0]:
            kept.pop()
        steps = " ".join(f"{x1 - x0} {y1 - y0}" for (x0, y0), (x1, y1) in pairwise(kept))
        parts.append(f"M{kept[0][0]} {kept[0][1]}l{steps}z".replace(" -", "-"))
    return "".join(parts)


def list_states(topology: dict[str, Any]) -> list[dict[str, object]]:
    """Return states with their outlines and the place of their numbers."""
    raw = decode(topology)
    arcs = [simplify(arc) for arc in raw]
    rows = []
    for geometry in topology["objects"]["states"]["geometries"]:
        code = CODES.get(geometry["id"])
        if code is None:
            continue
        shapes = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        rings = []
        for ring in (ring for shape in shapes for ring in shape):
            points: Ring = []
            for number in ring:
                arc = arcs[number] if number >= 0 else arcs[~number][::-1]
                points += arc if not points else arc[1:]
            rings.append(points)
        rings.sort(key=area, reverse=True)
        kept = [rings[0], *(ring for ring in rings[1:] if area(ring) >= SMALLEST)]
        x, y = LABELS.get(code, middle(rings[0]))
        rows.append(
            {
                "state": code,
                "name": geometry["properties"]["name"],
                "outline": write_path(kept),
                "x": round(x),
                "y": round(y),
                "is_beside": str(code in BESIDE).lower(),
                "citation": CITATION,
            }
        )
    for place, (code, name) in enumerate(TERRITORIES.items()):
        x, y = 640 + 52 * place, 560
        rows.append(
            {
                "state": code,
                "name": name,
                "outline": f"M{x} {y}h44v34h-44z",
                "x": x + 22,
                "y": y + 17,
                "is_beside": "false",
                "citation": "a square in place of an outline: our own",
            }
        )
    return sorted(rows, key=lambda row: str(row["state"]))


if __name__ == "__main__":
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    states = list_states(json.loads(source.read_text(encoding="utf-8")))
    with target.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, fieldnames=list(states[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(states)
