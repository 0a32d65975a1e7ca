"""What facilities have for an emergency, and reports of storms, as files.

The embedded default's storm harmed nobody: its numbers are those of a nation without it.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.synthetic.draws import FOR_GOOD, stream
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.figures import NEVER
from esrd_pipeline.synthetic.nation.hurricane_effects import CLOSED_DAYS

STATE, STORM = "FL", "2024-09-26"
CLOSED_FACILITIES = 4
_WATER = ("municipal", "well", "contract")
_WATER_SHARE = (0.9, 0.05, 0.05)
_GENERATOR_SHARE = 0.4
_AGREEMENT_SHARE = 0.7
_PLANTED = 9100
"""The number of the first planted declaration."""
_Report = tuple[str, str, str | None, str, str, str]
_REPORT = ["ccn", "from_at", "to_at", "status", "cause", "reported_at"]
_MOMENT = "%Y-%m-%dT%H:%MZ"
_NOON, _HOUR = pd.Timedelta(hours=12), pd.Timedelta(hours=1)


def list_emergency_rows(nation: pd.DataFrame, span: Span) -> Mapping[str, pd.DataFrame]:
    """Return the rows of facility_asset, facility_status and disaster_declaration.

    Args:
        nation: the facilities.
        span: the seed, and the years that have a row of assets each.
    """
    rng = stream(span.seed, FOR_GOOD, "emergency files")
    lasting = nation[(nation["closed"] == NEVER) & ~nation["is_renumbered"].astype(bool)]
    lasting = lasting.sort_values("facilityid", ignore_index=True)
    return {
        "facility_asset": _list_assets(lasting, span, rng),
        "facility_status": _list_reports(lasting),
        "disaster_declaration": pd.DataFrame(
            [_declare(9001, "SYNTHETIC HURRICANE", pd.Timestamp(STORM), 6, STATE)]
        ),
    }


def list_hurricane_rows(struck: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Return the rows of facility_status and disaster_declaration of planted hurricanes.

    Args:
        struck: what `hurricanes.list_struck` returns.
    """
    closed = struck[struck["is_closed"]]
    rows = [
        report
        for ccn, day in zip(closed["ccn"], closed["day"], strict=True)
        for report in _report_closed(str(ccn), day, day + pd.Timedelta(days=CLOSED_DAYS))
    ]
    declared = [
        _declare(9100 + place, "PLANTED HURRICANE", day, CLOSED_DAYS - 1, str(state))
        for place, (state, day) in enumerate(
            struck.groupby("state", sort=True)["day"].first().items()
        )
    ]
    return {
        "facility_status": pd.DataFrame(rows, columns=_REPORT),
        "disaster_declaration": pd.DataFrame(declared),
    }


def _list_assets(lasting: pd.DataFrame, span: Span, rng: np.random.Generator) -> pd.DataFrame:
    """Return each facility's row of each year; its back-up is the next one of its state."""
    count = len(lasting)
    backup = lasting.groupby("state")["number"].shift(-1)
    has_agreement = backup.notna() & (rng.random(count) < _AGREEMENT_SHARE)
    one = pd.DataFrame(
        {
            "ccn": lasting["number"],
            "stations": lasting["stations"].astype(int),
            "shifts": np.where(lasting["has_late_shift"].astype(bool), 3, 2),
            "has_generator": np.where(rng.random(count) < _GENERATOR_SHARE, "Y", "N"),
            "water": rng.choice(_WATER, count, p=_WATER_SHARE),
            "backup_ccn": backup.where(has_agreement),
        }
    )
    years = [
        one.assign(
            asset_year=year,
            backup_until=pd.Series(f"{year}-12-31", index=one.index).where(has_agreement),
        )
        for year in span.years
    ]
    return pd.concat(years, ignore_index=True)


def _list_reports(lasting: pd.DataFrame) -> pd.DataFrame:
    """Return the reports of the first facilities of the state, each closed for a day longer."""
    day = pd.Timestamp(STORM)
    ccns = lasting.loc[lasting["state"] == STATE, "number"].iloc[:CLOSED_FACILITIES]
    rows: list[_Report] = []
    for place, ccn in enumerate(ccns):
        end = day + pd.Timedelta(days=2 + place)
        rows += _report_closed(str(ccn), day + _NOON, end + pd.Timedelta(hours=10))
    return pd.DataFrame(rows, columns=_REPORT)


def _report_closed(ccn: str, begin: pd.Timestamp, end: pd.Timestamp) -> list[_Report]:
    """Return two reports, each an hour late: that a facility has closed, and later until when."""
    known = (begin + _HOUR).strftime(_MOMENT), (end + _HOUR).strftime(_MOMENT)
    since, until = begin.strftime(_MOMENT), end.strftime(_MOMENT)
    return [
        (ccn, since, None, "closed", "no power", known[0]),
        (ccn, since, until, "closed", "no power", known[1]),
    ]


def _declare(
    number: int, title: str, begin: pd.Timestamp, days: int, state: str
) -> dict[str, object]:
    """Return the declaration of a hurricane over a whole state."""
    return {
        "disasterNumber": number,
        "declarationType": "DR",
        "incidentType": "Hurricane",
        "declarationTitle": title,
        "incidentBeginDate": f"{begin:%Y-%m-%d}",
        "incidentEndDate": f"{begin + pd.Timedelta(days=days):%Y-%m-%d}",
        "state": state,
        "fipsStateCode": _find_fips(state),
        "fipsCountyCode": "000",
        "designatedArea": "Statewide",
    }


def _find_fips(state: str) -> str:
    codes = {row["state"]: row["fips_state_code"] for row in load_rows("state_fips")}
    return codes[state]
