"""A nation whose measures have counts, and what its scenarios take."""

import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esrd_pipeline.scoring_frames import score
from esrd_pipeline.what_if.chances import MONTHS
from esrd_pipeline.what_if.ladders import Nation
from esrd_pipeline.what_if.overlay import find_scales
from esrd_pipeline.what_if.tabulate import tabulate_what_it_takes
from esrd_pipeline_tests.what_if.facilities import (
    LTC,
    RATE,
    RULES,
    SCREENING,
    SHR,
    YEAR,
    make_frames,
)

if TYPE_CHECKING:
    from esrd_pipeline_tests.program.qip_frames import Row


def make_nation(facilities: int) -> Nation:
    """Return facilities with three measures and a Kt/V topic, whose numerators are drawn."""
    generator = np.random.default_rng(1)
    parts: list[Row] = [
        {
            "measure": name,
            "unit_count": 60,
            "numerator": 540.0,
            "denominator": 600.0,
            "value": 0.9,
        }
        for name in ("ktv_adult_hd", "ktv_adult_pd")
    ]
    one = make_frames(SHR, LTC, SCREENING, *parts)
    ccns = [f"{number:06d}" for number in range(facilities)]

    def repeat(frame: pd.DataFrame) -> pd.DataFrame:
        again = frame.iloc[np.tile(np.arange(len(frame)), facilities)]
        return again.assign(ccn=np.repeat(ccns, len(frame))).reset_index(drop=True)

    frames = one.with_facilities(repeat)
    current = frames.current
    numerator = np.round(current["numerator"] * generator.uniform(0.7, 1.1, len(current)))
    scale = np.where(current["measure"] == "shr", RATE, 1.0)
    current["numerator"] = numerator
    current["value"] = numerator / current["denominator"] * scale
    return Nation(YEAR, RULES, frames, find_scales(current))


def time_scenarios(nation: Nation) -> tuple[int, float]:
    """Return the facilities and the seconds of what it would take of all."""
    start = time.perf_counter()
    score(nation.frames, nation.rules, nation.year)
    alone = time.perf_counter() - start
    current = nation.frames.current
    limits = current[["ccn", "measure", "value"]].assign(
        lower=current["value"] * 0.8, upper=current["value"] * 1.1
    )
    first = nation.ccns[0]
    mine = nation.frames.with_facilities(lambda frame: frame[frame["ccn"] == first])
    start = time.perf_counter()
    one = Nation(nation.year, nation.rules, mine, nation.scales)
    tabulate_what_it_takes(one, limits[limits["ccn"] == first], months=MONTHS)
    of_one = time.perf_counter() - start
    start = time.perf_counter()
    tabulate_what_it_takes(nation, limits, months=MONTHS)
    every = time.perf_counter() - start
    sys.stdout.write(
        f"a scenario of the nation {alone:.2f} s; all of one facility {of_one:.2f} s\n"
    )
    return len(nation.ccns), every
