"""SMR, SWR and SMoSR between their cohorts and their model: years side by side, conditions, terms.

The model is the Cox family's; who is counted stands in the cohorts. Manual 2.14.12, 2.15.12,
2.27.12.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.families.conditions import add_conditions
from esrd_pipeline.families.survival import EVENT
from esrd_pipeline.measures import smosr, smr, swr
from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.parameters.rows import load_rows

CONDITIONS = "smr"
"""Which ascertainment of prevalent conditions is SMR's: claims of Part A and Part B, without those
of laboratories (Table 10, footnote 3), not of hospitals alone."""
_YEAR = "performance_year"
_FLAGS = ("is_", "has_", "hispanic_x_", "diabetes_x_", "under_1_year_x_", "female_x_")


def prepare_smr(
    performance_year: int, cohorts: Mapping[int, pa.Table], conditions: Mapping[int, pa.Table]
) -> tuple[CoxSpecification, pa.Table]:
    """Return SMR's specification and the records of its years, conditions and years beside them.

    Args:
        performance_year: the last of the years.
        cohorts: rows of cohort.smr by year.
        conditions: patient_id and condition_group of the year before each of them, by year.
    """
    groups = [
        row["condition_group"]
        for row in load_rows("prevalent_condition_group")
        if row["specification"] == CONDITIONS
    ]
    rows = pa.concat_tables(
        [add_conditions(_narrow(cohorts[year]), conditions[year], groups) for year in cohorts]
    )
    plain = smr.specify(performance_year)
    specification = replace(plain, adjusters=(*plain.adjusters, *groups))
    return _leave_out(*_add_years(specification, rows, performance_year))


def prepare_swr(
    performance_year: int, cohorts: Mapping[int, pa.Table]
) -> tuple[CoxSpecification, pa.Table]:
    """Return SWR's specification and the records that are counted.

    Args:
        performance_year: the last of the years.
        cohorts: rows of cohort.swr by year.
    """
    return _leave_out(swr.specify(performance_year), _count(cohorts))


def prepare_smosr(
    performance_year: int, cohorts: Mapping[int, pa.Table]
) -> tuple[CoxSpecification, pa.Table]:
    """Return SMoSR's specification and the records that are counted, years of incidence beside.

    Args:
        performance_year: the last of the years.
        cohorts: rows of cohort.smosr by year.
    """
    return _leave_out(
        *_add_years(smosr.specify(performance_year), _count(cohorts), performance_year)
    )


def _count(cohorts: Mapping[int, pa.Table]) -> pa.Table:
    together = pa.concat_tables([_narrow(cohort) for cohort in cohorts.values()])
    return together.filter(pc.field("reason").is_null())


def _narrow(cohort: pa.Table) -> pa.Table:
    """Hold columns of zeros and ones in a byte: four years of a nation are millions of rows."""
    fields = [
        pa.field(field.name, pa.uint8()) if field.name.startswith(_FLAGS) else field
        for field in cohort.schema
    ]
    return cohort.cast(pa.schema(fields))


def _add_years(
    specification: CoxSpecification, rows: pa.Table, performance_year: int
) -> tuple[CoxSpecification, pa.Table]:
    """Add an indicator of each earlier year that is there, named by how far back it lies."""
    year = rows.column(_YEAR).to_numpy()
    names: list[str] = []
    for back in sorted({performance_year - int(one) for one in np.unique(year)} - {0}):
        names.append(f"is_year_before_{back}")
        rows = rows.append_column(names[-1], pa.array((year == performance_year - back) * 1))
    return replace(specification, adjusters=(*specification.adjusters, *names)), rows


def _leave_out(
    specification: CoxSpecification, rows: pa.Table
) -> tuple[CoxSpecification, pa.Table]:
    """Leave out adjusters without an estimate: at their largest, or least, in every event.

    A condition of nobody with an event is one; so are the years under 14 where no child dies.
    """
    if not rows.num_rows:
        return specification, rows
    is_event = rows.column(EVENT).to_numpy() == 1
    kept: list[str] = []
    for name in specification.adjusters:
        values = rows.column(name).to_numpy()
        among = values[is_event]
        if among.size and among.min() < values.max() and among.max() > values.min():
            kept.append(name)
    return replace(specification, adjusters=tuple(kept)), rows
