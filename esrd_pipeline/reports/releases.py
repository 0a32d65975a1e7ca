"""A year's releases as `esrd export` wrote them: which is the newest, and its results."""

import json
from datetime import date
from pathlib import Path

import pandas as pd

from esrd_pipeline.reports.change import Results
from esrd_pipeline.tables import measured, program
from esrd_pipeline.tables.model import Table

PROVENANCE = "provenance.json"
"""File of a release: digests of the files it was made of, and of what made its tables."""
ABOUT = "release.json"
"""File of a release that was approved: what it is, who made it and what the gate found."""
_TYPES = {"integer": "float64", "number": "float64", "boolean": "boolean"}


def find_newest_release(folder: Path, before: date | None = None) -> Path | None:
    """Return the release written last of a year's folder, of equally old ones the last by name.

    With a data cut-off (`before`), the last of the releases that have an earlier one: so a quarter
    that is made again is compared with what it was compared with.
    """
    found = [path for path in folder.glob("*/README.txt") if not path.parent.name.startswith(".")]
    if before is not None:
        found = [path for path in found if _read_cutoff(path.parent) < before.isoformat()]
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.parent.name), default=None)
    return None if newest is None else newest.parent


def _read_cutoff(release: Path) -> str:
    """Return a release's data cut-off; of an export, which has none, one later than all."""
    about = release / ABOUT
    if not about.is_file():
        return "9999"
    return str(json.loads(about.read_text(encoding="utf-8"))["data_cutoff"])


def read_results(release: Path) -> Results:
    """Return a release's results, as far as it shows them: cells of few patients are null."""
    path = release / PROVENANCE
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return Results(
        contract=_read(release, measured.CONTRACT),
        flags=_read(release, program.FLAGS),
        scores=_read(release, program.QIP_MEASURE_SCORE),
        tps=_read(release, program.QIP_TPS),
        stars=_read(release, program.STARS),
        files=record.get("files"),
        makers=record.get("makers", {}),
    )


def _read(release: Path, table: Table) -> pd.DataFrame:
    """Read a table of a release; without rows where the release has none."""
    path = release / f"{table.name}.csv"
    if not path.is_file():
        return pd.DataFrame(columns=table.column_names)
    types = {column.name: _TYPES.get(column.type, "str") for column in table.columns}
    rows = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    # A release of earlier code may lack a column.
    return rows.reindex(columns=table.column_names)
