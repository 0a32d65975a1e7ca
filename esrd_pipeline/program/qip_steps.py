"""Reporting measures that are scored by steps: rows of parameters/qip_step.csv.

A rule of a payment year that the manual does not have: NHSN dialysis event reporting of PY 2026.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.program.qip_arithmetic import Floats, Units

SCORING = "reporting_steps"


@dataclass(frozen=True, slots=True)
class Step:
    """The score of a facility that reported at least so much, up to the next step."""

    reported_at_least: int
    score: int


def read_steps(table: pd.DataFrame, payment_year: int, measure: str) -> tuple[Step, ...]:
    """Return a measure's steps of a payment year from the lowest up; none without rows."""
    rows = table.loc[
        (table["payment_year"] == str(payment_year)) & (table["measure"] == measure),
        ["reported_at_least", "score"],
    ]
    return tuple(Step(*pair) for pair in sorted(rows.astype(int).itertuples(index=False)))


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
