"""Daily hazards of a patient on dialysis, constant within a step."""

import numpy as np

from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import NEVER, YEAR_DAYS, load_figures
from esrd_pipeline.synthetic.nation.people import IN_CENTER, People

DEATH, RECOVERY, TRANSFER, LOST, HOME_SWITCH, IN_CENTER_SWITCH = range(6)
EDGES = (90, 182, 364)
"""Days of ESRD at which a hazard changes; after the last one, a step is a year."""
_RESTLESS_DAYS = 25.0
_FAILING_DAYS = 9.0
"""Mean days on home dialysis of patients who return to a center."""
CLOSING_DAYS = 30
"""A facility accepts no patients in this many days before it closes."""
HARM_DAYS = 30
"""Days from a hurricane's on, in which there are more events."""
_COVID = (
    int(np.datetime64("2020-04-01").astype(int)),
    int(np.datetime64("2022-01-01").astype(int)),
)


def step_end(start: np.ndarray, now: np.ndarray, since: np.ndarray) -> np.ndarray:
    """Return the day until which the hazards of a patient of this vintage are constant.

    Args:
        start: first day of ESRD.
        now: the day.
        since: days since a hurricane's harm began (`harm_age`), shape of `now`.
    """
    vintage = now - start
    edges = np.array([*EDGES, *(EDGES[-1] + 365 * np.arange(1, 30))])
    change = np.where(since < 0, -since, np.where(since < HARM_DAYS, HARM_DAYS - since, NEVER))
    return np.minimum(start + edges[np.searchsorted(edges, vintage, side="right")], now + change)


def harm_age(market: Market, facility: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Return the days since a hurricane's harm began at each facility, negative before it.

    It begins the day before the hurricane: a hazard on a day is that of events from the next on.
    """
    return now - (market.numbers("storm_day")[facility] - 1)


def offers_home(market: Market, now: np.ndarray) -> np.ndarray:
    """Return days by facilities: whether a facility accepts home dialysis patients on a day."""
    is_open = market.numbers("opened")[None, :] <= now[:, None]
    is_open &= now[:, None] < (market.numbers("closed") - CLOSING_DAYS)[None, :]
    return is_open & (market.numbers("peritoneal_share") > 0)[None, :]


def hazards_of(
    market: Market,
    people: People,
    who: np.ndarray,
    *,
    now: np.ndarray,
    facility: np.ndarray,
    modality: np.ndarray,
    is_restless: np.ndarray,
    is_failing: np.ndarray,
) -> np.ndarray:
    """Return hazards per day, one row per kind of event in the order of the constants above.

    A patient whose facility has no home dialysis can switch to it by moving to another facility
    of the market that has.
    """
    figures = load_figures()
    vintage = now - people.start[who]
    first, half, year = EDGES
    aged = (now - people.start[who]) / (10 * YEAR_DAYS)
    score = (
        people.death_score[who]
        + figures["death_age_decade"] * aged
        + figures["death_male"] * people.is_male[who]
        + market.numbers("mortality")[facility]
        + np.log(figures["death_first_90_days"]) * (vintage < first)
        + np.log(figures["death_first_year"]) * ((vintage >= first) & (vintage < year))
        + np.log(figures["death_covid"]) * ((now >= _COVID[0]) & (now < _COVID[1]))
    )
    since = harm_age(market, facility, now)
    is_harmed = (since >= 0) & (since < HARM_DAYS) & (modality == IN_CENTER)
    harm = np.where(is_harmed, market.numbers("storm_harm")[facility], 1.0)
    recovery = np.where(
        vintage < half, figures["recovery_first_half_year"], figures["recovery_later"]
    )
    transfer = np.where(
        is_restless, YEAR_DAYS / _RESTLESS_DAYS, figures["transfer_per_year"] + 0.0 * vintage
    )
    switch = np.where(
        vintage < year, figures["home_switch_first_year"], figures["home_switch_later"]
    )
    age = (people.start[who] - people.birth[who]) / YEAR_DAYS
    decades = (age - figures["age_mean"]) / 10
    switch = switch * np.exp(
        figures["modality_switch_age_decade"] * decades
        + market.numbers("modality_switch")[facility]
    )
    is_home = modality != IN_CENTER
    back = np.where(is_failing, YEAR_DAYS / _FAILING_DAYS, figures["home_return"])
    hazards = np.stack(
        [
            figures["death_per_year"] * np.exp(score) * harm,
            recovery,
            transfer,
            np.full(who.size, figures["lost_per_year"]),
            switch * (offers_home(market, now).any(axis=1) & ~is_home),
            back * is_home,
        ]
    )
    return hazards / YEAR_DAYS
