"""A small nation of patient-records with known effects, for the tests of this package."""

import numpy as np
import pandas as pd
import pyarrow as pa

from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.register import find_measure

SMR = CoxSpecification(
    entry=find_measure("smr", "dfc", 2024),
    terms=tuple(map(Number, ("age_decades", "has_diabetes"))),
    second_stage="log_state_death_rate",
    inference="empirical_null",
)
SWR = CoxSpecification(
    entry=find_measure("swr", "dfc", 2024),
    terms=SMR.terms,
    second_stage=None,
    inference="exact",
)
COEFFICIENTS = np.array([0.35, 0.25])
STATE_COEFFICIENT = 0.8


def make_records(
    *,
    facility_count: int = 150,
    seed: int = 17,
    effect_sd: float = 0.2,
    size_sd: float = 0.7,
) -> tuple[pa.Table, pd.Series]:
    """Rows of a cohort and the log effect planted in each facility; deaths fall on whole days."""
    generator = np.random.default_rng(seed)
    sizes = np.minimum(np.maximum(3, generator.lognormal(np.log(60), size_sd, facility_count)), 400)
    facility = np.repeat(np.arange(facility_count), sizes.astype(int))
    patients = facility.size
    effect = generator.normal(0, effect_sd, facility_count)
    covariates = np.column_stack(
        [np.round(generator.normal(0, 1.3, patients) * 8) / 8, generator.integers(0, 2, patients)]
    )
    # A state's rate differs within a facility too: it is the rate of the patient's race there.
    state = np.round(generator.normal(0, 0.3, patients) * 32) / 32
    daily = (
        0.18
        / 365.25
        * np.exp(covariates @ COEFFICIENTS + STATE_COEFFICIENT * state + effect[facility])
    )
    time = np.ceil(generator.exponential(1 / daily))
    start = generator.integers(0, 300, patients)
    follow_up = generator.integers(60, 1100, patients)
    ccns = np.array([f"{place:06d}" for place in range(20001, 20001 + facility_count)])
    frame = pd.DataFrame(
        {
            "ccn": ccns[facility],
            "patient_id": np.arange(1, patients + 1),
            "start_day": start,
            "stop_day": start + np.minimum(time, follow_up),
            "is_event": (time <= follow_up).astype(int),
            "age_decades": covariates[:, 0],
            "has_diabetes": covariates[:, 1],
            "log_state_death_rate": state,
        }
    )
    return pa.Table.from_pandas(frame, preserve_index=False), pd.Series(effect, index=ccns)
