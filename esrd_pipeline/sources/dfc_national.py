"""Reads the Dialysis Facility Care Compare national file.

Its columns are rows of parameters/published_column.csv.
"""

from pathlib import Path

import pandas as pd

from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.table import read_table


def read_dfc_national(
    path: Path, performance_year: int, notes: FileNotes | None = None
) -> pd.DataFrame:
    """Return the file as the table `raw.dfc_national`.

    Raises:
        SourceError: the file breaks a rule; the message has file, row, column and rule.
    """
    frame = read_table(path, "dfc_national", performance_year, notes=notes)
    if len(frame) > 1:
        raise SourceError(
            file=path.name, rule=f"{len(frame):,} rows: the file has one row, that of the nation"
        )
    return frame
