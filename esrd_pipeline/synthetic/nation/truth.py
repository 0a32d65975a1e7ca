"""The nation's ground truth: effects, coefficients, people, spells, stays, data defects.

It is written beside the raw files and never read by the pipeline.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from esrd_pipeline.synthetic.nation.acute import ENDINGS
from esrd_pipeline.synthetic.nation.claims import beneficiary_of
from esrd_pipeline.synthetic.nation.columns import (
    NO_NUMBER,
    Coded,
    Codes,
    Rows,
    stack,
)
from esrd_pipeline.synthetic.nation.coverage import Coverage
from esrd_pipeline.synthetic.nation.effects import describe_effects, draw_hospital_effects
from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import (
    NEVER,
    load_conditions,
    load_death_causes,
    load_figures,
)
from esrd_pipeline.synthetic.nation.identifiers import KINDS
from esrd_pipeline.synthetic.nation.labels import label
from esrd_pipeline.synthetic.nation.people import IN_CENTER, MODALITIES
from esrd_pipeline.synthetic.nation.registers import (
    Known,
    find_acute,
    is_discharged_late,
    list_travel,
)
from esrd_pipeline.synthetic.nation.stays import Stays
from esrd_pipeline.synthetic.nation.trajectories import DIALYSIS, DISCHARGED, GONE, TRANSPLANT

STATES = Codes(("dialysis", "transplant", "recovered", "lost"))
STAY_KINDS = Codes(("usual", "triggered readmission", "first with COVID-19", "transplant"))
DEATH_SOURCES = Codes(("eqrs", "cms_2746", "enrollment", "ssa"))
_GROUND_TRUTH = (
    "death",
    "admission",
    "readmission",
    "transfusion",
    "emergency",
    "listing",
    "modality_switch",
    "fistula",
)
_NOT_COEFFICIENTS = {
    "death_withdrawal",
    "death_overdose",
    "death_accident",
    "listing_early",
    "listing_twice",
    "death_in_hospital",
    "death_conflict",
    "listing_delay_days",
    "listing_removal",
}
_SHORT_DAYS = 60
_DURABLE_DAYS = 30
"""A switch to home dialysis counts once it has lasted this many days (2.27.6)."""


def list_people(known: Known, coverage: Coverage) -> Rows:
    """Return the true data of the people in the registers."""
    people, rows = known.people, np.flatnonzero(known.is_in_eqrs)
    has_medicare = coverage.entitled[rows] < NEVER
    return {
        "patient_id": people.patient_id[rows],
        "bene_id": np.where(has_medicare, beneficiary_of(people, rows), NO_NUMBER),
        "market": np.full(rows.size, known.market.number),
        "date_of_birth": people.birth[rows],
        "first_service_date": known.until_known(people.start[rows]),
        "date_of_death": known.until_known(known.trajectories.death[rows]),
        "entitled_date": known.until_known(coverage.entitled[rows]),
        "primary_date": known.until_known(coverage.primary[rows]),
        "managed_date": known.until_known(coverage.managed[rows]),
        "frailty": people.frailty[rows],
        "listed_date": known.until_known(people.listed[rows].astype(np.int64)),
        "removed_date": known.until_known(
            np.where(people.listed[rows] < NEVER, people.removed[rows], NEVER).astype(np.int64)
        ),
        "death_cause": load_death_causes()[0].of(
            np.where(
                known.trajectories.death[rows] <= known.until, known.defects.death_cause[rows], -1
            )
        ),
        "covid_seen_date": known.until_known(known.events.covid_seen[rows]),
    }


def list_hospitals(market: Market, seed: int) -> Rows:
    """Return the market's short stay hospitals and their true effects on readmissions."""
    count = len(market.hospitals)
    return {
        "market": np.full(count, market.number),
        "ccn": Codes(market.hospitals).of(np.arange(count)),
        "effect": draw_hospital_effects(market.number, count, seed),
    }


def list_spells(known: Known) -> Rows:
    """Return the true spells of the people in the registers."""
    trajectories = known.trajectories
    rows = np.flatnonzero(known.is_in[trajectories.patient] & (trajectories.begin <= known.until))
    state = trajectories.state[rows]
    is_dialysis = state == DIALYSIS
    return {
        "patient_id": known.people.patient_id[trajectories.patient[rows]],
        "start_date": trajectories.begin[rows],
        "end_date": known.until_known(trajectories.end[rows] - 1),
        "state": STATES.of(state),
        "facilityid": np.where(
            is_dialysis, known.facilityid(trajectories.facility[rows]), NO_NUMBER
        ),
        "modality": MODALITIES.of(np.where(is_dialysis, trajectories.modality[rows], -1)),
    }


def list_stays(known: Known, stays: Stays) -> Rows:
    """Return the true hospital stays."""
    rows = np.flatnonzero(known.is_in[stays.patient] & (stays.discharge <= known.until))
    return {
        "patient_id": known.people.patient_id[stays.patient[rows]],
        "admit_date": stays.admit[rows],
        "discharge_date": stays.discharge[rows],
        "facilityid": known.facilityid(stays.facility[rows]),
        "kind": STAY_KINDS.of(stays.kind[rows]),
        "is_death": stays.is_death[rows],
    }


def label_people(known: Known) -> Rows:
    """Label data defects and unusual events in people's records and histories."""
    people, trajectories, defects, given = (
        known.people,
        known.trajectories,
        known.defects,
        known.identifiers,
    )
    number, is_in = people.patient_id, known.is_in
    typo = np.flatnonzero(known.is_in_eqrs & (given.typo >= 0))
    replaced = np.flatnonzero(known.is_in_eqrs & given.is_replaced)
    formless = np.flatnonzero(is_in & ~defects.has_form)
    conflict = np.flatnonzero(is_in & (defects.conflict > 0) & (trajectories.death <= known.until))
    acute = find_acute(known)
    has_ended = defects.acute.end[acute] <= known.until
    sources = np.array(DEATH_SOURCES.words)
    twice = np.flatnonzero(is_in & (defects.again <= known.until))
    causes, kinds, _ = load_death_causes()
    outside = np.isin(defects.death_cause, [*kinds["overdose"], *kinds["accident"]])
    uncounted = np.flatnonzero(is_in & outside & (trajectories.death <= known.until))
    return stack(
        [
            label(
                "mistyped identifier",
                patient=number[typo],
                detail=np.array(KINDS)[given.typo[typo]],
            ),
            label(
                "replaced identifier",
                patient=number[replaced],
                detail=_repeat_word(replaced, "mbi"),
            ),
            label("missing cms_2728", patient=number[formless]),
            label(
                "conflicting death",
                patient=number[conflict],
                day=trajectories.death[conflict],
                detail=sources[defects.conflict[conflict] - 1],
            ),
            label(
                "acute admission",
                patient=number[acute],
                facility=known.facilityid(people.facility[acute]),
                day=defects.acute.begin[acute],
                detail=np.where(
                    has_ended, np.array(ENDINGS)[defects.acute.ending[acute]], "not ended"
                ),
            ),
            _label_travel(known),
            label(
                "two registrations on the waitlist",
                patient=number[twice],
                day=defects.again[twice],
            ),
            label(
                "death that SMR does not count",
                patient=number[uncounted],
                day=trajectories.death[uncounted],
                detail=np.array(causes.words)[defects.death_cause[uncounted]],
            ),
            *_label_spells(known),
        ]
    )


def _label_travel(known: Known) -> Rows:
    rows = list_travel(known)
    patient, facility, day = (rows[name] for name in ("patient_id", "facilityid", "admit_date"))
    if isinstance(patient, Coded) or isinstance(facility, Coded) or isinstance(day, Coded):
        raise TypeError("numbers and days are not codes")
    return label("travel", patient=patient, facility=facility, day=day)


def _label_spells(known: Known) -> list[Rows]:
    trajectories, number = known.trajectories, known.people.patient_id
    is_known = known.is_in[trajectories.patient] & (trajectories.begin <= known.until)
    ends = np.minimum(trajectories.end, known.until)
    gone = np.flatnonzero(is_known & (trajectories.state == GONE))
    returns = trajectories.end[gone] <= known.until
    failed = np.flatnonzero(
        is_known
        & (trajectories.state == TRANSPLANT)
        & (trajectories.end <= known.until)
        & (trajectories.end < trajectories.death[trajectories.patient])
    )
    left_to = np.flatnonzero(is_known & (trajectories.discharged == DISCHARGED["Transfer Out"]))
    late = left_to[
        is_discharged_late(
            known, number[trajectories.patient[left_to]], trajectories.end[left_to] - 1
        )
    ]
    rows = trajectories.on_dialysis
    here, there = rows[:-1], rows[1:]
    moved = (trajectories.patient[here] == trajectories.patient[there]) & (
        trajectories.facility[here] != trajectories.facility[there]
    )
    arrived = np.append([False], moved)
    left = np.append(moved, [False])
    short = arrived & left & (ends[rows] - trajectories.begin[rows] <= _SHORT_DAYS) & is_known[rows]
    quick = rows[short & (trajectories.end[rows] <= known.until)]
    given_up = _find_given_up(known)
    return [
        label(
            "lost to follow-up",
            patient=number[trajectories.patient[gone]],
            day=trajectories.begin[gone],
            detail=np.where(returns, "returned", "not returned"),
        ),
        label(
            "failed transplant",
            patient=number[trajectories.patient[failed]],
            day=trajectories.end[failed],
        ),
        label(
            "late discharge",
            patient=number[trajectories.patient[late]],
            facility=known.facilityid(trajectories.facility[late]),
            day=trajectories.end[late] - 1,
        ),
        label(
            "home dialysis given up within a month",
            patient=number[trajectories.patient[given_up]],
            facility=known.facilityid(trajectories.facility[given_up]),
            day=trajectories.begin[given_up],
        ),
        label(
            "transfer within 60 days",
            patient=number[trajectories.patient[quick]],
            facility=known.facilityid(trajectories.facility[quick]),
            day=trajectories.begin[quick],
        ),
    ]


def _find_given_up(known: Known) -> np.ndarray:
    """Return spells of home dialysis of less than 30 days between two in-center spells."""
    trajectories, rows = known.trajectories, known.trajectories.on_dialysis
    before, here, after = rows[:-2], rows[1:-1], rows[2:]
    patient, modality = trajectories.patient, trajectories.modality
    same = (patient[before] == patient[here]) & (patient[after] == patient[here])
    is_home = (modality[here] != IN_CENTER) & (modality[before] == IN_CENTER)
    is_home &= (modality[after] == IN_CENTER) & (
        trajectories.begin[after] <= trajectories.end[here] + 1
    )
    brief = trajectories.end[here] - trajectories.begin[here] < _DURABLE_DAYS
    is_known = known.is_in[patient[here]] & (trajectories.end[here] <= known.until)
    return here[same & is_home & brief & is_known]


def label_facilities(nation: pd.DataFrame, until: int) -> Rows:
    """Label changes of ownership and mixed-up numbers in the directory."""
    changed = nation[nation["changed"] <= until]
    kind = np.where(changed["is_renumbered"], "with another ccn", "with the same ccn")
    based = nation[nation["kind"] != "F"]
    return stack(
        [
            label(
                "change of ownership",
                facility=changed["facilityid"].to_numpy(),
                day=changed["changed"].to_numpy(),
                detail=kind,
            ),
            label(
                "hospital-based numbers",
                facility=based["facilityid"].to_numpy(),
                detail=based["kind"].to_numpy(),
            ),
        ]
    )


def tabulate_effects(nation: pd.DataFrame) -> pa.Table:
    """Return the true facility effects."""
    return pa.Table.from_pandas(describe_effects(nation), preserve_index=False)


def tabulate_activities(enrolled: pd.DataFrame) -> pa.Table:
    """Return the enrolled facilities with the true rate ratio of their activity."""
    return pa.Table.from_pandas(enrolled, preserve_index=False)


def tabulate_coefficients() -> pa.Table:
    """Return the true coefficients: log rate ratios, log odds ratios for readmission."""
    rows = [
        (outcome, name.removeprefix(f"{outcome}_"), value)
        for name, value in load_figures().items()
        for outcome in _GROUND_TRUTH
        if name.startswith(f"{outcome}_") and name not in _NOT_COEFFICIENTS
    ]
    for condition in load_conditions():
        rows += [
            ("admission", f"condition_{condition.name}", condition.admission),
            ("admission", f"box_{condition.box or condition.name}", condition.box_effect),
            ("death", f"at_start_{condition.name}", condition.death),
        ]
    names = ("outcome", "term", "value")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _repeat_word(rows: np.ndarray, word: str) -> np.ndarray:
    return np.full(rows.size, word)
