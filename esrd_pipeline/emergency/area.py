"""The facilities of an area: a state, a Network, the nation, or the counties of a disaster."""

import re

import pandas as pd

from esrd_pipeline.emergency.status import OPEN

NATION = "US"
REPORTED = "REPORTED"
_NETWORK = re.compile(r"N(?:ETWORK)?\s*0?(\d{1,2})")
_DISASTER = re.compile(r"(?:DR|EM|FM|FS)-?(\d+)")
_WHOLE_STATE = "000"
_KIND = re.compile(r"\s*\((?:County|Parish|Borough|Census Area|Municipio|Municipality|Island)\)$")


class AreaError(ValueError):
    """There is no such area, or no facility in it."""


def find_area(
    area: str, directory: pd.DataFrame, declarations: pd.DataFrame, statuses: pd.DataFrame
) -> tuple[str, frozenset[str]]:
    """Return an area's name and the CCNs of its facilities.

    Args:
        area: a state's two letters, `N8` for a Network, `DR4828` for a declared disaster, `US`, or
            `REPORTED`: the states with a facility that is reported as other than open.
        directory: facility.directory: ccn, state, county, network.
        declarations: raw.disaster_declaration.
        statuses: what `find_status` returns.

    Raises:
        AreaError: there is no such area, or no facility in it.
    """
    wanted = area.strip().upper()
    if wanted == NATION:
        return "The nation", _take(area, directory, pd.Series(data=True, index=directory.index))
    if wanted == REPORTED:
        hit = statuses.loc[statuses["status"] != OPEN, "ccn"]
        states = set(directory.loc[directory["ccn"].isin(hit), "state"])
        return ", ".join(sorted(states)), _take(area, directory, directory["state"].isin(states))
    if network := _NETWORK.fullmatch(wanted):
        number = int(network[1])
        return f"ESRD Network {number}", _take(area, directory, directory["network"] == number)
    if disaster := _DISASTER.fullmatch(wanted):
        mine = declarations[declarations["disaster_number"] == int(disaster[1])]
        if mine.empty:
            raise AreaError(f"{area}: raw.disaster_declaration has no disaster {disaster[1]}")
        title = f"{mine['declaration_title'].iloc[0].title()} (disaster {disaster[1]})"
        return title, _take(area, directory, _find_declared(directory, mine))
    return wanted, _take(area, directory, directory["state"] == wanted)


def _take(area: str, directory: pd.DataFrame, is_in: pd.Series) -> frozenset[str]:
    found = frozenset(directory.loc[is_in.fillna(value=False).astype(bool), "ccn"])
    if not found:
        raise AreaError(
            f"{area}: no facility is there; an area is a state (FL), a Network (N7), a declared"
            f" disaster (DR4828), the nation ({NATION}), or {REPORTED}: the states with a facility"
            " that is reported as other than open"
        )
    return found


def _find_declared(directory: pd.DataFrame, declared: pd.DataFrame) -> pd.Series:
    """Return which facilities lie in declared counties, by the county's name within its state."""
    whole = set(declared.loc[declared["fips_county_code"] == _WHOLE_STATE, "state"])
    names = [_KIND.sub("", str(name)).strip().upper() for name in declared["designated_area"]]
    counties = set(zip(declared["state"], names, strict=True))
    places = zip(directory["state"], directory["county"].fillna("").str.upper(), strict=True)
    return directory["state"].isin(whole) | pd.Series(
        [place in counties for place in places], index=directory.index
    )
