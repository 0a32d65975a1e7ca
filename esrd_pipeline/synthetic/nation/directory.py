"""The facility files of a year: directory, services, CCN history, provider of services.

Each file is as known on the last day of the year.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.synthetic.draws import stream
from esrd_pipeline.synthetic.figures import load_figures as load_published
from esrd_pipeline.synthetic.nation.columns import NO_DAY, Codes, Rows, repeat, spell, stack
from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import NEVER

TRANSPLANT_FACILITYID = 900_001
_SWAPPED_IN, _UNLINKED_IN = 5, 7
"""One in this many hospital-based units has the hospital's number as its first, or no number."""


def list_facilities(market: Market, until: int) -> Rows:
    """Return the EQRS directory: the market's facilities and its transplant center."""
    frame = _known(market, until)
    own = _current_number(frame, until)
    hospital = _hospitals_of(market, frame)
    is_hospital = (frame["kind"] != "F").to_numpy()
    number = frame["facilityid"].to_numpy()
    is_swapped = is_hospital & (number % _SWAPPED_IN == 0)
    is_unlinked = is_hospital & ~is_swapped & (number % _UNLINKED_IN == 0)
    alternate = np.where(is_hospital & ~is_unlinked, np.where(is_swapped, own, hospital), "")
    opened = frame["opened"].to_numpy()
    return stack(
        [
            {
                "facilityid": number,
                "provnum": spell(np.where(is_swapped, hospital, own).astype(str)),
                "altprovnum": spell(alternate.astype(str)),
                "provtype": repeat("MEDICARE", len(frame)),
                "factype": repeat("Dialysis", len(frame)),
                "facility_code": spell(frame["kind"].to_numpy().astype(str)),
                **_address(frame),
                "network": frame["network"].to_numpy(),
                "dialysis_organization": spell(_current_owner(frame, until)),
                "is_profit": frame["is_profit"].to_numpy(),
                "station_count": frame["stations"].to_numpy(),
                "certdate": opened,
                "dateopened": opened - 30,
                "dateclosed": _until_known(frame["closed"].to_numpy(), until),
            },
            _list_transplant_center(market),
        ]
    )


def list_services(market: Market, until: int) -> Rows:
    """Return the services of each facility."""
    frame = _known(market, until)
    home = (frame["peritoneal_share"] > 0).to_numpy()
    offers = {
        "In-Center Hemodialysis": frame["has_in_center"].to_numpy(),
        "Home Hemodialysis Training": home,
        "CAPD": home,
        "CCPD": home,
    }
    names = Codes(tuple(offers))
    facility, service = np.nonzero(np.stack(list(offers.values()), axis=1))
    return {
        "facilityid": frame["facilityid"].to_numpy()[facility],
        "service": names.of(service),
    }


def list_ccn_history(market: Market, until: int) -> Rows:
    """Return each facility's CCNs and owners since it opened."""
    frame = _known(market, until)
    changed = frame["changed"].to_numpy()
    has_changed = changed <= until
    later = frame[has_changed]
    renumbered = later["is_renumbered"].to_numpy()
    return stack(
        [
            {
                "facilityid": frame["facilityid"].to_numpy(),
                "effective_date": frame["opened"].to_numpy(),
                "end_date": np.where(has_changed, changed - 1, NO_DAY),
                "provnum": spell(frame["number"].to_numpy().astype(str)),
                "dialysis_organization": spell(frame["owner"].to_numpy().astype(str)),
                "change": repeat("opened", len(frame)),
            },
            {
                "facilityid": later["facilityid"].to_numpy(),
                "effective_date": changed[has_changed],
                "end_date": np.full(len(later), NO_DAY),
                "provnum": spell(
                    np.where(renumbered, later["next_number"], later["number"]).astype(str)
                ),
                "dialysis_organization": spell(later["next_owner"].to_numpy().astype(str)),
                "change": repeat("change of ownership", len(later)),
            },
        ]
    )


def list_providers(market: Market, until: int) -> Rows:
    """Return the provider of services file: facilities, their earlier numbers, hospitals."""
    frame = _known(market, until)
    changed = frame["changed"].to_numpy()
    renumbered = frame["is_renumbered"].to_numpy() & (changed <= until)
    owned = np.where((changed <= until) & ~renumbered, changed, NEVER)
    related = np.where(frame["kind"] != "F", _hospitals_of(market, frame), "")
    ends = np.where(renumbered, changed - 1, frame["closed"].to_numpy())
    first = _list_units(
        frame,
        frame["number"],
        related=related,
        began=frame["opened"].to_numpy(),
        ended=ends,
        until=until,
    )
    later = frame[renumbered]
    second = _list_units(
        later,
        later["next_number"],
        related=later["number"].to_numpy(),
        began=changed[renumbered],
        ended=later["closed"].to_numpy(),
        until=until,
    )
    first = {
        **first,
        "chow_cnt": (owned < NEVER).astype(np.int64),
        "chow_dt": _until_known(owned, until),
    }
    second = {
        **second,
        "chow_cnt": np.ones(len(later), dtype=np.int64),
        "chow_dt": changed[renumbered],
    }
    return stack([first, second, _list_hospitals(market)])


def list_grants(nation: pd.DataFrame, seed: int, year: int) -> pd.DataFrame:
    """Return the year's extraordinary circumstance exceptions, in the project's layout."""
    rng = stream(seed, year, "nation exceptions")
    frame = nation[nation["opened"] <= int(np.datetime64(f"{year}-01-01").astype(int))]
    granted = frame[rng.random(len(frame)) < load_published()["ece_grant"]]
    first = rng.integers(1, 10, len(granted))
    return pd.DataFrame(
        {
            "CMS Certification Number (CCN)": granted["number"].to_numpy(),
            "First Month": [f"{year}-{month:02d}" for month in first],
            "Last Month": [f"{year}-{month + 2:02d}" for month in first],
        }
    )


def _list_units(
    frame: pd.DataFrame,
    number: pd.Series,
    *,
    related: np.ndarray,
    began: np.ndarray,
    ended: np.ndarray,
    until: int,
) -> Rows:
    return {
        "prvdr_num": spell(number.to_numpy().astype(str)),
        "prvdr_ctgry_cd": repeat("09", len(frame)),
        "fac_name": spell(frame["facility_name"].to_numpy().astype(str)),
        "st_adr": spell(frame["address"].to_numpy().astype(str)),
        "city_name": spell(frame["city"].to_numpy().astype(str)),
        "state_cd": spell(frame["state"].to_numpy().astype(str)),
        "zip_cd": spell(frame["zip_code"].to_numpy().astype(str)),
        "related_provider_number": spell(related.astype(str)),
        "orgnl_prtcptn_dt": began,
        "crtfctn_dt": began,
        "pgm_trmntn_cd": Codes(("00", "01")).of((ended <= until).astype(np.int8)),
        "trmntn_exprtn_dt": _until_known(ended, until),
        "dlys_stn_cnt": frame["stations"].to_numpy(),
        "esrd_ntwrk_num": frame["network"].to_numpy(),
    }


def _list_hospitals(market: Market) -> Rows:
    count = len(market.hospitals)
    home = market.facilities.iloc[np.zeros(count, dtype=int)].reset_index(drop=True)
    began = int(np.datetime64("1975-01-01").astype(int))
    rows = _list_units(
        home,
        pd.Series(market.hospitals),
        related=np.full(count, ""),
        began=np.full(count, began),
        ended=np.full(count, NEVER),
        until=began,
    )
    return {
        **rows,
        "prvdr_ctgry_cd": repeat("01", count),
        "fac_name": spell(np.array([f"EXAMPLE HOSPITAL {number}" for number in market.hospitals])),
        "dlys_stn_cnt": np.zeros(count, dtype=np.int64),
        "chow_cnt": np.zeros(count, dtype=np.int64),
        "chow_dt": np.full(count, NO_DAY),
    }


def _list_transplant_center(market: Market) -> Rows:
    home = market.facilities.iloc[[0]]
    opened = np.array([int(np.datetime64("1990-01-01").astype(int))])
    return {
        "facilityid": np.array([TRANSPLANT_FACILITYID + market.number]),
        "provnum": spell(np.array([market.hospitals[0]])),
        "altprovnum": spell(np.array([""])),
        "provtype": repeat("MEDICARE", 1),
        "factype": repeat("Transplant", 1),
        "facility_code": repeat("T", 1),
        **_address(home),
        "network": home["network"].to_numpy(),
        "dialysis_organization": repeat("Independent", 1),
        "is_profit": np.array([False]),
        "station_count": np.array([0]),
        "certdate": opened,
        "dateopened": opened,
        "dateclosed": np.array([NO_DAY]),
    }


def _address(frame: pd.DataFrame) -> Rows:
    names = ("facility_name", "address", "city", "state", "zip_code")
    return {name: spell(frame[name].to_numpy().astype(str)) for name in names}


def _known(market: Market, until: int) -> pd.DataFrame:
    """Return the facilities that have opened."""
    frame = market.facilities
    return frame[frame["opened"] <= until]


def _hospitals_of(market: Market, frame: pd.DataFrame) -> np.ndarray:
    """Return the hospital of each facility, by its index in the market, as on claims."""
    return np.array(market.hospitals)[frame.index.to_numpy() % len(market.hospitals)]


def _current_number(frame: pd.DataFrame, until: int) -> np.ndarray:
    is_next = frame["is_renumbered"] & (frame["changed"] <= until)
    return np.where(is_next, frame["next_number"], frame["number"]).astype(str)


def _current_owner(frame: pd.DataFrame, until: int) -> np.ndarray:
    return np.where(frame["changed"] <= until, frame["next_owner"], frame["owner"]).astype(str)


def _until_known(day: np.ndarray, until: int) -> np.ndarray:
    return np.where(day <= until, day, NO_DAY)
