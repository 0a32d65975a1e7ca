"""Registers beside EQRS as known at the end of a year: OPTN and the deaths of Social Security.

Every extract is cumulative.
"""

import numpy as np

from esrd_pipeline.synthetic.nation.columns import NO_DAY, Codes, Rows
from esrd_pipeline.synthetic.nation.people import People
from esrd_pipeline.synthetic.nation.registers import Known
from esrd_pipeline.synthetic.nation.trajectories import TRANSPLANT

_LIVING_WAITING, _LIVING_PREEMPTIVE = 12, 60
"""Living donors per 100 transplants of waitlisted patients, and per 100 before any dialysis."""


def list_transplants(known: Known) -> Rows:
    """Return OPTN's transplants."""
    trajectories = known.trajectories
    rows = np.flatnonzero((trajectories.state == TRANSPLANT) & (trajectories.begin <= known.until))
    rows = rows[known.is_in[trajectories.patient[rows]]]
    patient = trajectories.patient[rows]
    fails = (trajectories.end[rows] < trajectories.death[patient]) & (
        trajectories.end[rows] <= known.until
    )
    living = is_from_living(known.people, patient, trajectories.begin[rows])
    return {
        **_person(known, patient),
        "rec_tx_dt": trajectories.begin[rows],
        "don_ty": Codes(("C", "L")).of(living.astype(np.int8)),
        "tfl_graft_dt": np.where(fails, trajectories.end[rows], NO_DAY),
    }


def is_from_living(people: People, patient: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return which transplants are from living donors: all of patients not on the waitlist.

    Some patients on the waitlist also receive one, and most patients before any dialysis.
    """
    is_waiting = (people.listed[patient] < day) & (people.removed[patient] >= day)
    luck = (people.patient_id[patient] * 7 + day) % 100
    few = np.where(people.start[patient] == day, _LIVING_PREEMPTIVE, _LIVING_WAITING)
    return (luck < few) | ~(is_waiting | (people.start[patient] == day))


def list_waitlist(known: Known) -> Rows:
    """Return OPTN's waitlist; some patients have two registrations that end on the same day."""
    people, trajectories, again = known.people, known.trajectories, known.defects.again
    listed = people.listed.astype(np.int64)
    is_in = known.is_in & (listed < trajectories.death) & (listed < people.removed)
    first = np.flatnonzero(is_in & (listed <= known.until))
    second = np.flatnonzero(is_in & (again <= known.until))
    rows = np.concatenate([first, second])
    removed = np.minimum(people.removed[rows], trajectories.death[rows])
    is_dead = trajectories.death[rows] <= people.removed[rows]
    grafted = trajectories.state == TRANSPLANT
    keys = trajectories.patient[grafted].astype(np.int64) * 2**40 + trajectories.begin[grafted]
    is_grafted = np.isin(rows.astype(np.int64) * 2**40 + removed, keys)
    living = is_from_living(people, rows, removed)
    code = np.where(is_dead, 1, np.where(is_grafted, np.where(living, 3, 0), 2))
    is_known = removed <= known.until
    return {
        **_person(known, rows),
        "can_listing_dt": np.concatenate([listed[first], again[second]]),
        "can_rem_dt": np.where(is_known, removed, NO_DAY),
        "can_rem_cd": Codes(("4", "8", "12", "15")).of(np.where(is_known, code, -1)),
        "wl_org": Codes(("KI", "KP")).of((people.patient_id[rows] % 20 == 0).astype(np.int8)),
    }


def list_social_security(known: Known) -> Rows:
    """Return Social Security's deaths, which cover nine in ten."""
    people, defects = known.people, known.defects
    reported = people.patient_id % 10 > 0
    rows = np.flatnonzero(known.is_in & (defects.ssa_death <= known.until) & reported)
    return {
        "ssn": known.identifiers.ssn[rows],
        "date_of_birth": people.birth[rows],
        "date_of_death": defects.ssa_death[rows],
    }


def _person(known: Known, patient: np.ndarray) -> Rows:
    return {
        "pers_id": known.people.patient_id[patient] * 2 + 5,
        "pers_ssn": known.identifiers.ssn[patient],
        "pers_birth_dt": known.people.birth[patient],
    }
