"""Data defects of the registers, by patient.

Each defect is drawn once, so that every extract repeats it.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.acute import Acute, draw_days, place_acute
from esrd_pipeline.synthetic.nation.events import Events
from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import NEVER, load_death_causes, load_figures
from esrd_pipeline.synthetic.nation.people import People
from esrd_pipeline.synthetic.nation.trajectories import Trajectories

_FORM_DEATHS = 0.96
_ENROLLMENT_DEATHS = 0.98
_YOUNG, _YOUNG_FACTOR = 50, 4.0
"""Factor on deaths by street drugs under that age."""
_COVID_DAYS = 30
"""Deaths within this many days after admission with COVID-19 are due to it."""


@dataclass(frozen=True, slots=True)
class DataDefects:
    """Each patient's date of death in four sources, and other missing or unusual records.

    `eqrs_death`, `form_death`, `enrollment_death` and `ssa_death` are `NEVER` if the source has no
    death; `conflict` is 0, or 1 to 4 for the source with the wrong date. `travel_day` is the number
    of days from the first day to a patient's travel, 0 if never.
    """

    eqrs_death: np.ndarray
    form_death: np.ndarray
    enrollment_death: np.ndarray
    ssa_death: np.ndarray
    conflict: np.ndarray
    has_form: np.ndarray
    has_death_form: np.ndarray
    acute: Acute
    travel_day: np.ndarray
    hospice_days: np.ndarray
    death_cause: np.ndarray
    again: np.ndarray


def draw_defects(
    market: Market,
    people: People,
    trajectories: Trajectories,
    events: Events,
    *,
    rng: np.random.Generator,
    more: np.random.Generator,
) -> DataDefects:
    """Draw a market's data defects.

    Args:
        market: the market.
        people: its people.
        trajectories: their trajectories.
        events: nursing homes and COVID-19.
        rng: the original stream.
        more: the stream of later additions: causes of death, second registrations.
    """
    figures, count = load_figures(), len(people)
    luck = rng.random((8, count))
    is_dead = trajectories.death < NEVER
    conflict = np.where(
        is_dead & (luck[0] < figures["death_conflict"]), rng.integers(1, 5, count), 0
    )
    shift = np.where(luck[1] < 1 / 2, -1, 1) * rng.integers(1, 15, count)
    shift = np.where(trajectories.death + shift > people.start, shift, 1)
    dates = [
        np.where(conflict == place, trajectories.death + shift, trajectories.death)
        for place in range(1, 5)
    ]
    known = luck[2] < _ENROLLMENT_DEATHS
    hospice = np.clip(rng.lognormal(np.log(figures["hospice_days"]), 1.0, count), 1, 180)
    return DataDefects(
        eqrs_death=dates[0],
        form_death=dates[1],
        enrollment_death=np.where(known, dates[2], NEVER),
        ssa_death=dates[3],
        conflict=conflict,
        has_form=luck[3] >= figures["form_missing"],
        has_death_form=luck[6] < _FORM_DEATHS,
        acute=place_acute(market, people, luck[4], draw_days(rng, count)),
        travel_day=np.where(luck[7] < figures["travel"], rng.integers(100, 1500, count), 0),
        hospice_days=np.where(
            is_dead & (luck[5] < figures["hospice"] + 0.3 * trajectories.is_withdrawn), hospice, 0
        ).astype(np.int64),
        death_cause=_draw_causes(people, trajectories, events, more),
        again=_draw_again(people, trajectories, more),
    )


def _draw_causes(
    people: People, trajectories: Trajectories, events: Events, rng: np.random.Generator
) -> np.ndarray:
    """Draw the cause of each death: a few street drugs or accidents, some COVID-19."""
    figures, (_, places, share) = load_figures(), load_death_causes()
    count = len(people)
    usual = places["usual"]
    cause = usual[rng.choice(usual.size, count, p=share[usual])]
    luck = rng.random(count)
    is_young = people.age(np.minimum(trajectories.death, people.birth + 200 * 365)) < _YOUNG
    overdose = figures["death_overdose"] * np.where(is_young, _YOUNG_FACTOR, 1.0)
    accident = figures["death_accident"]
    after_covid = trajectories.death - events.covid
    cause = np.where(luck < overdose + accident, places["accident"][0], cause)
    cause = np.where(luck < overdose, places["overdose"][0], cause)
    cause = np.where(trajectories.is_withdrawn, places["withdrawal"][0], cause)
    ill = (after_covid >= 0) & (after_covid <= _COVID_DAYS)
    return np.where(ill, places["covid"][0], cause)


def _draw_again(people: People, trajectories: Trajectories, rng: np.random.Generator) -> np.ndarray:
    """Draw the patients registered on the waitlist twice, and the second day."""
    luck, wait = rng.random(len(people)), rng.exponential(200, len(people))
    again = people.listed.astype(np.int64) + 30 + wait.astype(np.int64)
    until = np.minimum(people.removed, trajectories.death)
    is_twice = (luck < load_figures()["listing_twice"]) & (again < until)
    return np.where(is_twice, again, NEVER)
