"""Unadjusted percentages: manual 2.1, 2.3 to 2.9, from rows of patients to the contract.

The manual gives these measures no interval and no flag. The limits treat patients as the units,
because the months of one patient are not independent.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from esrd_pipeline.families.cohort import read_cohort
from esrd_pipeline.families.contract import Assessment, assemble_contract
from esrd_pipeline.measures.specification import WHOLE, ProportionSpecification
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.proportions import (
    ClusteredProportions,
    estimate_clustered,
)
from esrd_pipeline.statistics.rows import divide

NUMERATOR = "numerator"
DENOMINATOR = "denominator"


@dataclass(frozen=True, slots=True)
class _Precision:
    """Standard error and limits of each facility's proportion; shapes are (F,)."""

    logit_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    note: NDArray[np.object_] | None


def assess_facilities(
    specification: ProportionSpecification, performance_year: int, cohort: pa.Table
) -> pd.DataFrame:
    """Return the measure's rows of the contract; `value` and limits as the program publishes them.

    The cohort has the columns ccn, patient_id, numerator and denominator: months, or 0 and 1, of
    a patient. `unit_count` counts patients or patient-months, by the specification's unit.
    Percents for Dialysis Facility Measures, fractions for the QIP.

    Raises:
        CohortError: no rows, a column is missing or has nulls.
        FitError: a numerator is above its denominator, or one is negative.
    """
    rows = read_cohort(specification, cohort)
    found = estimate_clustered(
        facility=rows.facility,
        patient=rows.patient,
        numerator=rows.numbers(NUMERATOR),
        denominator=rows.numbers(DENOMINATOR),
        facility_count=len(rows.ccns),
        scale="logit",
    )
    known = _describe_precision(found)
    whole, nothing = WHOLE[specification.program], np.full(len(rows.ccns), np.nan)
    # No reference level: no facility is better or worse.
    assessment = Assessment(
        unit_count=found.patients if specification.unit == "patients" else found.denominator,
        patients=found.patients,
        numerator=found.numerator,
        denominator=found.denominator,
        # Rounded once: 100 times 23/80 would be 28.749999999999996, and 28.7 on a page.
        value=divide(whole * found.numerator, found.denominator),
        rate=nothing,
        standard_error=known.logit_error,
        lower=whole * known.lower,
        upper=whole * known.upper,
        p_value=nothing,
        z=nothing,
        z_null_mean=nothing,
        z_null_sd=nothing,
        reference=np.nan,
        note=known.note,
    )
    contract = assemble_contract(
        specification, performance_year, ccns=rows.ccns, assessment=assessment
    )
    is_empty = contract["denominator"] == 0
    contract.loc[is_empty, "reason"] = "nothing_in_denominator"
    contract.loc[is_empty, "reason_number"] = np.nan
    return contract


def _describe_precision(found: ClusteredProportions) -> _Precision:
    is_alike = (found.denominator > 0) & np.isnan(found.standard_error)
    note = np.select(
        [found.is_exact, is_alike],
        [
            "nothing or all counts: exact limits with patients as the units",
            "patients show no spread: no limits",
        ],
        np.array(None, dtype=object),
    )
    error = found.standard_error / (found.value * (1 - found.value))
    return _Precision(error, found.lower, found.upper, note)
