"""The two checks of every table: its expectations, and differences from the year before."""

from collections.abc import Sequence

import dagster as dg

from esrd_pipeline.expectations import Audit, Drift, find_drift
from esrd_pipeline.stored_schema import OutdatedPartitionError
from esrd_pipeline.warehouse import MissingPartitionError, Query, Staged, Warehouse

EXPECTATIONS = "expectations"
PLAUSIBILITY = "plausibility"
MAX_DRIFTS_SHOWN = 20


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
    """Return the check that warns: differences from the year before, and what the rows tell."""
    before = staged.performance_year - 1
    drifts, comparable = list[Drift](), True
    try:
        previous = warehouse.find(staged.table, before) if staged.table.is_compared else None
    except MissingPartitionError:
        text = f"no partition {before} to compare with"
    except OutdatedPartitionError as outdated:
        comparable, text = False, f"the year before cannot be compared with: {outdated}"
    else:
        text = "not compared with the year before"
        if previous is not None:
            drifts = find_drift(
                table=staged.table, staged=staged.path, previous=previous, query=query
            )
            text = f"{len(drifts)} differences from the year before worth a look"
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(staged.table.path),
        check_name=PLAUSIBILITY,
        passed=not drifts and comparable and warning is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=text if warning is None else f"{warning}; {text}",
        metadata={
            "rows": staged.row_count,
            "differences": len(drifts),
            **({"largest differences": _drift_table(drifts)} if drifts else {}),
        },
    )


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
                }
            )
            for drift in drifts[:MAX_DRIFTS_SHOWN]
        ]
    )
