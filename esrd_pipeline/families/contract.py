"""The facility contract: the columns of every measure's results, whatever its model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.measures.flag import (
    Results,
    add_size_reasons,
    flag_results,
)
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.parameters.reasons import RowReasons
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.empirical_null import EmpiricalNull
from esrd_pipeline.statistics.fit import Dropped
from esrd_pipeline.tables.facility import CONTRACT_COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A model's results for F facilities; arrays have shape (F,), NaN where there is no result.

    `reference` is the level a facility is compared with, in the unit of `value`; `note` is a text
    on how a facility's numbers were computed, or None.
    """

    unit_count: FloatArray
    patients: FloatArray
    numerator: FloatArray
    denominator: FloatArray
    value: FloatArray
    rate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    p_value: FloatArray
    z: FloatArray
    z_null_mean: FloatArray
    z_null_sd: FloatArray
    reference: float
    note: NDArray[np.object_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """A year's facilities: their rows of the contract, and their empirical null.

    `null` and its rows are None where the measure has none; `dropped` counts what the fit or the
    null left out or replaced.
    """

    contract: pd.DataFrame
    null: EmpiricalNull | None = None
    null_rows: pd.DataFrame | None = None
    dropped: tuple[Dropped, ...] = ()


def join_notes(
    notes: NDArray[np.object_] | None, common: str | None, *, count: int = 0
) -> NDArray[np.object_] | None:
    """Return each facility's note with one that concerns all of them, if there is one."""
    if common is None:
        return notes
    own = np.full(count, None, dtype=object) if notes is None else notes
    return np.array([common if note is None else f"{note}; {common}" for note in own], dtype=object)


_NUMBERS = tuple(
    column.name
    for column in CONTRACT_COLUMNS
    if column.type == "number" and column.name in Assessment.__dataclass_fields__
)


def assemble_contract(
    specification: Specification,
    performance_year: int,
    *,
    ccns: NDArray[np.object_],
    assessment: Assessment,
) -> pd.DataFrame:
    """Return the measure's rows of the facility contract, one a facility.

    A facility below the minimum size keeps its numbers, but is not reportable and has a reason.
    """
    entry = specification.entry
    reasons = _find_reasons(specification, assessment)
    results = Results(
        value=assessment.value,
        lower=assessment.lower,
        upper=assessment.upper,
        p_value=assessment.p_value,
        z=assessment.z,
    )
    category = flag_results(entry, results, national=assessment.reference).category
    category[~reasons.is_silent] = None
    frame = pd.DataFrame(
        {
            "ccn": ccns,
            "performance_year": performance_year,
            "program": specification.program,
            "measure": specification.measure,
            "unit": specification.unit,
            **{name: getattr(assessment, name) for name in _NUMBERS},
            "category": category,
            "reportable": reasons.is_silent,
            "reason": reasons.code,
            "reason_number": reasons.number,
            "note": assessment.note,
        }
    )
    return frame[[column.name for column in CONTRACT_COLUMNS]].sort_values("ccn", ignore_index=True)


def _find_reasons(specification: Specification, assessment: Assessment) -> RowReasons:
    reasons = RowReasons(assessment.value.size)
    add_size_reasons(
        reasons,
        specification.entry,
        unit_count=assessment.unit_count,
        expected=assessment.denominator,
    )
    reasons.add(np.isnan(assessment.value), "no_expected_events")
    return reasons
