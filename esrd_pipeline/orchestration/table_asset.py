"""The factory of all assets: compute, stage, audit and publish each table of a step.

A table is published only if its expectations hold; otherwise the step fails before Dagster records
a materialisation and the partition stored before stays. A second check, which only warns, reports
differences from the year before. Assets of one layer share a step, which runs those that are
selected: the overhead of a step per asset would exceed the time of most tables.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from inspect import signature
from typing import Any

import dagster as dg

from esrd_pipeline.judge import prepare as prepare_judge
from esrd_pipeline.notes import MADE_BY, MADE_FROM
from esrd_pipeline.orchestration.check_results import (
    describe_checks,
    expectation_result,
    list_check_specs,
    plausibility_result,
)
from esrd_pipeline.orchestration.context import TRANSIENT_ERRORS, StepContext, StepResult
from esrd_pipeline.orchestration.executor import ALONE, KIND, TAGS_OF_PYTHON
from esrd_pipeline.orchestration.failure_messages import log_step
from esrd_pipeline.orchestration.failures import (
    as_failure,
    find_broken_section,
    format_error,
    name_section,
)
from esrd_pipeline.orchestration.instance import check_origin
from esrd_pipeline.orchestration.intake import check_intake, count_years_back
from esrd_pipeline.orchestration.kept_versions import open_kept_versions
from esrd_pipeline.orchestration.late import find_freshness
from esrd_pipeline.orchestration.made_of import RecordedWarehouse, forget, record_reads
from esrd_pipeline.orchestration.makers import describe_makers
from esrd_pipeline.orchestration.partitions import performance_years, years_before
from esrd_pipeline.orchestration.resources import Storage
from esrd_pipeline.orchestration.shown import (
    describe_columns,
    describe_staged,
    draw,
    find_group,
    list_kinds,
    list_owners,
)
from esrd_pipeline.orchestration.staging import (
    Naming,
    audit_staged,
    find_texts,
    list_broken,
    stage_table,
)
from esrd_pipeline.orchestration.stopping import (
    check_stopped,
    end_if_stopped,
    ending_when_stopped,
    stopping,
)
from esrd_pipeline.orchestration.unchanged import (
    CHANGED_TAG,
    describe_inputs,
    find_kept,
    record_tables,
)
from esrd_pipeline.sql import find_readings
from esrd_pipeline.stores.store import PartitionBusyError
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.report import INTAKE
from esrd_pipeline.warehouse import (
    Query,
    Staged,
    Warehouse,
)

CUTOFF_TAG = "esrd/data_cutoff"
MAX_RETRIES = 3
CODE_VERSIONS = open_kept_versions()
MADE_ASSETS: dict[str, "TableAsset"] = {}
"""By table: its computation."""
DIGESTS: dict[str, str] = {}
"""By table: the digests of its computation's code and parameter files."""
_READ: "dict[str, tuple[Dependency, ...]]" = {}
"""By table: what its computation reads."""
STEPS: dict[str, tuple[str, type[dg.Config]]] = {}
"""By table: the step that stores it, and the run configuration it takes."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """A table read by a computation, and its years (the same year if no mapping is given)."""

    table: Table
    years: dg.PartitionMapping | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAsset:
    """One computation and the tables it stores, each an asset.

    Attributes:
        tables: the stored tables; `compute` returns a frame for each, in this order.
        compute: the computation, given its year and the stored tables. All code it reaches
            makes the code version.
        description: text shown in the UI.
        dependencies: the tables `compute` reads.
        kinds: badges in the UI.
        outside: what `compute` reads besides stored tables, as versions by name: files by their
            digests.
        listed_in: the table that lists the files of `outside`; a change of it that is none of
            theirs is none of this computation's.
    """

    tables: tuple[Table, ...]
    compute: Callable[[StepContext], StepResult]
    description: str
    dependencies: tuple[Dependency, ...] = ()
    kinds: frozenset[str] = frozenset({"python", "parquet"})
    outside: Callable[[StepContext], Mapping[str, str]] | None = None
    listed_in: Table | None = None


class NoConfig(dg.Config):
    """A step that takes no run configuration."""


def make_multi_asset(
    name: str,
    assets: Sequence[TableAsset],
    *,
    config: type[dg.Config] = NoConfig,
    forks: bool = False,
) -> dg.AssetsDefinition:
    """Make the step that stores the tables of `assets` that a run selects, in this order.

    An asset comes after those of the same step that it reads. `config` is the run configuration
    that its computations take; `forks` that they start processes by forking this one.
    """
    specs = [spec for asset in assets for spec in _asset_specs(asset)]
    STEPS.update({table.name: (name, config) for asset in assets for table in asset.tables})
    check_specs = [spec for asset in specs for spec in list_check_specs(asset.key)]

    def store_tables(
        context: dg.AssetExecutionContext, storage: Storage, config: dg.Config
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        prepare_judge()
        keep_derived()
        step = _make_step_context(context, storage, config)
        wanted = {tuple(key.path) for key in context.selected_asset_keys}
        tables: list[Table] = []
        try:
            with stopping(context.instance, context.run.run_id), step.warehouse.connect() as query:
                for asset in assets:
                    tables = [table for table in asset.tables if table.path in wanted]
                    years_back = _count_years_back(asset)
                    if tables and years_back is not None:
                        check_intake(step, years_back)
                    if tables:
                        yield from compute_and_publish(step, asset, tables, query)
        except (*TRANSIENT_ERRORS, PartitionBusyError) as passing:
            end_if_stopped(passing)
            raise dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=2) from passing
        except dg.DagsterError:
            raise
        except Exception as error:
            # A stop may come while the step opens or leaves its connection, between two tables.
            end_if_stopped(error)
            log_step(context.run, format_error(error, tables))
            failure = as_failure(error, tables)
            if failure is None:
                raise
            # Without its cause, whose frames the UI would show in place of the sentence.
            raise failure from None

    # Dagster takes the type of the configuration from the signature, and asks for it often: finding
    # it each time takes a tenth of the time of making the steps.
    known = signature(store_tables)
    typed = known.parameters["config"].replace(annotation=config)
    store_tables.__signature__ = known.replace(  # pyright: ignore[reportFunctionMemberAccess]
        parameters=[*list(known.parameters.values())[:-1], typed]
    )
    return dg.multi_asset(
        name=name,
        specs=specs,
        check_specs=check_specs,
        op_tags=_tag(assets, forks=forks),
        partitions_def=performance_years,
        can_subset=True,
    )(store_tables)


def _tag(assets: Sequence[TableAsset], *, forks: bool) -> Mapping[str, str]:
    if forks:
        return {KIND: ALONE}
    return {} if all("duckdb" in asset.kinds for asset in assets) else TAGS_OF_PYTHON


def make_steps(assets: Sequence[TableAsset]) -> tuple[dg.AssetsDefinition, ...]:
    """Make a step for each asset: where one fails, by a file of its own, the others are made."""
    return tuple(make_multi_asset("_".join(asset.tables[0].path), (asset,)) for asset in assets)


def _asset_specs(asset: TableAsset) -> list[dg.AssetSpec]:
    version, code, parameters = CODE_VERSIONS.find(asset.compute, asset.tables)
    MADE_ASSETS.update({table.name: asset for table in asset.tables})
    DIGESTS.update({table.name: f"{code} {parameters}" for table in asset.tables})
    read = (*asset.dependencies, *_require_intake(asset))
    _READ.update(dict.fromkeys((table.name for table in asset.tables), read))
    return [
        dg.AssetSpec(
            key=dg.AssetKey(table.path),
            deps=[
                dg.AssetDep(dg.AssetKey(up.table.path), partition_mapping=up.years) for up in read
            ],
            description=f"{asset.description}\n\n**One row is** {table.grain}.\n\n"
            f"**Key:** {', '.join(table.key)}. **Source:** {table.source}.",
            group_name=find_group(table),
            owners=list_owners(),
            kinds=list_kinds(asset.kinds, table),
            code_version=version,
            freshness_policy=find_freshness(table),
            metadata={"dagster/column_schema": describe_columns(table), "grain": table.grain},
        )
        for table in asset.tables
    ]


def _require_intake(asset: TableAsset) -> tuple[Dependency, ...]:
    """Return the intake of the years whose raw tables an asset reads."""
    years_back = _count_years_back(asset)
    if years_back is None:
        return ()
    return (Dependency(INTAKE, years_before(first=years_back) if years_back else None),)


def _count_years_back(asset: TableAsset) -> int | None:
    if INTAKE in asset.tables:
        return None
    return count_years_back((up.table, up.years) for up in asset.dependencies)


def _make_step_context(
    context: dg.AssetExecutionContext, storage: Storage, config: dg.Config
) -> StepContext:
    settings = storage.settings()
    check_origin(settings)
    cutoff = context.run.tags.get(CUTOFF_TAG)
    return StepContext(
        performance_year=int(context.partition_key),
        warehouse=storage.warehouse(),
        settings=settings,
        cutoff=date.fromisoformat(cutoff) if cutoff else None,
        config=config,
        instance=context.instance,
        tags=context.run.tags,
    )


def keep_derived() -> None:
    """Keep what was derived from the package's files for processes that come after."""
    CODE_VERSIONS.keep()
    find_readings().keep()


def find_digests(table: Table) -> str | None:
    """Return the digests of a table's computation, `code parameters`, as it is installed."""
    return DIGESTS.get(table.name)


def find_dependencies(table: Table) -> tuple[Dependency, ...]:
    """Return the tables that a table's computation reads."""
    return _READ.get(table.name, ())


def compute_and_publish(
    step: StepContext, asset: TableAsset, tables: Sequence[Table], query: Query
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Make an asset's tables, publish them if all is well, and yield their results.

    In a run of what changed (`CHANGED_TAG`), unchanged tables are kept instead.

    Raises:
        Failure: an expectation is broken; nothing was published.
    """
    if CHANGED_TAG in step.tags:
        kept = find_kept(step, asset, tables, find_digests(asset.tables[0]))
        if kept is not None:
            yield from kept
            return
    warehouse = record_reads(step.warehouse)
    step = replace(step, warehouse=warehouse)
    yield from _make(step, warehouse, asset, tables, query)


def _make(
    step: StepContext,
    warehouse: RecordedWarehouse,
    asset: TableAsset,
    tables: Sequence[Table],
    query: Query,
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Make and publish; `warehouse`, which the step reads, records what is read."""
    year = step.performance_year
    with ending_when_stopped(), ExitStack() as held:
        held.push(Naming(tables))
        for table in tables:
            held.enter_context(warehouse.lock(table, year))
        inputs = describe_inputs(step, asset, find_digests(asset.tables[0]))
        result = asset.compute(step)
        if result.release is not None:
            held.callback(result.release)
        made_by = describe_makers(
            {table.name: DIGESTS[table.name] for table in asset.tables if table.name in DIGESTS},
            [(up.table, up.years) for up in asset.dependencies],
            warehouse,
            year,
        )
        made_from = sorted(up.table.name for up in asset.dependencies if up.years is None)
        notes = {
            "esrd.origin": step.settings.origin,
            MADE_BY: made_by,
            MADE_FROM: json.dumps(made_from),
            **result.written,
        }
        staged: list[Staged] = []
        counts: dict[str, int] = {}
        for table, frame in zip(asset.tables, result.frames, strict=True):
            if table in tables:
                one, more = stage_table(warehouse, table, year, frame, notes)
                held.callback(warehouse.discard, one)
                staged.append(one)
                counts.update(more)
        audits = [audit_staged(s, staged, warehouse, query) for s in staged]
        warning, fault = result.warning, result.fault
        if asset.tables[0] in tables:
            warning, fault = find_texts(result, staged, query)
        broken = list_broken(staged, audits, result, query) + ([fault] if fault else [])
        checks = {
            s.table.name: (
                expectation_result(s, judged, fault),
                plausibility_result(s, warehouse, query, warning),
            )
            for s, judged in zip(staged, audits, strict=True)
        }
        if broken:
            for pair in checks.values():
                yield from pair
            raise dg.Failure(
                f"{year}: expectations failed, nothing was published, the partition stored before"
                f" stays. Broken: {'; '.join(broken)}",
                metadata=name_section(find_broken_section(asset.tables)),
                allow_retries=False,
            )
        check_stopped()
        all_notes = {**result.notes, **counts}
        versions = record_tables(
            warehouse, inputs, staged, asset=asset, notes=all_notes, checks=checks
        )
        for s in staged:
            warehouse.publish(s)
    shown = {**all_notes, **draw(step, asset.tables[0], result)}
    for s in staged:
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(s.table.path),
            metadata={
                **describe_staged(warehouse, s, shown),
                "checks": describe_checks(checks[s.table.name]),
            },
            check_results=list(checks[s.table.name]),
            data_version=dg.DataVersion(versions[s.table.name]),
        )
    _fail_if_asked(result, warehouse, staged)


def _fail_if_asked(result: StepResult, warehouse: Warehouse, staged: Sequence[Staged]) -> None:
    """Raise for a computation whose stored tables record a failure; they are to be made again."""
    if result.failure is not None:
        for one in staged:
            forget(warehouse, one.table, one.performance_year)
        raise dg.Failure(result.failure, allow_retries=False)
