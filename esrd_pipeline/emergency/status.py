"""Which facilities are open: what was known at a time, from reports that are only ever added."""

import pandas as pd

COLUMNS = ["ccn", "status", "from_at", "reported_at", "cause"]
OPEN, ALTERED, CLOSED, UNKNOWN = "open", "altered", "closed", "unknown"


def find_status(reports: pd.DataFrame, at: str) -> pd.DataFrame:
    """Return each reported facility's status at a time, as known then.

    Reports later than `at` are not known. Of reports of one facility and beginning, the latest
    counts, so that a report corrects the one before it. Of what has begun, the latest beginning
    holds; where it has ended the facility is open again (reading 243).

    Args:
        reports: raw.facility_status.
        at: a time in UTC, as 2024-09-26T18:30Z; texts of this form sort as times do.

    Returns:
        ccn, status, from_at, reported_at, cause; one row a facility with a status that has begun.
    """
    known = reports[(reports["reported_at"] <= at) & (reports["from_at"] <= at)]
    latest = known.sort_values(["ccn", "from_at", "reported_at"]).groupby("ccn").tail(1)
    has_ended = latest["to_at"].notna() & (latest["to_at"].fillna(at) <= at)
    return latest.assign(
        status=latest["status"].mask(has_ended, OPEN),
        from_at=latest["from_at"].mask(has_ended, latest["to_at"]),
        cause=latest["cause"].mask(has_ended),
    )[COLUMNS].reset_index(drop=True)
