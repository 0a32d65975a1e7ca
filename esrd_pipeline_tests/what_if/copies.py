"""Copies of one facility that differ in their numerators, scored as a year is: to try all cases."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from esrd_pipeline.scoring_frames import Scores, score
from esrd_pipeline.what_if.ladders import Floats, Nation


def score_copies(nation: Nation, numerators: Mapping[str, Floats]) -> Scores:
    """Score copies of the only facility: copy k has the k-th of each measure's numerators.

    Copies are in order of their numbers, which are their CCNs. Values follow by the measures'
    scales, where a numerator differs from the stored one.
    """
    (count,) = {len(values) for values in numerators.values()}
    (ccn,) = nation.ccns
    names = np.array([f"{number:07d}" for number in range(count)], dtype=object)

    def repeat(frame: pd.DataFrame) -> pd.DataFrame:
        mine = frame[frame["ccn"] == ccn]
        again = mine.iloc[np.tile(np.arange(len(mine)), count)]
        return again.assign(ccn=np.repeat(names, len(mine))).reset_index(drop=True)

    frames = nation.frames.with_facilities(repeat)
    current = frames.current.copy()
    for measure, wanted in numerators.items():
        is_row = current["measure"] == measure
        is_moved = wanted != current.loc[is_row, "numerator"].to_numpy(float)
        share = wanted / current.loc[is_row, "denominator"].to_numpy(float)
        value = current.loc[is_row, "value"].to_numpy(float)
        scale = nation.scales.get(measure, np.nan)
        current.loc[is_row, "value"] = np.where(is_moved, share * scale, value)
        current.loc[is_row, "numerator"] = wanted
    return score(replace(frames, current=current), nation.rules, nation.year)


def read_copies(scores: Scores, measure: str) -> Floats:
    """Return a measure's score of each copy; NaN where it has none."""
    rows = scores.measures[scores.measures["measure"] == measure]
    return rows["score"].to_numpy(dtype=np.float64, na_value=np.nan)
