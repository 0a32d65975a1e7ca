"""Prevalent conditions beside a cohort: one indicator a group, from a long table of who has what.

Which conditions count, and who has them, does not belong here.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.families.cohort import PATIENT

GROUP = "condition_group"
MISSING = "is_prevalent_missing"


def add_conditions(cohort: pa.Table, conditions: pa.Table, groups: Sequence[str]) -> pa.Table:
    """Return the cohort with one uint8 column a group: 1 where the patient has the condition.

    Patients whose conditions could not be seen (`is_prevalent_missing`) have 0 throughout
    (2.13.13).

    Args:
        cohort: with patient_id and is_prevalent_missing.
        conditions: patient_id and condition_group, one row each; groups not asked for are left.
        groups: names of the columns, in their order.
    """
    patients, row = np.unique(cohort.column(PATIENT).to_numpy(), return_inverse=True)
    is_seen = cohort.column(MISSING).to_numpy() == 0
    for group in groups:
        having = conditions.filter(pc.field(GROUP) == group).column(PATIENT).to_numpy()
        has = np.isin(patients, having).astype(np.uint8)
        cohort = cohort.append_column(group, pa.array(has[row] * is_seen))
    return cohort
