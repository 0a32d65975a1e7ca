"""Dialysis facility claims, type of bill 72x, per patient, facility and month; a line per session.

This module adds and labels data defects: months billed in two claims, codes that are not composite
or of another modality, two modalities on a day, Kt/V that is not reported or has expired.
"""

from dataclasses import dataclass, replace

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
    provider_on,
)
from esrd_pipeline.synthetic.nation.columns import NO_DAY, Codes, Rows, Values, repeat, stack
from esrd_pipeline.synthetic.nation.coverage import PRIMARY, SECONDARY
from esrd_pipeline.synthetic.nation.figures import load_diagnoses, load_figures
from esrd_pipeline.synthetic.nation.hurricane_effects import CLOSED_DAYS, find_hosts
from esrd_pipeline.synthetic.nation.labels import label
from esrd_pipeline.synthetic.nation.people import IN_CENTER, PERITONEAL, is_frequent
from esrd_pipeline.synthetic.nation.sessions import draw_sessions, find_guests
from esrd_pipeline.synthetic.nation.status import FREQUENT_KTV, Status

REVENUE = Codes(("0821", "0851", "0841", "0636", "0300", "0820", "0859", "0849"))
HCPCS = Codes(("90999", "90947", "90945", "J0882", "J1756", "80069"))
ACCESS = Codes(("V5", "V6", "V7"))
CONDITION = Codes(("71", "73", "74", "75", "76"))
VALUE = Codes(("A8", "A9", "D5", "48"))
_HEMO, _CYCLER, _AMBULATORY, _DRUG, _LABORATORY = range(5)
_NOT_COMPOSITE = 5
"""Added to a treatment's code: the same modality, not composite."""
SECONDARY_SHARE = 0.08
"""What Medicare pays of a claim that a group health plan pays first."""
_DIAGNOSES = 8
_UNREPORTED_KTV = 9.99
_EXPIRED_DAYS = 200
_IN_CENTER_CODE, _HOME_CODE, _HELPED_CODE = 0, 2, 3
_HELPED_OF = 10
"""One in this many home patients has the facility's support (condition code 75)."""
_SHORT_DAYS = 7
_FEWEST_TREATMENTS = 8
"""Fewest treatments of a claim to which lines of another modality are added, so that the true
modality stays the most frequent."""
_STRANGE_LINES = 2


@dataclass(frozen=True, slots=True)
class _Bills:
    """The claims of a market's year and their treatments, both sorted.

    Attributes:
        here: the market's year.
        cells, begin, end, numbers: (claims,) the cell, first and last day, and number of each.
        facility: (claims,) the facility that treats: the cell's, or another in a hurricane.
        claim, day: (treatments,) the claim and day of each.
        code: (treatments,) index of its revenue centre in REVENUE.
    """

    here: MarketYear
    cells: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    numbers: np.ndarray
    facility: np.ndarray
    claim: np.ndarray
    day: np.ndarray
    code: np.ndarray

    @property
    def count(self) -> int:
        return self.cells.size

    @property
    def patient(self) -> np.ndarray:
        return self.here.months.patient[self.cells]

    @property
    def modality(self) -> np.ndarray:
        return self.here.months.modality[self.cells]

    def label(self, kind: str, claims: np.ndarray) -> Rows:
        """Label claims with a defect, by claim and by patient, facility and month."""
        months, cells = self.here.months, self.cells[claims]
        return label(
            kind,
            patient=self.here.people.patient_id[months.patient[cells]],
            facility=self.here.market.numbers("facilityid")[self.facility[claims]],
            claim=self.numbers[claims],
            day=months.edges[months.month[cells]],
        )


def bill_dialysis(here: MarketYear, status: Status, rng: np.random.Generator) -> dict[str, Rows]:
    """Bill the year's dialysis of all patients with Medicare coverage outside MA."""
    months = here.months
    paid = np.flatnonzero((months.cover == PRIMARY) | (months.cover == SECONDARY))
    claim, day, early = draw_sessions(here, paid, rng)
    bills = _cut_claims(here, paid, claim, day, rng)
    labels = [bills.label("a month in two claims", _find_parts(bills))]
    if _is_guest(bills).any():
        guests = np.flatnonzero(_is_guest(bills))
        labels.append(bills.label("treated elsewhere in a hurricane", guests))
    if early is not None:
        labels.append(early)
    bills = _miscode(bills, labels, rng)
    own = provider_on(here.market, bills.facility, months.begin[bills.cells])
    provider = _mix_up(here, bills.facility, own, rng)
    labels.append(
        bills.label("hospital's number on a dialysis claim", np.flatnonzero(provider != own))
    )
    return {
        "outpatient_base": _write_base(bills, provider=provider, rng=rng),
        "outpatient_revenue": _write_lines(bills, rng),
        **_write_readings(bills, status, labels, rng),
        "data_defects": stack(labels),
    }


def _cut_claims(
    here: MarketYear,
    cells: np.ndarray,
    claim: np.ndarray,
    day: np.ndarray,
    rng: np.random.Generator,
) -> _Bills:
    """Bill each cell's treatments in one claim, some in two, the first of a week or half.

    What another facility gives in a hurricane is billed in a claim of its own.
    """
    months = here.months
    length = months.days[cells]
    is_cut = (rng.random(cells.size) < load_figures()["bill_in_two"]) & (length > 2 * _SHORT_DAYS)
    lasts = np.where(rng.random(cells.size) < 1 / 2, _SHORT_DAYS, length // 2)
    cut = np.where(is_cut, months.begin[cells] + lasts, months.end[cells] + 1)
    parts = 1 + is_cut
    first = np.cumsum(parts) - parts
    claim = first[claim] + (day >= cut[claim])
    cell = np.repeat(np.arange(cells.size), parts)
    is_second = np.arange(cell.size) > first[cell]
    begin = np.where(is_second, cut[cell], months.begin[cells[cell]])
    end = np.where(is_second, months.end[cells[cell]], cut[cell] - 1)
    facility = months.facility[cells[cell]]
    guests = find_guests(here, cells[cell[claim]], day)
    if guests.any():
        whose, place = np.unique(cell[claim[guests]], return_inverse=True)
        claim[guests] = cell.size + place
        until = here.market.numbers("storm_day")[months.facility[cells[whose]]] + CLOSED_DAYS - 1
        begin = np.append(begin, np.maximum(months.begin[cells[whose]], until - CLOSED_DAYS + 1))
        end = np.append(end, np.minimum(months.end[cells[whose]], until))
        facility = np.append(facility, find_hosts(here.market)[months.facility[cells[whose]]])
        cell = np.append(cell, whose)
        order = np.lexsort((day, claim))
        claim, day = claim[order], day[order]
    is_billed = np.bincount(claim, minlength=cell.size) > 0
    kept = cells[cell[is_billed]]
    claim = (np.cumsum(is_billed) - 1)[claim]
    return _Bills(
        here,
        cells=kept,
        begin=begin[is_billed],
        end=end[is_billed],
        numbers=number_claims(here, Kind.DIALYSIS, kept.size),
        facility=facility[is_billed],
        claim=claim,
        day=day,
        code=_choose_codes(here, kept)[claim],
    )


def _is_guest(bills: _Bills) -> np.ndarray:
    return bills.facility != bills.here.months.facility[bills.cells]


def _find_parts(bills: _Bills) -> np.ndarray:
    """Return the claims that cover only part of a cell."""
    months = bills.here.months
    whole = (bills.begin == months.begin[bills.cells]) & (bills.end == months.end[bills.cells])
    return np.flatnonzero(~whole & ~_is_guest(bills))


def _choose_codes(here: MarketYear, cells: np.ndarray) -> np.ndarray:
    """Return the revenue centre of each cell's treatments."""
    months = here.months
    is_cycler = here.people.patient_id[months.patient[cells]] % 5 > 0
    peritoneal = np.where(is_cycler, _CYCLER, _AMBULATORY)
    return np.where(months.modality[cells] == PERITONEAL, peritoneal, _HEMO)


def _miscode(bills: _Bills, labels: list[Rows], rng: np.random.Generator) -> _Bills:
    """Give some claims codes that are not composite, or of another modality on two days.

    A day of two modalities has a second line; the true modality always stays the most frequent.
    """
    figures, luck = load_figures(), rng.random((3, bills.count))
    treatments = np.bincount(bills.claim, minlength=bills.count)
    is_long = treatments >= _FEWEST_TREATMENTS
    plain = luck[0] < figures["bill_not_composite"]
    mixed = ~plain & is_long & (luck[1] < figures["bill_mixed"])
    collides = ~plain & ~mixed & is_long & (luck[2] < figures["bill_collision"])
    labels += [
        bills.label(kind, np.flatnonzero(struck))
        for kind, struck in (
            ("codes that are not composite", plain),
            ("codes of two modalities", mixed),
            ("two modalities on a day", collides),
        )
    ]
    first = np.cumsum(treatments) - treatments
    is_early = np.arange(bills.claim.size) - first[bills.claim] < _STRANGE_LINES
    other = np.where(bills.code == _HEMO, _CYCLER, _HEMO)
    code = bills.code + np.where(plain[bills.claim], _NOT_COMPOSITE, 0)
    code = np.where(mixed[bills.claim] & is_early, other, code)
    twice = np.flatnonzero(collides[bills.claim] & is_early)
    claim = np.concatenate([bills.claim, bills.claim[twice]])
    day = np.concatenate([bills.day, bills.day[twice]])
    order = np.lexsort((day, claim))
    return replace(
        bills,
        claim=claim[order],
        day=day[order],
        code=np.concatenate([code, other[twice]])[order],
    )


def _write_base(
    bills: _Bills, *, provider: np.ndarray, rng: np.random.Generator
) -> dict[str, Values]:
    here, months = bills.here, bills.here.months
    cells, patient, count = bills.cells, bills.patient, bills.count
    cover = months.cover[cells]
    esrd = load_diagnoses().index("N186")
    codes = code_diagnoses(
        here.people,
        patient,
        months.end[cells],
        np.full((count, 1), esrd, dtype=np.int16),
        places=_DIAGNOSES,
    )
    sessions = np.bincount(bills.claim, minlength=count)
    paid = sessions * _per_day(bills) * session_price(here) * rng.normal(1, 0.03, count)
    paid = np.where(cover == SECONDARY, paid * SECONDARY_SHARE, paid)
    return {
        "bene_id": beneficiary_of(here.people, patient),
        "clm_id": bills.numbers,
        "nch_clm_type_cd": repeat("40", count),
        "clm_from_dt": bills.begin,
        "clm_thru_dt": bills.end,
        "prvdr_num": provider_codes(here.market).of(provider),
        **bill_type("7", "2", count),
        "clm_pmt_amt": np.round(paid, 2),
        **bill_payers(cover),
        "ptnt_dschrg_stus_cd": Codes(("30", "01", "20")).of(_status(bills)),
        **name_diagnoses(codes),
    }


def _per_day(bills: _Bills) -> np.ndarray:
    """Return a treatment's share of an in-center one: a week is paid as three treatments."""
    often = is_frequent(bills.here.people, bills.patient, bills.modality)
    return np.where(bills.modality == PERITONEAL, 3 / 7, np.where(often, 3 / 5, 1.0))


def _status(bills: _Bills) -> np.ndarray:
    """Return 20 for a patient who died by the claim's end, 30 for the others."""
    died = bills.here.trajectories.death[bills.patient] <= bills.end
    return np.where(died, 2, 0).astype(np.int8)


def _mix_up(
    here: MarketYear, facility: np.ndarray, provider: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Bill some of a hospital-based unit's claims under the hospital's number (3.3.3)."""
    market = here.market
    is_hospital = (market.numbers("kind") != "F")[facility]
    swaps = is_hospital & (rng.random(facility.size) < load_figures()["bill_hospital_number"])
    hospital = 2 * len(market.facilities) + facility % len(market.hospitals)
    return np.where(swaps, hospital, provider)


def session_price(here: MarketYear) -> float:
    """Return the price of a hemodialysis treatment, which rises by two percent a year."""
    return load_figures()["session_paid"] * 1.02 ** (here.year - 2024)


def _write_lines(bills: _Bills, rng: np.random.Generator) -> dict[str, Values]:
    """Write a line per treatment, and lines for drugs and laboratory tests."""
    figures, months, count = load_figures(), bills.here.months, bills.count
    claim, day, center = bills.claim, bills.day, bills.code
    weekly = (day + 3) % 7 <= 1
    esa = np.flatnonzero(weekly & (rng.random(count) < figures["esa_share"])[claim])
    first = np.flatnonzero(np.diff(claim, prepend=-1))
    iron = first[rng.random(first.size) < figures["iron_share"]]
    line_claim = np.concatenate([claim, claim[esa], claim[iron], claim[first]])
    order = np.argsort(line_claim, kind="stable")
    sizes = [claim.size, esa.size, iron.size, first.size]
    code = np.repeat([0, _DRUG, _DRUG, _LABORATORY], sizes)
    code[: claim.size] = center
    hcpcs = np.repeat([0, 3, 4, 5], sizes)
    hcpcs[: claim.size] = center % _NOT_COMPOSITE
    access = (bills.here.people.patient_id[bills.patient] % 5 - 2).clip(0)
    modifier = np.full(order.size, -1)
    modifier[: claim.size] = np.where(center == _HEMO, access[claim], -1)
    is_secondary = months.cover[bills.cells] == SECONDARY
    price = session_price(bills.here) * np.where(is_secondary, SECONDARY_SHARE, 1.0)
    paid = np.zeros(order.size)
    paid[: claim.size] = np.round(_per_day(bills) * price, 2)[claim]
    units = np.ones(order.size)
    units[claim.size : claim.size + esa.size] = rng.integers(10, 61, esa.size)
    units[claim.size + esa.size : claim.size + esa.size + iron.size] = 100
    line_day = np.concatenate([day, day[esa], day[iron], day[first]])
    line_claim = line_claim[order]
    return {
        "clm_id": bills.numbers[line_claim],
        "clm_line_num": number_lines(line_claim, count),
        "rev_cntr": REVENUE.of(code[order].astype(np.int8)),
        "rev_cntr_dt": line_day[order].astype(np.int32),
        "hcpcs_cd": HCPCS.of(hcpcs[order].astype(np.int8)),
        "hcpcs_1st_mdfr_cd": ACCESS.of(modifier[order].astype(np.int8)),
        "rev_cntr_unit_cnt": units[order],
        "rev_cntr_pmt_amt_amt": paid[order],
    }


def _write_readings(
    bills: _Bills, status: Status, labels: list[Rows], rng: np.random.Generator
) -> dict[str, Rows]:
    """Write weight, height, Kt/V, hemoglobin, the setting's condition code and Kt/V's day."""
    people, patient, count = bills.here.people, bills.patient, bills.count
    reading, day = _report_ktv(bills, status, labels, rng)
    weight = people.weight[patient] * rng.normal(1, 0.01, count)
    hemoglobin = np.clip(rng.normal(10.7, 0.9, count), 6, 15)
    amounts = np.stack([weight, people.height[patient], reading, hemoglobin], axis=1)
    values = len(VALUE.words)
    at_home = np.where(people.patient_id[patient] % _HELPED_OF, _HOME_CODE, _HELPED_CODE)
    setting = np.where(bills.modality == IN_CENTER, _IN_CENTER_CODE, at_home)
    reported = np.flatnonzero(day != NO_DAY)
    one = np.ones(count, dtype=np.int64)
    return {
        "outpatient_value": {
            "clm_id": np.repeat(bills.numbers, values),
            "rlt_val_cd_seq": np.tile(np.arange(1, values + 1), count),
            "clm_val_cd": VALUE.of(np.tile(np.arange(values), count)),
            "clm_val_amt": np.round(amounts.reshape(-1), 2),
        },
        "outpatient_condition": {
            "clm_id": bills.numbers,
            "rlt_cond_cd_seq": one,
            "clm_rlt_cond_cd": CONDITION.of(setting),
        },
        "outpatient_occurrence": {
            "clm_id": bills.numbers[reported],
            "rlt_ocrnc_cd_seq": one[reported],
            "clm_rlt_ocrnc_cd": repeat("51", reported.size),
            "clm_rlt_ocrnc_dt": day[reported],
        },
    }


def _report_ktv(
    bills: _Bills, status: Status, labels: list[Rows], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return Kt/V and its day as on claims: 9.99 if none was measured or reported."""
    figures, luck = load_figures(), rng.random((2, bills.count))
    true, day = status.ktv[bills.cells], status.ktv_day[bills.cells]
    is_measured = ~np.isnan(true)
    unreported = is_measured & (luck[0] < figures["kt_v_unreported"])
    is_value = is_measured & (true < FREQUENT_KTV)
    expired = is_value & ~unreported & (luck[1] < figures["bill_expired_ktv"])
    labels.append(bills.label("Kt/V not reported on a claim", np.flatnonzero(unreported)))
    labels.append(bills.label("expired Kt/V on a claim", np.flatnonzero(expired)))
    reading = np.where(is_measured & ~unreported, true, _UNREPORTED_KTV)
    day = np.where(expired, day - _EXPIRED_DAYS, day)
    return reading, np.where(is_value & ~unreported, day, NO_DAY)
