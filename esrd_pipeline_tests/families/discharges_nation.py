"""A small nation of index discharges with known effects, for the tests of this package."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from esrd_pipeline.measures.specification import ThreeStageSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

SRR = ThreeStageSpecification(
    entry=find_measure("srr", "dfc", 2024),
    terms=tuple(map(Number, ("age_decades", "has_diabetes", "has_high_risk"))),
)
QIP_SRR = replace(SRR, entry=find_measure("srr", "qip", 2024))
ED30 = replace(SRR, entry=find_measure("ed30", "dfc", 2024))

COEFFICIENTS = np.array([0.15, 0.25, 0.5])
INTERCEPT = -1.2
HOSPITAL_SD = 0.3
NO_EVENTS, ONLY_EVENTS, ONE_PATIENT, SMALL = "030001", "030002", "030003", "030004"
"""Facilities that every nation has; the small one has four discharges."""
PLANTED_SIZES = (18, 12, 15, 4)


@dataclass(frozen=True)
class Nation:
    """A cohort and what was planted in it.

    `effects` are the facilities' by CCN, none where outcomes were fixed; `others` is each
    discharge's log-odds without its facility's effect.
    """

    cohort: pa.Table
    effects: pd.Series
    others: np.ndarray


def make_nation(
    *,
    facility_count: int = 120,
    seed: int = 23,
    effect_sd: float = 0.25,
    median_size: int = 70,
    size_sd: float = 0.7,
) -> Nation:
    """Each facility's discharges come from one to four of the hospitals near it.

    A patient has about two and a half of them.
    """
    generator = np.random.default_rng(seed)
    sizes = generator.lognormal(np.log(median_size), size_sd, facility_count).astype(int)
    sizes = np.clip(sizes, 8, 400)
    sizes[: len(PLANTED_SIZES)] = PLANTED_SIZES
    facility = np.repeat(np.arange(facility_count), sizes)
    rows = facility.size
    hospital_count = max(facility_count // 4, 8)
    reach = generator.integers(1, 5, facility_count)
    near = np.arange(facility_count) * hospital_count // facility_count
    hospital = (near[facility] + generator.integers(0, reach[facility])) % hospital_count
    patient = facility * 1000 + (generator.random(rows) * sizes[facility] / 2.5).astype(int)
    patient[facility == 2] = 2000
    covariates = np.column_stack(
        [
            np.round(generator.normal(0, 1.3, rows) * 8) / 8,
            generator.integers(0, 2, rows),
            generator.random(rows) < 0.1,
        ]
    )
    effects = generator.normal(0, effect_sd, facility_count)
    hospital_effects = generator.normal(0, HOSPITAL_SD, hospital_count)
    others = INTERCEPT + covariates @ COEFFICIENTS + hospital_effects[hospital]
    event = generator.random(rows) < 1 / (1 + np.exp(-others - effects[facility]))
    event[facility == 0], event[facility == 1] = False, True
    effects[:2] = np.nan
    ccns = np.array([f"{place:06d}" for place in range(30001, 30001 + facility_count)])
    frame = pd.DataFrame(
        {
            "ccn": ccns[facility],
            "patient_id": patient,
            "hospital_ccn": np.array([f"H{place:05d}" for place in range(hospital_count)])[
                hospital
            ],
            "is_event": event.astype(int),
            **{name: covariates[:, term] for term, name in enumerate(SRR.adjusters)},
        }
    )
    cohort = pa.Table.from_pandas(frame, preserve_index=False)
    return Nation(cohort, pd.Series(effects, index=ccns), others)
