"""Prepare the cohorts of SRR and ED30, with conditions, for the three-stage model.

Manual 2.10, 2.11, 2.26.
"""

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from esrd_pipeline.families.cohort import Cohort, read_cohort
from esrd_pipeline.families.conditions import add_conditions
from esrd_pipeline.families.discharges import EVENT, HOSPITAL
from esrd_pipeline.measures.specification import ThreeStageSpecification
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.logistic import MINIMUM_ROWS
from esrd_pipeline.statistics.rows import sum_by

REASON = "reason"
FEWEST = 2
"""Events, and discharges without, on either side of an adjuster."""


def name_conditions(specification: ThreeStageSpecification) -> str:
    """Return the name of a measure's conditions by one program in cohort.discharge_condition."""
    measure = specification.measure
    return measure if measure == "ed30" else f"{measure}_{specification.program}"


def list_conditions(specification: str) -> list[str]:
    """Return the groups of conditions of one specification, in the order of their file."""
    rows = load_rows("discharge_condition_group")
    named = [row["condition_group"] for row in rows if row["specification"] == specification]
    return list(dict.fromkeys(named))


def prepare(
    specification: ThreeStageSpecification,
    rows: pa.Table,
    conditions: pa.Table,
    *,
    terms: Collection[str] | None = None,
) -> tuple[ThreeStageSpecification, Cohort]:
    """Return the specification and the index discharges, conditions among the adjusters of both.

    An adjuster is left out of the design, because it has no estimate, if fewer than two of stage
    1's discharges have it with the event, or with no event; likewise for discharges without it.

    Args:
        specification: SRR or ED30 by one program's rules, without the terms of conditions.
        rows: the program's discharges, with a reason where they do not count.
        conditions: patient_id, stay and condition_group of the measure's own specification.
        terms: columns of a stored fit; the design has these, whatever the rows are.
    """
    groups = list_conditions(name_conditions(specification))
    specification = add_conditions(specification, groups, unless=None)
    counted = rows.filter(pc.field(REASON).is_null())
    cohort = read_cohort(specification, counted, conditions=conditions)
    if terms is not None:
        return specification, cohort.keep(terms)
    outcome = cohort.numbers(EVENT)
    is_used = _find_used(cohort, outcome)
    gone = [
        name
        for term, name in enumerate(cohort.design.names)
        if not _is_informative(cohort.design.matrix[is_used, term], outcome[is_used])
    ]
    return specification, cohort.drop(gone)


def _find_used(cohort: Cohort, outcome: FloatArray) -> NDArray[np.bool_]:
    """Return which discharges stage 1 uses: of pairs large enough, with and without events."""
    hospitals, hospital = cohort.labels(HOSPITAL)
    pair = cohort.facility * hospitals.size + hospital
    rows, events = np.bincount(pair), sum_by(pair, outcome)
    return ((rows >= MINIMUM_ROWS) & (events > 0) & (events < rows))[pair]


def _is_informative(values: NDArray[np.generic], outcome: FloatArray) -> bool:
    """Whether the rows above the least value, and those below the largest, have both outcomes."""
    if not values.size:
        return False
    for side in (values > values.min(), values < values.max()):
        events = np.count_nonzero(outcome[side])
        if min(events, np.count_nonzero(side) - events) < FEWEST:
            return False
    return True
