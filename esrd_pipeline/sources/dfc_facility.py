"""Reads the Dialysis Facility Care Compare facility file.

Its columns are rows of parameters/published_column.csv.
"""

from datetime import date
from pathlib import Path

import pandas as pd

from esrd_pipeline.sources.cells import read_period
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.table import read_table


def read_dfc_facility(
    path: Path, performance_year: int, notes: FileNotes | None = None
) -> pd.DataFrame:
    """Return the file as the table `raw.dfc_facility`.

    The period of the hospitalization ratio is the performance year, so a file that reports another
    period for it belongs in another year's folder.

    Raises:
        SourceError: the file breaks a rule; the message has file, row, column and rule.
    """
    frame = read_table(path, "dfc_facility", performance_year, notes=notes)
    year = date(performance_year, 1, 1), date(performance_year, 12, 31)
    published = frame["shr_period"].dropna()
    others = published[published.map({text: _read(text) != year for text in published.unique()})]
    if len(others):
        raise SourceError(
            file=path.name,
            column="SHR Date",
            rule=f"{len(others):,} rows report {others.iloc[0]}, which is not calendar year"
            f" {performance_year}: put the file into the folder of its own year",
        )
    return frame


def _read(text: str) -> tuple[date, date] | None:
    """Return first and last day of a period in the spelling of any release, else None."""
    try:
        return read_period(text)
    except ValueError:
        return None
