"""Months that are off the year's usual, and those that chance or the calendar explains."""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.families.unusual_months import (
    LEAST_SHARE,
    describe_unusual_months,
    find_unusual_months,
)
from esrd_pipeline.tables.report import EVENT_ACCOUNT

DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def account(
    *events: float, outcome: str = "counted", kind: str = "admission", year: int = 2023
) -> pd.DataFrame:
    """A year's account of one kind: its events from January on; a month with none has no row."""
    return pd.DataFrame(
        [
            {
                "measure": "shr",
                "program": "dfc",
                "kind": kind,
                "month": pd.Timestamp(year, month, 1),
                "outcome": outcome,
                "performance_year": year,
                "event_count": int(count),
            }
            for month, count in enumerate(events, start=1)
            if count
        ]
    )


def found(*parts: pd.DataFrame) -> list[tuple[str, int, str]]:
    rows = find_unusual_months(pd.concat(parts))
    return list(zip(rows["which"], rows["month"], rows["side"], strict=True))


def steady(a_day: float, **months: float) -> list[float]:
    """Events of a steady year; a month named has this share of them."""
    shares = [months.get(f"month_{month}", 1.0) for month in range(1, 13)]
    return [round(a_day * days * share) for days, share in zip(DAYS, shares, strict=True)]


@pytest.mark.parametrize("a_day", [0, 0.03, 0.3, 3, 40, 3000])
def test_a_steady_year_is_usual_in_february_too(a_day: float) -> None:
    assert not len(find_unusual_months(account(*steady(a_day))).index)


def test_a_december_without_events_is_named_where_the_usual_month_has_eleven() -> None:
    assert found(account(*steady(0.5, month_12=0))) == [
        ("all", 12, "none"),
        ("counted", 12, "none"),
    ]
    assert found(account(*steady(0.2, month_12=0))) == []


def test_a_december_cut_off_is_named_and_no_other_month() -> None:
    """A nation's December had 130 where other months had 144 to 163 (issue 18)."""
    cut = account(*steady(45, month_12=0.85))
    assert found(cut) == [("all", 12, "fewer"), ("counted", 12, "fewer")]
    text = describe_unusual_months(cut)
    assert text == (
        "events off the year's usual: shr dfc admission (all): fewer in December,"
        " shr dfc admission (counted): fewer in December"
    )


def test_a_month_counted_twice_is_named() -> None:
    assert ("all", 3, "more") in found(account(*steady(3, month_3=2)))


def test_what_is_found_but_does_not_count_is_named_as_that() -> None:
    counted = account(*steady(3, month_12=0.1))
    waiting = account(*(0,) * 11, round(0.9 * 93), outcome="follow_up_incomplete")
    assert found(counted, waiting) == [("counted", 12, "fewer")]


def test_the_seasons_of_a_large_nation_are_usual() -> None:
    wave = [1 + 0.8 * LEAST_SHARE * np.cos(month * np.pi / 6) for month in range(12)]
    events = [round(3000 * days * share) for days, share in zip(DAYS, wave, strict=True)]
    assert found(account(*events)) == []


@pytest.mark.parametrize("a_day", [0.02, 0.1, 0.5, 2, 10])
def test_chance_alone_seldom_warns(a_day: float) -> None:
    """Of 100 years of independent events, whatever the size of the nation."""
    draws = np.random.default_rng(18).poisson(np.array(DAYS) * a_day, size=(100, 12))
    warned = sum(bool(found(account(*events))) for events in draws)
    assert warned <= 3


def test_months_of_two_years_are_one_month() -> None:
    """A first year of dialysis: rising in one year, falling in the next, every month once."""
    rising = [2 * days * month / 13 for month, days in enumerate(DAYS, start=1)]
    falling = [2 * days - up for days, up in zip(DAYS, rising, strict=True)]
    both = (
        account(*map(round, rising), year=2022).assign(performance_year=2023),
        account(*map(round, falling)),
    )
    assert found(*both) == []


def test_an_empty_account_has_nothing_to_tell() -> None:
    empty = pd.DataFrame(columns=EVENT_ACCOUNT.column_names)
    assert describe_unusual_months(empty) is None
