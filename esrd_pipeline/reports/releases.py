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

    With a data cut-off (`before`), that of the newest quarter with an earlier one, among those made
    before the first release of this cut-off: so a quarter that is made again is compared with what
    it was compared with, whatever was corrected since.
    """
    found = [path for path in folder.glob("*/README.txt") if not path.parent.name.startswith(".")]
    if before is None:
        newest = max(found, key=_find_age, default=None)
        return None if newest is None else newest.parent
    made = {path.parent: _read_making(path.parent) for path in found}
    until = min(
        (when for cutoff, when in made.values() if cutoff == before.isoformat()), default=""
    )
    earlier = [
        release
        for release, (cutoff, when) in made.items()
        if cutoff < before.isoformat() and (not until or when < until)
    ]
    return max(earlier, key=lambda one: (*made[one], *_find_age(one / "README.txt")), default=None)


def _find_age(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.parent.name


def _read_making(release: Path) -> tuple[str, str]:
    """Return a release's data cut-off, and when it was made.

    An export has no cut-off, so its is later than all.
    """
    about = release / ABOUT
    if not about.is_file():
        return "9999", ""
    described = json.loads(about.read_text(encoding="utf-8"))
    return str(described["data_cutoff"]), str(described.get("made_at", ""))


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
