"""An independent witness for every fit: the same model refitted by another library on a sample.

The libraries cannot take the nation, so both fits are of the same few facilities, drawn by seed.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from esrd_pipeline.families.cohort import CCN
from esrd_pipeline.families.fits import read_regression
from esrd_pipeline.families.rates import DAYS, EVENTS, INTERVAL, fit_measure
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.tables.fit import SECOND_OPINION_COLUMNS

SAMPLE_FACILITIES = 40
"""Enough to carry every common adjuster, few enough for dummies of every facility and interval."""


def draw_facilities(cohort: pa.Table, *, count: int, seed: int) -> list[str]:
    """Draw facilities by seed from the sorted CCNs: the order of rows does not matter."""
    ccns = sorted(cohort.column(CCN).unique().to_pylist())
    generator = np.random.default_rng(seed)
    drawn = generator.choice(len(ccns), size=min(count, len(ccns)), replace=False)
    return [ccns[place] for place in sorted(drawn)]


def compare_rates_fit(
    specification: Specification,
    performance_year: int,
    cohort: pa.Table,
    *,
    seed: int,
    facility_count: int = SAMPLE_FACILITIES,
) -> pd.DataFrame:
    """Refit a rates measure's first stage by statsmodels and set both beside each other.

    The proportional rates model with a rate for every facility and interval is a Poisson
    regression with a dummy for each of them and the days at risk as exposure (Lawless & Nadeau
    1995), so coefficients and model errors are the same numbers by another road.

    Raises:
        FitError: the sample has too few events for the adjusters.
    """
    import statsmodels.api as sm

    ccns = draw_facilities(cohort, count=facility_count, seed=seed)
    rows = cohort.to_pandas()
    rows = rows[rows[CCN].isin(ccns)].reset_index(drop=True)
    sample = pa.Table.from_pandas(rows, preserve_index=False)
    ours = read_regression(fit_measure(specification, performance_year, sample), stage=1)
    cell = rows[CCN].astype(str) + " " + rows[INTERVAL].astype(str)
    # A cell without events has no finite rate and says nothing of the coefficients.
    has_events = rows.groupby(cell)[EVENTS].transform("sum") > 0
    used, cell = rows[has_events], cell[has_events]
    # As the national fit reads them: narrowed to float32 first.
    covariates = used[list(ours.names)].astype(np.float32).astype(np.float64)
    dummies = pd.get_dummies(cell, dtype=float)
    theirs = sm.GLM(
        used[EVENTS].astype(float),
        pd.concat([covariates, dummies], axis=1),
        family=sm.families.Poisson(),
        exposure=used[DAYS].astype(float),
    ).fit(tol=1e-12)
    names = list(ours.names)
    frame = pd.DataFrame(
        {
            "performance_year": performance_year,
            "program": specification.program,
            "measure": specification.measure,
            "term": names,
            "estimate": ours.coefficients,
            "other_estimate": theirs.params[names].to_numpy(),
            "standard_error": np.sqrt(np.diag(ours.model_covariance)),
            "other_standard_error": theirs.bse[names].to_numpy(),
            "library": "statsmodels GLM, Poisson",
            "facility_count": len(ccns),
        }
    )
    return frame[[column.name for column in SECOND_OPINION_COLUMNS]]
