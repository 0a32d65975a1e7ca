"""Months for which a closed facility could ask for an exception; proposing one grants nothing."""

from collections.abc import Iterator

import pandas as pd

from esrd_pipeline.emergency.rules import find_rule
from esrd_pipeline.emergency.status import CLOSED
from esrd_pipeline.tables.emergency import EXCEPTION_PROPOSAL

_MOMENT = "%Y-%m-%dT%H:%MZ"
_DAY = pd.Timedelta(days=1)


def propose_exceptions(
    reports: pd.DataFrame, granted: pd.DataFrame, performance_year: int, at: str
) -> pd.DataFrame:
    """Return emergency.exception_proposal, ordered by facility and month (reading 250).

    Args:
        reports: raw.facility_status.
        granted: raw.ece_grant: ccn, first_month, last_month; its months are not proposed again.
        performance_year: the year of the months.
        at: a time in UTC, as 2024-09-26T18:30Z; later reports are not known, and a status that
            still holds is counted until then.
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
        return pd.DataFrame(columns=EXCEPTION_PROPOSAL.column_names)
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
    runs = _join_months(months[[not one for one in has_grant]])
    return runs.assign(performance_year=performance_year, known_at=at)[
        EXCEPTION_PROPOSAL.column_names
    ]


def list_as_grants(proposed: pd.DataFrame) -> pd.DataFrame:
    """Return emergency.exception_proposal in the layout of the list of granted exceptions.

    Its reader leaves the reason unread.
    """
    causes = proposed["cause"].fillna("cause not reported")
    return pd.DataFrame(
        {
            "CMS Certification Number (CCN)": proposed["ccn"],
            "First Month": [f"{month:%Y-%m}" for month in proposed["first_month"]],
            "Last Month": [f"{month:%Y-%m}" for month in proposed["last_month"]],
            "Reason": [
                f"closed on {days} whole days: {cause}"
                for days, cause in zip(proposed["closed_days"], causes, strict=True)
            ],
        }
    )


def _list_closed_days(mine: pd.DataFrame, at: str) -> Iterator[tuple[pd.Timestamp, object]]:
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
            yield day, cause


def _is_granted(granted: pd.DataFrame, ccn: str, month: pd.Period) -> bool:
    mine = granted[granted["ccn"] == ccn]
    first = pd.to_datetime(mine["first_month"]).dt.to_period("M")
    last = pd.to_datetime(mine["last_month"]).dt.to_period("M")
    return bool(((first <= month) & (month <= last)).any())


def _join_months(months: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each run of consecutive months of a facility."""
    number = months["month"].dt.year * 12 + months["month"].dt.month
    is_new = (months["ccn"] != months["ccn"].shift()) | (number != number.shift() + 1)
    rows = [
        {
            "ccn": run["ccn"].iloc[0],
            "first_month": run["month"].iloc[0].to_timestamp().date(),
            "last_month": run["month"].iloc[-1].to_timestamp().date(),
            "closed_days": int(run["days"].sum()),
            "cause": next(iter(run["cause"].dropna()), None),
        }
        for _, run in months.groupby(is_new.cumsum(), sort=True)
    ]
    return pd.DataFrame(rows, columns=["ccn", "first_month", "last_month", "closed_days", "cause"])
