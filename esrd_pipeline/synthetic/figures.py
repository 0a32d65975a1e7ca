"""Parameters of the generator of published files: national levels, proportions and assumptions.

Reads the three `synthetic_*.csv` parameter tables.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd

from esrd_pipeline.parameters import load_parameters

Basis = Literal["patients", "in_center", "peritoneal", "pediatric_hd", "pediatric_pd"]
LEVEL_YEAR = 2024
"""The performance year of the levels in `synthetic_level.csv`; trends start from it."""


@dataclass(frozen=True, slots=True)
class Level:
    """The distribution of one measure over facilities.

    `level` is a ratio for ratio measures and a percent for proportions. `trend` is the yearly
    relative change of the rate (ratio measures) or yearly change in log odds (proportions).
    `spread` is the standard deviation of facilities' true log ratio or log odds; a common `factor`
    explains the square of `loading` of its variance. `per_unit` is expected events or months per
    unit; `dispersion` widens the published limits.
    """

    measure: str
    kind: Literal["ratio", "proportion"]
    level: float
    dfc_rate: float | None
    qip_rate: float | None
    trend: float
    direction: Literal["higher", "lower"]
    factor: str
    loading: float
    spread: float
    basis: Basis
    units_per_patient: float
    per_unit: float
    years_per_unit: float | None
    dispersion: float | None
    minimum_units: float
    minimum_years: float
    minimum_expected: float

    def national_rate(self, rate: float, year: int, decimals: int) -> float:
        """Return the published national rate of a year, from the rate of `LEVEL_YEAR`."""
        return round(rate * (1 + self.trend) ** (year - LEVEL_YEAR), decimals)


@cache
def load_levels() -> dict[str, Level]:
    """Read `synthetic_level.csv`: measure to level."""
    texts = {"measure", "kind", "direction", "factor", "basis"}
    table = load_parameters("synthetic_level").drop(columns="citation")
    records = table.astype(object).where(table.notna(), None).to_dict("records")
    rows = [{str(name): value for name, value in record.items()} for record in records]
    for row in rows:
        for name in row.keys() - texts:
            row[name] = None if row[name] is None else float(row[name])
        row["direction"] = row["direction"] or "higher"
        for name in ("minimum_units", "minimum_years", "minimum_expected"):
            row[name] = row[name] or 0.0
    return {row["measure"]: Level(**row) for row in rows}


@cache
def load_figures() -> dict[str, float]:
    """Read the scalar figures of `synthetic_facility.csv`: name to number."""
    rows = load_kind("figure")
    return dict(zip(rows["name"], rows["weight"], strict=True))


def load_kind(kind: str) -> pd.DataFrame:
    """Read the rows of one kind of `synthetic_facility.csv`, `weight` as a number."""
    table = load_parameters("synthetic_facility")
    rows = table[table["kind"] == kind].reset_index(drop=True)
    return rows.assign(weight=rows["weight"].astype(float))


def probabilities(rows: pd.DataFrame) -> np.ndarray:
    """Return the weights of rows as probabilities."""
    weight = rows["weight"].to_numpy(dtype=float)
    return weight / weight.sum()
