"""Adds prevalent conditions to a cohort: one indicator per group, from a long table."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.families.cohort import PATIENT
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.parameters.rows import load_rows

GROUP = "condition_group"
MISSING = "is_prevalent_missing"


def list_conditions(ascertained_by: str) -> list[str]:
    """Return the groups of one rule of ascertainment (manual, submission, sedr), in file order."""
    return [
        row["condition_group"]
        for row in load_rows("prevalent_condition_group")
        if row["specification"] == ascertained_by
    ]


def adjust_for_conditions(
    specification: Specification, cohort: pa.Table, conditions: pa.Table, *, ascertained_by: str
) -> tuple[Specification, pa.Table]:
    """Return specification and cohort with the conditions among the adjusters of both.

    A group that fewer than two patients have is left out of both: it has no estimate.
    """
    counts = conditions.column(GROUP).value_counts().to_pylist()
    common = {count["values"] for count in counts if count["counts"] > 1}
    groups = [group for group in list_conditions(ascertained_by) if group in common]
    return (
        replace(specification, adjusters=(*specification.adjusters, *groups)),
        add_conditions(cohort, conditions, groups),
    )


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
