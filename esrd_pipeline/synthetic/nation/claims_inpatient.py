"""Inpatient claims: one per hospital stay, two if the patient was moved or the bill was interim.

Some claims are duplicated. Managed care stays have claims without payment.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.admissions import (
    LINE,
    PROCEDURE,
    STATUS,
    STAYING_STATUS,
    VALUE,
    Admissions,
    label_admissions,
    status_before,
)
from esrd_pipeline.synthetic.nation.claims import (
    Kind,
    MarketYear,
    beneficiary_of,
    bill_payers,
    code_diagnoses,
    name_diagnoses,
    number_claims,
    number_lines,
    provider_codes,
)
from esrd_pipeline.synthetic.nation.columns import (
    NO_DAY,
    Codes,
    Rows,
    Values,
    choose_rows,
    repeat,
    stack,
)
from esrd_pipeline.synthetic.nation.coverage import MANAGED, SECONDARY
from esrd_pipeline.synthetic.nation.episodes import Episodes
from esrd_pipeline.synthetic.nation.figures import (
    load_conditions,
    load_diagnoses,
    load_figures,
    load_principals,
    load_procedures,
)
from esrd_pipeline.synthetic.nation.hospitals import (
    ACUTE,
    CANCER,
    PSYCHIATRIC,
    PSYCHIATRIC_UNIT,
    REHABILITATION,
    REHABILITATION_UNIT,
)
from esrd_pipeline.synthetic.nation.labels import label
from esrd_pipeline.synthetic.nation.stays import COVID, GRAFT

REVENUE = Codes(("0120", "0250", "0801", "0450", "0390", "0118", "0124", "0024", "0381", "0391"))
SOURCE = Codes(("1", "4"))
ADMISSION_TYPE = Codes(("1", "2", "3"))
FREQUENCY = Codes(("1", "2", "4"))
_BLOOD_PROCEDURES = ("30233N1", "30243N1", "30233P1")
_GRAFT_PROCEDURE = "0TY00Z0"
PROCEDURES = Codes((*_BLOOD_PROCEDURES, _GRAFT_PROCEDURE, *load_procedures().words))
_GRAFT, _OTHERS = 3, 4
_GRAFT_DRG, _COVID_DRG = 652, 177
_CODED = 0.92
_EMERGENCY = 0.65
_PLACES = 20
_BOARD, _PHARMACY, _DIALYSIS, _EMERGENCY_ROOM, _BLOOD, _THERAPY = range(6)
_LINES = 6
_REHABILITATION_BOARD, _PSYCHIATRIC_BOARD, _THERAPY_CENTER = 5, 6, 7
_BLOOD_CENTERS = np.array([4, 8, 9])


@dataclass(frozen=True, slots=True)
class _Bills:
    """The claims, sorted; shapes are (claims,).

    Attributes:
        row: the admission.
        is_second: the second of two claims of one stay.
        begin, end: first and last day.
        ward: the claim's ward.
        has_blood: whether a transfusion is billed.
        principal: index in the principal diagnoses.
    """

    here: MarketYear
    admissions: Admissions
    row: np.ndarray
    is_second: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    ward: np.ndarray
    has_blood: np.ndarray
    principal: np.ndarray

    @property
    def count(self) -> int:
        return self.row.size

    @property
    def stay(self) -> np.ndarray:
        return self.admissions.stay[self.row]

    @property
    def patient(self) -> np.ndarray:
        return self.here.stays.patient[self.stay]

    @property
    def is_moved(self) -> np.ndarray:
        return self.admissions.is_moved[self.row]

    @property
    def is_interim(self) -> np.ndarray:
        return self.admissions.is_interim[self.row]

    @property
    def is_first(self) -> np.ndarray:
        """Return which claims are followed by another claim of the stay."""
        return (self.is_moved | self.is_interim) & ~self.is_second

    @property
    def numbers(self) -> np.ndarray:
        return number_claims(self.here, Kind.INPATIENT, self.count)

    def codes_blood(self, way: int) -> np.ndarray:
        """Return which claims code a transfusion this way."""
        coded = self.admissions.blood[self.row]
        return self.has_blood & ((coded == 0) | (coded == way))


def bill_admissions(
    here: MarketYear,
    admissions: Admissions,
    episodes: Episodes,
    *,
    rng: np.random.Generator,
    more: np.random.Generator,
) -> dict[str, Rows]:
    """Bill the year's hospital stays.

    Args:
        here: the market's year.
        admissions: its billed stays.
        episodes: which of them had a transfusion.
        rng: the original stream.
        more: the stream of later additions: cancer hospitals.
    """
    bills = _cut_claims(here, admissions, episodes, rng=rng, more=more)
    base = _write_base(bills, rng)
    lines = _write_lines(bills, rng)
    twice = np.flatnonzero(rng.random(bills.count) < load_figures()["duplicate_claim"])
    again = dict(choose_rows(base, twice))
    again["clm_id"] = number_claims(here, Kind.DUPLICATE, twice.size)
    duplicates = label(
        "duplicate claim",
        patient=here.people.patient_id[bills.patient[twice]],
        claim=number_claims(here, Kind.DUPLICATE, twice.size),
        detail=bills.numbers[twice],
    )
    others = label_admissions(
        here,
        admissions,
        row=bills.row,
        claim=bills.numbers,
        ward=bills.ward,
        is_last=~bills.is_first,
        has_blood=bills.has_blood,
    )
    return {
        "inpatient_base": stack([base, again]),
        "inpatient_revenue": lines,
        "inpatient_value": _write_blood(bills),
        "data_defects": stack([duplicates, others]),
    }


def _cut_claims(
    here: MarketYear,
    admissions: Admissions,
    episodes: Episodes,
    *,
    rng: np.random.Generator,
    more: np.random.Generator,
) -> _Bills:
    """Bill each stay in one claim, or in two halves with a move or an interim bill."""
    count = admissions.stay.size
    halved = np.flatnonzero(admissions.is_moved | admissions.is_interim)
    row = np.concatenate([np.arange(count), halved])
    is_second = np.concatenate([np.zeros(count, bool), np.ones(halved.size, bool)])
    order = np.lexsort((is_second, row))
    row, is_second = row[order], is_second[order]
    stays, is_halved = here.stays.rows(admissions.stay[row]), np.isin(row, halved)
    middle = (stays.admit + stays.discharge) // 2
    # After a move the second claim begins on the day of discharge, after an interim bill a day
    # later.
    next_day = middle + admissions.is_interim[row]
    ward = np.where(
        admissions.is_moved[row] & is_second, admissions.moved_ward[row], admissions.ward[row]
    )
    principal = _choose_principals(ward, rng)
    letters = np.array([code[0] for code in load_diagnoses().words])
    has_cancer = letters[load_principals().code[principal]] == "C"
    goes_far = more.random(row.size) < load_figures()["ward_cancer"]
    goes_far &= len(here.market.special) >= CANCER
    ward = np.where((ward == ACUTE) & has_cancer & goes_far & ~is_halved, CANCER, ward)
    return _Bills(
        here,
        admissions,
        row=row,
        is_second=is_second,
        begin=np.where(is_second, next_day, stays.admit),
        end=np.where(is_halved & ~is_second, middle, stays.discharge),
        ward=ward,
        has_blood=np.isin(admissions.stay[row], episodes.transfused_stay)
        & ~(is_halved & ~is_second),
        principal=principal,
    )


def _choose_principals(ward: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the principal diagnosis of each claim by its ward."""
    luck = rng.random(ward.size)
    chosen = np.zeros(ward.size, dtype=np.int64)
    for kind, wards in (
        ("usual", ()),
        ("psychiatric", (PSYCHIATRIC, PSYCHIATRIC_UNIT)),
        ("rehabilitation", (REHABILITATION, REHABILITATION_UNIT)),
    ):
        places, share = load_principals().of(kind)
        reach = np.cumsum(share)
        drawn = places[np.minimum(np.searchsorted(reach, luck, side="right"), places.size - 1)]
        chosen = np.where(np.isin(ward, wards), drawn, chosen) if wards else drawn
    return chosen


def _write_base(bills: _Bills, rng: np.random.Generator) -> dict[str, Values]:
    here, admissions, row, count = bills.here, bills.admissions, bills.row, bills.count
    cover, begin, end = admissions.cover[row], bills.begin, bills.end
    codes, drg = _code_stays(bills, rng)
    paid = rng.lognormal(np.log(9800), 0.5, count) * (1 + (end - begin) / 12)
    paid = np.where(cover == SECONDARY, paid * 0.04, paid)
    luck = rng.random(count)
    elective = np.where(luck < _EMERGENCY, 0, np.where(luck < 0.85, 1, 2))  # noqa: PLR2004
    is_interim = bills.is_interim
    status = np.where(bills.is_moved, status_before(admissions.moved_ward[row]), STAYING_STATUS)
    status = np.where(bills.is_first, status, admissions.status[row])
    frequency = np.where(is_interim, np.where(bills.is_second, 2, 1), 0)
    return {
        "bene_id": beneficiary_of(here.people, bills.patient),
        "clm_id": bills.numbers,
        "nch_clm_type_cd": repeat("60", count),
        "clm_from_dt": begin,
        "clm_thru_dt": end,
        "prvdr_num": _name_providers(bills),
        "clm_fac_type_cd": repeat("1", count),
        "clm_srvc_clsfctn_type_cd": repeat("1", count),
        "clm_freq_cd": FREQUENCY.of(frequency),
        "clm_pmt_amt": np.where(cover == MANAGED, 0.0, np.round(paid, 2)),
        **bill_payers(cover),
        "ptnt_dschrg_stus_cd": STATUS.of(status),
        "clm_admsn_dt": np.where(is_interim, here.stays.admit[bills.stay], begin),
        "nch_bene_dschrg_dt": np.where(is_interim & bills.is_first, NO_DAY, end),
        "clm_ip_admsn_type_cd": ADMISSION_TYPE.of(elective),
        "clm_src_ip_admsn_cd": SOURCE.of((bills.is_moved & bills.is_second).astype(np.int8)),
        "clm_drg_cd": Codes(tuple(f"{number:03d}" for number in range(1000))).of(drg),
        **name_diagnoses(codes),
        **_name_procedures(bills),
    }


def _name_providers(bills: _Bills) -> Values:
    """Return the hospital's number, or its neighbour's after a move."""
    market = bills.here.market
    hospital = bills.here.stays.hospital[bills.stay] + (bills.is_moved & bills.is_second)
    units = 2 * len(market.facilities)
    special = units + len(market.hospitals) + bills.ward - 1
    chosen = np.where(bills.ward == ACUTE, units + hospital % len(market.hospitals), special)
    return provider_codes(market).of(chosen)


def _name_procedures(bills: _Bills) -> dict[str, Values]:
    """Return the stay's own procedure, then its transfusion."""
    kind = bills.here.stays.kind[bills.stay]
    own = load_principals().procedure[bills.principal]
    own = np.where((own >= 0) & (kind != COVID), own + _OTHERS, -1)
    own = np.where(kind == GRAFT, _GRAFT, own)
    blood = np.where(bills.codes_blood(PROCEDURE), bills.patient % len(_BLOOD_PROCEDURES), -1)
    first, second = np.where(own >= 0, own, blood), np.where(own >= 0, blood, -1)
    return {
        "icd_prcdr_cd1": PROCEDURES.of(first),
        "prcdr_dt1": np.where(first >= 0, bills.begin, NO_DAY),
        "icd_prcdr_cd2": PROCEDURES.of(second),
        "prcdr_dt2": np.where(second >= 0, bills.begin, NO_DAY),
    }


def _write_blood(bills: _Bills) -> Rows:
    """Write the pints of blood (value code 37)."""
    numbers = bills.numbers[bills.codes_blood(VALUE)]
    return {
        "clm_id": numbers,
        "rlt_val_cd_seq": np.ones(numbers.size, dtype=np.int64),
        "clm_val_cd": repeat("37", numbers.size),
        "clm_val_amt": 1.0 + (numbers + bills.here.year) % 2,
    }


def _code_stays(bills: _Bills, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the diagnoses and the DRG of each claim."""
    here, diagnoses, principals = bills.here, load_diagnoses(), load_principals()
    kind = here.stays.kind[bills.stay]
    covid, pneumonia, esrd, dependence = (
        diagnoses.index(code) for code in ("U071", "J1282", "N186", "Z992")
    )
    first = np.where(kind == COVID, covid, principals.code[bills.principal])
    first = np.where(kind == GRAFT, esrd, first)
    second = np.where(kind == GRAFT, dependence, esrd)
    third = np.where((kind == COVID) & (bills.patient % 2 == 0), pneumonia, -1)
    leading = np.stack([first, second, third], axis=1)
    seen = rng.random((bills.count, len(load_conditions())), dtype=np.float32) < _CODED
    codes = code_diagnoses(
        here.people,
        bills.patient,
        here.stays.admit[bills.stay],
        leading,
        places=_PLACES,
        is_seen=seen,
    )
    drg = np.where(kind == COVID, _COVID_DRG, principals.drg[bills.principal])
    return codes, np.where(kind == GRAFT, _GRAFT_DRG, drg)


def _write_lines(bills: _Bills, rng: np.random.Generator) -> dict[str, Values]:
    count, days = bills.count, np.maximum(bills.end - bills.begin, 1)
    rehabilitates = np.isin(bills.ward, (REHABILITATION, REHABILITATION_UNIT))
    therapy = bills.admissions.has_therapy[bills.row]
    present = np.ones((count, _LINES), dtype=bool)
    present[:, _DIALYSIS] = days > 1
    present[:, _EMERGENCY_ROOM] = (rng.random(count) < _EMERGENCY) & (bills.ward == ACUTE)
    present[:, _BLOOD] = bills.codes_blood(LINE)
    present[:, _THERAPY] = rehabilitates
    claim, line = np.nonzero(present)
    center = line.copy()
    board = np.where(rehabilitates | therapy, _REHABILITATION_BOARD, _BOARD)
    board = np.where(
        np.isin(bills.ward, (PSYCHIATRIC, PSYCHIATRIC_UNIT)), _PSYCHIATRIC_BOARD, board
    )
    center = np.where(line == _BOARD, board[claim], center)
    blood = _BLOOD_CENTERS[bills.patient % _BLOOD_CENTERS.size]
    center = np.where(line == _BLOOD, blood[claim], center)
    center = np.where(line == _THERAPY, _THERAPY_CENTER, center)
    units = np.where(line == _BOARD, days[claim], 1.0)
    units = np.where(line == _DIALYSIS, np.ceil(days[claim] * 3 / 7), units)
    return {
        "clm_id": bills.numbers[claim],
        "clm_line_num": number_lines(claim, count),
        "rev_cntr": REVENUE.of(center.astype(np.int8)),
        "rev_cntr_dt": np.where(line == _BOARD, NO_DAY, bills.begin[claim]),
        "rev_cntr_unit_cnt": units,
        "rev_cntr_pmt_amt_amt": np.zeros(claim.size),
    }
