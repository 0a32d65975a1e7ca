"""What the nation's lists of ZIP codes say: how rural each is, and how vulnerable its people.

The codes are those of facilities, which patients share. Ranks rather than draws decide, so that
with fifty codes or more every class has some. A list is the same in every year.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.synthetic.draws import FOR_GOOD, stream
from esrd_pipeline.synthetic.nation.columns import Rows, spell
from esrd_pipeline.synthetic.nation.figures import load_figures
from esrd_pipeline.tables.register import NOT_CODED, NOT_RANKED

CODES = (*range(1, 11), NOT_CODED)
AREA, POST_OFFICE = "Zip Code Area", "Post Office or large volume customer"
_DECIMALS = 4


def list_ruca(nation: pd.DataFrame, seed: int) -> Rows:
    """Return the commuting code of each ZIP code."""
    places, figures = _list_places(nation), load_figures()
    shares = np.array([figures[f"share_ruca_{code}"] for code in CODES])
    place = np.searchsorted(np.cumsum(shares / shares.sum()), _rank(len(places), seed, "ruca"))
    code = np.array(CODES)[np.minimum(place, len(CODES) - 1)]
    return {
        "zip_code": spell(places["zip_code"].to_numpy().astype(str)),
        "state": spell(places["state"].to_numpy().astype(str)),
        "zip_type": spell(np.where(_is_post_office(len(places), seed), POST_OFFICE, AREA)),
        "ruca1": code,
        "ruca2": code.astype(float),
    }


def list_vulnerability(nation: pd.DataFrame, seed: int) -> Rows:
    """Return the rank of each ZIP code that is an area: post offices have no people."""
    places, figures = _list_places(nation), load_figures()
    places = places[~_is_post_office(len(places), seed)]
    rank = _rank(len(places), seed, "vulnerability")
    ranked = rank / (1 - figures["share_not_ranked"])
    return {
        "fips": spell(places["zip_code"].to_numpy().astype(str)),
        "location": spell(np.char.add("ZCTA5 ", places["zip_code"].to_numpy().astype(str))),
        "rpl_themes": np.where(ranked > 1, NOT_RANKED, ranked.round(_DECIMALS)),
    }


def _list_places(nation: pd.DataFrame) -> pd.DataFrame:
    """Return the ZIP codes, each once, with the state of its first facility."""
    places = nation[["zip_code", "state"]].drop_duplicates("zip_code")
    return places.sort_values("zip_code", ignore_index=True)


def _is_post_office(count: int, seed: int) -> np.ndarray:
    return _rank(count, seed, "post office") < load_figures()["share_post_office"]


def _rank(count: int, seed: int, purpose: str) -> np.ndarray:
    """Return numbers between 0 and 1 that are equally far apart, in an order of their own."""
    return (stream(seed, FOR_GOOD, f"places: {purpose}").permutation(count) + 0.5) / count
