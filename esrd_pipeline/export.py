"""A year's tables as CSV files that may leave the house.

A release is written once and never changed. Counts of fewer than 11 patients, and what would
give them away, are suppressed here and nowhere else: the stored tables keep them for scoring.
"""

import uuid
from pathlib import Path

import pandas as pd

from esrd_pipeline.tables.catalog import TABLES
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

SMALLEST_PUBLISHED_COUNT = 11
SUPPRESSED = "fewer than 11 patients"
_EXPORTED_SCHEMAS = ("facility", "program", "report")
_REVEALING = (
    "unit_count",
    "numerator",
    "denominator",
    "value",
    "rate",
    "adjusted_rate",
    "standard_error",
    "lower",
    "upper",
    "p_value",
    "z",
    "remark",
)


def export_year(*, warehouse: Warehouse, performance_year: int, folder: Path, origin: str) -> int:
    """Write each stored table of the year to `<folder>/<layer>.<table>.csv`; return how many.

    Raises:
        FileExistsError: a release of this name is there already.
        LookupError: the year has nothing to export.
    """
    if folder.exists():
        raise FileExistsError(f"release {folder.name} of {performance_year} exists; it stays as is")
    tables = [
        table
        for table in TABLES
        if table.schema in _EXPORTED_SCHEMAS and warehouse.has(table, performance_year)
    ]
    if not tables:
        raise LookupError(f"no table of {performance_year} is stored: refresh the year first")
    draft = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    draft.mkdir(parents=True)
    for table in tables:
        frame = suppress_small_counts(warehouse.read(table, performance_year))
        frame.to_csv(draft / f"{table.name}.csv", index=False, lineterminator="\n")
    _write_provenance(draft, tables, performance_year, origin)
    draft.rename(folder)
    return len(tables)


def suppress_small_counts(frame: pd.DataFrame) -> pd.DataFrame:
    """Blank what rests on one to ten patients, and say so in the row's reason if it has none."""
    if not {"unit", "unit_count"} <= set(frame.columns):
        return frame
    count = frame["unit_count"].astype("float64")
    small = (frame["unit"] == "patients") & (count > 0) & (count < SMALLEST_PUBLISHED_COUNT)
    suppressed = frame.copy()
    for column in _REVEALING:
        if column in suppressed.columns:
            suppressed[column] = suppressed[column].mask(small)
    if "reason" in suppressed.columns:
        unsaid = small & suppressed["reason"].isna()
        suppressed["reason"] = suppressed["reason"].mask(unsaid, SUPPRESSED)
    return suppressed


def _write_provenance(
    folder: Path, tables: list[Table], performance_year: int, origin: str
) -> None:
    lines = [
        f"Performance year {performance_year}, from {origin} files.",
        "One CSV file a table; grain and source of each:",
        *(f"{table.name}: {table.grain}. {table.source}." for table in tables),
        f"Counts of fewer than {SMALLEST_PUBLISHED_COUNT} patients are suppressed.",
    ]
    (folder / "README.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
