"""Tables of the years of a model of several years, under today's numbers."""

from typing import TYPE_CHECKING

from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.partitions import years_before
from esrd_pipeline.orchestration.table_asset import Dependency
from esrd_pipeline.tables import history, linkage
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from esrd_pipeline.families.identity import Identity
    from esrd_pipeline.measures.specification import Specification

IDENTITY = (Dependency(linkage.EARLIER_PATIENT), Dependency(linkage.PROVIDER_NUMBER))
"""What tells today's numbers of the patients and facilities of earlier years."""


def depend_on_years(table: Table, years: int) -> Dependency:
    """Return the dependency on the last years of a table."""
    return Dependency(table, years_before(first=years - 1))


def read_years(
    step: StepContext,
    table: Table,
    years: int,
    *,
    columns: list[str] | None = None,
    where: dict[str, str] | None = None,
    joins_numbers: bool = False,
) -> "dict[int, pa.Table]":
    """Return the last years of a table by year, as far as they are stored.

    The patients and facilities of earlier years have the numbers of this one.
    """
    warehouse, last = step.warehouse, step.performance_year
    identity = step.keep("identity", lambda: _read_identity(step))
    read = {
        year: warehouse.read_arrow(table, year, columns=columns, where=where)
        for year in range(last - years + 1, last + 1)
        if warehouse.has(table, year)
    }
    return {
        year: rows if year == last else identity.rename(rows, joins_numbers=joins_numbers)
        for year, rows in read.items()
    }


def _read_identity(step: StepContext) -> "Identity":
    from esrd_pipeline.families.identity import Identity

    return Identity.of(
        step.read(linkage.EARLIER_PATIENT),
        step.read(linkage.PROVIDER_NUMBER, columns=["provider_number", "ccn"], program="dfc"),
    )


def read_patients_of_years(
    step: StepContext, specification: "Specification", years: int
) -> "dict[int, pa.Table]":
    """Return the characteristics that a specification's terms read, of each year's patients."""
    table = history.PATIENT_CHARACTERISTICS
    facts = [name for name in specification.facts if name in table.column_names]
    return read_years(step, table, years, columns=["patient_id", "performance_year", *facts])


def read_conditions_of_years(
    step: StepContext, years: int, *, ascertained_by: str
) -> "dict[int, pa.Table]":
    """Return the prevalent conditions of each year's patients, of all their numbers."""
    return read_years(
        step,
        history.PREVALENT_CONDITION,
        years,
        columns=["patient_id", "condition_group"],
        where={"specification": ascertained_by},
        joins_numbers=True,
    )
