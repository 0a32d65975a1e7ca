"""Hurricanes planted in the nation: what they strike, and what they do to sessions and hazards."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline.synthetic.nation.block import Block, Span, compute_block, draw_history
from esrd_pipeline.synthetic.nation.emergency_files import list_hurricane_rows
from esrd_pipeline.synthetic.nation.facilities import Market, draw_nation, split_markets
from esrd_pipeline.synthetic.nation.figures import NEVER
from esrd_pipeline.synthetic.nation.hurricane_effects import draw_harm
from esrd_pipeline.synthetic.nation.hurricanes import (
    Hurricane,
    list_struck,
    read_hurricane,
    strike,
)
from esrd_pipeline.synthetic.nation.network_files import write_rows
from esrd_pipeline.synthetic.nation.people import IN_CENTER
from esrd_pipeline.synthetic.nation.rates import step_end

SPAN = Span(1, 2024, 2024)
DAY = date(2024, 9, 26)
HURRICANE = Hurricane("TX", DAY, early=0.6, missed=0.3, harm=2.0)
LABEL = ("kind", "patient_id", "facilityid", "day")
_DAY_0 = pd.Timestamp(DAY)


def test_a_text_describes_a_hurricane() -> None:
    assert read_hurricane("tx:2024-09-26:0.6:0.3:2") == HURRICANE
    with pytest.raises(ValueError, match="not STATE:DAY:EARLY:MISSED:HARM"):
        read_hurricane("TX:2024-09-26:0.6")
    with pytest.raises(ValueError, match="not between 0 and 1"):
        read_hurricane("TX:2024-09-26:0.6:1.3:2")
    with pytest.raises(ValueError, match="harm is below 1"):
        read_hurricane("TX:2024-09-26:0.6:0.3:0.9")


def test_what_cannot_be_struck_is_told() -> None:
    nation = draw_nation(30, SPAN.seed)
    with pytest.raises(ValueError, match="no facility is open there"):
        strike(nation, SPAN, [Hurricane("ZZ", DAY, 0, 0, 1)])
    with pytest.raises(ValueError, match="not in the years 2024 to 2024"):
        strike(nation, SPAN, [Hurricane("TX", date(2023, 9, 26), 0, 0, 1)])
    with pytest.raises(ValueError, match="two hurricanes strike one state"):
        strike(nation, SPAN, [HURRICANE, HURRICANE])


@pytest.fixture(scope="module")
def struck() -> pd.DataFrame:
    return strike(draw_nation(120, SPAN.seed), SPAN, [HURRICANE])


@pytest.fixture(scope="module")
def market(struck: pd.DataFrame) -> Market:
    return next(one for one in split_markets(struck) if one.numbers("storm_closes").any())


@pytest.fixture(scope="module")
def block(market: Market) -> Block:
    return compute_block(SPAN, [market])


def test_half_of_each_markets_facilities_close_and_one_stays_open(struck: pd.DataFrame) -> None:
    mine = struck[struck["storm_day"] < NEVER]
    assert set(mine["state"]) == {"TX"}
    in_center = mine[mine["has_in_center"].astype(bool)].groupby("market")["storm_closes"]
    assert (in_center.sum() == in_center.size() // 2).all()
    truth = list_struck(struck)
    assert len(truth) == len(mine)
    assert set(truth["day"]) == {_DAY_0}
    assert truth[["early", "missed", "harm"]].drop_duplicates().to_numpy().tolist() == [
        [0.6, 0.3, 2]
    ]


def _read(rows: pa.Table, *names: str) -> pd.DataFrame:
    return pd.DataFrame({name: rows[name.upper()].to_pylist() for name in names})


@pytest.fixture(scope="module")
def sessions(block: Block) -> pd.DataFrame:
    """Hemodialysis lines of dialysis claims: bene_id, prvdr_num, place (days since the day)."""
    year = block.years[2024]
    claims = _read(year["outpatient_base"], "clm_id", "prvdr_num", "clm_fac_type_cd")
    lines = _read(year["outpatient_revenue"], "clm_id", "rev_cntr", "rev_cntr_dt")
    lines = lines[lines["rev_cntr"].isin(["0821", "0820"])]
    both = lines.merge(claims[claims["clm_fac_type_cd"] == "7"], on="clm_id")
    return both.assign(place=(pd.to_datetime(both["rev_cntr_dt"]) - _DAY_0).dt.days)


def test_a_closed_facility_treats_nobody_and_others_treat_its_patients(
    market: Market, block: Block, sessions: pd.DataFrame
) -> None:
    closes = market.numbers("storm_closes").astype(bool)
    closed = set(market.facilities.loc[closes, "number"])
    by_day = sessions[sessions["prvdr_num"].isin(closed)].groupby("place").size()
    assert len(by_day.reindex(range(3)).dropna()) == 0
    assert by_day.reindex([-3, 4]).notna().all()
    labels = _read(block.truth["data_defects"], *LABEL)
    guests = labels[labels["kind"] == "treated elsewhere in a hurricane"]
    open_ones = set(market.facilities.loc[~closes, "facilityid"])
    assert len(guests) > 10
    assert set(guests["facilityid"]) <= open_ones


def test_sessions_are_missed_and_early_ones_are_on_days_without(
    block: Block, sessions: pd.DataFrame
) -> None:
    # Thursday to Saturday of the week, and of the four weeks before; no other days.
    received = sessions.groupby("place").size()
    usual = sum(received.reindex(range(-7 * week, 3 - 7 * week)).sum() for week in range(1, 5)) / 4
    share = received.reindex(range(3)).sum() / usual
    # Some 270 sessions: a standard error of 0.03.
    assert 0.6 < share < 0.8
    assert received.reindex(range(3, 7)).sum() > 0.9 * received.reindex(range(-4, 0)).sum() / 1.4
    labels = _read(block.truth["data_defects"], *LABEL)
    early = labels[labels["kind"] == "dialysed early before a hurricane"]
    places = (pd.to_datetime(early["day"]) - _DAY_0).dt.days
    # The day before is a Wednesday: those of Monday, Wednesday and Friday come on Tuesday.
    assert set(places) == {-1, -2}
    assert (places.eq(-2) == early["patient_id"].mod(2).eq(0)).all()


def test_events_are_added_in_thirty_days_to_patients_in_center(market: Market) -> None:
    history = draw_history(SPAN, market)
    months, rate = history.months[2024], 400.0
    cell, day = draw_harm(
        market, months, np.full(months.patient.size, rate), np.random.default_rng(3)
    )
    first = (DAY - date(1970, 1, 1)).days
    assert (day.min(), day.max()) == (first, first + 29)
    assert (months.modality[cell] == IN_CENTER).all()
    assert ((day >= months.begin[cell]) & (day <= months.end[cell])).all()
    begin, end = np.maximum(months.begin, first), np.minimum(months.end, first + 29)
    is_mine = months.modality == IN_CENTER
    expected = rate / 365.25 * np.clip(end - begin + 1, 0, None)[is_mine].sum()
    assert abs(cell.size - expected) < 4 * np.sqrt(expected)


def test_hazards_change_the_day_before_and_thirty_days_later() -> None:
    # ESRD for five years, so that the step's own end is far away: 364 + 365 * 5 days after day 0.
    now, start = np.array([10, 10, 10, 10]), np.array([-1815, -1815, -1815, -1815])
    since = np.array([-4, 0, 29, 30])
    assert step_end(start, now, since).tolist() == [14, 40, 11, 374]


def test_its_files_pass_the_door(
    struck: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = list_struck(struck)
    write_rows(tmp_path, list_hurricane_rows(truth))
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(tmp_path))
    done = CliRunner().invoke(main, ["network", "check"])
    assert done.exit_code == 0, done.output
    closed = int(truth["is_closed"].sum())
    assert f"raw.facility_status: {2 * closed} rows" in done.output
    assert "raw.disaster_declaration: 1 rows" in done.output
