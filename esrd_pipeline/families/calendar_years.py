"""The rows of several calendar years as one cohort: their conditions, and a term for each year."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pyarrow as pa

from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.measures.terms import Level

YEAR = "performance_year"

S = TypeVar("S", bound=Specification)


def join_conditions(conditions: Mapping[int, pa.Table], years: Mapping[int, pa.Table]) -> pa.Table:
    """Return the patients' conditions of some years, each with its year as a column."""
    return pa.concat_tables(
        conditions[year].append_column(YEAR, pa.array(np.full(conditions[year].num_rows, year)))
        for year in years
    )


def add_years(specification: S, rows: pa.Table, performance_year: int) -> S:
    """Add an indicator of each earlier year in the rows, named by its distance in years."""
    years = np.unique(rows.column(YEAR).to_numpy())
    back = sorted({performance_year - int(year) for year in years} - {0})
    terms = (
        Level(f"is_year_before_{n}", YEAR, performance_year - n, performance_year - n) for n in back
    )
    return replace(specification, terms=(*specification.terms, *terms))
