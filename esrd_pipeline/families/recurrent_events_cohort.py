"""Prepare the cohort of SEDR's model: years, conditions and terms. Manual 2.25.13 to 2.25.15."""

from collections.abc import Mapping

import pyarrow as pa

from esrd_pipeline.families.calendar_years import add_years, join_conditions
from esrd_pipeline.families.cohort import Cohort, read_cohort
from esrd_pipeline.families.conditions import add_conditions, list_common
from esrd_pipeline.measures import sedr
from esrd_pipeline.measures.specification import RateSpecification

CONDITIONS = "sedr"


def prepare_sedr(
    performance_year: int,
    cohorts: Mapping[int, pa.Table],
    patients: Mapping[int, pa.Table],
    conditions: Mapping[int, pa.Table],
) -> tuple[RateSpecification, Cohort]:
    """Return SEDR's specification and the periods of its years, with conditions and years.

    Args:
        performance_year: the last of the years.
        cohorts: rows of cohort.sedr by year.
        patients: characteristics that the terms read, with patient and year, by year.
        conditions: patient_id and condition_group of the year before each of them, by year.
    """
    rows = pa.concat_tables(cohorts.values())
    having = join_conditions(conditions, cohorts)
    common = list_common(CONDITIONS, having)
    specification = add_conditions(sedr.specify(performance_year), common)
    specification = add_years(specification, rows, performance_year)
    known = pa.concat_tables(patients.values())
    return specification, read_cohort(specification, rows, patients=known, conditions=having)
