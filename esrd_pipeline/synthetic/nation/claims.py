"""Parts that the claims of all settings share: claim numbers, diagnoses, payers, line numbers."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np

from esrd_pipeline.synthetic.nation.columns import Codes, Values, repeat
from esrd_pipeline.synthetic.nation.coverage import MANAGED, SECONDARY, Coverage
from esrd_pipeline.synthetic.nation.events import Events
from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import load_conditions, load_diagnoses
from esrd_pipeline.synthetic.nation.months import Months
from esrd_pipeline.synthetic.nation.people import People
from esrd_pipeline.synthetic.nation.stays import Stays
from esrd_pipeline.synthetic.nation.trajectories import Trajectories

FIRST_BENE_ID = 10_000_000_000
PLACES = 8
"""Diagnoses of a short claim; a long one has more."""
_LAST_TURN = 3
_COVID_CODED = int(np.datetime64("2020-04-01").astype(int))


class Kind(IntEnum):
    """Digit of the claim number that identifies the setting."""

    DIALYSIS = 0
    INPATIENT = 1
    OUTPATIENT = 2
    SNF = 3
    HHA = 4
    HOSPICE = 5
    CARRIER = 6
    DUPLICATE = 7
    ACUTE = 9


@dataclass(frozen=True, slots=True)
class MarketYear:
    """Everything about one market in one year that its claims are made from."""

    market: Market
    people: People
    trajectories: Trajectories
    coverage: Coverage
    events: Events
    months: Months
    stays: Stays

    @property
    def year(self) -> int:
        """The calendar year."""
        return self.months.year


def number_claims(here: MarketYear, kind: Kind, count: int) -> np.ndarray:
    """Return claim numbers for `count` claims."""
    lane = ((here.market.number + 1) * 100 + here.year - 2000) * 10 + kind
    return lane * 1_000_000 + 1 + np.arange(count)


def beneficiary_of(people: People, patient: np.ndarray) -> np.ndarray:
    """Return the beneficiary of each patient."""
    return FIRST_BENE_ID + people.patient_id[patient] * 3 + 1


def bill_payers(cover: np.ndarray) -> dict[str, Values]:
    """Return the payer columns: an employer's plan as primary, or a managed care organisation."""
    return {
        "nch_prmry_pyr_cd": Codes(("B",)).of(np.where(cover == SECONDARY, 0, -1)),
        "clm_mco_pd_sw": Codes(("1",)).of(np.where(cover == MANAGED, 0, -1)),
    }


def code_diagnoses(
    people: People,
    patient: np.ndarray,
    day: np.ndarray,
    leading: np.ndarray,
    *,
    places: int = PLACES,
    is_seen: np.ndarray | None = None,
) -> np.ndarray:
    """Return diagnosis codes, one row per claim: the leading ones, then chronic conditions.

    Args:
        people: the market's patients.
        patient: the patient of each claim.
        day: the day by which a condition must have begun.
        leading: codes of the first places, one row per claim; -1 for none.
        places: number of places in a row.
        is_seen: claims by conditions; false if the coder omits a condition.
    """
    count = patient.size
    codes = np.full((count, places), -1, dtype=np.int16)
    codes[:, : leading.shape[1]] = leading
    used = (leading >= 0).sum(axis=1)
    variety = people.patient_id[patient]
    conditions = load_conditions()
    for place in _coding_order(is_long=places > PLACES):
        has = (people.onset[:, place][patient] < day) & (used < places)
        if is_seen is not None:
            has &= is_seen[:, place]
        rows = np.flatnonzero(has)
        choice = np.array(conditions[place].codes, dtype=np.int16)
        codes[rows, used[rows]] = choice[(variety[rows] + place) % choice.size]
        used[rows] += 1
    return codes


@cache
def _coding_order(*, is_long: bool) -> tuple[int, ...]:
    """Return the conditions with codes in their order on claims."""
    conditions = load_conditions()
    last = _LAST_TURN if is_long else _LAST_TURN - 1
    places = [place for place, c in enumerate(conditions) if c.codes and c.turn <= last]
    return tuple(sorted(places, key=lambda place: (conditions[place].turn, place)))


def code_covid(
    here: MarketYear, patient: np.ndarray, *, begin: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Return the code of COVID-19 if it was found outside hospitals in a claim's days, else -1.

    Before April 2020 there was no code for it, and the code for coronaviruses was used.
    """
    seen, words = here.events.covid_seen[patient], load_diagnoses()
    is_ill = (seen >= begin) & (seen <= end)
    code = np.where(seen < _COVID_CODED, words.index("B9729"), words.index("U071"))
    return np.where(is_ill, code, -1)


def name_diagnoses(codes: np.ndarray) -> dict[str, Values]:
    """Return the principal diagnosis and the numbered places as columns."""
    words = load_diagnoses()
    columns: dict[str, Values] = {"prncpal_dgns_cd": words.of(codes[:, 0])}
    for place in range(codes.shape[1]):
        columns[f"icd_dgns_cd{place + 1}"] = words.of(codes[:, place])
    return columns


def bill_type(first: str, second: str, count: int, *, third: str = "1") -> dict[str, Values]:
    """Return the three digits of the type of bill."""
    return {
        "clm_fac_type_cd": repeat(first, count),
        "clm_srvc_clsfctn_type_cd": repeat(second, count),
        "clm_freq_cd": repeat(third, count),
    }


def number_lines(claim: np.ndarray, count: int) -> np.ndarray:
    """Return line numbers 1, 2, 3 ... within each claim; `claim` must be sorted."""
    lines = np.bincount(claim, minlength=count)
    return np.arange(claim.size) - np.repeat(np.cumsum(lines) - lines, lines) + 1


def provider_codes(market: Market) -> Codes:
    """Return the market's provider numbers: first CCNs, later CCNs, hospitals, wards."""
    return Codes(
        (
            *market.facilities["number"].tolist(),
            *market.facilities["next_number"].tolist(),
            *market.hospitals,
            *market.special,
        )
    )


def provider_on(market: Market, facility: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return each facility's CCN on a day as a code of `provider_codes`."""
    changed = market.numbers("changed")[facility]
    renumbered = market.numbers("is_renumbered")[facility] & (day >= changed)
    return facility + np.where(renumbered, len(market.facilities), 0)


def days_in_hospital(here: MarketYear) -> np.ndarray:
    """Return patients by days of the year: true strictly between admission and discharge."""
    months, stays = here.months, here.stays
    length = months.last_day - months.first_day + 1
    inside = np.zeros((len(here.people), length), dtype=bool)
    begin = np.maximum(stays.admit + 1, months.first_day)
    end = np.minimum(stays.discharge, months.last_day + 1)
    counts = np.clip(end - begin, 0, None)
    row = np.repeat(np.arange(counts.size), counts)
    day = begin[row] + np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
    inside[stays.patient[row], day - months.first_day] = True
    return inside
