"""Trajectories of a market's patients: treatment, transfers, transplants, death.

Patients are followed in steps within which the hazards are constant.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.course import Course
from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import NEVER, YEAR_DAYS, load_figures
from esrd_pipeline.synthetic.nation.listing import follow_move, list_days
from esrd_pipeline.synthetic.nation.people import IN_CENTER, People
from esrd_pipeline.synthetic.nation.rates import (
    CLOSING_DAYS,
    DEATH,
    HOME_SWITCH,
    IN_CENTER_SWITCH,
    LOST,
    RECOVERY,
    TRANSFER,
    harm_age,
    hazards_of,
    offers_home,
    step_end,
)

DIALYSIS, TRANSPLANT, RECOVERED, GONE = 0, 1, 2, 3
ADMITTED = {
    "New ESRD Patient": 0,
    "Transfer In": 1,
    "Restart": 2,
    "Dialysis After Transplant Failed": 3,
}
DISCHARGED = {
    "Transfer Out": 0,
    "Death": 1,
    "Transplant": 2,
    "Recover Function": 3,
    "Lost to Follow Up": 4,
    "Discontinue": 5,
}
CONTINUED = -1
"""The reason of a spell that continues with another modality at the same facility."""
_MOST_STEPS = 2000


@dataclass(frozen=True, slots=True)
class Trajectories:
    """Spells sorted by patient and day, deaths and transplants.

    A spell has its first day and the day after its last (`NEVER` if it is open at the end of all
    years); `admitted` and `discharged` are the reasons, `CONTINUED` within a facility.
    """

    patient: np.ndarray
    state: np.ndarray
    facility: np.ndarray
    modality: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    admitted: np.ndarray
    discharged: np.ndarray
    death: np.ndarray
    is_withdrawn: np.ndarray

    @property
    def on_dialysis(self) -> np.ndarray:
        """Return the rows of dialysis spells."""
        return np.flatnonzero(self.state == DIALYSIS)


def draw_trajectories(
    market: Market, people: People, rng: np.random.Generator, more: np.random.Generator
) -> Trajectories:
    """Draw the trajectories of a market's patients until the end of the last year.

    Args:
        market: the patients' market.
        people: the patients; a transplant ends their time on the waitlist.
        rng: the original stream.
        more: the stream of later additions: home dialysis of less than a month.
    """
    last = int(load_figures()["last_year"])
    count = len(people)
    course = Course(
        market=market,
        people=people,
        rng=rng,
        more=more,
        horizon=int(np.datetime64(f"{last + 1}-01-01").astype(int)),
        now=people.start.astype(np.int64),
        facility=people.facility.copy(),
        modality=people.modality.copy(),
        begin=people.start.astype(np.int64),
        reason=np.full(count, ADMITTED["New ESRD Patient"]),
        is_restless=np.zeros(count, dtype=bool),
        is_failing=np.zeros(count, dtype=bool),
        death=np.full(count, NEVER, dtype=np.int64),
        is_withdrawn=np.zeros(count, dtype=bool),
    )
    first = np.flatnonzero(people.is_preemptive)
    _receive_graft(course, first, course.now[first])
    for _ in range(_MOST_STEPS):
        active = np.flatnonzero(course.now < course.horizon)
        if not active.size:
            return _settle(course)
        _step(course, active)
    raise RuntimeError(f"trajectories of market {market.number} do not end")


def _step(course: Course, who: np.ndarray) -> None:
    """Advance all patients on dialysis to the next event or the end of the step."""
    rng, now, people = course.rng, course.now[who], course.people
    hazards = hazards_of(
        course.market,
        people,
        who,
        now=now,
        facility=course.facility[who],
        modality=course.modality[who],
        is_restless=course.is_restless[who],
        is_failing=course.is_failing[who],
    )
    figures = load_figures()
    total = hazards.sum(axis=0)
    draws = rng.random((2, who.size))
    event = now + np.ceil(rng.exponential(1.0, who.size) / total).astype(np.int64)
    kind = (np.cumsum(hazards, axis=0) / total < draws[0]).sum(axis=0)
    listed = np.maximum(now, people.listed[who])
    graft = listed + rng.exponential(YEAR_DAYS / figures["transplant_deceased"], who.size)
    graft = np.where(graft < people.removed[who], graft, NEVER)
    living = now + rng.exponential(YEAR_DAYS / figures["transplant_living"], who.size)
    is_young = people.age(course.now.clip(0, course.horizon))[who] < 70  # noqa: PLR2004 - a figure
    graft = np.minimum(graft, np.where(is_young, living, NEVER)).astype(np.int64) + 1
    closing = course.market.numbers("closed")[course.facility[who]]
    since = harm_age(course.market, course.facility[who], now)
    edge = np.minimum(step_end(people.start[who], now, since), course.horizon)
    until = np.minimum(np.minimum(event, graft), np.minimum(edge, closing))
    course.now[who] = until
    happens = until < course.horizon
    is_graft = happens & (until == graft)
    # When a facility closes, its patients move on that day, before any later event.
    is_event = happens & (until == event) & ~is_graft & (until < closing)
    is_closing = happens & (until == closing) & ~is_graft & ~is_event
    ends = who[until >= course.horizon]
    course.close(ends, np.full(ends.shape, NEVER), CONTINUED)
    _receive_graft(course, who[is_graft], until[is_graft])
    _die(course, who[is_event & (kind == DEATH)])
    _recover(course, who[is_event & (kind == RECOVERY)])
    _lose(course, who[is_event & (kind == LOST)])
    _transfer(course, who[(is_event & (kind == TRANSFER)) | is_closing])
    _switch(course, who[is_event & (kind == HOME_SWITCH)], to_home=True)
    _switch(course, who[is_event & (kind == IN_CENTER_SWITCH)], to_home=False)


def _die(course: Course, who: np.ndarray) -> None:
    """Let `who` die on the day; some stop dialysis a few days before."""
    day, rng = course.now[who], course.rng
    course.death[who] = day
    withdraws = rng.random(who.size) < load_figures()["death_withdrawal"]
    left = day - 1 - rng.exponential(8, who.size).astype(np.int64)
    withdraws &= left > course.begin[who] + 1
    course.is_withdrawn[who] = withdraws
    reason = np.where(withdraws, DISCHARGED["Discontinue"], DISCHARGED["Death"])
    course.close(who, np.where(withdraws, left, day + 1), reason)
    course.stop(who)


def _receive_graft(course: Course, who: np.ndarray, day: np.ndarray) -> None:
    """Transplant `who`; the graft may fail, or the patient may die with it."""
    figures, rng = load_figures(), course.rng
    before = who[course.begin[who] < day]
    course.close(before, course.now[before], DISCHARGED["Transplant"])
    course.people.removed[who] = np.minimum(course.people.removed[who], day)
    early = rng.exponential(YEAR_DAYS / figures["graft_failure_first_year"], who.size)
    late = YEAR_DAYS + rng.exponential(YEAR_DAYS / figures["graft_failure"], who.size)
    fails = day + np.where(early < YEAR_DAYS, early, late).astype(np.int64) + 5
    age = (day - course.people.birth[who]) / YEAR_DAYS
    rate = figures["graft_death"] * np.exp(0.5 * (age - 55) / 10)
    dies = day + 1 + (rng.exponential(YEAR_DAYS, who.size) / rate).astype(np.int64)
    ends = np.minimum(np.minimum(fails, dies), course.horizon)
    is_over = ends >= course.horizon
    course.begin[who] = day
    course.close(who, np.where(is_over, NEVER, ends), CONTINUED, state=TRANSPLANT)
    course.stop(who)
    is_dead = ~is_over & (dies <= fails)
    course.death[who[is_dead]] = ends[is_dead]
    back = ~is_over & ~is_dead
    moved = who[back & (rng.random(who.size) >= figures["graft_same_facility"])]
    course.now[who[back]] = ends[back]
    course.facility[moved] = _choose_facility(course, moved)
    _stay_open(course, who[back])
    course.open(who[back], ends[back], ADMITTED["Dialysis After Transplant Failed"])


def _recover(course: Course, who: np.ndarray) -> None:
    """Let `who` recover function; half return to dialysis."""
    figures = load_figures()
    _leave(
        course,
        who,
        DISCHARGED["Recover Function"],
        state=RECOVERED,
        share=figures["recovery_return"],
        days=figures["recovery_return_days"],
    )


def _lose(course: Course, who: np.ndarray) -> None:
    """Let `who` be lost to follow-up; more than half return."""
    figures = load_figures()
    _leave(
        course,
        who,
        DISCHARGED["Lost to Follow Up"],
        state=GONE,
        share=figures["lost_return"],
        days=figures["lost_return_days"],
    )


def _leave(
    course: Course, who: np.ndarray, reason: int, *, state: int, share: float, days: float
) -> None:
    rng, day = course.rng, course.now[who].copy()
    course.close(who, day, reason)
    course.begin[who] = day
    back = day + 20 + rng.exponential(days, who.size).astype(np.int64)
    returns = (rng.random(who.size) < share) & (back < course.horizon)
    course.close(who, np.where(returns, back, NEVER), CONTINUED, state=state)
    course.stop(who)
    came = who[returns]
    course.now[came] = back[returns]
    _stay_open(course, came)
    course.open(came, back[returns], ADMITTED["Restart"])


def _transfer(course: Course, who: np.ndarray) -> None:
    """Move `who` to another open facility of the market, if any; some after a few days."""
    figures, rng = load_figures(), course.rng
    day = course.now[who].copy()
    target = _choose_facility(course, who)
    moves = (target != course.facility[who]) & (day > course.begin[who])
    who, day, target = who[moves], day[moves], target[moves]
    course.close(who, day, DISCHARGED["Transfer Out"])
    waits = rng.random(who.size) < figures["transfer_gap_days"]
    arrives = day + waits * rng.integers(1, 15, who.size)
    _move(course, who, target, day)
    _fit_modality(course, who)
    course.is_restless[who] = rng.random(who.size) < figures["transfer_again"]
    course.open(who, arrives, ADMITTED["Transfer In"])


def _switch(course: Course, who: np.ndarray, *, to_home: bool) -> None:
    """Change the modality of `who`, at the same facility or else at one that offers it."""
    rng, market = course.rng, course.market
    who = who[course.now[who] > course.begin[who]]
    can = market.numbers("peritoneal_share" if to_home else "has_in_center")
    offers = can[course.facility[who]] > 0
    stay, leave = who[offers], who[~offers]
    course.close(stay, course.now[stay], CONTINUED)
    is_peritoneal = rng.random(stay.size) < load_figures()["home_peritoneal"]
    course.modality[stay] = np.where(is_peritoneal, 1, 2) if to_home else IN_CENTER
    course.is_failing[stay] = to_home & _gives_up(course, stay)
    course.open(stay, course.now[stay].copy(), CONTINUED)
    if to_home:
        _leave_for_home(course, leave)
    else:
        course.is_failing[leave] = False
        _transfer(course, leave)


def _gives_up(course: Course, who: np.ndarray) -> np.ndarray:
    """Draw the patients who soon give up home dialysis."""
    return course.more.random(who.size) < load_figures()["home_given_up"]


def _leave_for_home(course: Course, who: np.ndarray) -> None:
    """Move `who` to a facility of the market that offers home dialysis and start it there."""
    size = course.market.numbers("size")[None, :] * offers_home(course.market, course.now[who])
    can = size.any(axis=1)
    who, reach = who[can], np.cumsum(size[can], axis=1)
    day = course.now[who].copy()
    luck = course.more.random((2, who.size))
    target = (reach <= (luck[0] * reach[:, -1])[:, None]).sum(axis=1)
    course.close(who, day, DISCHARGED["Transfer Out"])
    _move(course, who, np.minimum(target, reach.shape[1] - 1), day)
    is_peritoneal = luck[1] < load_figures()["home_peritoneal"]
    course.modality[who] = np.where(is_peritoneal, 1, 2)
    course.is_failing[who] = _gives_up(course, who)
    course.open(who, day, ADMITTED["Transfer In"])


def _choose_facility(course: Course, who: np.ndarray) -> np.ndarray:
    """Choose another open facility by size; the same one if there is none."""
    market, here, day = course.market, course.facility[who], course.now[who]
    open_from, open_to = market.numbers("opened"), market.numbers("closed") - CLOSING_DAYS
    weight = np.where(
        (open_from[None, :] <= day[:, None]) & (day[:, None] < open_to[None, :]),
        market.numbers("size")[None, :],
        0.0,
    )
    weight[np.arange(who.size), here] = 0.0
    total = weight.sum(axis=1)
    reach = np.cumsum(weight, axis=1)
    target = (reach <= course.rng.random(who.size)[:, None] * total[:, None]).sum(axis=1)
    return np.where(total > 0, np.minimum(target, len(open_to) - 1), here)


def _move(course: Course, who: np.ndarray, target: np.ndarray, day: np.ndarray) -> None:
    """Change facility; update the listing day of unlisted patients for the new one's hazard."""
    people, start = course.people, course.people.start[who]
    waits = (people.listed[who] > day) & people.need.can[who]
    mine, first = who[waits], start[waits]
    follow_move(
        course.market,
        people.need,
        mine,
        before=course.facility[mine],
        now=day[waits],
        start=first,
    )
    effect = course.market.numbers("waitlist")[target[waits]]
    listed, removed = list_days(people.need, mine, effect, first)
    people.listed[mine], people.removed[mine] = np.maximum(listed, day[waits]), removed
    course.facility[who] = target


def _stay_open(course: Course, who: np.ndarray) -> None:
    """Move patients whose facility has closed meanwhile to another one."""
    closed = who[
        course.market.numbers("closed")[course.facility[who]] - CLOSING_DAYS <= course.now[who]
    ]
    course.facility[closed] = _choose_facility(course, closed)
    _fit_modality(course, who)


def _fit_modality(course: Course, who: np.ndarray) -> None:
    """Change modalities that the facility does not offer."""
    home_share = course.market.numbers("peritoneal_share")[course.facility[who]]
    in_center = course.market.numbers("has_in_center")[course.facility[who]]
    modality = course.modality[who]
    modality = np.where((modality != IN_CENTER) & (home_share == 0), IN_CENTER, modality)
    course.modality[who] = np.where((modality == IN_CENTER) & ~in_center, 1, modality)


def _settle(course: Course) -> Trajectories:
    """Sort the spells by patient and day."""
    columns = [np.concatenate(parts) for parts in zip(*course.spells, strict=True)]
    order = np.lexsort((columns[4], columns[0]))
    patient, state, facility, modality, begin, end, admitted, discharged = (
        column[order] for column in columns
    )
    kept = (end > begin) & (end > 0)
    return Trajectories(
        patient=patient[kept],
        state=state[kept],
        facility=facility[kept],
        modality=modality[kept],
        begin=begin[kept],
        end=end[kept],
        admitted=admitted[kept],
        discharged=discharged[kept],
        death=course.death,
        is_withdrawn=course.is_withdrawn,
    )
