"""What a refresh of what changed would make, and why: read from what is stored, without a run.

A table whose code, parameters, options, files or tables of other years are not as they were is to
be made, and so is whatever reads it. Of these a run makes what is left to make when its turn comes:
what reads a table that was made anew with the same bytes is kept (`unchanged`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.made_of import list_tables, read_record
from esrd_pipeline.orchestration.partitions import list_years
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.orchestration.table_asset import MADE_ASSETS, STEPS, TableAsset, find_digests
from esrd_pipeline.orchestration.unchanged import find_reason
from esrd_pipeline.tables.model import Table


@dataclass(frozen=True, slots=True)
class Planned:
    """Tables of one computation, and why they would be made; `reason` is None if up to date.

    `is_certain` says that they are made whatever the tables become that are made before them.
    """

    tables: tuple[str, ...]
    reason: str | None
    is_certain: bool = True


def make_plan(
    job: dg.JobDefinition,
    year: int,
    *,
    cutoff: date | None = None,
    run_config: Mapping[str, Any] | None = None,
) -> list[Planned]:
    """Return what a run of a job would make of a year, in the order of the run."""
    selected = {".".join(key.path) for key in job.asset_layer.selected_asset_keys}
    planner = _Planner(year, selected, cutoff, run_config or {})
    for name in sorted(selected):
        planner.look_at(name)
    return list(planner.planned.values())


def list_made(plan: Sequence[Planned]) -> list[str]:
    """Return the tables that are to be made."""
    return [name for one in plan if one.reason is not None for name in one.tables]


class _Planner:
    """Looks at each computation after those it reads."""

    def __init__(
        self,
        year: int,
        selected: Collection[str],
        cutoff: date | None,
        run_config: Mapping[str, Any],
    ) -> None:
        storage = make_storage()
        self._step = StepContext(year, storage.warehouse(), storage.settings(), cutoff)
        self._selected = selected
        self._ops: Mapping[str, Mapping[str, Any]] = run_config.get("ops", {})
        self.planned: dict[str, Planned] = {}

    def look_at(self, name: str) -> Planned:
        """Plan the computation of a table."""
        asset = MADE_ASSETS[name]
        first = asset.tables[0].name
        if first in self.planned:
            return self.planned[first]
        tables = [table for table in asset.tables if table.name in self._selected]
        to_come = [
            read.name
            for read in self._list_reads(asset, tables)
            if read.name in self._selected
            and read not in asset.tables
            and self.look_at(read.name).reason is not None
        ]
        reason, _ = find_reason(self._make_step(name), asset, tables, find_digests(asset.tables[0]))
        is_certain = reason is not None
        if reason is None and to_come:
            more = f" and {len(to_come) - 1} more" if len(to_come) > 1 else ""
            reason = f"reads {to_come[0]}{more}, which may change"
        made = Planned(tuple(table.name for table in tables), reason, is_certain)
        self.planned[first] = made
        return made

    def _make_step(self, name: str) -> StepContext:
        step, config = STEPS[name]
        chosen = config(**self._ops.get(step, {}).get("config", {}))
        year, warehouse, settings = (
            self._step.performance_year,
            self._step.warehouse,
            self._step.settings,
        )
        return StepContext(year, warehouse, settings, self._step.cutoff, chosen)

    def _list_reads(self, asset: TableAsset, tables: Sequence[Table]) -> list[Table]:
        """Return the tables of the year that a computation declares, and those it read before."""
        year = self._step.performance_year
        reads = {up.table.name: up.table for up in asset.dependencies if self._is_read(up.years)}
        for table in tables:
            record = read_record(self._step.warehouse, table, year)
            if record is not None:
                recorded = list_tables([*record.of.get("tables", {}), *record.of.get("asked", {})])
                reads |= {read.name: read for read, of in recorded if of == year}
        # The files of the demonstration are written anew with their list.
        if asset.listed_in is not None and self._step.settings.origin != "embedded":
            reads.pop(asset.listed_in.name, None)
        return [reads[name] for name in sorted(reads)]

    def _is_read(self, years: dg.PartitionMapping | None) -> bool:
        return self._step.performance_year in list_years(years, self._step.performance_year)
