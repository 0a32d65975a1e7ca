"""Inpatient claims: one a hospital stay, two where the patient was moved, some of them twice.

Managed care stays come as claims without payment. Other settings do not belong here.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.claims import (
    Kind,
    MarketYear,
    beneficiary_of,
    bill_payers,
    bill_type,
    code_diagnoses,
    name_diagnoses,
    number_claims,
    number_lines,
    provider_codes,
)
from esrd_pipeline.synthetic.nation.columns import (
    NO_DAY,
    Coded,
    Codes,
    Rows,
    Values,
    choose_rows,
    repeat,
    stack,
)
from esrd_pipeline.synthetic.nation.coverage import MANAGED, NONE, SECONDARY
from esrd_pipeline.synthetic.nation.episodes import Episodes
from esrd_pipeline.synthetic.nation.figures import (
    load_conditions,
    load_diagnoses,
    load_figures,
    load_principals,
)
from esrd_pipeline.synthetic.nation.labels import label
from esrd_pipeline.synthetic.nation.stays import COVID, GRAFT

HOME_STATUS, SNF_STATUS, HEALTH_STATUS, DIED_STATUS, MOVED_STATUS = range(5)
STATUS = Codes(("01", "03", "06", "20", "02"))
REVENUE = Codes(("0120", "0250", "0801", "0450", "0390"))
SOURCE = Codes(("1", "4"))
ADMISSION_TYPE = Codes(("1", "2", "3"))
PROCEDURE = Codes(("30233N1", "0TY00Z0", "5A1D70Z"))
_TRANSFUSION, _GRAFT = 0, 1
_GRAFT_DRG, _COVID_DRG = 652, 177
_CODED = 0.92
_EMERGENCY = 0.65
_BOARD, _PHARMACY, _DIALYSIS, _EMERGENCY_ROOM, _BLOOD = range(5)


@dataclass(frozen=True, slots=True)
class Admissions:
    """The year's billed stays: rows of the stays, and what the hospital says of each."""

    stay: np.ndarray
    cover: np.ndarray
    status: np.ndarray
    is_moved: np.ndarray


def choose_admissions(here: MarketYear, rng: np.random.Generator) -> Admissions:
    """Return the stays of Medicare's patients that end in the year, and how they end."""
    stays, months, figures = here.stays, here.months, load_figures()
    cover = here.coverage.on(stays.patient, stays.admit)
    ends = (stays.discharge >= months.first_day) & (stays.discharge <= months.last_day)
    stay = np.flatnonzero(ends & (cover != NONE))
    luck = rng.random((2, stay.size))
    nursing, health = figures["skilled_nursing"], figures["home_health"]
    status = np.where(luck[0] < nursing + health, HEALTH_STATUS, HOME_STATUS)
    status = np.where(luck[0] < nursing, SNF_STATUS, status)
    status = np.where(stays.is_death[stay], DIED_STATUS, status)
    long_enough = stays.discharge[stay] - stays.admit[stay] > 1
    long_enough &= stays.admit[stay] >= months.first_day
    is_moved = long_enough & (luck[1] < figures["stay_moved"]) & (stays.kind[stay] != GRAFT)
    return Admissions(stay, cover[stay], status, is_moved)


def bill_admissions(
    here: MarketYear, admissions: Admissions, episodes: Episodes, rng: np.random.Generator
) -> dict[str, Rows]:
    """Bill the year's hospital stays."""
    count, moved = admissions.stay.size, np.flatnonzero(admissions.is_moved)
    row = np.concatenate([np.arange(count), moved])
    is_second = np.concatenate([np.zeros(count, bool), np.ones(moved.size, bool)])
    order = np.lexsort((is_second, row))
    row, is_second = row[order], is_second[order]
    base = _write_base(here, admissions, row=row, is_second=is_second, episodes=episodes, rng=rng)
    lines = _write_lines(here, admissions, row=row, is_second=is_second, episodes=episodes, rng=rng)
    twice = np.flatnonzero(rng.random(row.size) < load_figures()["duplicate_claim"])
    again = dict(choose_rows(base, twice))
    again["clm_id"] = number_claims(here, Kind.DUPLICATE, twice.size)
    original = number_claims(here, Kind.INPATIENT, row.size)[twice]
    return {
        "inpatient_base": stack([base, again]),
        "inpatient_revenue": lines,
        "inpatient_value": _write_blood(here, lines),
        "trouble": label(
            "duplicate claim",
            patient=here.people.patient_id[here.stays.patient[admissions.stay[row[twice]]]],
            claim=number_claims(here, Kind.DUPLICATE, twice.size),
            detail=original,
        ),
    }


def _write_base(
    here: MarketYear,
    admissions: Admissions,
    *,
    row: np.ndarray,
    is_second: np.ndarray,
    episodes: Episodes,
    rng: np.random.Generator,
) -> dict[str, Values]:
    stay, count = admissions.stay[row], row.size
    cover = admissions.cover[row]
    begin, end = _days_of(here, admissions, row, is_second)
    is_first = admissions.is_moved[row] & ~is_second
    codes, drg = _code_stay(here, stay, rng)
    kind = here.stays.kind[stay]
    facility = here.stays.facility[stay]
    hospitals = len(here.market.hospitals)
    chosen = (facility + (rng.random(count) < 1 / 4) + is_second) % hospitals
    paid = rng.lognormal(np.log(9800), 0.5, count) * (1 + (end - begin) / 12)
    paid = np.where(cover == SECONDARY, paid * 0.04, paid)
    luck = rng.random(count)
    elective = np.where(luck < _EMERGENCY, 0, np.where(luck < 0.85, 1, 2))  # noqa: PLR2004
    has_blood = np.isin(stay, episodes.transfused_stay) & ~is_first
    procedure = np.where(kind == GRAFT, _GRAFT, np.where(has_blood, _TRANSFUSION, -1))
    return {
        "bene_id": beneficiary_of(here.people, here.stays.patient[stay]),
        "clm_id": number_claims(here, Kind.INPATIENT, count),
        "nch_clm_type_cd": repeat("60", count),
        "clm_from_dt": begin,
        "clm_thru_dt": end,
        "prvdr_num": provider_codes(here.market).of(2 * len(here.market.facilities) + chosen),
        **bill_type("1", "1", count),
        "clm_pmt_amt": np.where(cover == MANAGED, 0.0, np.round(paid, 2)),
        **bill_payers(cover),
        "ptnt_dschrg_stus_cd": STATUS.of(np.where(is_first, MOVED_STATUS, admissions.status[row])),
        "clm_admsn_dt": begin,
        "nch_bene_dschrg_dt": end,
        "clm_ip_admsn_type_cd": ADMISSION_TYPE.of(elective),
        "clm_src_ip_admsn_cd": SOURCE.of(is_second.astype(np.int8)),
        "clm_drg_cd": Codes(tuple(f"{number:03d}" for number in range(1000))).of(drg),
        **name_diagnoses(codes),
        "icd_prcdr_cd1": PROCEDURE.of(procedure),
        "prcdr_dt1": np.where(procedure >= 0, begin, NO_DAY),
    }


def _write_blood(here: MarketYear, lines: Rows) -> Rows:
    """Write the pints of blood (value code 37) of every claim with a transfusion."""
    center, claim = lines["rev_cntr"], lines["clm_id"]
    if not isinstance(center, Coded) or isinstance(claim, Coded):
        raise TypeError("revenue centers are codes, claim numbers are not")
    numbers = claim[center.codes == _BLOOD]
    return {
        "clm_id": numbers,
        "rlt_val_cd_seq": np.ones(numbers.size, dtype=np.int64),
        "clm_val_cd": repeat("37", numbers.size),
        "clm_val_amt": 1.0 + (numbers + here.year) % 2,
    }


def _days_of(
    here: MarketYear, admissions: Admissions, row: np.ndarray, is_second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return first and last days; a moved patient changes hospital halfway."""
    stays = here.stays.rows(admissions.stay[row])
    middle = (stays.admit + stays.discharge) // 2
    begin = np.where(is_second, middle, stays.admit)
    end = np.where(admissions.is_moved[row] & ~is_second, middle, stays.discharge)
    return begin, end


def _code_stay(
    here: MarketYear, stay: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the diagnoses and the DRG of each claim."""
    diagnoses = load_diagnoses()
    principal, groups, share = load_principals()
    drawn = rng.choice(principal.size, stay.size, p=share)
    kind = here.stays.kind[stay]
    covid, esrd, dependence = (diagnoses.index(code) for code in ("U071", "N186", "Z992"))
    first = np.where(kind == COVID, covid, principal[drawn])
    first = np.where(kind == GRAFT, esrd, first)
    second = np.where(kind == GRAFT, dependence, esrd)
    leading = np.stack([first, second], axis=1)
    patient = here.stays.patient[stay]
    seen = rng.random((stay.size, len(load_conditions())), dtype=np.float32) < _CODED
    codes = code_diagnoses(here.people, patient, here.stays.admit[stay], leading, is_seen=seen)
    drg = np.where(kind == COVID, _COVID_DRG, groups[drawn])
    return codes, np.where(kind == GRAFT, _GRAFT_DRG, drg)


def _write_lines(
    here: MarketYear,
    admissions: Admissions,
    *,
    row: np.ndarray,
    is_second: np.ndarray,
    episodes: Episodes,
    rng: np.random.Generator,
) -> dict[str, Values]:
    count = row.size
    begin, end = _days_of(here, admissions, row, is_second)
    stay = admissions.stay[row]
    days = np.maximum(end - begin, 1)
    has_blood = np.isin(stay, episodes.transfused_stay) & ~(admissions.is_moved[row] & ~is_second)
    present = np.stack(
        [
            np.ones(count, dtype=bool),
            np.ones(count, dtype=bool),
            days > 1,
            rng.random(count) < _EMERGENCY,
            has_blood,
        ],
        axis=1,
    )
    claim, code = np.nonzero(present)
    units = np.ones(claim.size)
    units = np.where(code == _BOARD, days[claim], units)
    units = np.where(code == _DIALYSIS, np.ceil(days[claim] * 3 / 7), units)
    return {
        "clm_id": number_claims(here, Kind.INPATIENT, count)[claim],
        "clm_line_num": number_lines(claim, count),
        "rev_cntr": REVENUE.of(code.astype(np.int8)),
        "rev_cntr_dt": np.where(code == _BOARD, NO_DAY, begin[claim]),
        "rev_cntr_unit_cnt": units,
        "rev_cntr_pmt_amt_amt": np.zeros(claim.size),
    }
