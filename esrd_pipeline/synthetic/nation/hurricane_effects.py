"""What a planted hurricane does to a market's patients; without one nothing is drawn.

Its deaths are in `rates`.
"""

import numpy as np

from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import NEVER, YEAR_DAYS
from esrd_pipeline.synthetic.nation.months import Months
from esrd_pipeline.synthetic.nation.people import IN_CENTER
from esrd_pipeline.synthetic.nation.rates import HARM_DAYS

EARLY_DAYS = 2
"""Days before the hurricane on one of which a patient is dialysed early."""
CLOSED_DAYS = 3
"""Days from the hurricane's on, in which facilities are closed and sessions are missed."""


def draw_harm(
    market: Market, months: Months, rate: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the events that come on top of those at a rate, in the days of harm.

    Args:
        market: the market.
        months: the cells of a year.
        rate: events a year of each cell without a hurricane.
        rng: drawn from only where the year has a hurricane.

    Returns:
        The cell and the day of each event.
    """
    first = market.numbers("storm_day")[months.facility]
    begin = np.maximum(months.begin, first)
    days = np.clip(np.minimum(months.end, first + HARM_DAYS - 1) - begin + 1, 0, None)
    days = np.where(months.modality == IN_CENTER, days, 0)
    if not days.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    more = market.numbers("storm_harm")[months.facility] - 1
    count = rng.poisson(more * rate * days / YEAR_DAYS)
    cell = np.repeat(np.arange(count.size), count)
    return cell, begin[cell] + (rng.random(cell.size) * days[cell]).astype(np.int64)


def is_closed_day(market: Market, facility: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return whether a day is one of the closed days where the facility is; same shapes."""
    since = day - market.numbers("storm_day")[facility]
    return (since >= 0) & (since < CLOSED_DAYS)


def find_hosts(market: Market) -> np.ndarray:
    """Return the facility that treats each facility's patients in the closed days, shape (F,).

    An open facility treats its own; a closed one's are treated by the next open one in center.
    """
    count = len(market.facilities)
    here = np.arange(count)
    day = market.numbers("storm_day")
    is_host = (
        (day < NEVER) & market.numbers("has_in_center") & ~market.numbers("storm_closes")
    ).astype(bool)
    hosts = np.flatnonzero(is_host)
    if not hosts.size:
        return here
    following = hosts[np.searchsorted(hosts, here) % hosts.size]
    return np.where(market.numbers("storm_closes").astype(bool), following, here)
