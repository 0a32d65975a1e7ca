"""Assets that DuckDB makes from stored tables, by the SELECT of the same name."""

from collections.abc import Callable, Mapping

from esrd_pipeline.orchestration.context import (
    FindWarning,
    Inspect,
    SqlOutput,
    StepContext,
    StepResult,
)
from esrd_pipeline.orchestration.partitions import years_before
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset
from esrd_pipeline.parameters import find_official
from esrd_pipeline.sql import load_select
from esrd_pipeline.tables.catalog import TABLES_BY_NAME

Parameters = Callable[[StepContext], Mapping[str, object]]


def make_select_asset(
    table: str,
    *,
    description: str,
    parameters: Parameters | None = None,
    find_warning: FindWarning | None = None,
    inspect: Inspect | None = None,
) -> TableAsset:
    """Make the asset of `sql/<schema>/<table>.sql`; its dependencies are derived from its text.

    Tables that its rows reference are dependencies too, because its rows are audited against them.

    `parameters` gives the SELECT's parameters besides the performance year; `find_warning` reads
    the rows it made for the check that only warns, `inspect` their file for both checks.
    """
    select = load_select(table)
    read = {source.table for source in select.sources}
    referred = sorted({reference.table for reference in TABLES_BY_NAME[table].references} - read)

    def compute(step: StepContext) -> StepResult:
        values = parameters(step) if parameters else {}
        shown = {name: str(value) for name, value in values.items()}
        for name in select.value_sets:
            official = find_official(name)
            if official is not None:
                shown[f"parameters/{name}.csv"] = f"replaced by {official.name}"
        return StepResult(
            (SqlOutput(select, values),), notes=shown, find_warning=find_warning, inspect=inspect
        )

    return TableAsset(
        tables=(TABLES_BY_NAME[table],),
        compute=compute,
        description=description,
        dependencies=(
            *(
                Dependency(
                    TABLES_BY_NAME[source.table],
                    years_before(first=source.first, last=source.last) if source.first else None,
                )
                for source in select.sources
            ),
            *(Dependency(TABLES_BY_NAME[name]) for name in referred),
        ),
        kinds=frozenset({"sql", "duckdb", "parquet"}),
    )
