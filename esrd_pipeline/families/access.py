"""SFR and PPPW between cohort and model: which months are counted. Manual 2.2, 2.16."""

import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.families.cohort import CCN, PATIENT
from esrd_pipeline.families.gee import EVENT
from esrd_pipeline.measures import pppw, sfr
from esrd_pipeline.measures.specification import GeeSpecification, Program

REASON = "reason"
SPECIFICATIONS = {
    (specification.measure, specification.program): specification
    for specification in (sfr.DFC, pppw.DFC, pppw.QIP)
}


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


def _find(measure: str, program: Program) -> GeeSpecification:
    if (measure, program) not in SPECIFICATIONS:
        raise LookupError(f"{program} has no measure {measure} of this family")
    return SPECIFICATIONS[measure, program]
