"""Hospital stays: true rates in each cell, true readmission odds, deaths in hospital.

Stays form chains: a first stay at the cell's rate, and readmissions, each within 30 days of the one
before, at the true odds. No other stay begins within 30 days of a discharge, so that the odds are
those of any readmission. The rate of first stays is chosen so that all stays have the true rate.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from esrd_pipeline.synthetic.nation.coverage import MANAGED
from esrd_pipeline.synthetic.nation.events import Events
from esrd_pipeline.synthetic.nation.facilities import HOSPITALS_IN_MARKET, Market
from esrd_pipeline.synthetic.nation.figures import (
    YEAR_DAYS,
    load_conditions,
    load_figures,
)
from esrd_pipeline.synthetic.nation.hurricane_effects import draw_harm
from esrd_pipeline.synthetic.nation.months import Months
from esrd_pipeline.synthetic.nation.people import People
from esrd_pipeline.synthetic.nation.trajectories import Trajectories

USUAL, READMISSION, COVID, GRAFT = range(4)
INTERVALS = (183, 365, 730, 1095, 1826)
"""Days of ESRD at which the baseline changes (reading 21)."""
COVID_STAGES = (0, 30, 60, 180)
"""Days after the discharge at which the stages end (2.14.13)."""
READMISSION_DAYS = 30
_LONGEST = 60
_CHAIN = 12
_GAP_DAYS = 11.0
_MOST_BLOCKED = 0.75
"""Largest share of time in stays and in the days after them, beyond which no more stays fit."""
_YEARLY_CHAINS = 2**24
_TERMINAL_DAYS = 60


@dataclass(frozen=True, slots=True)
class Stays:
    """Stays sorted by patient and day; first and last days are inclusive.

    `hospital` is the index of the short stay hospital in the market, `chain` the number of a first
    stay and its readmissions, -1 for transplants and a hurricane's.
    """

    patient: np.ndarray
    facility: np.ndarray
    admit: np.ndarray
    discharge: np.ndarray
    kind: np.ndarray
    is_death: np.ndarray
    hospital: np.ndarray
    chain: np.ndarray

    def rows(self, chosen: np.ndarray) -> "Stays":
        """Return the stays that an index or a mask selects."""
        return Stays(
            self.patient[chosen],
            self.facility[chosen],
            self.admit[chosen],
            self.discharge[chosen],
            self.kind[chosen],
            self.is_death[chosen],
            self.hospital[chosen],
            self.chain[chosen],
        )


def score_admissions(market: Market, people: People, events: Events, months: Months) -> np.ndarray:
    """Return the true log rate of admission of every cell, without the patient's frailty."""
    figures, patient = load_figures(), months.patient
    middle = (months.begin + months.end) // 2
    decades = (people.age(months.first_day + 182)[patient] - 65) / 10
    conditions = load_conditions()
    has = people.onset < months.first_day
    lasting = people.box_score + has.astype(float) @ np.array([c.admission for c in conditions])
    lasting = lasting + _score_bmi(people.bmi)
    lasting = lasting + figures["admission_female"] * ~people.is_male
    lasting = lasting + figures["admission_diabetes_cause"] * people.is_diabetes_cause
    vintage = middle - people.start[patient]
    interval = np.searchsorted(INTERVALS, vintage, side="right")
    baseline = np.array([figures[f"admission_interval_{place}"] for place in range(1, 7)])
    homes = events.nursing_class(len(people), months.edges[:-1])[patient, months.month]
    nursing = np.array(
        [0.0, figures["admission_nursing_home_short"], figures["admission_nursing_home_long"]]
    )
    since = middle - (events.covid + events.covid_days)[patient]
    stage = np.searchsorted(COVID_STAGES, since, side="left")
    covid = np.array([0.0, *(figures[f"admission_covid_{number}"] for number in range(1, 4)), 0.0])
    return (
        lasting[patient]
        + figures["admission_age_decade"] * decades
        + figures["admission_age_decade_squared"] * decades**2
        + baseline[interval]
        + nursing[homes]
        + covid[stage]
        + figures["admission_ma"] * (months.cover == MANAGED)
        + market.numbers("hospitalisation")[months.facility]
    )


def draw_stays(
    market: Market,
    people: People,
    events: Events,
    months: Months,
    *,
    hospital_effect: np.ndarray,
    rng: np.random.Generator,
    more: np.random.Generator,
) -> Stays:
    """Draw the stays that begin in a year, not yet sorted and possibly overlapping.

    Args:
        market: the market with its true effects.
        people: the market's people.
        events: nursing homes and COVID-19.
        months: the year's cells.
        hospital_effect: effect of each hospital on readmissions after its discharges, log odds.
        rng: the original stream.
        more: the stream of later additions: hospitals, readmissions after COVID-19.
    """
    odds = _readmission_odds(market, people, months)
    count = rng.poisson(_first_rate(market, people, events, months) * months.days / YEAR_DAYS)
    usual = np.repeat(np.arange(count.size), count)
    when = months.begin[usual] + (rng.random(usual.size) * months.days[usual]).astype(np.int64)
    ill = events.covid[months.patient]
    covid = np.flatnonzero((ill >= months.begin) & (ill <= months.end))
    cell, admit = np.concatenate([usual, covid]), np.concatenate([when, ill[covid]])
    days = np.concatenate([_draw_days(usual.size, rng), events.covid_days[months.patient[covid]]])
    kind = np.repeat([USUAL, COVID], [usual.size, covid.size])
    chain = months.year * _YEARLY_CHAINS + np.arange(cell.size)
    parts = [(cell, admit, days, kind, _draw_hospitals(months.facility[cell], more), chain)]
    for _ in range(_CHAIN):
        cell, admit, days, _, hospital, chain = parts[-1]
        luck = more.random((2, cell.size))
        again = luck[0] < _share(odds[cell] + hospital_effect[hospital])
        gap = 1 - _GAP_DAYS * np.log1p(-luck[1] * (1 - np.exp(-READMISSION_DAYS / _GAP_DAYS)))
        admit = admit + days + np.minimum(gap, READMISSION_DAYS).astype(np.int64)
        again &= admit <= months.segment_end[cell]
        cell, admit, chain = cell[again], admit[again], chain[again]
        if not cell.size:
            break
        days, kind = _draw_days(cell.size, more), np.full(cell.size, READMISSION)
        hospital = _draw_hospitals(months.facility[cell], more)
        parts.append((cell, admit, days, kind, hospital, chain))
    cell, admit, days, kind, hospital, chain = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Stays(
        months.patient[cell],
        months.facility[cell],
        admit,
        np.minimum(admit + days, months.segment_end[cell] + days),
        kind,
        np.zeros(cell.size, dtype=bool),
        hospital,
        chain,
    )


def draw_harmed_stays(
    market: Market, people: People, events: Events, months: Months, rng: np.random.Generator
) -> Stays:
    """Draw the stays of a year that a hurricane adds; none without one."""
    cell, admit = draw_harm(market, months, _true_rate(market, people, events, months), rng)
    return Stays(
        months.patient[cell],
        months.facility[cell],
        admit,
        admit + _draw_days(cell.size, rng),
        np.full(cell.size, USUAL),
        np.zeros(cell.size, dtype=bool),
        _draw_hospitals(months.facility[cell], rng),
        np.full(cell.size, -1),
    )


def settle_stays(
    parts: list[Stays],
    harmed: list[Stays],
    people: People,
    trajectories: Trajectories,
    rng: np.random.Generator,
) -> Stays:
    """Sort stays, remove overlaps, end them by the death, and let some last until it.

    `harmed` are those of hurricanes, which begin within 30 days of others, too.
    """
    stays = _sort(_stack(parts))
    stays = _sort(_stack([stays.rows(_keep_chains(stays, len(people))), *harmed]))
    days = stays.discharge - stays.admit
    # Each stay begins after the one before has ended: after subtracting the lengths of earlier
    # stays, that is a running maximum within the patient.
    before = np.cumsum(days + 1) - (days + 1)
    lane = stays.patient.astype(np.int64) * 2**40
    admit = stays.admit
    admit = np.maximum.accumulate(lane + admit - before) - lane + before if days.size else admit
    death = trajectories.death[stays.patient]
    moved = replace(stays, admit=admit, discharge=np.minimum(admit + days, death))
    kept = (admit <= death) & ~_is_grafted(stays.patient, admit, trajectories)
    return _end_trajectories(moved.rows(kept), people, trajectories, rng)


def _keep_chains(stays: Stays, count: int) -> np.ndarray:
    """Return which stays are kept: no chain begins within 30 days of another's discharges.

    Processes the first chains of all patients together, then the second ones, and so on. A first
    stay with COVID-19 is always kept.
    """
    if not stays.chain.size:
        return np.zeros(0, dtype=bool)
    _, first, chain = np.unique(stays.chain, return_index=True, return_inverse=True)
    last = np.zeros(first.size, dtype=np.int64)
    np.maximum.at(last, chain, stays.discharge)
    order = np.argsort(first)
    owner, begin = stays.patient[first][order], stays.admit[first][order]
    end, covid = last[order] + READMISSION_DAYS, (stays.kind[first] == COVID)[order]
    new = np.flatnonzero(np.diff(owner, prepend=-1))
    rank = np.arange(owner.size) - np.repeat(new, np.diff(new, append=owner.size))
    by_rank = np.argsort(rank, kind="stable")
    edges = np.searchsorted(rank[by_rank], np.arange(rank.max() + 2))
    reach, kept = np.zeros(count, dtype=np.int64), np.zeros(first.size, dtype=bool)
    for place in range(rank.max() + 1):
        mine = by_rank[edges[place] : edges[place + 1]]
        free = (begin[mine] > reach[owner[mine]]) | covid[mine]
        kept[mine] = free
        reach[owner[mine[free]]] = np.maximum(reach[owner[mine[free]]], end[mine[free]])
    is_kept = np.zeros(first.size, dtype=bool)
    is_kept[order] = kept
    return is_kept[chain]


def _sort(stays: Stays) -> Stays:
    return stays.rows(np.lexsort((stays.discharge, stays.admit, stays.patient)))


def _stack(parts: list[Stays]) -> Stays:
    return Stays(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Stays))
    )


def add_grafts(stays: Stays, trajectories: Trajectories, *, first: int, last: int) -> Stays:
    """Add the stay of every transplant from the first to the last day."""
    rows = np.flatnonzero(
        (trajectories.state == 1) & (trajectories.begin >= first) & (trajectories.begin <= last)
    )
    patient, admit = trajectories.patient[rows], trajectories.begin[rows]
    grafts = Stays(
        patient,
        trajectories.facility[rows],
        admit,
        np.minimum(admit + 4 + patient % 4, trajectories.death[patient]),
        np.full(rows.size, GRAFT),
        np.zeros(rows.size, dtype=bool),
        np.zeros(rows.size, dtype=np.int64),
        np.full(rows.size, -1),
    )
    both = _stack([stays, grafts])
    return _sort(both)


def _end_trajectories(
    stays: Stays, people: People, trajectories: Trajectories, rng: np.random.Generator
) -> Stays:
    """Extend some stays that begin shortly before the patient's death until the death."""
    death = trajectories.death[stays.patient]
    is_last = np.ones(stays.patient.size, dtype=bool)
    is_last[:-1] = stays.patient[1:] != stays.patient[:-1]
    luck = rng.random(len(people))[stays.patient]
    ends = is_last & (death - stays.admit <= _TERMINAL_DAYS)
    ends &= (luck < load_figures()["death_in_hospital"]) & ~trajectories.is_withdrawn[stays.patient]
    days = stays.discharge - stays.admit
    admit = np.where(ends, np.maximum(stays.admit, death - days), stays.admit)
    discharge = np.where(ends, death, stays.discharge)
    return replace(stays, admit=admit, discharge=discharge, is_death=discharge >= death)


def _is_grafted(patient: np.ndarray, day: np.ndarray, trajectories: Trajectories) -> np.ndarray:
    """Return which patients have a working graft, or soon receive one, on a day."""
    rows = np.flatnonzero(trajectories.state == 1)
    if not rows.size:
        return np.zeros(patient.size, dtype=bool)
    lane = 2**40
    begins = trajectories.patient[rows].astype(np.int64) * lane + trajectories.begin[rows] - 4
    place = np.searchsorted(begins, patient.astype(np.int64) * lane + day, side="right") - 1
    row = rows[np.maximum(place, 0)]
    return (place >= 0) & (trajectories.patient[row] == patient) & (day < trajectories.end[row])


def _first_rate(market: Market, people: People, events: Events, months: Months) -> np.ndarray:
    """Return the yearly rate of first stays at which all stays have the true rate.

    The time between the first stays of two chains includes, for each stay, its days and the days
    after it: until the readmission, or 30.
    """
    figures = load_figures()
    rate = _true_rate(market, people, events, months)
    share = _share(_readmission_odds(market, people, months))
    stay = figures["stay_median_days"] * np.exp(figures["stay_log_sd"] ** 2 / 2)
    blocked = stay + share * _GAP_DAYS + (1 - share) * READMISSION_DAYS
    free = 1 - np.minimum(rate * blocked / YEAR_DAYS, _MOST_BLOCKED)
    return rate * (1 - share) / free


def _true_rate(market: Market, people: People, events: Events, months: Months) -> np.ndarray:
    """Return the true yearly rate of all stays of every cell."""
    score = score_admissions(market, people, events, months)
    base = load_figures()["admission_per_year"]
    return base * np.exp(score) * people.frailty[months.patient]


def _draw_hospitals(facility: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the hospital of each stay: for three in four the one nearest to the facility."""
    return (facility + (rng.random(facility.size) < 1 / 4)) % HOSPITALS_IN_MARKET


def _readmission_odds(market: Market, people: People, months: Months) -> np.ndarray:
    figures, patient = load_figures(), months.patient
    share = figures["readmission_share"]
    decades = (people.age(months.first_day)[patient] - 65) / 10
    return (
        np.log(share / (1 - share))
        + market.numbers("readmission")[months.facility]
        + figures["readmission_age_decade"] * decades
        + figures["readmission_female"] * ~people.is_male[patient]
        + figures["readmission_diabetes_cause"] * people.is_diabetes_cause[patient]
    )


def _share(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))


def _score_bmi(bmi: np.ndarray) -> np.ndarray:
    figures = load_figures()
    scores = np.array(
        [
            figures["admission_bmi_under_18"],
            figures["admission_bmi_18_to_25"],
            figures["admission_bmi_25_to_30"],
            0.0,
        ]
    )
    return scores[np.searchsorted([18.5, 25, 30], bmi, side="right")]


def _draw_days(count: int, rng: np.random.Generator) -> np.ndarray:
    figures = load_figures()
    days = rng.lognormal(np.log(figures["stay_median_days"]), figures["stay_log_sd"], count)
    return np.clip(days.round(), 1, _LONGEST).astype(np.int64)
