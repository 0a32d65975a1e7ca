"""The year's billed hospital stays: their wards, discharge status and claims."""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.claims import MarketYear
from esrd_pipeline.synthetic.nation.columns import Codes, Rows, stack
from esrd_pipeline.synthetic.nation.coverage import NONE
from esrd_pipeline.synthetic.nation.figures import load_figures
from esrd_pipeline.synthetic.nation.hospitals import (
    ACUTE,
    CRITICAL_ACCESS,
    LONG_TERM,
    PSYCHIATRIC,
    PSYCHIATRIC_UNIT,
    REHABILITATION,
    REHABILITATION_UNIT,
    WARDS,
)
from esrd_pipeline.synthetic.nation.labels import label
from esrd_pipeline.synthetic.nation.stays import COVID, GRAFT

STATUS = Codes(("01", "03", "06", "20", "02", "07", "62", "63", "65", "30"))
(
    HOME_STATUS,
    SNF_STATUS,
    HEALTH_STATUS,
    DIED_STATUS,
    MOVED_STATUS,
    AGAINST_STATUS,
    REHABILITATION_STATUS,
    LONG_TERM_STATUS,
    PSYCHIATRIC_STATUS,
    STAYING_STATUS,
) = range(10)
BLOOD = ("line, procedure and value", "line", "procedure", "value")
"""Codings of a transfusion in hospital."""
LINE, PROCEDURE, VALUE = 1, 2, 3
_BLOOD_OF, _BLOOD_WHOLE, _BLOOD_EACH = 20, 14, 2
_FURTHER_WARDS = (REHABILITATION, REHABILITATION_UNIT, LONG_TERM, PSYCHIATRIC_UNIT)
_INTERIM_DAYS = 15


@dataclass(frozen=True, slots=True)
class Admissions:
    """The year's billed stays: rows of the stays, and how the hospital bills each.

    Attributes:
        stay: rows of the market's stays.
        cover: the patient's Medicare coverage.
        status: discharge status, index in STATUS.
        ward: index in WARDS.
        is_moved: the patient moves halfway to another ward or hospital, `moved_ward`.
        is_interim: billed in two claims without a move.
        has_therapy: a short stay with a rehabilitation revenue centre.
        blood: coding of a transfusion, index in BLOOD.
    """

    stay: np.ndarray
    cover: np.ndarray
    status: np.ndarray
    ward: np.ndarray
    is_moved: np.ndarray
    moved_ward: np.ndarray
    is_interim: np.ndarray
    has_therapy: np.ndarray
    blood: np.ndarray


def choose_admissions(
    here: MarketYear, rng: np.random.Generator, more: np.random.Generator
) -> Admissions:
    """Return the stays of Medicare patients that end in the year, with discharge status.

    Args:
        here: the market's year.
        rng: the original stream.
        more: the stream of later additions: wards, discharges against advice, interim bills.
    """
    stays, months, figures = here.stays, here.months, load_figures()
    cover = here.coverage.on(stays.patient, stays.admit)
    ends = (stays.discharge >= months.first_day) & (stays.discharge <= months.last_day)
    stay = np.flatnonzero(ends & (cover != NONE))
    luck, further = rng.random((2, stay.size)), more.random((5, stay.size))
    nursing, health = figures["skilled_nursing"], figures["home_health"]
    status = np.where(luck[0] < nursing + health, HEALTH_STATUS, HOME_STATUS)
    status = np.where(luck[0] < nursing, SNF_STATUS, status)
    leaves = (status == HOME_STATUS) & (further[0] < figures["stay_against_advice"])
    status = np.where(leaves, AGAINST_STATUS, status)
    status = np.where(stays.is_death[stay], DIED_STATUS, status)
    days = stays.discharge[stay] - stays.admit[stay]
    is_within = stays.admit[stay] >= months.first_day
    is_usual = stays.kind[stay] != GRAFT
    is_moved = (days > 1) & is_within & (luck[1] < figures["stay_moved"]) & is_usual
    is_long = (days >= _INTERIM_DAYS) & is_within & is_usual & ~is_moved
    ward = np.where(is_usual & (stays.kind[stay] != COVID), _draw_wards(further[1]), ACUTE)
    number = here.people.patient_id[stays.patient[stay]] * 31 + stays.admit[stay]
    part = number % _BLOOD_OF - _BLOOD_WHOLE
    return Admissions(
        stay=stay,
        cover=cover[stay],
        status=status,
        ward=np.where(is_moved, ACUTE, ward),
        is_moved=is_moved,
        moved_ward=_draw_moved_wards(further[2]),
        is_interim=is_long & (further[3] < figures["stay_interim"]),
        has_therapy=(ward == ACUTE) & is_usual & (further[4] < figures["stay_therapy"]),
        blood=np.where(part < 0, 0, 1 + part // _BLOOD_EACH),
    )


def label_admissions(
    here: MarketYear,
    admissions: Admissions,
    *,
    row: np.ndarray,
    claim: np.ndarray,
    ward: np.ndarray,
    is_last: np.ndarray,
    has_blood: np.ndarray,
) -> Rows:
    """Label the data defects of the claims.

    Args:
        here: the market's year.
        admissions: its billed stays.
        row: (claims,) the admission of each.
        claim: (claims,) its number.
        ward: (claims,) its ward.
        is_last: (claims,) whether it is the last claim of the stay.
        has_blood: (claims,) whether a transfusion is coded.
    """
    names = np.array(WARDS)[ward]
    coded = np.array(BLOOD)[admissions.blood[row]]
    kinds = {
        "stay outside short stay hospitals": (ward != ACUTE, names),
        "left against medical advice": (
            (admissions.status[row] == AGAINST_STATUS) & is_last,
            names,
        ),
        "interim bill": (admissions.is_interim[row], names),
        "rehabilitation in a short stay hospital": (admissions.has_therapy[row], names),
        "transfusion coded in part": (has_blood & (admissions.blood[row] > 0), coded),
    }
    patient = here.people.patient_id[here.stays.patient[admissions.stay[row]]]
    day = here.stays.admit[admissions.stay[row]]
    return stack(
        [
            label(
                kind,
                patient=patient[struck],
                claim=claim[struck],
                day=day[struck],
                detail=detail[struck],
            )
            for kind, (struck, detail) in kinds.items()
        ]
    )


def _draw_wards(luck: np.ndarray) -> np.ndarray:
    """Return the wards of stays from uniform random numbers."""
    figures = load_figures()
    shares = {
        PSYCHIATRIC: figures["ward_psychiatric"] / 2,
        PSYCHIATRIC_UNIT: figures["ward_psychiatric"] / 2,
        REHABILITATION: figures["ward_rehabilitation"] / 2,
        REHABILITATION_UNIT: figures["ward_rehabilitation"] / 2,
        LONG_TERM: figures["ward_long_term"],
        CRITICAL_ACCESS: figures["ward_critical_access"],
    }
    reach = np.cumsum(list(shares.values()))
    return np.array([*shares, ACUTE])[np.searchsorted(reach, luck, side="right")]


def _draw_moved_wards(luck: np.ndarray) -> np.ndarray:
    """Return the wards of the second part of stays, most in another hospital."""
    place = np.searchsorted([0.75, 0.8, 0.86, 0.95], luck, side="right")
    return np.array([ACUTE, *_FURTHER_WARDS])[place]


def status_before(ward: np.ndarray) -> np.ndarray:
    """Return the discharge status of the claim before a move to a ward."""
    status = np.full(ward.size, MOVED_STATUS)
    status[(ward == REHABILITATION) | (ward == REHABILITATION_UNIT)] = REHABILITATION_STATUS
    status[ward == LONG_TERM] = LONG_TERM_STATUS
    status[(ward == PSYCHIATRIC) | (ward == PSYCHIATRIC_UNIT)] = PSYCHIATRIC_STATUS
    return status
