"""Patients' events apart from dialysis: nursing homes and the first COVID-19 hospitalisation."""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.figures import NEVER, YEAR_DAYS, load_conditions, load_figures
from esrd_pipeline.synthetic.nation.people import People
from esrd_pipeline.synthetic.nation.trajectories import Trajectories

LONG_STAY_DAYS = 90
"""From this many days within a year on, a patient is a long-term resident (reading 17)."""
SHARED_YEARS = 5.0
_COVID_YEARS = range(2020, 2025)
_FIRST_CASES = 80
"""Days of 2020 before the first cases in March."""


@dataclass(frozen=True, slots=True)
class Events:
    """Nursing home stays sorted by patient and day, and each patient's first COVID-19 stay.

    Days are first and last days; `covid` is `NEVER` without such a stay, `covid_seen` if COVID-19
    was never found outside hospitals.
    """

    home_patient: np.ndarray
    home_begin: np.ndarray
    home_end: np.ndarray
    covid: np.ndarray
    covid_days: np.ndarray
    covid_seen: np.ndarray

    def nursing_class(self, count: int, days: np.ndarray) -> np.ndarray:
        """Return for each patient and day 0, 1 or 2: none, short or long in the 365 days before."""
        inside = np.zeros((count, days.size), dtype=np.int32)
        begin = np.maximum(self.home_begin[:, None], days[None, :] - 365)
        end = np.minimum(self.home_end[:, None] + 1, days[None, :])
        np.add.at(inside, self.home_patient, np.clip(end - begin, 0, None).astype(np.int32))
        return (inside > 0).astype(np.int8) + (inside >= LONG_STAY_DAYS)

    def is_in_home(self, patient: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Return which patients are in a nursing home on a day."""
        lane = 2**40
        begins = self.home_patient.astype(np.int64) * lane + self.home_begin
        place = np.searchsorted(begins, patient.astype(np.int64) * lane + day, side="right") - 1
        row = np.maximum(place, 0)
        if not begins.size:
            return np.zeros(patient.size, dtype=bool)
        is_mine = (place >= 0) & (self.home_patient[row] == patient)
        return is_mine & (self.home_end[row] >= day)


def draw_events(
    people: People, trajectories: Trajectories, rng: np.random.Generator, more: np.random.Generator
) -> Events:
    """Draw the nursing home stays, first COVID-19 stays and other COVID-19 of a market.

    Args:
        people: the market's people.
        trajectories: their trajectories.
        rng: the original stream.
        more: the stream of later additions: nursing homes before ESRD, COVID-19 outside hospitals.
    """
    figures = load_figures()
    homes = _draw_homes(people, trajectories, rng)
    patient, begin, end = _join_homes(homes, _draw_early_homes(people, trajectories, more))
    covid = np.full(len(people), NEVER, dtype=np.int64)
    for year in _COVID_YEARS[::-1]:
        january = int(np.datetime64(f"{year}-01-01").astype(int))
        first = _FIRST_CASES if year == _COVID_YEARS[0] else 0
        rate = figures[f"covid_{year}"] * people.frailty**0.5
        falls_ill = rng.random(len(people)) < 1 - np.exp(-rate)
        day = january + rng.integers(first, 365, len(people))
        covid = np.where(falls_ill, day, covid)
    days = np.clip(rng.lognormal(np.log(7), 0.6, len(people)), 2, 40).astype(np.int64)
    return Events(patient, begin, end, covid, days, _draw_seen(people, more))


def _draw_seen(people: People, rng: np.random.Generator) -> np.ndarray:
    """Draw the first day on which COVID-19 was found outside hospitals."""
    figures = load_figures()
    seen = np.full(len(people), NEVER, dtype=np.int64)
    for year in _COVID_YEARS[::-1]:
        rate = figures[f"covid_{year}"] * figures["covid_outside"]
        falls_ill = rng.random(len(people)) < 1 - np.exp(-rate)
        first = _FIRST_CASES if year == _COVID_YEARS[0] else 0
        day = int(np.datetime64(f"{year}-01-01").astype(int)) + rng.integers(
            first, 365, len(people)
        )
        seen = np.where(falls_ill, day, seen)
    return seen


def _draw_early_homes(
    people: People, trajectories: Trajectories, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw nursing home stays of institutionalised patients that began before ESRD."""
    figures = load_figures()
    names = [condition.name for condition in load_conditions()]
    lives_there = people.has_at_start[:, names.index("institutionalised")]
    patient = np.flatnonzero(
        lives_there & (rng.random(len(people)) < figures["nursing_home_early"])
    )
    start = people.start[patient].astype(np.int64)
    begin = start - 10 - rng.exponential(200, patient.size).astype(np.int64)
    end = start + rng.exponential(figures["nursing_home_long_days"], patient.size).astype(np.int64)
    return patient, begin, np.minimum(end, trajectories.death[patient])


def _draw_homes(
    people: People, trajectories: Trajectories, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    figures = load_figures()
    last = int(np.datetime64(f"{int(figures['last_year'])}-12-31").astype(int))
    until = np.minimum(trajectories.death, last)
    years = np.clip(until - people.start, 0, None) / YEAR_DAYS
    age = people.age(people.start)
    decades = (age - figures["age_mean"]) / 10 + np.minimum(years, SHARED_YEARS) / 20
    rate = figures["nursing_home_per_year"] * np.exp(
        figures["nursing_home_age_decade"] * decades + 0.3 * (np.sqrt(people.frailty) - 1)
    )
    count = rng.poisson(rate * years)
    patient = np.repeat(np.arange(len(people)), count)
    begin = people.start[patient] + (rng.random(patient.size) * years[patient] * YEAR_DAYS)
    is_long = rng.random(patient.size) < figures["nursing_home_long"]
    short = rng.lognormal(np.log(figures["nursing_home_short_days"]), 0.7, patient.size)
    long = LONG_STAY_DAYS + rng.exponential(figures["nursing_home_long_days"], patient.size)
    end = begin + np.where(is_long, long, short)
    begin, end = begin.astype(np.int64), np.minimum(end, until[patient]).astype(np.int64)
    return patient, begin, end


def _join_homes(
    *parts: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort stays by patient and day, and drop those that begin within an earlier one."""
    patient, begin, end = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((begin, patient))
    patient, begin, end = patient[order], begin[order], end[order]
    # A stay that begins within an earlier one is part of it: keep each patient's latest end so far.
    lane = patient.astype(np.int64) * NEVER
    reach = np.maximum.accumulate(lane + end) if patient.size else lane
    inside = np.zeros(patient.size, dtype=bool)
    inside[1:] = (lane[1:] + begin[1:]) <= reach[:-1] + 1
    kept = ~inside & (end >= begin)
    return patient[kept], begin[kept], end[kept]
