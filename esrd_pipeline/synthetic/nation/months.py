"""A calendar year of a market in cells: one per patient, facility, modality and month.

Hospital stays are drawn within cells, and dialysis claims are billed by cell.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.coverage import Coverage
from esrd_pipeline.synthetic.nation.trajectories import Trajectories

SEGMENT_GAP_DAYS = 20
"""Days without treatment that do not end a segment of continuous dialysis."""


@dataclass(frozen=True, slots=True)
class Months:
    """The cells of a year, sorted by patient and day; first and last days are inclusive.

    `segment_end` is the last day of the segment of continuous dialysis, `cover` the patient's
    Medicare coverage in the month.
    """

    year: int
    edges: np.ndarray
    patient: np.ndarray
    facility: np.ndarray
    modality: np.ndarray
    month: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    segment_end: np.ndarray
    cover: np.ndarray

    @property
    def first_day(self) -> int:
        """The first of January."""
        return int(self.edges[0])

    @property
    def last_day(self) -> int:
        """The last day of December."""
        return int(self.edges[-1]) - 1

    @property
    def days(self) -> np.ndarray:
        """Return the number of days of each cell."""
        return self.end - self.begin + 1


def edges_of(year: int) -> np.ndarray:
    """Return the first days of the year's months and of the next January."""
    months = np.arange(12 + 1) + (year - 1970) * 12
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def cut_months(trajectories: Trajectories, coverage: Coverage, year: int) -> Months:
    """Cut the year's dialysis into cells."""
    edges = edges_of(year)
    rows = trajectories.on_dialysis
    segment_end = _segment_ends(trajectories, rows)
    inside = (trajectories.begin[rows] < edges[-1]) & (trajectories.end[rows] > edges[0])
    rows, segment_end = rows[inside], segment_end[inside]
    begin = np.maximum(trajectories.begin[rows], edges[0])
    end = np.minimum(trajectories.end[rows], edges[-1]) - 1
    first = np.searchsorted(edges, begin, side="right") - 1
    counts = np.searchsorted(edges, end, side="right") - first
    cell = np.repeat(np.arange(rows.size), counts)
    month = first[cell] + np.arange(cell.size) - np.repeat(np.cumsum(counts) - counts, counts)
    patient = trajectories.patient[rows][cell]
    return Months(
        year=year,
        edges=edges,
        patient=patient,
        facility=trajectories.facility[rows][cell],
        modality=trajectories.modality[rows][cell],
        month=month,
        begin=np.maximum(begin[cell], edges[month]),
        end=np.minimum(end[cell], edges[month + 1] - 1),
        segment_end=segment_end[cell],
        cover=coverage.on(patient, edges[month]),
    )


def _segment_ends(trajectories: Trajectories, rows: np.ndarray) -> np.ndarray:
    """Return the last day of each spell's segment of continuous dialysis."""
    if not rows.size:
        return np.zeros(0, dtype=np.int64)
    patient, begin, end = (
        trajectories.patient[rows],
        trajectories.begin[rows],
        trajectories.end[rows],
    )
    is_new = np.ones(rows.size, dtype=bool)
    is_new[1:] = (patient[1:] != patient[:-1]) | (begin[1:] > end[:-1] + SEGMENT_GAP_DAYS)
    starts = np.flatnonzero(is_new)
    last = np.maximum.reduceat(end, starts) - 1
    return last[np.cumsum(is_new) - 1]
