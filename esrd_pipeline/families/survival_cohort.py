"""Prepare the cohorts of SMR, SWR and SMoSR for the Cox model: years, conditions and terms.

Manual 2.14.12, 2.15.12, 2.27.12.
"""

from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.families.calendar_years import add_years, join_conditions
from esrd_pipeline.families.cohort import Cohort, read_cohort
from esrd_pipeline.families.conditions import add_conditions, list_conditions
from esrd_pipeline.families.survival import EVENT
from esrd_pipeline.measures import smosr, smr, swr
from esrd_pipeline.measures.specification import CoxSpecification

CONDITIONS = "smr"
"""SMR's ascertainment of prevalent conditions: claims of Part A and Part B, without those of
laboratories (Table 10, footnote 3), not only of hospitals."""


def prepare_smr(
    performance_year: int,
    cohorts: Mapping[int, pa.Table],
    patients: Mapping[int, pa.Table],
    conditions: Mapping[int, pa.Table],
    *,
    terms: Collection[str] | None = None,
) -> tuple[CoxSpecification, Cohort]:
    """Return SMR's specification and the records of its years, with conditions and years.

    Args:
        performance_year: the last of the years.
        cohorts: rows of cohort.smr by year.
        patients: characteristics that the terms read, with patient and year, by year.
        conditions: patient_id and condition_group of the year before each of them, by year.
        terms: columns of a stored fit; the design has these, whatever the rows are.
    """
    rows = pa.concat_tables(cohorts.values())
    having = join_conditions(conditions, cohorts)
    specification = add_conditions(smr.specify(performance_year), list_conditions(CONDITIONS))
    specification = add_years(specification, rows, performance_year)
    return specification, _read(specification, rows, patients, having, terms=terms)


def prepare_swr(
    performance_year: int,
    cohorts: Mapping[int, pa.Table],
    patients: Mapping[int, pa.Table],
    *,
    terms: Collection[str] | None = None,
) -> tuple[CoxSpecification, Cohort]:
    """Return SWR's specification and the records that are counted.

    Args:
        performance_year: the last of the years.
        cohorts: rows of cohort.swr by year.
        patients: characteristics that the terms read, with patient and year, by year.
        terms: columns of a stored fit; the design has these, whatever the rows are.
    """
    specification = swr.specify(performance_year)
    return specification, _read(specification, _count(cohorts), patients, terms=terms)


def prepare_smosr(
    performance_year: int,
    cohorts: Mapping[int, pa.Table],
    patients: Mapping[int, pa.Table],
    *,
    terms: Collection[str] | None = None,
) -> tuple[CoxSpecification, Cohort]:
    """Return SMoSR's specification and the records that are counted, with years of incidence.

    Args:
        performance_year: the last of the years.
        cohorts: rows of cohort.smosr by year.
        patients: characteristics that the terms read, with patient and year, by year.
        terms: columns of a stored fit; the design has these, whatever the rows are.
    """
    rows = _count(cohorts)
    specification = add_years(smosr.specify(performance_year), rows, performance_year)
    return specification, _read(specification, rows, patients, terms=terms)


def _count(cohorts: Mapping[int, pa.Table]) -> pa.Table:
    return pa.concat_tables(cohorts.values()).filter(pc.field("reason").is_null())


def _read(
    specification: CoxSpecification,
    rows: pa.Table,
    patients: Mapping[int, pa.Table],
    conditions: pa.Table | None = None,
    *,
    terms: Collection[str] | None = None,
) -> Cohort:
    """Read a cohort without the adjusters that have no estimate.

    These have their largest, or least, value in every event: for example a condition that no
    patient with an event has, or the years under 14 where no child dies.
    """
    known = pa.concat_tables(patients.values())
    cohort = read_cohort(specification, rows, patients=known, conditions=conditions)
    if terms is not None:
        return cohort.keep(terms)
    is_event = cohort.numbers(EVENT) == 1
    gone: list[str] = []
    for term, name in enumerate(cohort.design.names):
        values = cohort.design.matrix[:, term]
        among = values[is_event]
        if not (among.size and among.min() < values.max() and among.max() > values.min()):
            gone.append(name)
    return cohort.drop(gone)
