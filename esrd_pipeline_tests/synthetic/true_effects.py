"""Estimates of facilities' true effects, counted from true trajectories before billing."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from esrd_pipeline.synthetic.nation.block import MarketHistory, Span, draw_history, draw_year
from esrd_pipeline.synthetic.nation.claims import MarketYear
from esrd_pipeline.synthetic.nation.episodes import Episodes
from esrd_pipeline.synthetic.nation.facilities import draw_nation, split_markets
from esrd_pipeline.synthetic.nation.figures import NEVER
from esrd_pipeline.synthetic.nation.people import IN_CENTER, PERITONEAL
from esrd_pipeline.synthetic.nation.status import ACCESS, Status
from esrd_pipeline.synthetic.nation.stays import GRAFT

FIRST_YEAR_DAYS = 365
WAITLIST_AGE = 75
TARGET = 1.2


@dataclass(slots=True)
class Counted:
    """One outcome of all facilities: true effects, events, and their denominators."""

    effect: list[float] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    base: list[float] = field(default_factory=list)

    def slope(self, *, is_share: bool) -> float:
        """Return the slope of log rates (log odds of shares) on the effect, weighted by size.

        Uses only the larger half of the facilities, and of these those with events.
        """
        effect, events, base = (np.array(x) for x in (self.effect, self.events, self.base))
        rest = base - events if is_share else base
        used = (events > 0) & (rest > 0) & (base > np.median(base))
        ratio = np.log(events[used] / rest[used])
        matrix = np.cov(effect[used], ratio, aweights=base[used])
        return float(matrix[0, 1] / matrix[0, 0])


def count_outcomes(facilities: int, span: Span) -> dict[str, Counted]:
    """Count every outcome of a nation by facility, all years together."""
    counted: dict[str, Counted] = defaultdict(Counted)
    for market in split_markets(draw_nation(facilities, span.seed)):
        history = draw_history(span, market)
        sums: dict[str, np.ndarray] = {}
        for year in span.years:
            for name, both in _count_year(span, history, year).items():
                sums[name] = sums.get(name, 0.0) + np.stack(both)
        for name, (events, base) in sums.items():
            outcome = counted[name]
            outcome.effect.extend(market.numbers(name.split(":")[0]).tolist())
            outcome.events.extend(events.tolist())
            outcome.base.extend(base.tolist())
    return counted


def _count_year(
    span: Span, history: MarketHistory, year: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    here, episodes, status = draw_year(span, history, year)
    return {
        **_count_months(here, episodes, status),
        **_count_stays(here),
        **_count_first_years(here),
    }


def _add(here: MarketYear, facility: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    return np.bincount(facility, weights=weight, minlength=len(here.market.facilities))


def _count_months(
    here: MarketYear, episodes: Episodes, status: Status
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    months, people, trajectories = here.months, here.people, here.trajectories
    place = months.facility
    years = _add(here, place, months.days / 365.25)
    last = np.full(len(people), -1)
    last[trajectories.patient] = np.arange(trajectories.patient.size)
    died = np.flatnonzero(
        (trajectories.death >= months.first_day) & (trajectories.death <= months.last_day)
    )
    died = died[trajectories.state[last[died]] == 0]
    transfused = _add(here, place[episodes.transfusion_cell])
    transfused = transfused + _add(here, here.stays.facility[episodes.transfused_stay])
    hemodialysis = months.modality != PERITONEAL
    fistula = hemodialysis & (status.access == ACCESS.index("AV Fistula Only"))
    catheter = hemodialysis & (status.access == ACCESS.index("Catheter Only"))
    measured = (months.modality == IN_CENTER) & ~np.isnan(status.ktv)
    young = people.age(months.first_day)[months.patient] < WAITLIST_AGE
    listed = (people.listed[months.patient] <= months.begin) & young
    listed &= people.removed[months.patient] > months.begin
    return {
        "mortality": (_add(here, trajectories.facility[last[died]]), years),
        "emergency": (_add(here, place[episodes.emergency_cell]), years),
        "transfusion": (transfused, years),
        "fistula": (_add(here, place[fistula]), _add(here, place[hemodialysis])),
        "catheter": (_add(here, place[catheter]), _add(here, place[hemodialysis])),
        "adequacy": (
            _add(here, place[measured & (status.ktv >= TARGET)]),
            _add(here, place[measured]),
        ),
        "waitlist:prevalent": (_add(here, place[listed]), _add(here, place[young])),
    }


def _count_stays(here: MarketYear) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    stays, months = here.stays, here.months
    usual = stays.kind != GRAFT
    admitted = usual & (stays.admit >= months.first_day) & (stays.admit <= months.last_day)
    index = np.flatnonzero(
        usual
        & ~stays.is_death
        & (stays.discharge >= months.first_day)
        & (stays.discharge <= months.last_day)
    )
    following = np.minimum(index + 1, stays.patient.size - 1)
    gap = stays.admit[following] - stays.discharge[index]
    same = (stays.patient[following] == stays.patient[index]) & (following > index)
    counts = ~(same & (gap <= 3))
    again = same & (gap > 3) & (gap <= 30) & usual[following]
    years = _add(here, months.facility, months.days / 365.25)
    readmitted = _add(here, stays.facility[index[again]]), _add(here, stays.facility[index[counts]])
    return {
        "hospitalisation": (_add(here, stays.facility[admitted]), years),
        "readmission": readmitted,
        "hospitalisation:readmitted": readmitted,
    }


def _count_first_years(
    here: MarketYear,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    months, people, trajectories = here.months, here.people, here.trajectories
    new = (people.start >= months.first_day) & (people.start <= months.last_day)
    new &= ~people.is_preemptive
    waits = np.flatnonzero(
        new & (people.age(people.start) < WAITLIST_AGE) & (people.listed >= people.start)
    )
    ends = np.minimum(people.listed, trajectories.death)[waits] - people.start[waits]
    listed = (people.listed[waits] <= trajectories.death[waits]) & (ends < FIRST_YEAR_DAYS)
    home = np.flatnonzero((trajectories.state == 0) & (trajectories.modality != IN_CENTER))
    home = home[trajectories.end[home] - trajectories.begin[home] >= 30]
    first = np.full(len(people), NEVER)
    np.minimum.at(first, trajectories.patient[home], trajectories.begin[home])
    centered = np.flatnonzero(new & (people.modality == IN_CENTER))
    switched = centered[first[centered] < people.start[centered] + FIRST_YEAR_DAYS]
    return {
        "waitlist": (
            _add(here, people.facility[waits[listed]]),
            _add(here, people.facility[waits], np.clip(ends, 0, FIRST_YEAR_DAYS) / 365.25),
        ),
        "modality_switch": (
            _add(here, people.facility[switched]),
            _add(here, people.facility[centered]),
        ),
    }
