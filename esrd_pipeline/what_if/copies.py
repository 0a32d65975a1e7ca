"""Copies of one facility that differ in their numerators: many questions in one scoring."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from esrd_pipeline.program.qip_rules import QipRules
from esrd_pipeline.what_if.frames import Scores, ScoringFrames, score

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Facility:
    """One facility with what its scores are made from.

    Attributes:
        ccn: its number.
        year: performance year.
        rules: of the payment year.
        frames: its rows alone.
        scales: value over numerator / denominator, by measure (`overlay.find_scales`).
    """

    ccn: str
    year: int
    rules: QipRules
    frames: ScoringFrames
    scales: Mapping[str, float]

    @cached_property
    def scores(self) -> Scores:
        """Its scores as it is."""
        return score(self.frames, self.rules, self.year)

    @cached_property
    def points(self) -> Mapping[str, float]:
        """The score of each measure it is scored on."""
        rows = self.scores.measures.dropna(subset=["score"])
        return dict(zip(rows["measure"], rows["score"].astype(float), strict=True))

    @cached_property
    def row(self) -> Mapping[str, int]:
        """The place of each measure's row in the contract."""
        return {str(name): at for at, name in enumerate(self.frames.current["measure"])}

    def number(self, measure: str, column: str) -> float:
        """Return a number of its contract; NaN where there is none."""
        if measure not in self.row:
            return np.nan
        return float(self.frames.current[column].iloc[self.row[measure]])

    def score_copies(self, numerators: Mapping[str, Floats]) -> Scores:
        """Score copies of it: copy k has the k-th of each measure's numerators.

        Copies are in order of their numbers, which are their CCNs. Values follow by the measures'
        scales, where a numerator differs from the stored one.
        """
        (count,) = {len(values) for values in numerators.values()}
        names = np.array([f"{number:07d}" for number in range(count)], dtype=object)

        def repeat(frame: pd.DataFrame) -> pd.DataFrame:
            mine = frame[frame["ccn"] == self.ccn]
            again = mine.iloc[np.tile(np.arange(len(mine)), count)]
            return again.assign(ccn=np.repeat(names, len(mine))).reset_index(drop=True)

        frames = self.frames.with_facilities(repeat)
        top, value = (
            frames.current[name].to_numpy(dtype=np.float64, na_value=np.nan).copy()
            for name in ("numerator", "value")
        )
        rows = len(self.frames.current)
        for measure, wanted in numerators.items():
            at = np.arange(count) * rows + self.row[measure]
            moved = wanted != top[at]
            share = wanted / self.number(measure, "denominator")
            value[at] = np.where(moved, share * self.scales.get(measure, np.nan), value[at])
            top[at] = wanted
        current = frames.current.assign(numerator=top, value=value)
        return score(replace(frames, current=current), self.rules, self.year)


def read_copies(scores: Scores, measure: str) -> Floats:
    """Return a measure's score of each copy; NaN where it has none."""
    rows = scores.measures[scores.measures["measure"] == measure]
    return rows["score"].to_numpy(dtype=np.float64, na_value=np.nan)
