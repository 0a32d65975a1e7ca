"""What goes wrong on the way into the registers, patient by patient.

Each trouble is drawn once, so that every extract repeats it. Labelling it does not belong here.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.figures import NEVER, load_figures
from esrd_pipeline.synthetic.nation.lives import Lives
from esrd_pipeline.synthetic.nation.people import People

_FORM_DEATHS = 0.96
_ENROLLMENT_DEATHS = 0.98


@dataclass(frozen=True, slots=True)
class Trouble:
    """Each patient's deaths as four sources date them, and what is missing or odd.

    `eqrs_death`, `form_death`, `enrollment_death` and `ssa_death` are `NEVER` where the source
    knows of none; `conflict` is 0, or 1 to 4 for the source whose date is wrong. `acute_days` is
    how long before ESRD an acute admission began, 0 where there was none;
    `travel_day` how long after the first day a patient travels, 0 if never.
    """

    eqrs_death: np.ndarray
    form_death: np.ndarray
    enrollment_death: np.ndarray
    ssa_death: np.ndarray
    conflict: np.ndarray
    has_form: np.ndarray
    has_death_form: np.ndarray
    acute_days: np.ndarray
    travel_day: np.ndarray
    hospice_days: np.ndarray


def draw_trouble(people: People, lives: Lives, rng: np.random.Generator) -> Trouble:
    """Draw a market's trouble."""
    figures, count = load_figures(), len(people)
    luck = rng.random((8, count))
    is_dead = lives.death < NEVER
    conflict = np.where(
        is_dead & (luck[0] < figures["death_conflict"]), rng.integers(1, 5, count), 0
    )
    shift = np.where(luck[1] < 1 / 2, -1, 1) * rng.integers(1, 15, count)
    shift = np.where(lives.death + shift > people.start, shift, 1)
    dates = [np.where(conflict == place, lives.death + shift, lives.death) for place in range(1, 5)]
    known = luck[2] < _ENROLLMENT_DEATHS
    hospice = np.clip(rng.lognormal(np.log(figures["hospice_days"]), 1.0, count), 1, 180)
    return Trouble(
        eqrs_death=dates[0],
        form_death=dates[1],
        enrollment_death=np.where(known, dates[2], NEVER),
        ssa_death=dates[3],
        conflict=conflict,
        has_form=luck[3] >= figures["form_missing"],
        has_death_form=luck[6] < _FORM_DEATHS,
        acute_days=np.where(luck[4] < figures["acute_before"], rng.integers(30, 200, count), 0),
        travel_day=np.where(luck[7] < figures["travel"], rng.integers(100, 1500, count), 0),
        hospice_days=np.where(
            is_dead & (luck[5] < figures["hospice"] + 0.3 * lives.is_withdrawn), hospice, 0
        ).astype(np.int64),
    )
