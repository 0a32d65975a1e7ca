"""Claims of hospital outpatient departments: emergency visits, and transfusions outside stays.

This module adds and labels data defects: visits billed in two claims, visits that touch a hospital
stay, transfusions coded in part or billed twice.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.claims import (
    Kind,
    MarketYear,
    beneficiary_of,
    bill_payers,
    code_covid,
    code_diagnoses,
    name_diagnoses,
    number_claims,
    number_lines,
    provider_codes,
)
from esrd_pipeline.synthetic.nation.columns import Codes, Rows, Values, repeat, stack
from esrd_pipeline.synthetic.nation.coverage import PRIMARY, SECONDARY
from esrd_pipeline.synthetic.nation.episodes import Episodes
from esrd_pipeline.synthetic.nation.figures import load_diagnoses, load_figures, load_principals
from esrd_pipeline.synthetic.nation.hospitals import CRITICAL_ACCESS
from esrd_pipeline.synthetic.nation.labels import label

REVENUE = Codes(("0450", "0300", "0390", "0762", "0391", "0381", "0451", "0981"))
HCPCS = Codes(("99284", "80053", "36430", "G0378", "P9016"))
TYPE = Codes(("1", "8"))
SERVICE = Codes(("3", "5"))
WAYS = ("line and procedure", "procedure without a line", "value")
"""Codings of a transfusion outside hospital stays; the second one does not count (2.12.11)."""
_WHOLE, _NO_LINE, _VALUE_ONLY = range(3)
_EMERGENCY, _LABORATORY, _BLOOD, _OBSERVATION = range(4)
_LINES = 4
_CENTERS = np.array([0, 0, 0, 0, 0, 0, 0, 0, 6, 7])
_BLOOD_CENTERS = np.array([2, 2, 4, 5])
_DIAGNOSES = 8
_PRICE = 620.0
_SECONDARY_SHARE = 0.1
_FOUND_WITHIN = 14
"""A visit within this many days after COVID-19 was found has its code."""


@dataclass(frozen=True, slots=True)
class _Visits:
    """The claims, sorted; shapes are (claims,).

    Attributes:
        cell: the patient's month of the event.
        begin, end: first and last day.
        is_blood: a transfusion, else an emergency visit.
        way: coding of the transfusion, index in WAYS.
        is_second: the second of two claims of one event.
        is_observed: the visit led to an observation stay.
        luck: uniform random number for single decisions.
    """

    here: MarketYear
    cell: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    is_blood: np.ndarray
    way: np.ndarray
    is_second: np.ndarray
    is_observed: np.ndarray
    luck: np.ndarray

    @property
    def count(self) -> int:
        return self.cell.size

    @property
    def patient(self) -> np.ndarray:
        return self.here.months.patient[self.cell]

    @property
    def numbers(self) -> np.ndarray:
        return number_claims(self.here, Kind.OUTPATIENT, self.count)


def bill_visits(
    here: MarketYear,
    episodes: Episodes,
    *,
    rng: np.random.Generator,
    more: np.random.Generator,
) -> dict[str, Rows]:
    """Bill emergency visits and transfusions outside hospital stays; none for MA patients.

    Args:
        here: the market's year.
        episodes: its visits and transfusions.
        rng: the original stream.
        more: the stream of later additions: observation, second claims, codings.
    """
    visits = _list_visits(here, episodes, more)
    return {
        "outpatient_base": _write_base(visits, rng),
        "outpatient_revenue": _write_lines(visits),
        "outpatient_value": _write_values(visits),
        "data_defects": _label(visits),
    }


def _list_visits(here: MarketYear, episodes: Episodes, rng: np.random.Generator) -> _Visits:
    """Split visits and transfusions into claims; some have two."""
    figures, months = load_figures(), here.months
    cell = np.concatenate([episodes.emergency_cell, episodes.transfusion_cell])
    day = np.concatenate([episodes.emergency_day, episodes.transfusion_day])
    is_blood = np.arange(cell.size) >= episodes.emergency_cell.size
    cover = months.cover[cell]
    paid = np.flatnonzero((cover == PRIMARY) | (cover == SECONDARY))
    cell, day, is_blood = cell[paid], day[paid], is_blood[paid]
    luck = rng.random((4, cell.size))
    # Events longer than a day stay within their month, as the patient may be gone after it.
    has_room = day < months.end[cell]
    is_observed = ~is_blood & (luck[0] < figures["emergency_observed"])
    end = day + (is_observed & has_room)
    shares = (1 - figures["blood_no_line"] - figures["blood_value_only"], figures["blood_no_line"])
    way = np.searchsorted(np.cumsum(shares), luck[1], side="right")
    in_two = np.where(
        is_blood, luck[2] < figures["blood_twice"], luck[2] < figures["emergency_in_two"]
    )
    in_two &= (is_blood & (way == _WHOLE)) | (~is_blood & (end < months.end[cell]))
    again = np.flatnonzero(in_two)
    row = np.concatenate([np.arange(cell.size), again])
    is_second = np.arange(row.size) >= cell.size
    order = np.lexsort((is_second, row))
    row, is_second = row[order], is_second[order]
    next_day = np.where(is_blood, day, end + 1)
    return _Visits(
        here,
        cell=cell[row],
        begin=np.where(is_second, next_day[row], day[row]),
        end=np.where(is_second, next_day[row], end[row]),
        is_blood=is_blood[row],
        way=way[row],
        is_second=is_second,
        is_observed=is_observed[row] & ~is_second,
        luck=luck[3][row],
    )


def _write_base(visits: _Visits, rng: np.random.Generator) -> dict[str, Values]:
    here, market, count = visits.here, visits.here.market, visits.count
    cover, patient = here.months.cover[visits.cell], visits.patient
    words = load_diagnoses()
    reasons = load_principals().visits
    first = np.where(
        visits.is_blood, words.index("D649"), reasons[rng.integers(0, reasons.size, count)]
    )
    esrd = np.full(count, words.index("N186"))
    ill = code_covid(here, patient, begin=visits.begin - _FOUND_WITHIN, end=visits.end)
    codes = code_diagnoses(
        here.people,
        patient,
        visits.begin,
        np.stack([first, esrd, ill], axis=1),
        places=_DIAGNOSES,
    )
    hospital = (here.months.facility[visits.cell] + (rng.random(count) < 1 / 4)) % len(
        market.hospitals
    )
    units = 2 * len(market.facilities)
    is_rural = ~visits.is_blood & (visits.luck < load_figures()["ward_critical_access"])
    special = units + len(market.hospitals) + CRITICAL_ACCESS - 1
    share = np.where(cover == SECONDARY, _SECONDARY_SHARE, 1.0)
    return {
        "bene_id": beneficiary_of(here.people, patient),
        "clm_id": visits.numbers,
        "clm_from_dt": visits.begin,
        "clm_thru_dt": visits.end,
        "clm_pmt_amt": np.round(share * _PRICE * (visits.end - visits.begin + 1), 2),
        **bill_payers(cover),
        **name_diagnoses(codes),
        "nch_clm_type_cd": repeat("40", count),
        "prvdr_num": provider_codes(market).of(np.where(is_rural, special, units + hospital)),
        "clm_fac_type_cd": TYPE.of(is_rural.astype(np.int8)),
        "clm_srvc_clsfctn_type_cd": SERVICE.of(is_rural.astype(np.int8)),
        "clm_freq_cd": repeat("1", count),
        "ptnt_dschrg_stus_cd": repeat("01", count),
    }


def _write_lines(visits: _Visits) -> dict[str, Values]:
    """Write the emergency room or the transfusion, a laboratory test, and observation."""
    has_line = visits.is_blood & (visits.way != _VALUE_ONLY)
    present = np.ones((visits.count, _LINES), dtype=bool)
    present[:, _EMERGENCY] = ~visits.is_blood
    present[:, _BLOOD] = has_line
    present[:, _OBSERVATION] = visits.is_observed
    claim, line = np.nonzero(present)
    place = (visits.luck * 1000).astype(np.int64)
    blood = np.where(
        visits.way == _NO_LINE, _LABORATORY, _BLOOD_CENTERS[place % _BLOOD_CENTERS.size]
    )
    center = np.where(line == _EMERGENCY, _CENTERS[place % _CENTERS.size][claim], line)
    center = np.where(line == _BLOOD, blood[claim], center)
    code = np.where((line == _BLOOD) & (place[claim] % 3 == 0), HCPCS.index("P9016"), line)
    day = np.where(line == _OBSERVATION, visits.end[claim], visits.begin[claim])
    return {
        "clm_id": visits.numbers[claim],
        "clm_line_num": number_lines(claim, visits.count),
        "rev_cntr": REVENUE.of(center.astype(np.int8)),
        "rev_cntr_dt": day.astype(np.int32),
        "hcpcs_cd": HCPCS.of(code.astype(np.int8)),
        "hcpcs_1st_mdfr_cd": Codes(("V5", "V6", "V7")).of(np.full(claim.size, -1, np.int8)),
        "rev_cntr_unit_cnt": np.ones(claim.size),
        "rev_cntr_pmt_amt_amt": np.zeros(claim.size),
    }


def _write_values(visits: _Visits) -> dict[str, Values]:
    """Write the pints of blood (value code 37) if no other code records the transfusion."""
    numbers = visits.numbers[visits.is_blood & (visits.way == _VALUE_ONLY)]
    return {
        "clm_id": numbers,
        "rlt_val_cd_seq": np.ones(numbers.size, dtype=np.int64),
        "clm_val_cd": repeat("37", numbers.size),
        "clm_val_amt": 1.0 + numbers % 2,
    }


def _label(visits: _Visits) -> Rows:
    here = visits.here
    patient = here.people.patient_id[visits.patient]
    facility = here.market.numbers("facilityid")[here.months.facility[visits.cell]]
    ways = np.array(WAYS)[visits.way]
    kinds = {
        "emergency visit in two claims": visits.is_second & ~visits.is_blood,
        "emergency visit touching a stay": _touches_stay(visits) & ~visits.is_blood,
        "transfusion billed twice on a day": visits.is_second & visits.is_blood,
        "outpatient transfusion coded in part": visits.is_blood & (visits.way != _WHOLE),
    }
    return stack(
        [
            label(
                kind,
                patient=patient[struck],
                facility=facility[struck],
                claim=visits.numbers[struck],
                day=visits.begin[struck],
                detail=np.where(visits.is_blood, ways, "")[struck],
            )
            for kind, struck in kinds.items()
        ]
    )


def _touches_stay(visits: _Visits) -> np.ndarray:
    """Return which claims share a day with a hospital stay of their patient."""
    stays, patient = visits.here.stays, visits.patient
    if not stays.patient.size:
        return np.zeros(visits.count, dtype=bool)
    lane = 2**40
    begins = stays.patient.astype(np.int64) * lane + stays.admit
    mine = patient.astype(np.int64) * lane
    last = np.searchsorted(begins, mine + visits.end, side="right") - 1
    row = np.maximum(last, 0)
    is_mine = (last >= 0) & (stays.patient[row] == patient)
    return is_mine & (stays.discharge[row] >= visits.begin)
