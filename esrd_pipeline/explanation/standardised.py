"""SFR and PPPW: the facility's own level, its months, and the nation it is standardised to.

A month has no expected number of its own: the facility's level is found from its months, and the
value is what the nation's months would have at that level. Manual 2.2.14, 2.16.13.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from esrd_pipeline.explanation.factors import (
    EXPECTED,
    ROW,
    SUM,
    Factors,
    label_rows,
    list_adjusters,
    sum_adjusters,
)
from esrd_pipeline.explanation.modelled import find_coefficients, find_summary, read_fit, specify
from esrd_pipeline.explanation.request import ExplanationError, Request
from esrd_pipeline.families.cohort import PATIENT
from esrd_pipeline.tables import access, history

if TYPE_CHECKING:
    from esrd_pipeline.measures.specification import GeeSpecification

_TABLES = {"sfr": access.SFR, "pppw": access.PPPW}
_SHOWN = 0.25
"""Width of the printed bands of x'b; the value is computed from much narrower ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardised:
    """A facility standardised to the nation.

    Attributes:
        factors: the months with x'b and the probability at the facility's own level.
        bands: the nation's months by x'b: share, probability at the facility's level, product.
        value: the sum of the products, as a proportion.
        intercept: the facility's level, log-odds.
        nation_months: the nation's months that the fit is standardised to.
    """

    factors: Factors
    bands: pd.DataFrame
    value: float
    intercept: float
    nation_months: float


def explain_standardised(request: Request) -> Standardised:
    """Return the months of SFR or PPPW with their adjusters, and the value's arithmetic.

    Raises:
        ExplanationError: the facility has no counted month.
    """
    from scipy.special import expit

    from esrd_pipeline.families.access import EVENT, solve_facilities
    from esrd_pipeline.families.access_cohort import list_columns, prepare
    from esrd_pipeline.families.fits import read_distribution

    fit = read_fit(request)
    coefficients = find_coefficients(fit)
    specification = cast("GeeSpecification", specify(request))
    columns, characteristics = list_columns(specification, _TABLES[request.measure])
    where = {"program": request.program, "ccn": request.ccn}
    rows = request.read_arrow(_TABLES[request.measure], columns=columns, where=where)
    rows = rows.filter(pc.field("reason").is_null())
    if not rows.num_rows:
        raise ExplanationError(f"{request.name}: the facility has no counted month")
    patients = None
    if len(characteristics) > 1:
        people = np.unique(rows.column(PATIENT).to_numpy()).tolist()
        patients = request.read_arrow(
            history.PATIENT_CHARACTERISTICS, columns=characteristics, where={PATIENT: people}
        )
    _, cohort = prepare(specification, rows, patients, terms=coefficients.index.tolist())
    total = sum_adjusters(cohort, coefficients)
    # No facility's level depends on another's months.
    intercept = solve_facilities(cohort, total).intercept
    distribution = read_distribution(fit, stage=3)
    value, _ = distribution.average(intercept)
    months = pd.DataFrame(
        {
            PATIENT: cohort.table.column(PATIENT).to_numpy(),
            ROW: label_rows(cohort, "month"),
            "facility_level": float(intercept[0]),
            SUM: total,
            "log_odds": intercept[0] + total,
            EXPECTED: np.asarray(expit(intercept[0] + total)),
            "observed": cohort.numbers(EVENT).astype(np.int64),
        }
    )
    mean = np.asarray(expit(intercept[0] + distribution.centres))
    variance = mean * (1 - mean)
    # A bin's own mean: its centre, corrected for the spread of x'b within it.
    probability = (
        mean
        + variance * (1 - 2 * mean) * distribution.second / 2
        + variance * (1 - 6 * variance) * distribution.third / 6
    )
    bands = _band(distribution.centres, distribution.shares, probability)
    return Standardised(
        factors=Factors(
            rows=months,
            adjusters=list_adjusters(cohort, "month", coefficients),
            formula="expected = 1 / (1 + exp(-(facility_level + adjusters_sum))), the month's"
            " probability at this facility's own level. The measure is the mean of that"
            " probability over the nation's months, by bands of adjusters_sum: share_of_nation x"
            " probability, added up",
        ),
        bands=bands,
        value=float(value[0]),
        intercept=float(intercept[0]),
        nation_months=float(find_summary(fit, stage=3)["patient-months"]),
    )


def _band(centres: np.ndarray, shares: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Add up narrow bins into bands that fit a page, without changing their sum."""
    code = np.floor(centres / _SHOWN).astype(np.int64)
    frame = pd.DataFrame({"code": code, "share": shares, "product": shares * probability})
    grouped = frame.groupby("code", sort=True).sum().reset_index()
    low = grouped["code"] * _SHOWN
    return pd.DataFrame(
        {
            "adjusters_sum_from": low,
            "adjusters_sum_to": low + _SHOWN,
            "share_of_nation": grouped["share"],
            "probability": grouped["product"] / grouped["share"],
            "product": grouped["product"],
        }
    )
