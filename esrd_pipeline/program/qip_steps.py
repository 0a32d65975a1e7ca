"""Reporting measures that are scored by steps: rows of parameters/qip_step.csv.

A rule of a payment year that the manual does not have: NHSN dialysis event reporting of PY 2026.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.program.qip_arithmetic import TOP_SCORE, Floats, Units
from esrd_pipeline.program.qip_cells import Cells, read_cells

SCORING = "reporting_steps"


@dataclass(frozen=True, slots=True)
class Step:
    """The score of a facility that reported at least so much, up to the next step."""

    reported_at_least: int
    score: int


def read_steps(table: pd.DataFrame, measure: Cells) -> tuple[Step, ...]:
    """Return the steps of a measure, `measure` its own row, from the lowest up; none without rows.

    Raises:
        ParameterFileError: a cell is no number of reports, or no score.
    """
    own = table.loc[table["measure"] == measure.text("measure")]
    rows = read_cells(own, "qip_step", measure.payment_year, "measure", "reported_at_least")
    return tuple(
        Step(start, score)
        for start, score in sorted(
            (
                cells.whole("reported_at_least", least=0),
                cells.whole("score", least=0, most=TOP_SCORE),
            )
            for cells in rows
        )
    )


def check_steps(where: str, measure: str, scoring: str, steps: tuple[Step, ...]) -> None:
    """Reject steps that leave a gap or fall, or that the measure's scoring does not use or lacks.

    Raises:
        ValueError: names the rule set, `where`, the measure, and what is wrong.
    """
    starts = [step.reported_at_least for step in steps]
    scores = [step.score for step in steps]
    if (scoring == SCORING) != bool(steps):
        raise ValueError(f"{where}: the steps of {measure} do not fit its scoring")
    if steps and (starts[0] != 0 or len(set(starts)) < len(starts)):
        raise ValueError(f"{where}: the steps of {measure} do not begin once each, from 0 on")
    if scores != sorted(scores):
        raise ValueError(f"{where}: the steps of {measure} give fewer points for more reports")


def take_steps(steps: tuple[Step, ...], reported: Floats) -> Units:
    """Return the score of the highest step each facility reaches; an unknown count is taken as 0.

    The caller knows which counts are unknown.
    """
    starts = np.array([step.reported_at_least for step in steps])
    scores = np.array([step.score for step in steps], dtype=np.int64)
    return scores[np.searchsorted(starts, np.nan_to_num(reported), side="right") - 1]
