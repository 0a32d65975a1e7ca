"""Stage 2 of SFR and PPPW: one intercept for each facility (manual 2.2.14, 2.16.13).

Each facility has its own intercept-only logit GEE on its own rows, with the offset x'b of stage 1,
its own exchangeable correlation within patient and a sandwich error clustered by patient (Liang &
Zeger 1986), with the same moment estimators as `gee`.
"""

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import Dropped, FitError, NotConvergedError
from esrd_pipeline.statistics.gee_clusters import check_outcome, check_predictor
from esrd_pipeline.statistics.gee_scoring import CORRELATION_LIMIT
from esrd_pipeline.statistics.rows import check_codes, sum_by

TOLERANCE = 1e-10
STEP_LIMIT = 2.0
ITERATION_LIMIT = 200
NO_SPREAD = 1e-16
"""A sandwich variance below this share of the model-based one is rounding: patients do not vary."""

Codes = NDArray[np.integer]

_compile: Any = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})


class InterceptStatus(IntEnum):
    """The existence and sign of a facility's intercept, given its rows."""

    FINITE = 0
    NO_EVENTS = 1
    ALL_EVENTS = 2
    NO_ROWS = 3


class WorkingCorrelation(IntEnum):
    """The source of a facility's working correlation."""

    ESTIMATED = 0
    HELD = 1
    INDEPENDENT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityIntercepts:
    """Intercepts of F facilities; shapes are (F,). Undefined numbers are NaN.

    Attributes:
        intercept: minus infinity without events, infinity with only events.
        standard_error: sandwich, clustered by patient; NaN for an infinite intercept and if the
            patients do not vary (for example one patient).
        correlation: the working correlation; 0 where no patient has two rows.
        rows: patient-months.
        events: patient-months with the outcome.
        patients: clusters.
        status: an InterceptStatus for each facility.
        working: a WorkingCorrelation for each facility.
        dropped: facilities that depart from the standard rule, counted by reason.
    """

    intercept: FloatArray
    standard_error: FloatArray
    correlation: FloatArray
    rows: IntArray
    events: FloatArray
    patients: IntArray
    status: NDArray[np.int8]
    working: NDArray[np.int8]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Groups:
    """Rows ordered by facility and within a facility by patient.

    Attributes:
        outcome: at each place.
        offset: at each place.
        starts: first place of each patient of each facility and, last, the number of places.
        facility: of each of these patients.
        first: index in `starts` of each facility's first patient, shape (F + 1,).
    """

    outcome: FloatArray
    offset: FloatArray
    starts: IntArray
    facility: IntArray
    first: IntArray


def fit_facilities(
    *,
    predictor: FloatArray,
    outcome: NDArray[np.number],
    patient: Codes,
    facility: Codes,
    facility_count: int | None = None,
) -> FacilityIntercepts:
    """Solve each facility's equation by Fisher scoring; each step re-estimates its correlation.

    The working correlation is clipped to its range as in stage 1. If the iteration finds no
    root, the correlation is set to 0, for which a root always exists. Such facilities are marked
    and counted.

    Args:
        predictor: x'b of each row, the offset, shape (rows,).
        outcome: 0 or 1, shape (rows,).
        patient: codes from 0, shape (rows,).
        facility: codes 0..F-1, shape (rows,).
        facility_count: F; by default one more than the largest code.

    Raises:
        NotConvergedError: a facility's equation has no root even with independent rows.
        FitError: arrays differ in length or contain invalid values.
    """
    rows = predictor.shape[0]
    check_predictor("predictor", predictor, rows=rows)
    check_outcome(outcome, rows=rows)
    check_codes("patient", patient, rows=rows)
    check_codes("facility", facility, rows=rows)
    count = int(facility.max()) + 1 if facility_count is None else facility_count
    if int(facility.max()) >= count:
        raise FitError(f"facility: codes reach {int(facility.max())}, but there are {count}")
    groups = _group(predictor, outcome, patient, facility, count)
    row_counts = np.bincount(facility, minlength=count)
    events = sum_by(facility, np.asarray(outcome, dtype=np.float64), count=count)
    status = np.full(count, InterceptStatus.FINITE, dtype=np.int8)
    status[events == 0] = InterceptStatus.NO_EVENTS
    status[events == row_counts] = InterceptStatus.ALL_EVENTS
    status[row_counts == 0] = InterceptStatus.NO_ROWS
    intercept, error, correlation, working = _solve(groups, status)
    return FacilityIntercepts(
        intercept=intercept,
        standard_error=error,
        correlation=correlation,
        rows=row_counts,
        events=events,
        patients=np.diff(groups.first),
        status=status,
        working=working,
        dropped=_describe(status, working, error),
    )


def _group(
    predictor: FloatArray, outcome: NDArray[np.number], patient: Codes, facility: Codes, count: int
) -> _Groups:
    order = np.lexsort((patient, facility))
    here, who = facility[order], patient[order]
    is_first = np.ones(order.size, dtype=bool)
    is_first[1:] = (here[1:] != here[:-1]) | (who[1:] != who[:-1])
    starts = np.flatnonzero(is_first)
    at = here[starts].astype(np.intp)
    return _Groups(
        outcome=np.asarray(outcome[order], dtype=np.float64),
        offset=np.asarray(predictor[order], dtype=np.float64),
        starts=np.append(starts, order.size).astype(np.intp),
        facility=at,
        first=np.searchsorted(at, np.arange(count + 1)).astype(np.intp),
    )


def _solve(
    groups: _Groups, status: NDArray[np.int8]
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.int8]]:
    """Return intercepts, standard errors, correlations and the correlations' sources."""
    count = status.size
    intercept, error, correlation = np.full((3, count), np.nan)
    working = np.full(count, WorkingCorrelation.ESTIMATED, dtype=np.int8)
    intercept[status == InterceptStatus.NO_EVENTS] = -np.inf
    intercept[status == InterceptStatus.ALL_EVENTS] = np.inf
    which = np.flatnonzero(status == InterceptStatus.FINITE)
    for limit in (CORRELATION_LIMIT, 0.0):
        found = np.full((which.size, 4), np.nan)
        is_solved = np.zeros(which.size, dtype=bool)
        _solve_facilities(
            groups.outcome,
            groups.offset,
            groups.starts,
            groups.first,
            which,
            limit,
            found,
            is_solved,
        )
        solved = which[is_solved]
        intercept[solved], error[solved], correlation[solved] = found[is_solved, :3].T
        if limit:
            is_held = np.abs(found[is_solved, 3] - found[is_solved, 2]) > 2 * TOLERANCE
            working[solved[is_held]] = WorkingCorrelation.HELD
        else:
            working[solved] = WorkingCorrelation.INDEPENDENT
        which = which[~is_solved]
    if which.size:
        raise NotConvergedError(f"{which.size} facilities: no root of the estimating equation")
    return intercept, error, correlation, working


def _describe(
    status: NDArray[np.int8], working: NDArray[np.int8], error: FloatArray
) -> tuple[Dropped, ...]:
    is_finite = status == InterceptStatus.FINITE
    rules = (
        ("facilities without rows (stage 2)", status == InterceptStatus.NO_ROWS),
        ("facilities without events (stage 2)", status == InterceptStatus.NO_EVENTS),
        ("facilities with only events (stage 2)", status == InterceptStatus.ALL_EVENTS),
        ("facilities whose patients show no spread (stage 2)", is_finite & np.isnan(error)),
        (
            "facilities whose correlation was held within its range (stage 2)",
            working == WorkingCorrelation.HELD,
        ),
        (
            "facilities solved with independent rows (stage 2)",
            working == WorkingCorrelation.INDEPENDENT,
        ),
    )
    return tuple(Dropped(rule, int(found.sum())) for rule, found in rules if found.any())


@_compile
def _solve_facilities(  # noqa: PLR0917 - numba has no keyword-only arguments
    outcome: FloatArray,
    offset: FloatArray,
    starts: IntArray,
    first: IntArray,
    which: IntArray,
    limit: float,
    found: FloatArray,
    is_solved: NDArray[np.bool_],
) -> None:
    """Write intercept, error, working correlation and its moment estimate of each facility."""
    for index in range(which.size):
        clusters = starts[first[which[index]] : first[which[index] + 1] + 1]
        count, largest, pairs, events, mean = 0, 1, 0.0, 0.0, 0.0
        for cluster in range(clusters.size - 1):
            size = clusters[cluster + 1] - clusters[cluster]
            count += size
            largest = max(largest, size)
            pairs += size * (size - 1) / 2
        for place in range(clusters[0], clusters[-1]):
            events += outcome[place]
            mean += offset[place] / count
        lowest = -limit / (largest - 1) if largest > 1 else 0.0
        intercept = math.log((events + 0.5) / (count - events + 0.5)) - mean
        correlation = 0.0
        for _ in range(ITERATION_LIMIT):
            score, information, filling, squares, products = _sum_facility(
                outcome, offset, clusters, intercept, correlation
            )
            moment = products / pairs / (squares / count) if pairs > 0 else 0.0
            held = min(max(moment, lowest), limit)
            step = score / information
            if abs(step) <= TOLERANCE and abs(held - correlation) <= TOLERANCE:
                variance = filling / information**2
                model = squares / count * (1.0 - correlation) / information
                found[index, 0] = intercept
                found[index, 1] = math.sqrt(variance) if variance > NO_SPREAD * model else np.nan
                found[index, 2] = correlation
                found[index, 3] = moment
                is_solved[index] = True
                break
            intercept += min(max(step, -STEP_LIMIT), STEP_LIMIT)
            correlation = held


@_compile
def _sum_facility(
    outcome: FloatArray,
    offset: FloatArray,
    clusters: IntArray,
    intercept: float,
    correlation: float,
) -> tuple[float, float, float, float, float]:
    """Return score, information, sandwich meat, squares and products of Pearson residuals."""
    score = information = filling = squares = products = 0.0
    for cluster in range(clusters.size - 1):
        start, end = clusters[cluster], clusters[cluster + 1]
        share = correlation / (1.0 + (end - start - 1) * correlation)
        difference = variance = own = roots = residuals = 0.0
        for place in range(start, end):
            half = math.exp((intercept + offset[place]) / 2)
            root = 1.0 / (half + 1.0 / half)
            residual = 1.0 / half if outcome[place] > 0 else -half
            difference += root * residual
            variance += root * root
            own += residual * residual
            roots += root
            residuals += residual
        difference -= share * roots * residuals
        score += difference
        filling += difference * difference
        information += variance - share * roots * roots
        squares += own
        products += (residuals * residuals - own) / 2
    return score, information, filling, squares, products
