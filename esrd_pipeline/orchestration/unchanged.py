"""A run of what changed: tables that are unchanged are kept as they are stored, and said to be.

Whether a table is unchanged is decided when its turn comes, from the versions of what it reads
(`made_of`). So what is downstream of a table that was made anew with the same bytes is kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.made_of import (
    MISSING,
    Record,
    RecordedWarehouse,
    Versions,
    describe_code,
    find_difference,
    find_version,
    read_record,
    record_reads,
    touch,
    write_record,
)
from esrd_pipeline.orchestration.partitions import Years
from esrd_pipeline.orchestration.shown import describe_kept
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Staged

if TYPE_CHECKING:
    from esrd_pipeline.orchestration.table_asset import TableAsset

CHANGED_TAG = "esrd/changed"
"""Tag of a run that keeps what is unchanged."""
KEPT = "unchanged, kept"
NEVER_MADE = "never made"
OTHER_FILE = "its file is gone, or another than was stored"
NO_RECORD = "nothing says what it was made of"
Checks = Mapping[str, tuple[dg.AssetCheckResult, ...]]


def describe_inputs(step: StepContext, asset: "TableAsset", digests: str | None) -> Versions:
    """Return the versions of what a computation is about to read, apart from stored tables.

    Those of the stored tables that it declares are noted, if the step records what is read.
    """
    if isinstance(step.warehouse, RecordedWarehouse):
        touch(step.warehouse, _list_declared(asset), step.performance_year, {})
    options = {"origin": step.settings.origin}
    if step.config is not None:
        options |= {name: repr(value) for name, value in step.config.model_dump().items()}
    return {
        "code": describe_code(digests, asset.tables),
        "options": options,
        "files": _read_outside(step, asset),
    }


def find_reason(
    step: StepContext, asset: "TableAsset", tables: Sequence[Table], digests: str | None
) -> tuple[str | None, Mapping[str, Record]]:
    """Return why an asset's tables are to be made, None if unchanged, and what is recorded."""
    year, records = step.performance_year, dict[str, Record]()
    now = describe_inputs(step, asset, digests)
    for table in tables:
        path = step.warehouse.partition_path(table, year)
        record = read_record(step.warehouse, table, year)
        if record is None:
            return (NO_RECORD if path.is_file() else NEVER_MADE), records
        if find_version(step.warehouse, table, year, path) != record.version:
            return OTHER_FILE, records
        reads = record_reads(step.warehouse)
        touch(reads, _list_declared(asset), year, record.of, own=asset.tables)
        difference = find_difference(record.of, {**now, **_list_reads(reads, asset, year)})
        if difference is not None:
            return difference, records
        records[table.name] = record
    return None, records


def find_kept(
    step: StepContext, asset: "TableAsset", tables: Sequence[Table], digests: str | None
) -> Iterator[dg.MaterializeResult[Any]] | None:
    """Return the results of an asset's tables if all are unchanged, and None otherwise."""
    reason, records = find_reason(step, asset, tables, digests)
    return None if reason is not None else _report_kept(step, asset, tables, records)


def record_tables(
    warehouse: RecordedWarehouse,
    inputs: Versions,
    staged: Sequence[Staged],
    *,
    asset: "TableAsset",
    notes: Mapping[str, str | int | float],
    checks: Checks,
) -> Mapping[str, str]:
    """Record what staged tables are made of, before they are published; return their versions."""
    versions: dict[str, str] = {}
    for one in staged:
        year = one.performance_year
        versions[one.table.name] = write_record(
            warehouse,
            one.table,
            year,
            one.path,
            of={**inputs, **_list_reads(warehouse, asset, year)},
            notes=notes,
            checks={
                str(check.check_name): (
                    check.passed,
                    check.severity.value,
                    check.description or "",
                )
                for check in checks[one.table.name]
            },
        )
    return versions


def _list_declared(asset: "TableAsset") -> list[tuple[Table, Years | None]]:
    return [(up.table, up.years) for up in asset.dependencies]


def _list_reads(warehouse: RecordedWarehouse, asset: "TableAsset", year: int) -> Versions:
    """Return the versions of the tables that were read, without what the asset stores itself."""
    own = [*asset.tables, *([asset.listed_in] if asset.listed_in else [])]
    left_out = {f"{table.name} {year}" for table in own}
    return {
        "tables": {
            name: version for name, version in warehouse.versions.items() if name not in left_out
        },
        "asked": {
            name: is_stored
            for name, is_stored in warehouse.asked.items()
            if name not in warehouse.versions
        },
        "years": warehouse.listed,
    }


def _read_outside(step: StepContext, asset: "TableAsset") -> Mapping[str, str]:
    if asset.outside is None:
        return {}
    try:
        return asset.outside(step)
    except SourceError:
        # The step itself reports what is wrong with the files.
        return {"a file that can be read": MISSING}


def _report_kept(
    step: StepContext,
    asset: "TableAsset",
    tables: Sequence[Table],
    records: Mapping[str, Record],
) -> Iterator[dg.MaterializeResult[Any]]:
    for table in tables:
        record = records[table.name]
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(table.path),
            metadata=describe_kept(step, table, asset.tables[0], record.notes),
            check_results=[
                dg.AssetCheckResult(
                    asset_key=dg.AssetKey(table.path),
                    check_name=name,
                    passed=passed,
                    severity=dg.AssetCheckSeverity(severity),
                    description=f"{KEPT}: judged when it was made: {text}",
                )
                for name, (passed, severity, text) in record.checks.items()
            ],
            data_version=dg.DataVersion(record.version),
        )
