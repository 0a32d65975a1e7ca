"""Days of treatment: schedules, sessions that are missed, and what a hurricane changes."""

import numpy as np

from esrd_pipeline.synthetic.nation.claims import MarketYear, days_in_hospital
from esrd_pipeline.synthetic.nation.columns import Rows
from esrd_pipeline.synthetic.nation.figures import load_figures
from esrd_pipeline.synthetic.nation.hurricane_effects import (
    CLOSED_DAYS,
    EARLY_DAYS,
    find_hosts,
    is_closed_day,
)
from esrd_pipeline.synthetic.nation.labels import label
from esrd_pipeline.synthetic.nation.people import IN_CENTER, PERITONEAL, People, is_frequent


def draw_sessions(
    here: MarketYear, cells: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Rows | None]:
    """Return the cell (its place among `cells`) and day of every treatment, sorted, and labels.

    The labels are of early treatments before a hurricane; None without one.
    """
    months, patient = here.months, here.months.patient[cells]
    longest = 31
    days = months.edges[months.month[cells]][:, None] + np.arange(longest)
    inside = (days >= months.begin[cells][:, None]) & (days <= months.end[cells][:, None])
    modality = months.modality[cells]
    in_center = is_session_day(here.people, patient, days)
    at_home = _weekday(days) < 5  # noqa: PLR2004 - five a week
    often = is_frequent(here.people, patient, modality)
    scheduled = (modality == PERITONEAL)[:, None] | np.where(often[:, None], at_home, in_center)
    missed = load_figures()["session_missed"]
    scheduled &= rng.random(days.shape, dtype=np.float32) >= missed
    early = None
    if _is_struck(here):
        missed, early = _meet_hurricane(here, cells, days, rng)
        scheduled = (scheduled & ~missed) | early
    away = days_in_hospital(here)
    offset = np.clip(days - months.first_day, 0, away.shape[1] - 1)
    possible = inside & ~away[patient[:, None], offset]
    claim, column = np.nonzero(scheduled & possible)
    labels = None if early is None else _label_early(here, cells, days, early & possible)
    return claim, days[claim, column], labels


def find_guests(here: MarketYear, cell: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return which treatments another facility gives, because a hurricane has closed their own."""
    market, facility = here.market, here.months.facility[cell]
    is_elsewhere = find_hosts(market)[facility] != facility
    is_elsewhere &= here.months.modality[cell] == IN_CENTER
    return is_elsewhere & is_closed_day(market, facility, day)


def _is_struck(here: MarketYear) -> bool:
    """Return whether days before or after a hurricane are in the year."""
    storm = here.market.numbers("storm_day")
    first, last = here.months.first_day - CLOSED_DAYS, here.months.last_day + EARLY_DAYS
    return bool(((storm > first) & (storm <= last)).any())


def _meet_hurricane(
    here: MarketYear, cells: np.ndarray, days: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return which days' sessions are missed, and on which days there are early ones.

    Both have the shape of `days`, one row a cell.
    """
    market, months = here.market, here.months
    patient, facility = months.patient[cells], months.facility[cells]
    is_mine = (months.modality[cells] == IN_CENTER)[:, None]
    missed = rng.random(days.shape) < market.numbers("storm_missed")[facility][:, None]
    missed &= is_mine & is_closed_day(market, facility[:, None], days)
    is_early = rng.random(len(here.people))[patient] < market.numbers("storm_early")[facility]
    # The day before, unless it is a session day: then there is none the day before that.
    before = market.numbers("storm_day")[facility][:, None] - 1
    before = before - is_session_day(here.people, patient, before)
    return missed, is_mine & is_early[:, None] & (days == before)


def _label_early(here: MarketYear, cells: np.ndarray, days: np.ndarray, early: np.ndarray) -> Rows:
    cell, column = np.nonzero(early)
    months = here.months
    return label(
        "dialysed early before a hurricane",
        patient=here.people.patient_id[months.patient[cells[cell]]],
        facility=here.market.numbers("facilityid")[months.facility[cells[cell]]],
        day=days[cell, column],
    )


def is_session_day(people: People, patient: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Return on which of each patient's days there is in-center hemodialysis: three a week.

    Args:
        people: the market's people.
        patient: the patient of each row.
        days: one row of days each.
    """
    shift = (people.patient_id[patient] % 2)[:, None]
    place = _weekday(days) - shift
    return (place % 2 == 0) & (place >= 0) & (place <= 4)  # noqa: PLR2004 - three a week


def _weekday(days: np.ndarray) -> np.ndarray:
    return (days + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
