"""What it would take, of every facility of a year, as rows of tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.scoring_frames import score
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.what_if import NEXT_POINT, REDUCTION_CHANCE, REDUCTION_WAY
from esrd_pipeline.what_if.chances import DRAWS, SEED, estimate_chances, group_limits
from esrd_pipeline.what_if.ladders import Nation, move_numerators, spread
from esrd_pipeline.what_if.targets import Step, find_nearest, find_reports, find_steps
from esrd_pipeline.what_if.ways import find_ways

Cells = dict[str, object]


@dataclass(frozen=True, slots=True)
class WhatItTakes:
    """`report.next_point`, `report.reduction_way` and `report.reduction_chance` of a year."""

    points: pd.DataFrame
    ways: pd.DataFrame
    chances: pd.DataFrame


def tabulate_what_it_takes(nation: Nation, limits: pd.DataFrame, *, months: int) -> WhatItTakes:
    """Return every facility's rows; `limits` as `scenario.choose_limits` gives them.

    Raises:
        ValueError: the scoring does not confirm a row.
    """
    places = range(len(nation.ccns))
    nearest = {
        at: list(find_nearest([*find_steps(nation, at), *find_reports(nation, at)]).values())
        for at in places
    }
    confirm_steps(nation, nearest)
    points = [
        _make_row(nation, at, step) | {"score": _whole(nation, at, step.measure)}
        for at in places
        for step in nearest[at]
    ]
    ways = [
        _make_row(nation, at, step)
        | {"payment_reduction": way.reduction, "least_tps": way.minimum, "tps": way.tps}
        for at, of_facility in find_ways(nation, places).items()
        for way in of_facility
        for step in way.steps
    ]
    known = group_limits(limits)
    chances = [
        row
        for at in places
        for row in _draw(nation, at, known.get(nation.ccns[at], {}), months=months)
    ]
    return WhatItTakes(
        _frame(nation, NEXT_POINT, points),
        _frame(nation, REDUCTION_WAY, ways),
        _frame(nation, REDUCTION_CHANCE, chances),
    )


def confirm_steps(nation: Nation, nearest: Mapping[int, Sequence[Step]]) -> None:
    """Score the facilities after the first step of each measure, and one event before it.

    Raises:
        ValueError: a measure does not come to the step's score then, or does before.
    """
    moved = [(at, step) for at, steps in nearest.items() for step in steps if step.score]
    if not moved:
        return
    measures = [step.measure for _, step in moved]
    turns = np.array([nation.ladders[measure].turn for measure in measures])
    last = np.array([step.numerator for _, step in moved])
    for numerators, is_there in ((last, True), (last - turns, False)):
        ccns = [nation.ccns[at] for at, _ in moved]
        frames = move_numerators(nation, ccns, measures, numerators)
        points = spread(score(frames, nation.rules, nation.year), "score")
        for at, step in moved:
            if (points[step.measure][at] >= step.score) != is_there:
                raise ValueError(
                    f"{nation.ccns[at]}: {step} is not confirmed: {points[step.measure][at]:g}"
                )


def _make_row(nation: Nation, at: int, step: Step) -> Cells:
    return {
        "ccn": nation.ccns[at],
        "measure": step.measure,
        "next_score": step.score,
        "events": step.events,
        "numerator": float(nation.rows(step.measure).numerator[at]),
        "next_numerator": step.numerator,
    }


def _whole(nation: Nation, at: int, measure: str) -> int | None:
    points = nation.points.get(measure)
    return None if points is None or np.isnan(points[at]) else int(points[at])


def _draw(
    nation: Nation, at: int, limits: Mapping[str, tuple[float, float, float]], *, months: int
) -> list[Cells]:
    """Return the chances of a facility with a TPS."""
    if pd.isna(nation.scores.totals["tps"].iloc[at]):
        return []
    chances = estimate_chances(nation, at, limits, months=months)
    return [
        {
            "ccn": nation.ccns[at],
            "payment_reduction": percent,
            "chance": share,
            "months": months,
            "draw_count": DRAWS,
            "seed": SEED,
            "drawn": " ".join(chances.drawn) or None,
            "fixed": " ".join(chances.fixed) or None,
        }
        for percent, share in chances.reductions.items()
    ]


def _frame(nation: Nation, table: Table, rows: Sequence[Cells]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=table.column_names).assign(
        performance_year=nation.year, payment_year=nation.rules.payment_year
    )
    whole = [name for name in ("score", "next_score", "tps") if name in frame]
    ordered = frame.astype(dict.fromkeys(whole, "Int64")).sort_values(
        list(table.key), ignore_index=True
    )
    return ordered[table.column_names]
