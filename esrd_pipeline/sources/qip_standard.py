"""Reads the performance standards that the operator supplies, one row per clinical measure.

The QIP checks whether a standard fits the payment year's rules.
"""

from pathlib import Path

import pandas as pd

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.layout import load_layout
from esrd_pipeline.sources.table import read_table

RATES = ("achievement_threshold", "performance_standard", "benchmark")


def read_qip_standard(
    path: Path, performance_year: int, notes: FileNotes | None = None
) -> pd.DataFrame:
    """Return the file as the table `raw.qip_standard`, in the unit of the published rates.

    Raises:
        SourceError: the file breaks a rule, such as a percent where the Complete QIP file has a
            fraction; the message has file, row, column and rule.
    """
    standards = read_table(path, "qip_standard", performance_year, notes=notes)
    highest = _highest_rates(performance_year)
    layout = load_layout("qip_standard", performance_year)
    headers = {column.name: column.header for column in layout}
    for name in RATES:
        for measure, rate in zip(standards["measure"], standards[name], strict=True):
            if rate > highest.get(measure, rate):
                raise SourceError(
                    file=path.name,
                    column=headers[name],
                    rule=f"{rate:g} for {measure} is above {highest[measure]:g},"
                    " the highest rate the Complete QIP file may print",
                )
    return standards


def _highest_rates(performance_year: int) -> dict[str, float]:
    """Return measure -> the highest rate allowed in the year's Complete QIP file, if limited."""
    highest = {
        column.name: column.maximum for column in load_layout("qip_complete", performance_year)
    }
    return {
        row["measure"]: maximum
        for row in load_rows("published_field")
        if row["source"] == "qip_complete"
        and (row["table"], row["field"]) == ("contract", "value")
        and (maximum := highest.get(row["name"])) is not None
    }
