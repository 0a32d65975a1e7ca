"""Raw tables of two facilities and their contract, for the tests of this package."""

from pathlib import Path

import pandas as pd

from esrd_pipeline.families.published import build_national, publish_contract
from esrd_pipeline.sources.layout import load_layout
from esrd_pipeline.sources.table import read_table
from esrd_pipeline_tests.sources.sample_files import YEAR, sample_rows, write_rows


def raw_frame(
    folder: Path, source: str, changes: dict[str, list[str]] | None = None, year: int = YEAR
) -> pd.DataFrame:
    """Two facilities of a sample file; `changes` maps our column to its two printed cells."""
    rows = sample_rows(source, year=year, row_count=1 if source == "dfc_national" else 2)
    names = [column.name for column in load_layout(source, year)]
    for name, cells in (changes or {}).items():
        for row, cell in zip(rows[1:], cells, strict=True):
            row[names.index(name)] = cell
    return read_table(write_rows(folder / "published.csv", rows), source, year)


def contract(
    *,
    dfc: pd.DataFrame | None = None,
    dfc_national: pd.DataFrame | None = None,
    qip: pd.DataFrame | None = None,
    ich_cahps: pd.DataFrame | None = None,
    year: int = YEAR,
) -> pd.DataFrame:
    national = build_national(performance_year=year, dfc=dfc, dfc_national=dfc_national, qip=qip)
    return publish_contract(
        performance_year=year, dfc=dfc, qip=qip, ich_cahps=ich_cahps, national=national
    )


def row_of(frame: pd.DataFrame, program: str, measure: str, ccn: str = "012300") -> pd.Series:
    found = frame[
        (frame["program"] == program) & (frame["measure"] == measure) & (frame["ccn"] == ccn)
    ]
    assert len(found) == 1
    return found.iloc[0]
