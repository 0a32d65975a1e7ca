"""SRR and ED30 between their cohorts and the three-stage model: who counts, with what conditions.

Manual 2.10, 2.11, 2.26. The model itself is the family's of three stages.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from esrd_pipeline.families.cohort import CCN, PATIENT
from esrd_pipeline.families.conditions import GROUP
from esrd_pipeline.families.discharges import EVENT, HOSPITAL
from esrd_pipeline.measures import ed30, srr
from esrd_pipeline.measures.specification import Program, ThreeStageSpecification
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.logistic import MINIMUM_ROWS

STAY = "stay"
REASON = "reason"
FEWEST = 2
"""Events, and discharges without, on either side of an adjuster."""

Measure = Literal["srr", "ed30"]


def specify(measure: Measure, program: Program, performance_year: int) -> ThreeStageSpecification:
    """Return the measure as one program computes it, without conditions."""
    if measure == "ed30":
        return ed30.specify(performance_year)
    return srr.specify(program, performance_year)


def name_conditions(measure: Measure, program: Program) -> str:
    """Return what cohort.discharge_condition calls the measure's conditions of one program."""
    return "ed30" if measure == "ed30" else f"srr_{program}"


def list_conditions(specification: str) -> list[str]:
    """Return the groups of conditions of one specification, in the order of their file."""
    rows = load_rows("discharge_condition_group")
    named = [row["condition_group"] for row in rows if row["specification"] == specification]
    return list(dict.fromkeys(named))


def prepare(
    measure: Measure,
    program: Program,
    performance_year: int,
    cohort: pa.Table,
    conditions: pa.Table,
) -> tuple[ThreeStageSpecification, pa.Table]:
    """Return the specification and the index discharges, conditions among the adjusters of both.

    An adjuster is left out of the specification, because it has no estimate, where fewer than two
    of the discharges that stage 1 uses have it and the event, or have it and no event; the same
    goes for those that have it not.

    Args:
        measure: srr or ed30.
        program: whose rules it follows.
        performance_year: the year of the cohort.
        cohort: the program's discharges, with a reason where they do not count.
        conditions: patient_id, stay and condition_group of the measure's own specification.
    """
    counted = cohort.filter(pc.field(REASON).is_null())
    groups = list_conditions(name_conditions(measure, program))
    rows = add_conditions(counted, conditions, groups)
    specification = specify(measure, program, performance_year)
    is_used = _find_used(rows)
    outcome = rows.column(EVENT).to_numpy()[is_used]
    adjusters = tuple(
        name
        for name in (*specification.adjusters, *groups)
        if _is_informative(rows.column(name).to_numpy()[is_used], outcome)
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


def _find_used(rows: pa.Table) -> NDArray[np.bool_]:
    """Return which discharges stage 1 uses: of pairs large enough, with and without events."""
    frame = rows.select([CCN, HOSPITAL, EVENT]).to_pandas()
    among = frame.groupby([CCN, HOSPITAL])[EVENT]
    is_used = (among.transform("size") >= MINIMUM_ROWS) & (among.transform("nunique") > 1)
    return is_used.to_numpy()


def _is_informative(values: FloatArray, outcome: FloatArray) -> bool:
    """Whether those above the least value, and those below the largest, have both outcomes."""
    if not values.size:
        return False
    for side in (values > values.min(), values < values.max()):
        events = np.count_nonzero(outcome[side])
        if min(events, np.count_nonzero(side) - events) < FEWEST:
            return False
    return True
