"""What one facility's rows of a cohort were adjusted for."""

import numpy as np
import pandas as pd

from esrd_pipeline.families.cohort import PATIENT, Cohort
from esrd_pipeline.families.fits import read_regression


def list_adjusters(cohort: Cohort, fit: pd.DataFrame, *, ccn: str, row: str) -> pd.DataFrame:
    """Return what one facility's rows of a cohort were adjusted for, one row an adjuster not 0.

    `row` is the column that tells a patient's rows apart. Columns: patient_id, row, term, value,
    coefficient, which is missing where the fit dropped the adjuster.
    """
    mine = cohort.take(np.flatnonzero(cohort.ccns[cohort.facility] == ccn))
    regression = read_regression(fit, stage=1)
    known = dict(zip(regression.names, regression.coefficients, strict=True))
    place, term = np.nonzero(mine.design.matrix)
    names = np.array(mine.design.names, dtype=object)[term]
    return pd.DataFrame(
        {
            "patient_id": mine.table.column(PATIENT).to_numpy()[place],
            "row": mine.table.column(row).to_pandas().astype(str).to_numpy()[place],
            "term": names,
            "value": mine.design.matrix[place, term].astype(np.float64),
            "coefficient": [known.get(name, np.nan) for name in names],
        }
    )
