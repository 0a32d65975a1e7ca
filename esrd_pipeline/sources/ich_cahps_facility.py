"""Reads the ICH CAHPS facility file. Its columns are rows of parameters/published_column.csv."""

from datetime import date
from pathlib import Path

import pandas as pd

from esrd_pipeline.sources.cells import read_period
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.table import read_table


def read_ich_cahps_facility(
    path: Path, performance_year: int, notes: FileNotes | None = None
) -> pd.DataFrame:
    """Return the file as the table `raw.ich_cahps_facility`.

    Its two surveys lie in the performance year or reach into it (October to July), so a file whose
    period has no day of the year belongs in another year's folder.

    Raises:
        SourceError: the file breaks a rule; the message has file, row, column and rule.
    """
    frame = read_table(path, "ich_cahps_facility", performance_year, notes=notes)
    published = frame["ich_cahps_period"].dropna()
    others = published[
        published.map({text: _is_outside(text, performance_year) for text in published.unique()})
    ]
    if len(others):
        raise SourceError(
            file=path.name,
            column="ICH-CAHPS date",
            rule=f"{len(others):,} rows report {others.iloc[0]}, which has no day of calendar year"
            f" {performance_year}: put the file into the folder of its own year",
        )
    return frame


def _is_outside(text: str, performance_year: int) -> bool:
    """Return whether a period is told and has no day of the year."""
    try:
        first, last = read_period(text)
    except ValueError:
        # A text in words, which the column may have.
        return False
    return last < date(performance_year, 1, 1) or first > date(performance_year, 12, 31)
