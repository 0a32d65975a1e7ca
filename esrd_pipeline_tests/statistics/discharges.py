"""Simulated discharges of crossed facilities and hospitals, for the tests of their effects."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from esrd_pipeline.statistics.design import FloatArray, IntArray


@dataclass(frozen=True)
class Discharges:
    """Rows."""

    offset: FloatArray
    outcome: IntArray
    facility: IntArray
    hospital: IntArray

    def take(self, rows: IntArray) -> "Discharges":
        """Return these rows, in this order."""
        return Discharges(
            self.offset[rows], self.outcome[rows], self.facility[rows], self.hospital[rows]
        )


def simulate(
    seed: int,
    *,
    rows: int = 1500,
    facilities: int = 30,
    hospitals: int = 14,
    sigma_facility: float = 0.6,
    sigma_hospital: float = 0.4,
) -> Discharges:
    """Hospital 0 serves every facility, hospital 1 facility 1 alone; facility 0 has one row."""
    rng = np.random.default_rng(seed)
    facility = rng.integers(1, facilities, rows)
    hospital = rng.integers(2, hospitals, rows)
    hospital[rng.random(rows) < 0.2] = 0
    hospital[(facility == 1) & (rng.random(rows) < 0.5)] = 1
    facility[0], hospital[0] = 0, 2
    offset = np.round(rng.normal(0, 0.7, rows) * 64) / 64
    effects = rng.normal(0, sigma_facility, facilities)[facility]
    effects += rng.normal(0, sigma_hospital, hospitals)[hospital]
    outcome = (rng.random(rows) < expit(-0.5 + offset + effects)).astype(np.intp)
    return Discharges(offset, outcome, facility, hospital)
