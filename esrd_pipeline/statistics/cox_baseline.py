"""Breslow's cumulative hazard at national rates, and the expected events of each row.

Breslow (1974); manual 2.14.13, 2.15.13, 2.27.13. `cox` estimates the coefficients.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.cox import check_events, check_spans
from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.risk_sets import group_risk_sets
from esrd_pipeline.statistics.risk_sums import sum_up_to, sum_weights
from esrd_pipeline.statistics.rows import check_amounts, check_codes, find_starts

Codes = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Baseline:
    """One cumulative hazard, or one for each of K strata.

    Attributes:
        times: the J event times, rising within each stratum, one stratum after another.
        cumulative: the cumulative hazard just after each of them, from 0 in every stratum: (J,).
        strata: rising codes of all strata, including those without events; None without strata.
        starts: index of each stratum's first event time, then J: (K + 1,); None without strata.
    """

    times: FloatArray
    cumulative: FloatArray
    strata: IntArray | None = None
    starts: IntArray | None = None


def fit_baseline(
    *,
    start: FloatArray,
    stop: FloatArray,
    event: NDArray[np.generic],
    risk: FloatArray,
    stratum: Codes | None = None,
) -> Baseline:
    """Return the hazard of a row with risk 1: events / sum of the risks at risk at each time.

    Args:
        start: time of entry; a row is at risk at t where start < t <= stop, shape (rows,).
        stop: time of event or censoring, > start, shape (rows,).
        event: 1 where the row ends in an event, else 0, shape (rows,).
        risk: exp of the linear predictor with its offset, > 0, shape (rows,).
        stratum: codes from 0, shape (rows,); by default all rows are in one stratum.

    Raises:
        FitError: arrays differ in length or contain invalid values; no events.
    """
    rows = start.size
    check_spans(start, stop, rows=rows)
    check_events(event, rows=rows)
    check_amounts("risk", risk, rows=rows, is_positive=True)
    at = _read_strata(stratum, rows)
    strata, owner = np.unique(at, return_inverse=True)
    sets = group_risk_sets(start=start, stop=stop, event=event, stratum=owner)
    hazards = sets.deaths / sum_weights(sets, risk[sets.order]).sums
    with_events = sets.time_starts.size - 1
    running = sum_up_to(sets, hazards[:, None], first=0, last=with_events)
    counts = np.zeros(strata.size, dtype=np.intp)
    counts[owner[sets.order[sets.row_starts[:-1]]]] = np.diff(sets.time_starts)
    starts = find_starts(counts)
    if stratum is None:
        return Baseline(sets.times, running.high[:, 0])
    return Baseline(sets.times, running.high[:, 0], strata, starts)


def compute_expected_events(
    baseline: Baseline,
    *,
    start: FloatArray,
    stop: FloatArray,
    risk: FloatArray,
    stratum: Codes | None = None,
) -> FloatArray:
    """Return risk x (H(stop) - H(start)) of each row, of the fit or new: shape (rows,).

    Over the rows of the fit, the sum in each stratum equals its number of events. Rows of a
    stratum without events have 0 expected events.

    Args:
        baseline: the cumulative hazards H.
        start: time of entry, shape (rows,).
        stop: time of leaving, > start, shape (rows,).
        risk: exp of the linear predictor with its offset, > 0, shape (rows,).
        stratum: codes of the baseline, shape (rows,); required if and only if it has strata.

    Raises:
        FitError: arrays differ in length or contain invalid values; unknown strata.
    """
    rows = start.size
    check_spans(start, stop, rows=rows)
    check_amounts("risk", risk, rows=rows, is_positive=True)
    if (stratum is None) != (baseline.strata is None):
        raise FitError("stratum: it is given if and only if the baseline has strata")
    at = _read_strata(stratum, rows)
    strata = np.zeros(1, dtype=np.intp) if baseline.strata is None else baseline.strata
    owner = np.minimum(np.searchsorted(strata, at), strata.size - 1)
    unknown = int(np.count_nonzero(strata[owner] != at))
    if unknown:
        raise FitError(f"stratum: {unknown} values are not among the baseline's")
    return risk * (_read_hazard(baseline, owner, stop) - _read_hazard(baseline, owner, start))


def _read_strata(stratum: Codes | None, rows: int) -> IntArray:
    if stratum is None:
        return np.zeros(rows, dtype=np.intp)
    check_codes("stratum", stratum, rows=rows)
    return np.asarray(stratum, dtype=np.intp)


def _read_hazard(baseline: Baseline, owner: IntArray, time: FloatArray) -> FloatArray:
    """Return the cumulative hazard at these times in the strata at these places."""
    starts = baseline.starts
    if starts is None:
        starts = np.array([0, baseline.times.size])
    # Whole numbers that rise with stratum and time: one search serves all strata.
    moments = np.unique(baseline.times)
    owners = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    width = moments.size + 1
    keys = owners * width + np.searchsorted(moments, baseline.times, side="right")
    wanted = owner * width + np.searchsorted(moments, time, side="right")
    place = np.searchsorted(keys, wanted, side="right")
    reached = np.append(0.0, baseline.cumulative)[place]
    return np.where(place > starts[owner], reached, 0.0)
