"""A small nation of patient-months with known effects, for the tests of this package."""

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import expit

from esrd_pipeline.measures.specification import GeeSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

SFR = GeeSpecification(
    entry=find_measure("sfr", "dfc", 2024),
    terms=tuple(map(Number, ("age_decades", "has_diabetes", "is_nursing_home"))),
    national="patient_months",
    inference="wald",
    seed=22,
    group_count=4,
)
COEFFICIENTS = np.array([-0.3, -0.2, -0.6])
LEVEL = 0.6


def make_months(
    *,
    facility_count: int = 120,
    seed: int = 5,
    effect_sd: float = 0.5,
    persistence: float = 0.7,
    level: float = LEVEL,
    median_size: int = 50,
    size_sd: float = 1.0,
) -> tuple[pa.Table, pd.Series]:
    """Rows of a cohort and the log-odds planted in each facility.

    Months of a patient go together, and yet each has the planted probability: with the chance
    `persistence` a month repeats the patient's own draw, else it draws anew.
    """
    generator = np.random.default_rng(seed)
    sizes = np.clip(
        generator.lognormal(np.log(median_size), size_sd, facility_count), 1, 400
    ).astype(int)
    facility = np.repeat(np.arange(facility_count), sizes)
    people = facility.size
    effect = generator.normal(level, effect_sd, facility_count)
    covariates = np.column_stack(
        [
            np.round(generator.normal(0, 1.3, people) * 8) / 8,
            generator.integers(0, 2, people),
            generator.random(people) < 0.1,
        ]
    )
    chance = expit(effect[facility] + covariates @ COEFFICIENTS)
    months = generator.integers(1, 13, people)
    row = np.repeat(np.arange(people), months)
    own, fresh = generator.random(people), generator.random(row.size)
    repeats = generator.random(row.size) < persistence
    happened = np.where(repeats, own[row], fresh) < chance[row]
    ccns = np.array([f"{place:06d}" for place in range(30001, 30001 + facility_count)])
    frame = pd.DataFrame(
        {
            "ccn": ccns[facility[row]],
            "patient_id": row + 1,
            "is_event": happened.astype(int),
            **{name: covariates[row, term] for term, name in enumerate(SFR.adjusters)},
        }
    )
    return pa.Table.from_pandas(frame, preserve_index=False), pd.Series(effect, index=ccns)
