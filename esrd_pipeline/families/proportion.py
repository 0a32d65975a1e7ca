"""Unadjusted percentages of patient-months: manual 2.1, 2.3 to 2.9, from rows to the contract.

The manual gives these measures no interval and no flag. The limits beside the value take patients
as the units, because the months of one patient are not independent.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from esrd_pipeline.families.cohort import read_cohort
from esrd_pipeline.families.contract import Assessment, assemble_contract
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.statistics.proportions import estimate_clustered

NUMERATOR = "numerator"
DENOMINATOR = "denominator"
PERCENT = 100.0


def assess_facilities(
    specification: Specification, performance_year: int, cohort: pa.Table
) -> pd.DataFrame:
    """Return the measure's rows of the contract; `value` and limits are percentages.

    The cohort has the columns ccn, patient_id, numerator and denominator: months, or 0 and 1, of
    a patient. `unit_count` counts patients or patient-months, as the specification's unit says.

    Raises:
        CohortError: no rows, a column is missing or has nulls.
        FitError: a numerator is above its denominator, or one is negative.
    """
    rows = read_cohort(specification.measure, cohort, ())
    found = estimate_clustered(
        facility=rows.facility,
        patient=rows.patient,
        numerator=rows.numbers(NUMERATOR),
        denominator=rows.numbers(DENOMINATOR),
        facility_count=len(rows.ccns),
        scale="logit",
    )
    nothing = np.full(len(rows.ccns), np.nan)
    # No level to be held against: without one, no facility is better or worse.
    assessment = Assessment(
        unit_count=found.patients if specification.unit == "patients" else found.denominator,
        numerator=found.numerator,
        denominator=found.denominator,
        value=PERCENT * found.value,
        rate=nothing,
        standard_error=found.standard_error / (found.value * (1 - found.value)),
        lower=PERCENT * found.lower,
        upper=PERCENT * found.upper,
        p_value=nothing,
        z=nothing,
        z_null_mean=nothing,
        z_null_sd=nothing,
        reference=np.nan,
    )
    contract = assemble_contract(
        specification, performance_year, ccns=rows.ccns, assessment=assessment
    )
    return contract.assign(category=None)
