"""What Dagster's record and the warehouse hold of a year's stored tables, for the gate."""

from collections.abc import Mapping

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

from esrd_pipeline.cutoffs import read_cutoff
from esrd_pipeline.makers import read_makers
from esrd_pipeline.orchestration.check_results import EXPECTATIONS, PLAUSIBILITY
from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.made_of import is_as_read
from esrd_pipeline.orchestration.partitions import list_years
from esrd_pipeline.orchestration.table_asset import find_dependencies, find_digests
from esrd_pipeline.releases.gate import Checked, Recorded, Stored
from esrd_pipeline.stored_schema import OutdatedPartitionError
from esrd_pipeline.tables import emergency, explain, program, quarter_release, release, report, site
from esrd_pipeline.tables.catalog import COMPUTED_TABLES, PATIENT_TABLES, TABLES
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import MissingPartitionError, Warehouse

_OUTCOMES: Mapping[AssetCheckExecutionRecordStatus, Checked] = {
    AssetCheckExecutionRecordStatus.SUCCEEDED: "passed",
    AssetCheckExecutionRecordStatus.FAILED: "failed",
    AssetCheckExecutionRecordStatus.PLANNED: "not run",
}
_NOT_REFRESHED = (
    program.STAR_BASELINE,
    site.SITE,
    *explain.TABLES,
    *emergency.PATIENT_TABLES,
    *emergency.TABLES,
    *emergency.AFTER_TABLES,
    *quarter_release.TABLES,
)


def list_refreshed(*, has_patients: bool) -> list[Table]:
    """Return the tables that a refresh makes: of a year from patient-level files, or without."""
    left_out = {table.name for table in _NOT_REFRESHED}
    if not has_patients:
        left_out |= {table.name for table in (*PATIENT_TABLES, *COMPUTED_TABLES)}
    return [table for table in (*TABLES, *PATIENT_TABLES) if table.name not in left_out]


def read_stored(step: StepContext) -> Stored:
    """Return what is stored of the step's year, and what is recorded of it."""
    warehouse, year = step.warehouse, step.performance_year
    has_patients = warehouse.has(release.EXTRACT, year) and step.settings.has_patients(year)
    tables = list_refreshed(has_patients=has_patients)
    missing = [table.name for table in tables if not _is_stored(warehouse, table, year)]
    lists = (release.RELEASE, release.EXTRACT) if has_patients else (release.RELEASE,)
    cutoffs = {
        table.name: read_cutoff(warehouse, table, year)
        for table in lists
        if table.name not in missing
    }
    frames = {
        table.name: step.read(table)
        for table in (report.PUBLISHED_AGREEMENT, report.EVENT_ACCOUNT)
        if _is_stored(warehouse, table, year)
    }
    return Stored(
        tables=_read_record(step, tables),
        missing=missing,
        other_code=[
            table.name
            for table in tables
            if table.name not in missing and not _is_of_installed_code(warehouse, table, year)
        ],
        cutoffs=cutoffs,
        has_patients=has_patients,
        agreement=frames.get(report.PUBLISHED_AGREEMENT.name),
        account=frames.get(report.EVENT_ACCOUNT.name) if has_patients else None,
    )


def _is_stored(warehouse: Warehouse, table: Table, year: int) -> bool:
    try:
        warehouse.find(table, year)
    except (MissingPartitionError, OutdatedPartitionError):
        return False
    return True


def _is_of_installed_code(warehouse: Warehouse, table: Table, year: int) -> bool:
    made_by = read_makers(warehouse, table, year).get(table.name, [])
    return find_digests(table) in made_by


def _read_record(step: StepContext, tables: list[Table]) -> dict[str, Recorded]:
    """Return the record of each table: its checks, and whether it is older than what it reads."""
    instance, year = step.instance, step.performance_year
    if instance is None:
        return {table.name: Recorded(expectations="unknown") for table in tables}
    checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [
            dg.AssetCheckKey(dg.AssetKey(table.path), name)
            for table in tables
            for name in (EXPECTATIONS, PLAUSIBILITY)
        ],
        partition_filter=PartitionKeyFilter(key=str(year)),
    )
    refreshed = {table.name: table for table in (*tables, program.STAR_BASELINE)}
    made = {name: _read_places(instance, table) for name, table in refreshed.items()}
    return {
        table.name: _record_table(step.warehouse, table, year, checks, made) for table in tables
    }


def _read_places(instance: dg.DagsterInstance, table: Table) -> Mapping[str, int]:
    """Return the place in Dagster's log of each year's latest materialisation."""
    return instance.event_log_storage.get_latest_storage_id_by_partition(
        dg.AssetKey(table.path), dg.DagsterEventType.ASSET_MATERIALIZATION
    )


def _record_table(
    warehouse: Warehouse,
    table: Table,
    year: int,
    checks: Mapping[dg.AssetCheckKey, AssetCheckExecutionRecord],
    made: Mapping[str, Mapping[str, int]],
) -> Recorded:
    key = dg.AssetKey(table.path)
    expected = checks.get(dg.AssetCheckKey(key, EXPECTATIONS))
    plausible = checks.get(dg.AssetCheckKey(key, PLAUSIBILITY))
    own = made[table.name].get(str(year), 0)
    older = [
        up.table.name if of_year == year else f"{up.table.name} of {of_year}"
        for up in find_dependencies(table)
        if up.table.name in made
        for of_year in list_years(up.years, year)
        if made[up.table.name].get(str(of_year), 0) > own
        and not is_as_read(warehouse, (table, year), (up.table, of_year))
    ]
    return Recorded(
        expectations="unknown" if expected is None else _OUTCOMES[expected.status],
        warns=plausible is not None and plausible.status is AssetCheckExecutionRecordStatus.FAILED,
        older_than=tuple(older),
    )
