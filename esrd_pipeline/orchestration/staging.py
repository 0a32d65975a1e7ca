"""Staging a computation's tables: each is written beside its partition and audited there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

import pandas as pd

from esrd_pipeline.arrow import SchemaError
from esrd_pipeline.duckdb_text import scan_parquet
from esrd_pipeline.expectations import Audit, audit
from esrd_pipeline.orchestration.context import SqlOutput, StepResult
from esrd_pipeline.sql import Select
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Query, Staged, Warehouse


def list_broken(
    staged: Sequence[Staged], audits: Sequence[Audit], result: StepResult, query: Query
) -> list[str]:
    """Return the broken expectations, and where in the tables' files they first are."""
    broken = [
        f"{s.table.name}: {rule.name} ({rule.broken_count:,} rows)"
        for s, judged in zip(staged, audits, strict=True)
        for rule in judged.broken
    ]
    place = result.locate(query) if broken and result.locate is not None else None
    return broken + ([place] if place else [])


def find_texts(
    result: StepResult, staged: Sequence[Staged], query: Query
) -> tuple[str | None, str | None]:
    """Return what the first table gives cause to warn of, and what is wrong with it."""
    if result.inspect is not None:
        return result.inspect(query, staged[0].path)
    if result.find_warning is None:
        return result.warning, result.fault
    made = query(f"FROM {scan_parquet([staged[0].path])}")
    return result.find_warning(made), result.fault


def stage_table(
    warehouse: Warehouse,
    table: Table,
    year: int,
    made: pd.DataFrame | SqlOutput,
    notes: Mapping[str, str],
) -> tuple[Staged, Mapping[str, int]]:
    """Stage a table; return what was found of it on a second look, if one was due."""
    if not isinstance(made, SqlOutput):
        return warehouse.stage(table, year, made, notes=notes), {}

    def run(select: Select) -> Staged:
        return warehouse.stage_select(
            table, year, select, tables=TABLES_BY_NAME, parameters=made.parameters, notes=notes
        )

    if made.look_again is None:
        return run(made.select), {}
    try:
        return run(made.select), {}
    except SchemaError:
        select, found = made.look_again()
        return run(select), found


def audit_staged(
    one: Staged, staged: Sequence[Staged], warehouse: Warehouse, query: Query
) -> Audit:
    """Audit one staged partition; it may reference tables staged with it or stored before."""
    year = one.performance_year
    beside = {s.table.name: s.path for s in staged}
    referenced = {
        name: beside.get(name) or warehouse.find(TABLES_BY_NAME[name], year)
        for name in {reference.table for reference in one.table.references}
    }
    return audit(table=one.table, staged=one.path, query=query, referenced=referenced)


@dataclass(frozen=True, slots=True)
class Naming:
    """Adds the tables being made as a note to an error."""

    tables: Sequence[Table]

    def __enter__(self) -> None:
        """Do nothing on entry."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None and not isinstance(error, GeneratorExit):
            error.add_note(f"while making {', '.join(table.name for table in self.tables)}")
