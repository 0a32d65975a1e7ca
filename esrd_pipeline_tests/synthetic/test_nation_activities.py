"""Activities planted in the nation: whom they enrol, what they prevent, and that it is found."""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.synthetic.nation.activities import (
    Planted,
    count_admissions,
    enrol,
    plant,
    read_planted,
)
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.facilities import draw_nation

SPAN = Span(7, 2022, 2025)


def test_a_text_describes_an_activity() -> None:
    assert read_planted("5:worst:0.8") == Planted(5, "worst", 0.8)
    with pytest.raises(ValueError, match="not NETWORK:RULE:RATIO"):
        read_planted("5:best:0.8")
    with pytest.raises(ValueError, match="at most 1"):
        read_planted("5:worst:1.2")


def test_worst_are_those_with_the_most_admissions_in_the_baseline_year() -> None:
    nation = draw_nation(120, SPAN.seed)
    enrolled = enrol(nation, SPAN, [Planted(6, "worst", 1.0)])
    ids, stays, days = count_admissions(nation[nation["network"] == 6], Span(SPAN.seed, 2024, 2024))
    rate = pd.Series(stays.sum(axis=1) / np.maximum(days.sum(axis=1), 1), index=ids)
    assert len(enrolled) == 6
    chosen = rate.loc[enrolled["facilityid"]]
    others = rate.drop(enrolled["facilityid"])
    assert chosen.min() > others.median()
    assert set(enrolled["start_date"].dt.year) == {2025}


def test_what_cannot_be_enrolled_is_told() -> None:
    nation = draw_nation(30, SPAN.seed)
    with pytest.raises(ValueError, match="synthesize more facilities"):
        enrol(nation, SPAN, [Planted(16, "random", 0.8)])
    with pytest.raises(ValueError, match="do not hold a baseline year"):
        enrol(nation, Span(7, 2025, 2025), [Planted(6, "random", 0.8)])
    with pytest.raises(ValueError, match="two activities are of one Network"):
        enrol(nation, SPAN, [Planted(6, "random", 0.8), Planted(6, "worst", 1.0)])


def test_a_planted_activity_prevents_stays_after_its_start_alone() -> None:
    nation = draw_nation(120, SPAN.seed)
    enrolled = enrol(nation, SPAN, [Planted(6, "random", 0.8)])
    mine = nation[nation["market"].isin(nation.loc[nation["network"] == 6, "market"])]
    ids, before, days = count_admissions(mine, SPAN)
    same, after, lived = count_admissions(plant(mine, enrolled), SPAN)
    assert (ids == same).all()
    assert (days == lived).all()
    start = pd.Series(enrolled["start_date"].to_numpy(), index=enrolled["facilityid"])
    month = pd.date_range("2022-01-01", periods=48, freq="MS").to_numpy()
    first = start.reindex(ids).to_numpy()
    is_whole = month[None, :] >= first[:, None]
    is_before = ~(month[None, :] + np.timedelta64(31, "D") > first[:, None])
    assert (before[is_before] == after[is_before]).all()
    outside = np.isnat(first)
    assert (before[outside] == after[outside]).all()
    # A fifth less, but for stays with a death: some 600 stays, of a fifth's standard error 0.016.
    ratio = after[is_whole].sum() / before[is_whole].sum()
    assert 0.76 < ratio < 0.86
