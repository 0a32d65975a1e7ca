"""The asset that shows what moved the results since the year before and the newest release."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from esrd_pipeline.makers import read_makers
from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.made_of import STORED
from esrd_pipeline.orchestration.partitions import years_before
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.tables import measured, program, release
from esrd_pipeline.tables.change import CHANGE
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    from esrd_pipeline.reports.change import Results

_TABLES = (
    measured.CONTRACT,
    program.FLAGS,
    program.QIP_MEASURE_SCORE,
    program.QIP_TPS,
    program.STARS,
)
_SHOWN = 5
"""Names that a note lists one by one."""


def _change(step: StepContext) -> StepResult:
    from esrd_pipeline.reports.change import find_changes, list_changed_makers
    from esrd_pipeline.reports.releases import find_newest_release, read_results

    year = step.performance_year
    now = _read_results(step, year, step.read)
    parts, notes = [], {}
    if step.warehouse.has(measured.CONTRACT, year - 1):
        before = _read_results(step, year - 1, lambda table: _read_earlier(step, table))
        rows = find_changes(performance_year=year, basis="year", before=before, after=now)
        parts.append(rows)
        notes["compared with year"] = str(year - 1)
        notes["other code or parameters than that year"] = _list(list_changed_makers(before, now))
    newest = find_newest_release(step.settings.releases_dir / str(year), before=step.cutoff)
    if newest is not None:
        before = read_results(newest)
        rows = find_changes(performance_year=year, basis="release", before=before, after=now)
        parts.append(rows)
        notes["compared with release"] = newest.name
        notes["other code or parameters than the release"] = _list(list_changed_makers(before, now))
    if not parts:
        empty = pd.DataFrame(columns=CHANGE.column_names)
        why = "neither the year before nor a release of the year is stored"
        return StepResult((empty,), notes={"not computed": why})
    frame = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    return StepResult((frame,), notes={"results that moved": len(frame), **notes})


def _find_release(step: StepContext) -> dict[str, str]:
    """Return the release that a year is compared with; a release is never changed."""
    from esrd_pipeline.reports.releases import find_newest_release

    folder = step.settings.releases_dir / str(step.performance_year)
    newest = find_newest_release(folder, before=step.cutoff)
    return {} if newest is None else {f"release {newest.name}": STORED}


def _read_results(step: StepContext, year: int, read: Callable[[Table], pd.DataFrame]) -> "Results":
    from esrd_pipeline.reports.change import Results, list_files

    frames = [read(table) for table in _TABLES]
    extract = None
    if step.warehouse.has(release.EXTRACT, year):
        extract = step.warehouse.read(release.EXTRACT, year)
    return Results(
        contract=frames[0],
        flags=frames[1],
        scores=frames[2],
        tps=frames[3],
        stars=frames[4],
        files=list_files(read(release.RELEASE), extract),
        makers={table.name: read_makers(step.warehouse, table, year) for table in measured.RESULTS}
        | {table.name: read_makers(step.warehouse, table, year) for table in program.TABLES},
    )


def _read_earlier(step: StepContext, table: Table) -> pd.DataFrame:
    frame = step.read_earlier(table, 1)
    return pd.DataFrame(columns=table.column_names) if frame is None else frame


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more or "none"


ASSETS = (
    make_multi_asset(
        "change",
        (
            TableAsset(
                tables=(CHANGE,),
                compute=_change,
                description="Every value, flag, score, TPS, reduction and star that is not what it"
                " was in the year before, and in the newest release of the year: by how much, the"
                " largest first, and whether the cohort, the files, the parameters or the code"
                " moved it.",
                dependencies=tuple(
                    Dependency(table, years_before(first=1))
                    for table in (*_TABLES, release.RELEASE)
                ),
                outside=_find_release,
            ),
        ),
    ),
)
