"""Patient-months grouped into one cluster per patient, as the GEE needs them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray, check_finite
from esrd_pipeline.statistics.fit import Dropped, FitError
from esrd_pipeline.statistics.rows import check_counts, sum_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Rows used, ordered by patient and within a patient by facility.

    Attributes:
        order: the design's row at each place, shape (rows used,).
        starts: first place of each patient and, last, the number of places: shape (P + 1,).
        patient: the patient's code, rising, shape (P,).
        facility: at each place, counted from 0 among `codes`; all 0 without intercepts.
        codes: the facilities that have an intercept, rising, shape (F,); empty without.
        outcome: 0 or 1 at each place.
        offset: at each place.
        pair_count: pairs of rows of one patient.
        largest: largest number of rows of a patient.
    """

    order: IntArray
    starts: IntArray
    patient: IntArray
    facility: IntArray
    codes: IntArray
    outcome: FloatArray
    offset: FloatArray
    pair_count: float
    largest: int


def check_outcome(values: NDArray[np.number], *, rows: int) -> None:
    """Reject outcomes that have another length or are neither 0 nor 1.

    Raises:
        FitError: with the shape or the number of invalid values.
    """
    check_counts("outcome", values, rows=rows)
    refused = int(np.count_nonzero(values > 1))
    if refused:
        raise FitError(f"outcome: {refused} values are neither 0 nor 1")


def check_predictor(name: str, values: FloatArray, *, rows: int) -> None:
    """Reject an offset or linear predictor of another length or not finite.

    Raises:
        FitError: with the name of the array.
    """
    if values.shape != (rows,):
        raise FitError(f"{name} has shape {values.shape}, where {rows} rows are expected")
    check_finite(name, values)


def group_clusters(
    *,
    patient: IntArray,
    facility: IntArray | None,
    outcome: FloatArray,
    offset: FloatArray,
    rows: IntArray,
) -> tuple[Clusters, tuple[Dropped, ...]]:
    """Order these rows by patient; drop facilities whose intercept is not finite.

    Raises:
        FitError: no facility has both events and rows without events.
    """
    unused: tuple[Dropped, ...] = ()
    if facility is None:
        order = rows[np.argsort(patient[rows], kind="stable")]
        codes, place_facility = np.empty(0, dtype=np.intp), np.zeros(rows.size, dtype=np.intp)
    else:
        rows, unused = _leave_separated(facility, outcome, rows)
        order = rows[np.lexsort((facility[rows], patient[rows]))]
        codes, place_facility = np.unique(facility[order], return_inverse=True)
    clusters, starts = np.unique(patient[order], return_index=True)
    sizes = np.diff(np.append(starts, order.size))
    return Clusters(
        order=order,
        starts=np.append(starts, order.size).astype(np.intp, copy=False),
        patient=clusters,
        facility=place_facility.astype(np.intp, copy=False),
        codes=codes,
        outcome=outcome[order],
        offset=offset[order],
        pair_count=float(np.sum(sizes * (sizes - 1.0)) / 2),
        largest=int(sizes.max()),
    ), unused


def _leave_separated(
    facility: IntArray, outcome: FloatArray, rows: IntArray
) -> tuple[IntArray, tuple[Dropped, ...]]:
    """Keep the rows of facilities that have both outcomes: others have no finite intercept."""
    here = facility[rows]
    events = sum_by(here, outcome[rows])
    counts = np.bincount(here)
    is_empty, is_full = (events == 0) & (counts > 0), (events == counts) & (counts > 0)
    kept = rows[~(is_empty | is_full)[here]]
    if not kept.size:
        raise FitError("outcome: no facility has both events and rows without")
    found = (
        ("facilities without events (stage 1)", int(is_empty.sum())),
        ("facilities with only events (stage 1)", int(is_full.sum())),
        ("rows of such facilities (stage 1)", rows.size - kept.size),
    )
    return kept, tuple(Dropped(rule, count) for rule, count in found if count)
