"""SRR and ED30 between their cohorts and the three-stage model: who counts, with what conditions.

Manual 2.10, 2.11, 2.26. The model itself is the family's of three stages.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.families.cohort import PATIENT
from esrd_pipeline.families.conditions import GROUP
from esrd_pipeline.measures import srr
from esrd_pipeline.measures.ed30 import ED30
from esrd_pipeline.measures.specification import Program, ThreeStageSpecification
from esrd_pipeline.parameters.rows import load_rows

STAY = "stay"
REASON = "reason"

Measure = Literal["srr", "ed30"]


def specify(measure: Measure, program: Program) -> ThreeStageSpecification:
    """Return the measure as one program computes it, without conditions."""
    return ED30 if measure == "ed30" else srr.specify(program)


def name_conditions(measure: Measure, program: Program) -> str:
    """Return what cohort.discharge_condition calls the measure's conditions of one program."""
    return "ed30" if measure == "ed30" else f"srr_{program}"


def list_conditions(specification: str) -> list[str]:
    """Return the groups of conditions of one specification, in the order of their file."""
    rows = load_rows("discharge_condition_group")
    named = [row["condition_group"] for row in rows if row["specification"] == specification]
    return list(dict.fromkeys(named))


def prepare(
    measure: Measure, program: Program, cohort: pa.Table, conditions: pa.Table
) -> tuple[ThreeStageSpecification, pa.Table]:
    """Return the specification and the index discharges, conditions among the adjusters of both.

    An adjuster of 0 and 1 that fewer than two discharges have, or fewer than two have not, is left
    out of the specification: it has no estimate.

    Args:
        measure: srr or ed30.
        program: whose rules it follows.
        cohort: the program's discharges, with a reason where they do not count.
        conditions: patient_id, stay and condition_group of the measure's own specification.
    """
    counted = cohort.filter(pc.field(REASON).is_null())
    groups = list_conditions(name_conditions(measure, program))
    rows = add_conditions(counted, conditions, groups)
    specification = specify(measure, program)
    adjusters = tuple(
        name for name in (*specification.adjusters, *groups) if _varies(rows.column(name))
    )
    return replace(specification, adjusters=adjusters), rows


def add_conditions(cohort: pa.Table, conditions: pa.Table, groups: list[str]) -> pa.Table:
    """Return the cohort with one uint8 column a group: 1 where the discharge has the condition.

    Args:
        cohort: with patient_id and stay, together unique.
        conditions: patient_id, stay and condition_group; discharges and groups not asked for are
            left.
        groups: names of the columns, in their order.
    """
    row = _index(cohort).get_indexer(_index(conditions))
    column = pd.Index(groups).get_indexer(conditions.column(GROUP).to_pandas())
    known = (row >= 0) & (column >= 0)
    has = np.zeros((len(groups), cohort.num_rows), dtype=np.uint8)
    has[column[known], row[known]] = 1
    for name, values in zip(groups, has, strict=True):
        cohort = cohort.append_column(name, pa.array(values))
    return cohort


def _index(table: pa.Table) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays(
        [table.column(PATIENT).to_numpy(), table.column(STAY).to_numpy()]
    )


def _varies(values: pa.ChunkedArray) -> bool:
    """Whether at least two rows are above the least value, and two below the largest."""
    numbers = values.to_numpy()
    if not numbers.size:
        return False
    above, below = numbers > numbers.min(), numbers < numbers.max()
    return bool(min(np.count_nonzero(above), np.count_nonzero(below)) > 1)
