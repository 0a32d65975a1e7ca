"""Transfusions and emergency visits of a year, at known true rates."""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.claims import MarketYear
from esrd_pipeline.synthetic.nation.figures import YEAR_DAYS, load_conditions, load_figures
from esrd_pipeline.synthetic.nation.hurricane_effects import draw_harm


@dataclass(frozen=True, slots=True)
class Episodes:
    """Events outside hospital stays, and the stays with a transfusion.

    `transfused_stay` indexes the year's stays; cells index the year's months.
    """

    transfused_stay: np.ndarray
    transfusion_cell: np.ndarray
    transfusion_day: np.ndarray
    emergency_cell: np.ndarray
    emergency_day: np.ndarray


def draw_episodes(here: MarketYear, rng: np.random.Generator) -> Episodes:
    """Draw the year's transfusions and emergency visits."""
    cell, day = _draw_cells(here, _transfusion_rate(here), rng)
    stay = _choose_stays(here, cell, rng)
    first = np.unique(stay, return_index=True)[1]
    is_inside = np.zeros(cell.size, dtype=bool)
    is_inside[first] = True
    is_inside &= stay >= 0
    rate = _emergency_rate(here)
    visits, when = _draw_cells(here, rate, rng)
    further, later = draw_harm(here.market, here.months, rate, rng)
    return Episodes(
        stay[is_inside],
        cell[~is_inside],
        day[~is_inside],
        np.concatenate([visits, further]),
        np.concatenate([when, later]),
    )


def _draw_cells(
    here: MarketYear, rate: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    days = here.months.days
    count = rng.poisson(rate * days / YEAR_DAYS)
    cell = np.repeat(np.arange(count.size), count)
    return cell, here.months.begin[cell] + (rng.random(cell.size) * days[cell]).astype(np.int64)


def _choose_stays(here: MarketYear, cell: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a stay of the patient that ends in the year for each transfusion, or -1."""
    stays = here.stays
    mine = np.flatnonzero(
        (stays.discharge >= here.months.first_day) & (stays.discharge <= here.months.last_day)
    )
    owner = stays.patient[mine]
    patient = here.months.patient[cell]
    low = np.searchsorted(owner, patient, side="left")
    many = np.searchsorted(owner, patient, side="right") - low
    luck = rng.random((2, cell.size))
    chosen = low + (luck[0] * many).astype(np.int64)
    is_inside = (many > 0) & (luck[1] < load_figures()["transfusion_in_hospital"])
    if not mine.size:
        return np.full(cell.size, -1)
    return np.where(is_inside, mine[np.minimum(chosen, mine.size - 1)], -1)


def _transfusion_rate(here: MarketYear) -> np.ndarray:
    figures, people, months = load_figures(), here.people, here.months
    cancer = [condition.name for condition in load_conditions()].index("cancer")
    decades = (people.age(months.first_day + 182) - 65) / 10
    score = figures["transfusion_age_decade"] * decades + figures["transfusion_cancer"] * (
        people.onset[:, cancer] < months.first_day
    )
    effect = here.market.numbers("transfusion")[months.facility]
    return figures["transfusion_per_year"] * np.exp(score[months.patient] + effect)


def _emergency_rate(here: MarketYear) -> np.ndarray:
    figures, people, months = load_figures(), here.people, here.months
    decades = (people.age(months.first_day + 182) - 65) / 10
    score = (
        figures["emergency_age_decade"] * decades
        + figures["emergency_female"] * ~people.is_male
        + figures["emergency_log_frailty"] * np.log(np.maximum(people.frailty, 0.02))
    )
    effect = here.market.numbers("emergency")[months.facility]
    return figures["emergency_per_year"] * np.exp(score[months.patient] + effect)
