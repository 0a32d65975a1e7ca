"""Simulated patient-months with known effects, for the tests of the GEE."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from esrd_pipeline.statistics.design import Design, FloatArray, IntArray
from esrd_pipeline.statistics.gee import GeeFit, fit_gee
from esrd_pipeline.statistics.gee_clusters import Clusters, group_clusters

TRUTH = np.array([0.4, -0.5, 0.2])


@dataclass(frozen=True)
class Months:
    """Patient-months."""

    matrix: NDArray[np.number]
    outcome: NDArray[np.integer]
    patient: IntArray
    facility: IntArray

    @property
    def design(self) -> Design:
        """Terms are named a, b, c."""
        return Design(self.matrix, tuple("abcdefgh"[: self.matrix.shape[1]]))

    @property
    def inputs(self) -> dict[str, NDArray[np.integer]]:
        """What every fit takes beside the design."""
        return {"outcome": self.outcome, "patient": self.patient, "facility": self.facility}

    def take(self, rows: IntArray) -> "Months":
        """Return these rows, in this order."""
        return Months(
            self.matrix[rows], self.outcome[rows], self.patient[rows], self.facility[rows]
        )


def fit(months: Months, **options: bool) -> GeeFit:
    return fit_gee(design=months.design, **months.inputs, **options)


def simulate(
    seed: int,
    *,
    patients: int = 300,
    facilities: int = 8,
    persistence: float = 0.6,
    moving: float = 0.1,
) -> Months:
    """Each month draws the patient's uniform, with this probability, or its own.

    So every month has its marginal probability exactly, and two months of a patient are alike.
    """
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, 8, patients))
    rows = patient.size
    home = rng.integers(0, facilities, patients)[patient]
    facility = np.where(rng.random(rows) < moving, rng.integers(0, facilities, rows), home)
    level = rng.normal(-0.2, 0.4, facilities)[facility]
    matrix = np.column_stack(
        [
            rng.normal(level / 2, 1),
            rng.integers(0, 2, patients)[patient],
            rng.integers(0, 3, rows),
        ]
    )
    draw = np.where(rng.random(rows) < persistence, rng.random(patients)[patient], rng.random(rows))
    outcome = (draw < expit(level + matrix @ TRUTH)).astype(int)
    return Months(matrix, outcome, patient, facility)


def relative(found: FloatArray, expected: FloatArray) -> float:
    return float(np.max(np.abs(np.asarray(found) / np.asarray(expected) - 1)))


def group(months: Months) -> Clusters:
    """Bring the months into the order in which the passes read them."""
    rows = months.outcome.size
    clusters, _ = group_clusters(
        patient=months.patient,
        facility=months.facility,
        outcome=months.outcome.astype(float),
        offset=np.zeros(rows),
        rows=np.arange(rows),
    )
    return clusters
