"""Months for which a closed facility could ask for an exception; proposing one grants nothing."""

from collections.abc import Iterator

import pandas as pd

from esrd_pipeline.emergency.rules import find_rule
from esrd_pipeline.emergency.status import CLOSED

COLUMNS = ["CMS Certification Number (CCN)", "First Month", "Last Month", "Reason"]
"""The layout of the list of granted exceptions, and a reason, which its reader leaves unread."""
_MOMENT = "%Y-%m-%dT%H:%MZ"
_DAY = pd.Timedelta(days=1)


def propose_exceptions(
    reports: pd.DataFrame, granted: pd.DataFrame, performance_year: int, at: str
) -> pd.DataFrame:
    """Return the runs of months to ask for, ordered by facility and month (reading 250).

    Args:
        reports: raw.facility_status.
        granted: raw.ece_grant: ccn, first_month, last_month; its months are not proposed again.
        performance_year: the year of the months.
        at: a time in UTC, as 2024-09-26T18:30Z; later reports are not known, and a status that
            still holds is counted until then.

    Returns:
        `COLUMNS`; months as 2024-09.
    """
    known = reports[(reports["reported_at"] <= at) & (reports["from_at"] < at)]
    latest = known.sort_values(["ccn", "from_at", "reported_at"]).groupby(["ccn", "from_at"])
    days = [
        {"ccn": ccn, "day": day, "cause": cause}
        for ccn, mine in latest.tail(1).groupby("ccn", sort=True)
        for day, cause in _list_closed_days(mine, at)
        if day.year == performance_year
    ]
    if not days:
        return pd.DataFrame(columns=COLUMNS)
    closed = pd.DataFrame(days)
    closed["month"] = closed["day"].dt.to_period("M")
    months = closed.groupby(["ccn", "month"], sort=True).agg(
        days=("day", "size"), cause=("cause", "first")
    )
    months = months[months["days"] >= find_rule("exception_closed_days")].reset_index()
    has_grant = [
        _is_granted(granted, ccn, month)
        for ccn, month in zip(months["ccn"], months["month"], strict=True)
    ]
    return _join_months(months[[not one for one in has_grant]])


def _list_closed_days(mine: pd.DataFrame, at: str) -> Iterator[tuple[pd.Timestamp, str]]:
    """Yield the whole days of UTC that one facility was closed, each with its cause.

    Args:
        mine: the report that counts of each beginning, in the order of beginnings.
        at: the time until which a status holds that has no end.
    """
    following = [*mine["from_at"].iloc[1:], at]
    for begin, end, until, status, cause in zip(
        mine["from_at"], mine["to_at"], following, mine["status"], mine["cause"], strict=True
    ):
        if status != CLOSED:
            continue
        last = until if pd.isna(end) else min(str(end), until)
        first_day = pd.to_datetime(begin, format=_MOMENT).ceil("D")
        end_day = pd.to_datetime(last, format=_MOMENT).floor("D")
        for day in pd.date_range(first_day, end_day - _DAY, freq="D"):
            yield day, "cause not reported" if pd.isna(cause) else str(cause)


def _is_granted(granted: pd.DataFrame, ccn: str, month: pd.Period) -> bool:
    mine = granted[granted["ccn"] == ccn]
    first = pd.to_datetime(mine["first_month"]).dt.to_period("M")
    last = pd.to_datetime(mine["last_month"]).dt.to_period("M")
    return bool(((first <= month) & (month <= last)).any())


def _join_months(months: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each run of consecutive months of a facility."""
    if months.empty:
        return pd.DataFrame(columns=COLUMNS)
    number = months["month"].dt.year * 12 + months["month"].dt.month
    is_new = (months["ccn"] != months["ccn"].shift()) | (number != number.shift() + 1)
    rows = [
        (
            run["ccn"].iloc[0],
            str(run["month"].iloc[0]),
            str(run["month"].iloc[-1]),
            f"closed on {run['days'].sum()} whole days: {run['cause'].iloc[0]}",
        )
        for _, run in months.groupby(is_new.cumsum(), sort=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
