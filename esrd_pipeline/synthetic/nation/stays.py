"""Hospital stays: planted rates in each cell, triggered readmissions, deaths in hospital.

Claims made of the stays do not belong here.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.coverage import MANAGED
from esrd_pipeline.synthetic.nation.events import Events
from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import (
    YEAR_DAYS,
    load_conditions,
    load_figures,
)
from esrd_pipeline.synthetic.nation.lives import Lives
from esrd_pipeline.synthetic.nation.months import Months
from esrd_pipeline.synthetic.nation.people import People

USUAL, READMISSION, COVID, GRAFT = range(4)
INTERVALS = (183, 365, 730, 1095, 1826)
"""Days of ESRD at which the baseline changes (reading 21)."""
COVID_STAGES = (0, 30, 60, 180)
"""Days after the discharge at which the stages end (2.14.13)."""
_LONGEST = 60
_CHAIN = 6
_TERMINAL_DAYS = 60


@dataclass(frozen=True, slots=True)
class Stays:
    """Stays in order of patient and day; first and last days are inclusive."""

    patient: np.ndarray
    facility: np.ndarray
    admit: np.ndarray
    discharge: np.ndarray
    kind: np.ndarray
    is_death: np.ndarray

    def rows(self, chosen: np.ndarray) -> "Stays":
        """Return the stays an index or a mask names."""
        return Stays(
            self.patient[chosen],
            self.facility[chosen],
            self.admit[chosen],
            self.discharge[chosen],
            self.kind[chosen],
            self.is_death[chosen],
        )


def score_admissions(market: Market, people: People, events: Events, months: Months) -> np.ndarray:
    """Return the planted log rate of admission of every cell, without the patient's frailty."""
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
    market: Market, people: People, events: Events, months: Months, rng: np.random.Generator
) -> Stays:
    """Draw the stays that begin in a year, not yet in order and possibly overlapping."""
    figures = load_figures()
    score = score_admissions(market, people, events, months)
    rate = figures["admission_per_year"] * np.exp(score) * people.frailty[months.patient]
    share = _readmission_share(market, people, months)
    count = rng.poisson(rate * (1 - share) * months.days / YEAR_DAYS)
    cell = np.repeat(np.arange(count.size), count)
    admit = months.begin[cell] + (rng.random(cell.size) * months.days[cell]).astype(np.int64)
    parts = [(cell, admit, _draw_days(cell.size, rng), np.full(cell.size, USUAL))]
    for _ in range(_CHAIN):
        cell, admit, days, _ = parts[-1]
        again = rng.random(cell.size) < share[cell]
        cell = cell[again]
        gap = 1 + rng.exponential(11, cell.size).astype(np.int64) % 29
        admit = admit[again] + days[again] + gap
        alive = admit <= months.run_end[cell]
        cell, admit = cell[alive], admit[alive]
        if not cell.size:
            break
        parts.append((cell, admit, _draw_days(cell.size, rng), np.full(cell.size, READMISSION)))
    ill = events.covid[months.patient]
    covid = np.flatnonzero((ill >= months.begin) & (ill <= months.end))
    parts.append(
        (covid, ill[covid], events.covid_days[months.patient[covid]], np.full(covid.size, COVID))
    )
    cell, admit, days, kind = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Stays(
        months.patient[cell],
        months.facility[cell],
        admit,
        np.minimum(admit + days, months.run_end[cell] + days),
        kind,
        np.zeros(cell.size, dtype=bool),
    )


def settle_stays(
    parts: list[Stays], people: People, lives: Lives, rng: np.random.Generator
) -> Stays:
    """Put stays in order, so that none overlaps, none outlives the patient, and some are last."""
    columns = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("patient", "facility", "admit", "discharge", "kind")
    ]
    order = np.lexsort((columns[3], columns[2], columns[0]))
    patient, facility, admit, discharge, kind = (column[order] for column in columns)
    days = discharge - admit
    # Each stay begins after the one before has ended: in coordinates from which the earlier stays'
    # lengths are taken away, that is a running maximum within the patient.
    before = np.cumsum(days + 1) - (days + 1)
    lane = patient.astype(np.int64) * 2**40
    admit = np.maximum.accumulate(lane + admit - before) - lane + before if days.size else admit
    death = lives.death[patient]
    kept = admit <= death
    kept &= ~_is_grafted(patient, admit, lives)
    stays = Stays(
        patient, facility, admit, np.minimum(admit + days, death), kind, np.zeros(days.size, bool)
    ).rows(kept)
    return _end_lives(stays, people, lives, rng)


def add_grafts(stays: Stays, lives: Lives, *, first: int, last: int) -> Stays:
    """Add the stay of every transplant from the first to the last day."""
    rows = np.flatnonzero((lives.state == 1) & (lives.begin >= first) & (lives.begin <= last))
    patient, admit = lives.patient[rows], lives.begin[rows]
    grafts = Stays(
        patient,
        lives.facility[rows],
        admit,
        np.minimum(admit + 4 + patient % 4, lives.death[patient]),
        np.full(rows.size, GRAFT),
        np.zeros(rows.size, dtype=bool),
    )
    both = Stays(
        *(
            np.concatenate([getattr(stays, name), getattr(grafts, name)])
            for name in ("patient", "facility", "admit", "discharge", "kind", "is_death")
        )
    )
    return both.rows(np.lexsort((both.discharge, both.admit, both.patient)))


def _end_lives(stays: Stays, people: People, lives: Lives, rng: np.random.Generator) -> Stays:
    """Let some of those admitted shortly before their death stay until it."""
    death = lives.death[stays.patient]
    is_last = np.ones(stays.patient.size, dtype=bool)
    is_last[:-1] = stays.patient[1:] != stays.patient[:-1]
    luck = rng.random(len(people))[stays.patient]
    ends = is_last & (death - stays.admit <= _TERMINAL_DAYS)
    ends &= (luck < load_figures()["death_in_hospital"]) & ~lives.is_withdrawn[stays.patient]
    days = stays.discharge - stays.admit
    admit = np.where(ends, np.maximum(stays.admit, death - days), stays.admit)
    discharge = np.where(ends, death, stays.discharge)
    return Stays(stays.patient, stays.facility, admit, discharge, stays.kind, discharge >= death)


def _is_grafted(patient: np.ndarray, day: np.ndarray, lives: Lives) -> np.ndarray:
    """Return which patients have a working graft, or are about to receive one, on a day."""
    rows = np.flatnonzero(lives.state == 1)
    if not rows.size:
        return np.zeros(patient.size, dtype=bool)
    lane = 2**40
    begins = lives.patient[rows].astype(np.int64) * lane + lives.begin[rows] - 4
    place = np.searchsorted(begins, patient.astype(np.int64) * lane + day, side="right") - 1
    row = rows[np.maximum(place, 0)]
    return (place >= 0) & (lives.patient[row] == patient) & (day < lives.end[row])


def _readmission_share(market: Market, people: People, months: Months) -> np.ndarray:
    figures, patient = load_figures(), months.patient
    share = figures["readmission_share"]
    decades = (people.age(months.first_day)[patient] - 65) / 10
    odds = (
        np.log(share / (1 - share))
        + market.numbers("readmission")[months.facility]
        + figures["readmission_age_decade"] * decades
        + figures["readmission_female"] * ~people.is_male[patient]
        + figures["readmission_diabetes_cause"] * people.is_diabetes_cause[patient]
    )
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
