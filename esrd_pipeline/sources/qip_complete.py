"""Reads the Complete QIP file. Its columns are rows of parameters/published_column.csv."""

from pathlib import Path

import pandas as pd

from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.table import read_table


def read_qip_complete(
    path: Path, performance_year: int, notes: FileNotes | None = None
) -> pd.DataFrame:
    """Return the file as the table `raw.qip_complete`.

    Raises:
        SourceError: the file breaks a rule; the message has file, row, column and rule.
    """
    return read_table(path, "qip_complete", performance_year, notes=notes)
