"""A small nation, written once, and its files as frames, which tests must not change."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.run import Order, synthesize_nation
from esrd_pipeline.tables.medicare import PARTS, SETTINGS

FIRST, LAST = 2023, 2024
SPAN = Span(seed=11, first_year=FIRST, last_year=LAST)
FACILITIES = 60

_CLAIM_FILES = {
    **{
        f"{setting}_{part}": f"{setting}_base"
        for setting in SETTINGS
        for part in ("base", *PARTS.values())
    },
    "carrier_claim": "carrier_claim",
    "carrier_line": "carrier_claim",
}
"""The file that tells the days of a file's claims."""


@dataclass(frozen=True)
class Nation:
    """The nation's folder, read as frames with lower case column names."""

    folder: Path

    def read(self, name: str, year: int = LAST, *, with_run_out: bool = False) -> pd.DataFrame:
        """Return a year's file; of claims those that end in the year, unless asked for all."""
        rows = self._frame(self.folder / str(year) / f"{name}.parquet")
        base = _CLAIM_FILES.get(name)
        if base is None or with_run_out:
            return rows
        if base == name:
            return rows[rows["clm_thru_dt"].dt.year == year].reset_index(drop=True)
        return rows[rows["clm_id"].isin(self.read(base, year)["clm_id"])].reset_index(drop=True)

    def truth(self, name: str) -> pd.DataFrame:
        """Return a table of the truth."""
        return self._frame(self.folder / "truth" / f"{name}.parquet")

    def defects(self, kind: str) -> pd.DataFrame:
        """Return the labels of one kind of data defect."""
        labels = self._labels
        return labels[labels["kind"] == kind]

    @cached_property
    def _labels(self) -> pd.DataFrame:
        return self.truth("data_defects")

    def _frame(self, path: Path) -> pd.DataFrame:
        table = pq.read_table(path)
        frame = table.to_pandas(date_as_object=False)
        for field in table.schema:
            if str(field.type) == "int64":
                frame[field.name] = frame[field.name].astype("Int64")
        return frame.rename(columns=str.lower)


def write_nation(folder: Path, *, workers: int = 1, **changes: object) -> Nation:
    given = {"facilities": FACILITIES, "span": SPAN, "folder": folder, "workers": workers}
    synthesize_nation(Order(**{**given, **changes}))
    return Nation(folder)
