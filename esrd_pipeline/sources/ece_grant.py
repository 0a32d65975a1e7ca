"""Reads the user's list of extraordinary circumstance exceptions, one row per grant."""

from pathlib import Path

import pandas as pd

from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.table import read_table


def read_ece_grant(
    path: Path, performance_year: int, notes: FileNotes | None = None
) -> pd.DataFrame:
    """Return the file as the table `raw.ece_grant`; the months are first days of months.

    Raises:
        SourceError: the file breaks a rule; the message has file, row, column and rule.
    """
    grants = read_table(path, "ece_grant", performance_year, may_be_empty=True, notes=notes)
    for ccn, first, last in zip(
        grants["ccn"], grants["first_month"], grants["last_month"], strict=True
    ):
        if last < first:
            raise SourceError(
                file=path.name,
                column="Last Month",
                rule=f"the grant to {ccn} from {first:%Y-%m} ends before it begins",
            )
    return grants
