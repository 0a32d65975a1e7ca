"""What facilities have for an emergency, and reports of a storm that harmed nobody, as files.

The reports have no effect on any patient: the numbers are those of a nation without them.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from esrd_pipeline.synthetic.draws import FOR_GOOD, stream
from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.figures import NEVER

STATE, STORM = "FL", "2024-09-26"
CLOSED_FACILITIES = 4
_WATER = ("municipal", "well", "contract")
_WATER_SHARE = (0.9, 0.05, 0.05)
_GENERATOR_SHARE = 0.4
_AGREEMENT_SHARE = 0.7


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
        "disaster_declaration": _declare(),
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
    """Return two reports of each facility that closes: that it has, and later until when."""
    day = pd.Timestamp(STORM)
    begin = f"{day:%Y-%m-%d}T12:00Z"
    rows: list[tuple[str, str, str | None, str, str, str]] = []
    for place, ccn in enumerate(lasting.loc[lasting["state"] == STATE, "number"]):
        if place == CLOSED_FACILITIES:
            break
        end = day + pd.Timedelta(days=2 + place)
        rows += [
            (str(ccn), begin, None, "closed", "no power", f"{day:%Y-%m-%d}T13:00Z"),
            (
                *(str(ccn), begin, f"{end:%Y-%m-%d}T10:00Z"),
                *("closed", "no power", f"{end:%Y-%m-%d}T11:00Z"),
            ),
        ]
    columns = ["ccn", "from_at", "to_at", "status", "cause", "reported_at"]
    return pd.DataFrame(rows, columns=columns)


def _declare() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "disasterNumber": [9001],
            "declarationType": ["DR"],
            "incidentType": ["Hurricane"],
            "declarationTitle": ["SYNTHETIC HURRICANE"],
            "incidentBeginDate": [STORM],
            "incidentEndDate": ["2024-10-02"],
            "state": [STATE],
            "fipsStateCode": ["12"],
            "fipsCountyCode": ["000"],
            "designatedArea": ["Statewide"],
        }
    )
