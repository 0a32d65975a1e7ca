"""A market's patients on their first day of ESRD: demographics, conditions and waitlist status."""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.columns import Codes
from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import NEVER, YEAR_DAYS, load_conditions, load_figures
from esrd_pipeline.synthetic.nation.listing import Need, list_days

IN_CENTER, PERITONEAL, HOME = 0, 1, 2
MODALITIES = Codes(("in center", "peritoneal", "home hemodialysis"))
_SELDOM, _SELDOM_OF = 3, 20
"""This many of 20 patients on home hemodialysis have three sessions a week, the others five."""
PATIENT_NUMBERS = 100_000
"""Patient numbers reserved for each market."""
CAUSES = ("E1122", "E1022", "E1121", "I120", "I129", "N059", "N032", "Q612", "N19", "N179", "C649")
_SOUTH = frozenset({"01", "04", "09", "11", "19", "21", "25", "34", "42", "44", "49"})
"""States (CCN prefixes) with a larger share of black patients."""
_WEST = frozenset({"05", "12", "38", "50"})
"""States with a larger share of Asian patients."""
_USUAL_TURN = 2
_YOUNG = 35
_LATEST_LISTING = 1.6
"""Decades above the mean age from which on patients are never listed."""
_DIABETES_CAUSES = 3
_DIABETES_SHARES = (0.8, 0.07, 0.13)
RACE_NAMES = ("white", "black", "asian", "native", "pacific")
"""Races in the order of their codes."""
_OTHER_SHARES = (0.38, 0.14, 0.12, 0.08, 0.05, 0.09, 0.1, 0.04)


@dataclass(frozen=True, slots=True)
class People:
    """Columns of a market's patients, sorted by `patient_id`.

    Days are days since 1970-01-01. `onset` holds the day on which each patient acquires each
    condition, `has_at_start` the conditions that CMS-2728 can report. `listed` to `removed` is the
    time on the waitlist.
    """

    patient_id: np.ndarray
    facility: np.ndarray
    modality: np.ndarray
    start: np.ndarray
    birth: np.ndarray
    is_male: np.ndarray
    race: np.ndarray
    is_hispanic: np.ndarray
    cause: np.ndarray
    is_diabetes_cause: np.ndarray
    height: np.ndarray
    weight: np.ndarray
    onset: np.ndarray
    has_at_start: np.ndarray
    frailty: np.ndarray
    listed: np.ndarray
    removed: np.ndarray
    need: Need
    is_preemptive: np.ndarray
    box_score: np.ndarray
    death_score: np.ndarray

    def __len__(self) -> int:
        """Return the number of patients."""
        return len(self.patient_id)

    @property
    def bmi(self) -> np.ndarray:
        """Body mass index at incidence."""
        return self.weight / (self.height / 100) ** 2

    def age(self, day: np.ndarray | int) -> np.ndarray:
        """Age in years on a day."""
        return (day - self.birth) / YEAR_DAYS


def draw_people(market: Market, rng: np.random.Generator, more: np.random.Generator) -> People:
    """Draw all patients whose ESRD begins in the market, in all years.

    Args:
        market: the patients' market.
        rng: the original stream.
        more: the stream of later additions: conditions of other turns, early listings, home
            dialysis of institutionalised patients.
    """
    figures = load_figures()
    facility, start = _draw_incidence(market, rng)
    count = len(start)
    home_share = np.minimum(figures["home_share"] * market.numbers("peritoneal_share"), 1)
    home = rng.random(count) < home_share[facility]
    is_peritoneal = rng.random(count) < figures["home_peritoneal"]
    age = np.clip(rng.normal(figures["age_mean"], figures["age_sd"], count), 18, 97)
    is_child = rng.random(count) < figures["share_children"]
    age = np.where(is_child, rng.uniform(1, 18, count), age)
    decades = (age - figures["age_mean"]) / 10
    diabetes_odds = _odds(figures["share_diabetes_cause"]) - np.where(age < _YOUNG, 1.8, 0.0) + 0.12
    is_diabetes = rng.random(count) < _share(diabetes_odds)
    has, onset = _draw_conditions(decades, is_diabetes, start, rng=rng, more=more)
    height = np.round(np.clip(rng.normal(168, 10, count), 80, 205))
    bmi = np.clip(rng.normal(figures["bmi_mean"], figures["bmi_sd"], count), 14.5, 62)
    need = _draw_need(decades, rng)
    variance = figures["frailty_variance"]
    frailty = rng.gamma(1 / variance, variance, count)
    conditions = load_conditions()
    death = has.astype(float) @ np.array([condition.death for condition in conditions])
    is_male = rng.random(count) < figures["share_male"]
    race = rng.choice(len(RACE_NAMES), count, p=_race_shares(market))
    listed, removed = _list_first(market, facility, need, start, more)
    home = np.where(home, np.where(is_peritoneal, PERITONEAL, HOME), IN_CENTER)
    log_frailty = np.clip(np.log(frailty), -2.5, 2.5)
    return People(
        patient_id=(market.number + 1) * PATIENT_NUMBERS + 1 + np.arange(count),
        facility=facility,
        modality=_treat_in_homes(market, facility, home, has, more),
        start=start,
        birth=(start - age * YEAR_DAYS).astype(np.int32),
        is_male=is_male,
        race=race,
        is_hispanic=rng.random(count) < figures["share_hispanic"],
        cause=np.where(
            is_diabetes,
            rng.choice(_DIABETES_CAUSES, count, p=_DIABETES_SHARES),
            _DIABETES_CAUSES + rng.choice(len(_OTHER_SHARES), count, p=_OTHER_SHARES),
        ),
        is_diabetes_cause=is_diabetes,
        height=height,
        weight=np.round(bmi * (height / 100) ** 2, 1),
        onset=onset,
        has_at_start=has,
        frailty=frailty,
        listed=listed,
        removed=removed,
        need=need,
        is_preemptive=rng.random(count) < figures["share_preemptive"],
        box_score=has.astype(float) @ np.array([c.box_effect for c in conditions]),
        death_score=(
            figures["death_age_decade"] * decades
            + figures["death_log_frailty"] * log_frailty
            + figures["death_diabetes_cause"] * is_diabetes
            + np.array([figures[f"death_race_{name}"] for name in RACE_NAMES])[race]
            + death
        ),
    )


def _draw_incidence(market: Market, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw facility and first day of all patients, sorted by facility and time."""
    figures = load_figures()
    first, last = (int(figures[name]) for name in ("first_incidence_year", "last_year"))
    begin = int(np.datetime64(f"{first}-01-01").astype(int))
    days = int(np.datetime64(f"{last + 1}-01-01").astype(int)) - begin
    mean = market.numbers("size") * figures["size_to_incidence"] * days / YEAR_DAYS
    counts = rng.poisson(mean)
    facility = np.repeat(np.arange(len(counts)), counts)
    start = begin + rng.integers(0, days, len(facility))
    is_open = (start >= market.numbers("opened")[facility]) & (
        start < market.numbers("closed")[facility] - 30
    )
    facility, start = facility[is_open], start[is_open].astype(np.int32)
    order = np.lexsort((start, facility))
    return facility[order], start[order]


def _race_shares(market: Market) -> np.ndarray:
    """Return the shares of races in the market's state, which differ from the nation's in some."""
    figures = load_figures()
    share = np.array([figures[f"share_race_{name}"] for name in RACE_NAMES])
    if market.prefix in _SOUTH:
        share[RACE_NAMES.index("black")] = figures["share_race_black_south"]
    if market.prefix in _WEST:
        share[RACE_NAMES.index("asian")] = figures["share_race_asian_west"]
    return share / share.sum()


def _draw_conditions(
    decades: np.ndarray,
    is_diabetes: np.ndarray,
    start: np.ndarray,
    *,
    rng: np.random.Generator,
    more: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw which conditions each patient has at the start, and when the others begin."""
    conditions = load_conditions()
    count = len(start)
    has = np.zeros((count, len(conditions)), dtype=bool)
    onset = np.full((count, len(conditions)), NEVER, dtype=np.int32)
    for place, condition in enumerate(conditions):
        source = rng if condition.turn == _USUAL_TURN else more
        odds = _odds(condition.prevalence) + condition.age_decade * decades
        odds = odds + condition.diabetes * (is_diabetes - 0.45 * (condition.diabetes < 1))
        has[:, place] = source.random(count) < _share(odds)
        if condition.name == "diabetes":
            has[:, place] |= is_diabetes
        wait = source.exponential(YEAR_DAYS, count) / max(condition.onset, 1e-6)
        later = np.minimum(start + wait, NEVER).astype(np.int32)
        onset[:, place] = np.where(has[:, place], start - 1, later)
    return has, onset


def _treat_in_homes(
    market: Market,
    facility: np.ndarray,
    modality: np.ndarray,
    has: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Start some institutionalised patients on hemodialysis in their nursing home."""
    names = [condition.name for condition in load_conditions()]
    lives_there = has[:, names.index("institutionalised")]
    offers = market.numbers("peritoneal_share")[facility] > 0
    share = load_figures()["home_in_nursing_home"]
    begins = lives_there & offers & (rng.random(modality.size) < share)
    return np.where(begins, HOME, modality)


def _list_first(
    market: Market,
    facility: np.ndarray,
    need: Need,
    start: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """List all patients as if they never move, and some before dialysis (2.15.9, preemptive)."""
    luck, before = rng.random(start.size), rng.exponential(YEAR_DAYS, start.size)
    is_early = (luck < load_figures()["listing_early"]) & need.can
    need.can &= ~is_early
    effect = market.numbers("waitlist")[facility]
    listed, removed = list_days(need, np.arange(start.size), effect, start)
    day = (start - 1 - np.minimum(before, 5 * YEAR_DAYS)).astype(np.int32)
    off = np.minimum(start + YEAR_DAYS + need.stay, NEVER).astype(np.int32)
    return np.where(is_early, day, listed), np.where(is_early, off, removed)


def _draw_need(decades: np.ndarray, rng: np.random.Generator) -> Need:
    """Draw each patient's hazard until listing, and the days until removal."""
    figures, count = load_figures(), decades.size
    hazard = figures["listing_hazard"] * np.exp(figures["listing_age_decade"] * decades)
    return Need(
        left=rng.exponential(1.0, count) / hazard,
        since=np.zeros(count),
        stay=rng.exponential(YEAR_DAYS / figures["listing_removal"], count),
        can=decades < _LATEST_LISTING,
    )


def _odds(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _share(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))


def is_frequent(people: People, patient: np.ndarray, modality: np.ndarray) -> np.ndarray:
    """Return who has more than three sessions a week: most patients on home hemodialysis."""
    return (modality == HOME) & (people.patient_id[patient] % _SELDOM_OF >= _SELDOM)
