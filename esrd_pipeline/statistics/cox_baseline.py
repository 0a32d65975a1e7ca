"""Breslow's cumulative hazard at national rates, and the events it expects of each row.

Breslow (1974); manual 2.14.13, 2.15.13, 2.27.13. Coefficients belong to `cox`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.cox import check_spans
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.risk_sets import group_risk_sets, sum_at_times
from esrd_pipeline.statistics.rows import check_amounts, check_finite_rows


@dataclass(frozen=True, slots=True)
class Baseline:
    """A cumulative hazard: it rises to `cumulative[j]` at `times[j]`, both of shape (J,)."""

    times: FloatArray
    cumulative: FloatArray


def fit_baseline(
    *, start: FloatArray, stop: FloatArray, event: NDArray[np.generic], risk: FloatArray
) -> Baseline:
    """Return the hazard of a row of risk 1: at each event time events / sum of risks at risk.

    Args:
        start: time of entry; a row is at risk at t where start < t <= stop, shape (rows,).
        stop: time of event or censoring, > start, shape (rows,).
        event: 1 where the row ends in an event, else 0, shape (rows,).
        risk: exp of the linear predictor with its offset, > 0, shape (rows,).

    Raises:
        FitError: arrays disagree or hold what they may not; no events.
    """
    rows = start.size
    check_spans(start, stop, event, rows=rows)
    check_amounts("risk", risk, rows=rows, is_positive=True)
    sets = group_risk_sets(
        start=np.asarray(start, dtype=np.float64),
        stop=np.asarray(stop, dtype=np.float64),
        event=np.asarray(event, dtype=bool),
        stratum=np.zeros(rows, dtype=np.intp),
    )
    if not sets.times.size:
        raise FitError("event: no row ends in an event")
    at_risk = sum_at_times(sets, risk[sets.order])
    return Baseline(sets.times, np.cumsum(sets.deaths / at_risk))


def expect_events(
    baseline: Baseline, *, start: FloatArray, stop: FloatArray, risk: FloatArray
) -> FloatArray:
    """Return risk x (H(stop) - H(start)) of each row, of the fit or new: shape (rows,).

    Over the rows of the fit it adds up to their events.

    Raises:
        FitError: arrays disagree or hold what they may not.
    """
    rows = start.size
    check_finite_rows("start", start, rows=rows)
    check_finite_rows("stop", stop, rows=rows)
    check_amounts("risk", risk, rows=rows, is_positive=True)
    steps = np.append(0.0, baseline.cumulative)
    until = np.searchsorted(baseline.times, stop, side="right")
    before = np.searchsorted(baseline.times, start, side="right")
    return risk * (steps[until] - steps[before])
