"""Nothing is computed from a year's raw tables before `report.intake` has let them pass."""

import hashlib
from collections.abc import Iterable

import dagster as dg
import pandas as pd

from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.sources.intake.questions import TABLES
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.release import EXTRACT
from esrd_pipeline.tables.report import INTAKE

RAW_TABLES = frozenset(table.name for table in TABLES)
OF_FILES = "esrd.intake_of"
"""Note in the metadata of `report.intake`: which files it judged."""


class IntakeError(RuntimeError):
    """A year's raw tables were not taken in: its intake failed, or was of other files."""


def count_years_back(read: Iterable[tuple[Table, dg.PartitionMapping | None]]) -> int | None:
    """Return how many years back raw tables of patients are read; None if none is read."""
    offsets = [
        years.start_offset if isinstance(years, dg.TimeWindowPartitionMapping) else 0
        for table, years in read
        if table.name in RAW_TABLES
    ]
    return -min(offsets) if offsets else None


def check_intake(step: StepContext, years_back: int) -> None:
    """Raise unless every year's intake let pass the files of which its raw tables were made.

    Dagster stops what follows a failed intake in its run. This stops a run that selects less, and
    one of a later year.

    Raises:
        IntakeError: a year's intake is missing, or of other files.
    """
    for year in range(step.performance_year - years_back, step.performance_year + 1):
        if not step.warehouse.has(EXTRACT, year):
            continue
        files = digest_files(step.warehouse.read(EXTRACT, year))
        known = step.warehouse.has(INTAKE, year)
        if not known or step.warehouse.read_note(INTAKE, year, OF_FILES) != files:
            raise IntakeError(
                f"{INTAKE.name} of {year} has not let pass the files that {EXTRACT.name} names:"
                f" refresh {year} first, or mend its files"
            )


def digest_files(extract: pd.DataFrame) -> str:
    """Return a digest of a year's files by the rows of `raw.extract`."""
    rows = sorted(zip(extract["table_name"], extract["file_name"], extract["sha256"], strict=True))
    return hashlib.sha256(repr([tuple(map(str, row)) for row in rows]).encode()).hexdigest()
