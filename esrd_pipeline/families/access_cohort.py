"""SFR and PPPW between cohort and model: which months are counted. Manual 2.2, 2.16."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.families.access import EVENT
from esrd_pipeline.families.cohort import CCN, PATIENT
from esrd_pipeline.measures import pppw, sfr
from esrd_pipeline.measures.specification import GeeSpecification, Program

REASON = "reason"
FEWEST_FACILITIES, FEWEST_PATIENTS = 100, 11
"""Of a group of facilities; with an indicator. Every nation has more, planted ones may not."""
_SPECIFY = {"sfr": sfr.specify, "pppw": pppw.specify}


def list_columns(measure: str, program: Program, performance_year: int) -> list[str]:
    """Return the columns of a measure's cohort that `prepare` reads.

    Raises:
        LookupError: the program has no such measure.
    """
    return [CCN, PATIENT, REASON, EVENT, *specify(measure, program, performance_year).adjusters]


def prepare(
    measure: str, program: Program, performance_year: int, cohort: pa.Table
) -> tuple[GeeSpecification, pa.Table]:
    """Return a measure's specification, and the months of its cohort that are counted.

    A nation too small for the manual's ten groups of facilities gets fewer, one below 200; an
    adjuster that hardly anybody has, or has not, or whose months all agree in outcome, has no
    estimate there and is left out.

    Args:
        measure: sfr or pppw.
        program: whose.
        performance_year: the year of the cohort.
        cohort: the program's rows of cohort.sfr or cohort.pppw, of the columns of `list_columns`.

    Raises:
        LookupError: the program has no such measure.
    """
    specification = specify(measure, program, performance_year)
    counted = cohort.filter(pc.field(REASON).is_null())
    facility_count = len(counted.column(CCN).unique())
    groups = max(1, min(specification.group_count, facility_count // FEWEST_FACILITIES))
    adjusters = tuple(name for name in specification.adjusters if _is_estimable(counted, name))
    return (
        replace(specification, group_count=groups, adjusters=adjusters),
        counted.select([CCN, PATIENT, EVENT, *adjusters]),
    )


def _is_estimable(rows: pa.Table, name: str) -> bool:
    """Whether enough patients have an adjuster and enough have not, of both outcomes each.

    Of a spline these are the patients beyond a knot and short of it. What everybody has, such as an
    age, is no indicator.
    """
    values = rows.column(name)
    if not pa.types.is_integer(values.type):
        return True
    has, has_not = (rows.filter(side) for side in (pc.field(name) != 0, pc.field(name) == 0))
    return _is_enough(has) and (not has_not.num_rows or _is_enough(has_not))


def _is_enough(rows: pa.Table) -> bool:
    patients, outcomes = (len(rows.column(column).unique()) for column in (PATIENT, EVENT))
    return patients >= FEWEST_PATIENTS and outcomes > 1


def specify(measure: str, program: Program, performance_year: int) -> GeeSpecification:
    """Return a measure of this family as one program computes it.

    Raises:
        LookupError: the program has no such measure.
    """
    if measure not in _SPECIFY:
        raise LookupError(f"{measure} is no measure of this family")
    return _SPECIFY[measure](program, performance_year)
