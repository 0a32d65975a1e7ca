"""A small nation of person-period segments with known effects, for the tests of this package."""

import numpy as np
import pandas as pd
import pyarrow as pa

from esrd_pipeline.measures.specification import RateSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

SHR = RateSpecification(
    entry=find_measure("shr", "dfc", 2024),
    terms=tuple(map(Number, ("is_female", "age_decades", "has_diabetes"))),
)
COEFFICIENTS = np.array([0.1, 0.2, 0.4])
INTERVAL_RATES = np.array([2.4, 1.8, 1.5, 1.4, 1.5, 1.6]) / 365.25


def make_cohort(
    *,
    facility_count: int = 120,
    seed: int = 7,
    effect_sd: float = 0.15,
    size_sd: float = 0.7,
) -> tuple[pa.Table, pd.Series]:
    """Rows of a cohort and the log effect planted in each facility.

    A patient has a person-level gamma frailty, two segments in two intervals, and stays.
    """
    generator = np.random.default_rng(seed)
    sizes = np.maximum(4, generator.lognormal(np.log(60), size_sd, facility_count)).astype(int)
    sizes = np.minimum(sizes, 400)
    facility = np.repeat(np.arange(facility_count), sizes)
    patients = facility.size
    effect = generator.normal(0, effect_sd, facility_count)
    covariates = np.column_stack(
        [
            generator.integers(0, 2, patients),
            np.round(generator.normal(0, 1.3, patients) * 8) / 8,
            generator.integers(0, 2, patients),
        ]
    )
    frailty = generator.gamma(4, 1 / 4, patients)
    first = generator.integers(0, 5, patients)
    rows = np.repeat(np.arange(patients), 2)
    interval = np.column_stack([first, first + 1]).ravel()
    days = generator.integers(20, 184, 2 * patients).astype(float)
    mean = (
        days
        * INTERVAL_RATES[interval]
        * np.exp(covariates[rows] @ COEFFICIENTS + effect[facility[rows]])
        * frailty[rows]
    )
    ccns = np.array([f"{place:06d}" for place in range(10001, 10001 + facility_count)])
    frame = pd.DataFrame(
        {
            "ccn": ccns[facility[rows]],
            "patient_id": rows + 1,
            "interval": interval,
            "days_at_risk": days,
            "event_count": generator.poisson(mean),
            **{name: covariates[rows, term] for term, name in enumerate(SHR.adjusters)},
        }
    )
    return pa.Table.from_pandas(frame, preserve_index=False), pd.Series(effect, index=ccns)
