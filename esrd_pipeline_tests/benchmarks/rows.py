"""Simulated rows of each model family, of any size, from fixed seeds."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from esrd_pipeline.statistics.design import Design
from esrd_pipeline_tests.benchmarks.timing import make_design

FACILITIES = 7500
Arrays = dict[str, NDArray[np.generic]]


def make_survival(rows: int, terms: int, strata: int) -> tuple[Design, Arrays]:
    """Make rows of up to a year with delayed entry, in days."""
    generator = np.random.default_rng(2)
    design = make_design(generator, rows, terms)
    effects = generator.normal(0, 0.1, terms)
    risk = np.exp(np.clip(design.multiply(effects), -3, 3))
    start = generator.integers(0, 300, rows).astype(float)
    time_to_event = np.ceil(generator.exponential(1500 / risk))
    follow_up = generator.integers(30, 365, rows)
    return design, {
        "start": start,
        "stop": start + np.minimum(time_to_event, follow_up),
        "event": (time_to_event <= follow_up).astype(float),
        "stratum": generator.integers(0, strata, rows),
    }


def make_outcomes() -> tuple[Design, Arrays]:
    """Make half a million discharges of 7,500 groups, each with events and non-events."""
    generator = np.random.default_rng(4)
    design = make_design(generator, 500_000, 75)
    cell = generator.integers(0, FACILITIES, design.row_count)
    effects = generator.normal(0, 0.1, 75)
    chance = expit(-1 + generator.normal(0, 0.3, FACILITIES)[cell] + design.multiply(effects))
    outcome = (generator.random(design.row_count) < chance).astype(float)
    return design, {"outcome": outcome, "cell": cell}


def make_discharges(rows: int, facilities: int, hospitals: int, seed: int) -> Arrays:
    """Make discharges of facilities that each use about ten hospitals of their region."""
    generator = np.random.default_rng(seed)
    facility = generator.integers(0, facilities, rows)
    home = facility * hospitals // facilities
    hospital = (home + generator.integers(0, 10, rows)) % hospitals
    offset = generator.normal(-1, 0.7, rows)
    chance = expit(
        offset
        + generator.normal(0, 0.2, facilities)[facility]
        + generator.normal(0, 0.15, hospitals)[hospital]
    )
    return {
        "offset": offset,
        "outcome": (generator.random(rows) < chance).astype(float),
        "facility": facility,
        "hospital": hospital,
    }


def make_months(facilities: int, patients: int, months: int, terms: int) -> tuple[Design, Arrays]:
    """Make patient-months with outcomes that are correlated within a patient."""
    generator = np.random.default_rng(8)
    people = facilities * patients
    patient = np.repeat(np.arange(people), months)
    facility = patient // patients
    design = make_design(generator, patient.size, terms)
    effects = generator.normal(0, 0.2, terms)
    chance = expit(
        generator.normal(0, 1, people)[patient]
        + generator.normal(0, 0.3, facilities)[facility]
        + design.multiply(effects)
    )
    outcome = (generator.random(patient.size) < chance).astype(float)
    return design, {"outcome": outcome, "patient": patient, "facility": facility}
