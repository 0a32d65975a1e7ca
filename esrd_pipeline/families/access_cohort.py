"""Prepare the cohorts of SFR and PPPW for their model: manual 2.2, 2.16."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from esrd_pipeline.families.access import EVENT
from esrd_pipeline.families.cohort import CCN, PATIENT, Cohort, read_cohort
from esrd_pipeline.measures.specification import GeeSpecification
from esrd_pipeline.tables.history import PATIENT_CHARACTERISTICS
from esrd_pipeline.tables.model import Table

REASON, MONTH = "reason", "month"
FEWEST_FACILITIES, FEWEST_PATIENTS = 100, 11
"""Of a group of facilities; of an adjuster. Every nation has more, planted ones may not."""


def list_columns(specification: GeeSpecification, months: Table) -> tuple[list[str], list[str]]:
    """Return what `prepare` reads: columns of the cohort, and of the patients' characteristics.

    Raises:
        LookupError: a term reads what neither table has.
    """
    facts = specification.facts
    cohort = [fact for fact in facts if _has(months, fact)]
    rest = [fact for fact in facts if fact not in cohort]
    unknown = [fact for fact in rest if not _has(PATIENT_CHARACTERISTICS, fact)]
    if unknown:
        raise LookupError(f"{specification.measure}: no table has the facts {', '.join(unknown)}")
    return [CCN, PATIENT, MONTH, REASON, EVENT, *cohort], [PATIENT, *rest]


def _has(table: Table, fact: str) -> bool:
    return fact in table.column_names


def prepare(
    specification: GeeSpecification,
    rows: pa.Table,
    patients: pa.Table | None = None,
    *,
    terms: Collection[str] | None = None,
) -> tuple[GeeSpecification, Cohort]:
    """Return the specification for this nation, and the months of its cohort that are counted.

    A nation too small for the manual's ten groups of facilities gets fewer, one below 200. An
    adjuster that very few patients have, or lack, or whose months all have the same outcome, has
    no estimate there and is left out; so is a piece of age that very few patients are in.

    Args:
        specification: SFR or PPPW by one program's rules.
        rows: the program's rows of cohort.sfr or cohort.pppw, of the columns of `list_columns`.
        patients: their characteristics, of the columns of `list_columns`; None where it has none.
        terms: columns of a stored fit; the design has these, whatever the rows are.
    """
    counted = rows.filter(pc.field(REASON).is_null())
    cohort = read_cohort(specification, counted, patients=patients)
    if terms is not None:
        return specification, cohort.keep(terms)
    groups = max(1, min(specification.group_count, cohort.ccns.size // FEWEST_FACILITIES))
    gone = [
        name
        for term in specification.terms
        for name in term.names
        if not _is_estimable(cohort, name)
    ]
    return replace(specification, group_count=groups), cohort.drop(gone)


def _is_estimable(cohort: Cohort, name: str) -> bool:
    """Whether enough patients have more of an adjuster than the least, and less than the most.

    Of an indicator these are the patients with and without it, of a spline's first or last piece
    those in it and those not, with both outcomes each.
    """
    values = cohort.design.matrix[:, cohort.design.names.index(name)]
    return all(_is_enough(cohort, rows) for rows in (values > values.min(), values < values.max()))


def _is_enough(cohort: Cohort, rows: NDArray[np.bool_]) -> bool:
    patients, outcomes = np.unique(cohort.patient[rows]), np.unique(cohort.numbers(EVENT)[rows])
    return patients.size >= FEWEST_PATIENTS and outcomes.size > 1
