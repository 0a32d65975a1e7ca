"""What a facility's page says it would take: events to the next point, and to lower reductions."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from esrd_pipeline.parameters.measure_texts import find_measure_text
from esrd_pipeline.reports.suppression import FEW
from esrd_pipeline.site.data import Row, SiteData
from esrd_pipeline.site.formats import write_number, write_percent


def describe_what_it_takes(data: SiteData, ccn: str) -> Mapping[str, Any] | None:
    """Return what the page shows; None of a facility that has nothing to gain and no chances."""
    points = [
        _describe(row)
        for row in sorted(data.next_points.get(ccn, []), key=lambda row: row["measure"])
    ]
    rows = sorted(
        data.reduction_ways.get(ccn, []),
        key=lambda row: (-row["payment_reduction"], row["measure"]),
    )
    ways = [
        _describe_way(reduction, list(steps))
        for reduction, steps in groupby(rows, key=lambda row: row["payment_reduction"])
    ]
    dollars = {row["payment_reduction"]: row for row in data.reduction_dollars.get(ccn, [])}
    chances = [
        {
            "row": row,
            "chance": write_percent(row["chance"], 1),
            "dollars": _write_dollars(dollars.get(row["payment_reduction"])),
        }
        for row in sorted(
            data.reduction_chances.get(ccn, []), key=lambda row: row["payment_reduction"]
        )
    ]
    if not (points or ways or chances):
        return None
    shown = [row for row in dollars.values() if row["dollars"] is not None]
    return {
        "points": points,
        "ways": ways,
        "chances": chances,
        "estimate": _describe_estimate(shown[0]) if shown else None,
    }


def _write_dollars(row: Row | None) -> str:
    return "" if row is None or row["dollars"] is None else write_number(row["dollars"], 0)


def _describe_estimate(row: Row) -> dict[str, Any]:
    return {
        "row": row,
        "treatments": write_number(row["treatments"], 0),
        "base_rate": write_number(row["base_rate"], 2),
    }


def _describe(row: Row) -> dict[str, Any]:
    hidden = row["events"] is None
    return {
        "row": row,
        "text": find_measure_text(row["measure"]),
        "is_hidden": hidden,
        "few": f"{FEW} patients",
        "turn": "" if hidden else "more" if row["next_numerator"] > row["numerator"] else "fewer",
        "from": write_number(row["numerator"], 1),
        "to": write_number(row["next_numerator"], 1),
    }


def _describe_way(reduction: float, steps: list[Row]) -> dict[str, Any]:
    """Return a way with its steps; their sum where none is hidden."""
    counts = [row["events"] for row in steps]
    return {
        "reduction": f"{reduction:g}%",
        "row": steps[0],
        "events": None if None in counts else sum(counts),
        "steps": [_describe(row) for row in steps],
    }
