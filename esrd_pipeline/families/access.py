"""SFR and PPPW from their cohorts to the facility contract of one program.

The model is the GEE family's; what is the two measures' own stands here: which months are counted,
the programs' differences, the facility lists. Manual 2.2, 2.16.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.families.cohort import CCN, PATIENT
from esrd_pipeline.families.gee import EVENT
from esrd_pipeline.families.listed import list_facilities
from esrd_pipeline.measures import pppw, sfr
from esrd_pipeline.measures.specification import GeeSpecification, Program

REASON = "reason"
NOTHING = "no eligible patient-month"
SPECIFICATIONS = {
    (specification.measure, specification.program): specification
    for specification in (sfr.DFC, pppw.DFC, pppw.QIP)
}
_INFERENCE = (
    "lower",
    "upper",
    "p_value",
    "z",
    "z_null_mean",
    "z_null_sd",
    "category",
    "standard_error",
)
"""What the manual computes for Dialysis Facility Measures only (2.16.14, 2.16.15)."""


def list_columns(measure: str, program: Program) -> list[str]:
    """Return the columns of a measure's cohort that `prepare` reads.

    Raises:
        LookupError: the program has no such measure.
    """
    return [CCN, PATIENT, REASON, EVENT, *_find(measure, program).adjusters]


def prepare(measure: str, program: Program, cohort: pa.Table) -> tuple[GeeSpecification, pa.Table]:
    """Return a measure's specification, and the months of its cohort that are counted.

    Args:
        measure: sfr or pppw.
        program: whose.
        cohort: the program's rows of cohort.sfr or cohort.pppw, of the columns of `list_columns`.

    Raises:
        LookupError: the program has no such measure.
    """
    specification = _find(measure, program)
    counted = cohort.filter(pc.field(REASON).is_null())
    return specification, counted.select([CCN, PATIENT, EVENT, *specification.adjusters])


def finish(
    specification: GeeSpecification,
    performance_year: int,
    rows: pd.DataFrame,
    facilities: pd.DataFrame,
) -> pd.DataFrame:
    """Return the program's rows of the contract: every facility of its list and of the cohort.

    The QIP has no test, limits or category. Its numerator and denominator are those of 2.16.13: the
    standardised sum over the nation's patient-months, and their number, as its file prints them.
    """
    if specification.program == "qip":
        is_modelled = rows["unit_count"] >= (specification.minimum_modelled or 0)
        months = float(rows.loc[is_modelled, "denominator"].sum())
        rows = rows.assign(
            **dict.fromkeys(_INFERENCE),
            numerator=rows["value"].astype(np.float64) * months,
            denominator=months,
        )
    return list_facilities(specification, performance_year, rows, facilities, nothing=NOTHING)


def _find(measure: str, program: Program) -> GeeSpecification:
    if (measure, program) not in SPECIFICATIONS:
        raise LookupError(f"{program} has no measure {measure} of this family")
    return SPECIFICATIONS[measure, program]
