"""Compares the nation, counted from its ground truth, with figures of CMS and USRDS."""

from pathlib import Path

import pandas as pd

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.synthetic.nation.block import Span, tally_market
from esrd_pipeline.synthetic.nation.columns import stack, to_arrow
from esrd_pipeline.synthetic.nation.facilities import draw_nation, split_markets
from esrd_pipeline.synthetic.nation.truth_tables import TALLY

PUBLISHED_FACILITIES = 7557
"""Facilities in DFC_FACILITY_2026-04.csv: counts of a smaller nation are scaled up to it."""


def calibrate(tally: pd.DataFrame, facilities: int) -> pd.DataFrame:
    """Return each outcome's published value, the nation's and their ratio.

    Args:
        tally: `truth/tally.parquet`: one row per quantity, market and year.
        facilities: number of facilities in the nation.
    """
    years = tally["YEAR"].nunique()
    total = tally.groupby("QUANTITY", observed=True)["VALUE"].sum()
    total["nation"] = years * facilities / PUBLISHED_FACILITIES
    rows = [
        {
            "outcome": row["outcome"],
            "published": float(row["published"]),
            "nation": float(row["scale"]) * total[row["numerator"]] / total[row["denominator"]],
            "source": row["citation"],
        }
        for row in load_rows("synthetic_calibration")
    ]
    table = pd.DataFrame(rows)
    table["ratio"] = table["nation"] / table["published"]
    return table[["outcome", "published", "nation", "ratio", "source"]]


def count_nation(facilities: int, span: Span) -> pd.DataFrame:
    """Return the tally of a nation without writing it."""
    markets = split_markets(draw_nation(facilities, span.seed))
    tallies = stack([tally_market(span, market) for market in markets])
    return to_arrow(TALLY, tallies).to_pandas()


def read_calibration(folder: Path, facilities: int) -> pd.DataFrame:
    """Return the calibration of a nation that has been written."""
    # Without partitioning: a folder named like a column is none.
    tally = pd.read_parquet(folder / "truth" / "tally.parquet", partitioning=None)
    return calibrate(tally, facilities)
