"""What an expected number is made of: a stored fit's coefficients, and the other factors.

Every family's expected number is a product or a logistic function of x'b that a reader can work out
again from one line: the factors are columns, the adjusters are rows beside it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.families.cohort import PATIENT, Cohort
from esrd_pipeline.statistics.design import FloatArray

ROW = "row"
"""What tells the rows of one patient apart: a period, a first day, a stay or a month."""
EXPECTED, STORED = "expected", "stored_expected"
SUM = "adjusters_sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Expected numbers of one facility's rows.

    Attributes:
        rows: patient_id, row, the factors, adjusters_sum (x'b), expected and stored_expected.
        adjusters: patient_id, row, adjuster, value, coefficient and product of those not 0.
        formula: how a line of `rows` is worked out, in words.
        national_rate: the nation's events per unit of size: what a ratio of 1 is as a rate.
    """

    rows: pd.DataFrame
    adjusters: pd.DataFrame
    formula: str
    national_rate: float | None = None


def list_adjusters(cohort: Cohort, row: str, coefficients: pd.Series) -> pd.DataFrame:
    """Return the adjusters that are not 0 of every row of a cohort, one a line.

    An adjuster that the fit dropped has no column in the design, and adds nothing.
    """
    place, term = np.nonzero(cohort.design.matrix)
    names = np.array(cohort.design.names, dtype=object)[term]
    value = cohort.design.matrix[place, term].astype(np.float64)
    slope = coefficients.reindex(names).to_numpy(dtype=np.float64)
    return pd.DataFrame(
        {
            PATIENT: cohort.table.column(PATIENT).to_numpy()[place],
            ROW: label_rows(cohort, row)[place],
            "adjuster": names,
            "value": value,
            "coefficient": slope,
            "product": value * slope,
        }
    )


def label_rows(cohort: Cohort, row: str) -> np.ndarray:
    """Return what tells the rows of a patient apart, as text."""
    labels = cohort.table.column(row).to_pandas()
    return labels.astype(str).to_numpy()


def sum_adjusters(cohort: Cohort, coefficients: pd.Series) -> FloatArray:
    """Return x'b of every row."""
    known = coefficients.reindex(list(cohort.design.names)).fillna(0.0)
    return cohort.design.multiply(known.to_numpy(dtype=np.float64))


def join_stored(rows: pd.DataFrame, stored: pd.DataFrame, row: str) -> pd.DataFrame:
    """Put the expected numbers the refresh stored beside those worked out here."""
    expectation = stored.assign(**{ROW: stored[row].astype(str), STORED: stored["expected"]})
    return rows.merge(expectation[[PATIENT, ROW, STORED]], on=[PATIENT, ROW], how="left")
