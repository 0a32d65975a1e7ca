"""The facilities of the synthetic nation: their properties and numbers of patients.

Properties are the same in every year.
"""

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.synthetic.draws import FOR_GOOD, draw_lasting, stream
from esrd_pipeline.synthetic.figures import load_figures, load_kind, probabilities

LARGEST_COUNT = 8000
"""Most facilities for which the largest state has enough certification numbers."""
NEVER = 9999
TWO_YEARS = 730.0


def draw_facilities(count: int, seed: int) -> pd.DataFrame:
    """Draw `count` facilities, one row each, in the order of their certification numbers.

    Raises:
        ValueError: `count` is not between 1 and `LARGEST_COUNT`.
    """
    if not 1 <= count <= LARGEST_COUNT:
        raise ValueError(f"facility_count must be from 1 to {LARGEST_COUNT}, not {count}")
    places = _draw_places(count, seed)
    frame = pd.concat(
        [places, _draw_owners(count, seed), _draw_services(count, seed)], axis="columns"
    )
    frame["certification_date"] = _draw_certification(count, seed)
    frame["last_year"] = _draw_last_year(frame, seed)
    return frame


def draw_census(facilities: pd.DataFrame, *, seed: int, year: int) -> pd.DataFrame:
    """Return each facility's patients in a calendar year, in total and by treatment.

    A new facility fills over its first two years; a facility that is not yet certified or has
    closed has no patients.
    """
    figures = load_figures()
    size = draw_lasting(seed=seed, year=year, purpose="size", count=len(facilities))
    last_day = np.datetime64(f"{year}-12-31")
    days = (last_day - facilities["certification_date"].to_numpy()).astype(float)
    filled = np.clip(days / TWO_YEARS, 0, 1) * (facilities["last_year"] >= year)
    patients = facilities["size"] * np.exp(figures["yearly_growth_sd"] * size) * filled
    adults = {
        "patients": patients,
        "in_center": patients * (1 - facilities["peritoneal_share"]),
        "peritoneal": patients * facilities["peritoneal_share"],
    }
    children = {name: facilities[name] * filled for name in ("pediatric_hd", "pediatric_pd")}
    return pd.DataFrame({**adults, **children}).round().astype("int64")


def owner(facilities: pd.DataFrame, year: int) -> np.ndarray:
    """Return the chain that owns each facility at the end of `year`."""
    chain = facilities["chain"].to_numpy()
    largest, second = load_kind("chain")["name"].tolist()[:2]
    buyer = np.where(chain == largest, second, largest)
    return np.where(_is_sold(facilities, year), buyer, chain).astype(object)


def owned_since(facilities: pd.DataFrame, year: int) -> np.ndarray:
    """Return the date on which each facility's owner at the end of `year` acquired it."""
    sale = np.datetime64(f"{int(load_figures()['ownership_change_year'])}-07-01")
    certified = facilities["certification_date"].to_numpy()
    return np.where(_is_sold(facilities, year), sale, certified)


def certified_before(facilities: pd.DataFrame, day: str) -> np.ndarray:
    """Return which facilities were certified before a day (YYYY-MM-DD)."""
    return facilities["certification_date"].to_numpy() < np.datetime64(day)


def _is_sold(facilities: pd.DataFrame, year: int) -> np.ndarray:
    """Return which facilities have changed owner; not those certified after the change."""
    change = int(load_figures()["ownership_change_year"])
    changes = facilities["changes_owner"].to_numpy() & (year >= change)
    return changes & certified_before(facilities, f"{change}-01-01")


def _draw_places(count: int, seed: int) -> pd.DataFrame:
    rng = stream(seed, FOR_GOOD, "places")
    places, towns = load_kind("place"), load_kind("town")["name"].to_numpy(dtype=object)
    chosen = np.sort(rng.choice(len(places), count, p=probabilities(places)))
    place = places.loc[chosen].reset_index(drop=True)
    serial = place.groupby(["code"]).cumcount()
    has_letter = rng.random(count) < load_figures()["letter_in_ccn"]
    number = np.where(has_letter, "A", "9") + serial.astype(str).str.zfill(3)
    town = pd.Series(towns[rng.integers(len(towns), size=count)], dtype=object)
    # CMS numbers dialysis facilities 23xx to 29xx and 35xx to 37xx, so no number here is real.
    return pd.DataFrame(
        {
            "ccn": place["code"].astype(object) + number,
            "network": place["network"].astype(int),
            "facility_name": "EXAMPLE " + town.str.upper() + " DIALYSIS",
            "address": [f"{street} EXAMPLE ROAD" for street in rng.integers(1, 999, count)],
            "city": town.str.upper(),
            "state": place["name"].astype(object),
            "zip_code": _draw_zip_codes(place["name"], rng),
            "county": town,
            "telephone": [f"(555) 555-{line:04d}" for line in rng.integers(100, 200, count)],
        }
    ).sort_values("ccn", ignore_index=True)


def _draw_zip_codes(states: pd.Series, rng: np.random.Generator) -> list[str]:
    """Return a ZIP code in each facility's state: an area that is there, and two drawn digits."""
    areas: dict[str, list[int]] = {}
    for row in load_rows("synthetic_zip_area"):
        areas.setdefault(row["state"], []).extend(range(int(row["first"]), int(row["last"]) + 1))
    codes = rng.integers(501, 99951, len(states)).tolist()
    return [
        f"{areas[state][code % len(areas[state])]:03d}{code // len(areas[state]) % 100:02d}"
        for state, code in zip(states, codes, strict=True)
    ]


def _draw_owners(count: int, seed: int) -> pd.DataFrame:
    rng = stream(seed, FOR_GOOD, "owners")
    chains = load_kind("chain")
    chain = chains.loc[rng.choice(len(chains), count, p=probabilities(chains))].reset_index(
        drop=True
    )
    changes = np.zeros(count, dtype=bool)
    changes[rng.integers(count)] = True
    return pd.DataFrame(
        {
            "chain": chain["name"].astype(object),
            "is_profit": rng.random(count) < chain["code"].astype(float).to_numpy(),
            "changes_owner": changes,
        }
    )


def _draw_services(count: int, seed: int) -> pd.DataFrame:
    rng, figures = stream(seed, FOR_GOOD, "services"), load_figures()
    size = np.exp(
        np.log(figures["median_patients"]) + figures["sd_log_patients"] * rng.standard_normal(count)
    )
    tiny = rng.random(count) < figures["tiny"]
    size = np.where(tiny, rng.uniform(2, figures["tiny_patients"], count), size)
    size = np.minimum(size, figures["largest"])
    in_center = rng.random(count) >= figures["without_in_center"]
    peritoneal = ~in_center | (rng.random(count) < figures["peritoneal"])
    share = figures["peritoneal_share"] * rng.uniform(0.3, 2, count)
    pediatric = rng.random(count) < figures["pediatric"]
    children = rng.gamma(2, figures["pediatric_patients"] / 2, (2, count)) * pediatric
    stations = np.maximum(size / figures["patients_per_station"], 1)
    return pd.DataFrame(
        {
            "size": size,
            "has_in_center": in_center,
            "has_peritoneal": peritoneal,
            "has_home_training": peritoneal & (rng.random(count) < figures["home_training"]),
            "has_late_shift": rng.random(count) < figures["late_shift"],
            "peritoneal_share": np.where(in_center, np.where(peritoneal, share, 0), 1.0),
            "is_pediatric": pediatric,
            "pediatric_hd": children[0] * in_center,
            "pediatric_pd": children[1] * peritoneal,
            "stations": np.where(in_center, stations.round(), rng.integers(0, 5, count)).astype(
                int
            ),
        }
    )


def _draw_certification(count: int, seed: int) -> pd.Series:
    """Draw certification dates, some of them on the days around the program's cut-offs."""
    rng, figures = stream(seed, FOR_GOOD, "certification"), load_figures()
    periods, cut_offs = load_kind("opened"), load_kind("cut_off")["name"].to_numpy()
    period = (
        periods["name"]
        .astype(int)
        .to_numpy()[rng.choice(len(periods), count, p=probabilities(periods))]
    )
    first_day = (period - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    dates = first_day + rng.integers(0, 5 * 365, count).astype("timedelta64[D]")
    near = np.linspace(
        0, count - 1, round(count * figures["certified_near_cut_off"]) + 2, dtype=int
    )
    for order, facility in enumerate(near[1:-1]):
        lap, cut_off = divmod(order, len(cut_offs))
        year = int(figures["first_cut_off_year"]) + lap % int(figures["cut_off_years"])
        dates[facility] = np.datetime64(f"{year}-{cut_offs[cut_off]}")
    return pd.Series(dates)


def _draw_last_year(facilities: pd.DataFrame, seed: int) -> np.ndarray:
    """Draw the last performance year of each facility; most never close."""
    rng, figures = stream(seed, FOR_GOOD, "closing"), load_figures()
    first, years = int(figures["first_closing_year"]), int(figures["closing_years"])
    count = len(facilities)
    closes = rng.random(count) < figures["closing"]
    closes &= certified_before(facilities, f"{first}-01-01")
    closes[0] = False  # so that no year's file is empty for any number of facilities
    return np.where(closes, first + rng.integers(years, size=count), NEVER)
