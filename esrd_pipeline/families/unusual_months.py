"""Months of a year with unusually many or few events of one kind.

An account that closes may still lack events that no history holds: of a December whose claims are
in no file, none is found and none is missing. Such a month is seen beside the others of its year
(Poisson limits, as on a control chart of counts: Benneyan 1998, Infection Control and Hospital
Epidemiology 19).
"""

from calendar import month_name, monthrange

import numpy as np
import pandas as pd
from scipy.stats import poisson

from esrd_pipeline.statistics.design import FloatArray

CHANCE = 0.01
"""Chance that a year in which nothing is wrong warns, over all its kinds and months: the tails of
each month's limits share it (Bonferroni). With a dozen kinds the limits are four deviations wide,
and a month without events is outside them where the usual month has about eleven or more."""
LEAST_SHARE = 0.1
"""A month closer than this to the usual one is none to look at. In a large nation the limits are
narrower than the seasons. The demonstration nation's admission rates lay between 144 and 163 in
whole months, 6% around their middle, and at 130 in the December that a year's end had cut off."""
COUNTED = "counted"
MONTHS = range(1, 13)
_SERIES = ["measure", "program", "kind"]


def describe_unusual_months(account: pd.DataFrame) -> str | None:
    """Name the months whose events, all or those counted, are off the usual; None if none is.

    `account` has the rows of `report.event_account`. The text holds no counts.
    """
    unusual = find_unusual_months(account)
    if unusual.empty:
        return None
    texts = [
        f"{row['measure']} {row['program']} {row['kind']} ({row['which']}): {row['side']} in"
        f" {month_name[row['month']]}"
        for row in unusual.to_dict("records")
    ]
    return "events off the year's usual: " + ", ".join(texts)


def find_unusual_months(account: pd.DataFrame) -> pd.DataFrame:
    """Return measure, program, kind, which (all, counted), month and side (more, fewer, none).

    The usual rate is that of the year's other months by days: their median, which one more odd
    month does not move, and their mean, which stays above zero where events are rare. A month is
    unusual only beside both. Months of two years count as one month, as in `share_of_usual`.
    """
    if account.empty:
        return pd.DataFrame(columns=[*_SERIES, "which", "month", "side"])
    year = int(account["performance_year"].to_numpy()[0])
    days = np.array([monthrange(year, month)[1] for month in MONTHS], dtype=float)
    numbered = account.assign(month=pd.to_datetime(account["month"]).dt.month)
    counted = numbered[numbered["outcome"] == COUNTED]
    series = {
        (*names, which): rows.groupby("month")["event_count"].sum().reindex(MONTHS, fill_value=0)
        for which, some in (("all", numbered), (COUNTED, counted))
        for names, rows in some.groupby(_SERIES)
    }
    tail = CHANCE / (2 * len(MONTHS) * max(len(series), 1))
    found = [
        (*names, month, side)
        for names, events in series.items()
        for month, side in _judge(events.to_numpy(dtype=float), days, tail)
    ]
    return pd.DataFrame(found, columns=[*_SERIES, "which", "month", "side"])


def _judge(events: FloatArray, days: FloatArray, tail: float) -> list[tuple[int, str]]:
    """Return the unusual months of one series, each with its side."""
    is_other = ~np.eye(len(days), dtype=bool)
    rates = np.broadcast_to(events / days, is_other.shape)
    median = np.median(rates[is_other].reshape(len(days), -1), axis=1) * days
    mean = (events.sum() - events) / (days.sum() - days) * days
    fewest, most = np.minimum(median, mean), np.maximum(median, mean)
    is_low = (events < (1 - LEAST_SHARE) * fewest) & (poisson.cdf(events, fewest) < tail)
    is_high = (events > (1 + LEAST_SHARE) * most) & (poisson.sf(events - 1, most) < tail)
    sides = np.where(is_high, "more", np.where(events > 0, "fewer", "none"))
    unusual = is_low | is_high
    return [
        (month, str(side))
        for month, side, is_odd in zip(MONTHS, sides, unusual, strict=True)
        if is_odd
    ]
