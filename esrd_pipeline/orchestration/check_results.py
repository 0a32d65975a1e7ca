"""The two checks of every table: its expectations, and differences from the years before."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from esrd_pipeline.drift import MANY_ROWS, MOST_YEARS, Drift, find_drift
from esrd_pipeline.expectations import Audit
from esrd_pipeline.orchestration.partitions import performance_years
from esrd_pipeline.stored_schema import OutdatedPartitionError
from esrd_pipeline.tables.release import EXTRACT
from esrd_pipeline.warehouse import MissingPartitionError, Query, Staged, Warehouse

EXPECTATIONS = "expectations"
PLAUSIBILITY = "plausibility"
MAX_DRIFTS_SHOWN = 20
MOST_TOLD = 3


def list_check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Return the definitions of an asset's two checks."""
    return [
        dg.AssetCheckSpec(
            EXPECTATIONS,
            asset=key,
            blocking=True,
            partitions_def=performance_years,
            description="Columns, key and rules of the table's definition, judged before the"
            " partition is published.",
        ),
        dg.AssetCheckSpec(
            PLAUSIBILITY,
            asset=key,
            partitions_def=performance_years,
            description="Rows, means, shares, months and facilities beside the years before."
            " Only warns, beyond what chance and those years move.",
        ),
    ]


def expectation_result(staged: Staged, judged: Audit, fault: str | None) -> dg.AssetCheckResult:
    """Return the check that fails the step: broken expectations, and what else is wrong."""
    broken = [result.name for result in judged.broken] + ([fault] if fault else [])
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(staged.table.path),
        check_name=EXPECTATIONS,
        passed=not broken,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(broken) or "all hold",
        metadata={
            "rows": judged.row_count,
            "expectations": len(judged.results),
            "broken": len(judged.broken),
            "results": dg.MetadataValue.table(
                [
                    dg.TableRecord({"expectation": r.name, "rows broken": r.broken_count})
                    for r in (judged.broken or judged.results)
                ]
            ),
        },
    )


def plausibility_result(
    staged: Staged, warehouse: Warehouse, query: Query, warning: str | None
) -> dg.AssetCheckResult:
    """Return the check that warns: differences from the years before, and of what the rows show."""
    table, year = staged.table, staged.performance_year
    drifts, comparable = list[Drift](), True
    try:
        earlier = _find_earlier(staged, warehouse)
    except MissingPartitionError:
        text = f"no partition {year - 1} to compare with"
    except OutdatedPartitionError as outdated:
        comparable, text = False, f"the year before cannot be compared with: {outdated}"
    else:
        text = "not compared with the year before"
        if earlier:
            is_alike = table.schema == "raw" or _has_same_history(warehouse, year)
            drifts = find_drift(
                table=table,
                staged=staged.path,
                earlier=earlier,
                year=year,
                query=query,
                is_alike=is_alike,
            )
            text = _describe_drifts(drifts, year, is_alike=is_alike)
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(table.path),
        check_name=PLAUSIBILITY,
        passed=not drifts and comparable and warning is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=text if warning is None else f"{warning}; {text}",
        metadata={
            "performance year": year,
            "rows": staged.row_count,
            "differences": len(drifts),
            **({"largest differences": _drift_table(drifts)} if drifts else {}),
        },
    )


def describe_checks(results: Sequence[dg.AssetCheckResult]) -> str:
    """Return what a partition's checks say, for its own page: their list mixes the years."""
    return "; ".join(
        f"{one.check_name} {'passed' if one.passed else 'failed'}: {one.description}"
        for one in results
    )


def _find_earlier(staged: Staged, warehouse: Warehouse) -> list[Path]:
    """Return the partitions of the years before, the newest first; none where none is compared.

    Raises:
        MissingPartitionError: there is no year before.
        OutdatedPartitionError: it has other columns.
    """
    table, year = staged.table, staged.performance_year
    # What a fit says of itself, its cross-check and limits, says more than means over its terms.
    if not table.is_compared or table.schema == "fit":
        return []
    found = [warehouse.find(table, year - 1)]
    if staged.row_count > MANY_ROWS:
        return found
    for before in range(year - 2, year - 1 - MOST_YEARS, -1):
        try:
            found.append(warehouse.find(table, before))
        except (MissingPartitionError, OutdatedPartitionError):
            break
    return found


def _has_same_history(warehouse: Warehouse, year: int) -> bool:
    """Whether as many years of patients' files are stored up to the year as up to the one before.

    Otherwise whatever looks back has more rows in each of the first years.
    """
    spans = [
        sum(warehouse.has(EXTRACT, before) for before in range(last - MOST_YEARS, last + 1))
        for last in (year - 1, year)
    ]
    return spans[0] == spans[1]


def _describe_drifts(drifts: Sequence[Drift], year: int, *, is_alike: bool) -> str:
    """Return the largest differences as sentences."""
    limited = (
        "" if is_alike else f" ({year - 1} was made of fewer years of files: amounts not compared)"
    )
    if not drifts:
        return f"as in the years before{limited}"
    shown = "; ".join(drift.sentence for drift in drifts[:MOST_TOLD])
    more = f"; and {len(drifts) - MOST_TOLD} more" if len(drifts) > MOST_TOLD else ""
    return f"{year} beside {year - 1}: {shown}{more}{limited}"


def _drift_table(drifts: Sequence[Drift]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "column": drift.column,
                    "measure": drift.measure or "",
                    "what": drift.what,
                    "year before": f"{drift.before:.4g}",
                    "now": f"{drift.now:.4g}",
                    "times its bound": f"{drift.size:.1f}",
                }
            )
            for drift in drifts[:MAX_DRIFTS_SHOWN]
        ]
    )
