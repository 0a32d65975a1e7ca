"""Dialysis facility claims, type of bill 72x: a patient, a facility, a month, a line a session.

Other outpatient claims do not belong here.
"""

import numpy as np

from esrd_pipeline.synthetic.nation.claims import (
    Kind,
    MarketYear,
    beneficiary_of,
    bill_payers,
    bill_type,
    code_diagnoses,
    days_in_hospital,
    name_diagnoses,
    number_claims,
    number_lines,
    provider_codes,
    provider_on,
)
from esrd_pipeline.synthetic.nation.columns import NO_DAY, Codes, Rows, Values, repeat
from esrd_pipeline.synthetic.nation.coverage import PRIMARY, SECONDARY
from esrd_pipeline.synthetic.nation.figures import load_diagnoses, load_figures
from esrd_pipeline.synthetic.nation.labels import label
from esrd_pipeline.synthetic.nation.people import HOME, IN_CENTER, PERITONEAL

REVENUE = Codes(("0821", "0851", "0841", "0636", "0300"))
HCPCS = Codes(("90999", "90947", "90945", "J0882", "J1756", "80069"))
ACCESS = Codes(("V5", "V6", "V7"))
CONDITION = Codes(("71", "73", "74", "76"))
VALUE = Codes(("A8", "A9", "D5", "48"))
_HEMO, _CYCLER, _AMBULATORY, _DRUG, _LABORATORY = range(5)
_SECONDARY_SHARE = 0.08
_DIAGNOSES = 8
_FREQUENT_KT_V, _UNREPORTED_KT_V = 8.88, 9.99
_FREQUENT_SHARE = 0.15


def bill_dialysis(here: MarketYear, rng: np.random.Generator) -> dict[str, Rows]:
    """Bill the year's dialysis of everyone whom Medicare pays for outside MA."""
    months = here.months
    paid = np.flatnonzero((months.cover == PRIMARY) | (months.cover == SECONDARY))
    claim, day = _draw_sessions(here, paid, rng)
    is_billed = np.bincount(claim, minlength=paid.size) > 0
    place = np.cumsum(is_billed) - 1
    cells, claim = paid[is_billed], place[claim]
    numbers = number_claims(here, Kind.DIALYSIS, cells.size)
    sessions = np.bincount(claim, minlength=cells.size)
    own = provider_on(here.market, here.months.facility[cells], here.months.begin[cells])
    provider = _mix_up(here, here.months.facility[cells], own, rng)
    mixed = np.flatnonzero(provider != own)
    return {
        "trouble": label(
            "hospital's number on a dialysis claim",
            facility=here.market.numbers("facilityid")[here.months.facility[cells[mixed]]],
            claim=numbers[mixed],
        ),
        "outpatient_base": _write_base(
            here, cells, numbers=numbers, sessions=sessions, provider=provider, rng=rng
        ),
        "outpatient_revenue": _write_lines(
            here, cells, numbers=numbers, claim=claim, day=day, rng=rng
        ),
        **_write_readings(here, cells, numbers, sessions, rng),
    }


def _draw_sessions(
    here: MarketYear, cells: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the claim and day of every treatment, in order."""
    months, patient = here.months, here.months.patient[cells]
    longest = 31
    days = months.edges[months.month[cells]][:, None] + np.arange(longest)
    inside = (days >= months.begin[cells][:, None]) & (days <= months.end[cells][:, None])
    modality = months.modality[cells]
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    shift = (here.people.patient_id[patient] % 2)[:, None]
    in_center = (weekday - shift) % 2 == 0
    in_center &= (weekday - shift >= 0) & (weekday - shift <= 4)  # noqa: PLR2004 - three a week
    at_home = weekday < 5  # noqa: PLR2004 - five a week
    scheduled = np.where(
        (modality == IN_CENTER)[:, None], in_center, (modality == PERITONEAL)[:, None] | at_home
    )
    missed = load_figures()["session_missed"]
    scheduled &= rng.random(days.shape, dtype=np.float32) >= missed
    away = days_in_hospital(here)
    offset = np.clip(days - months.first_day, 0, away.shape[1] - 1)
    scheduled &= inside & ~away[patient[:, None], offset]
    claim, column = np.nonzero(scheduled)
    return claim, days[claim, column]


def _write_base(
    here: MarketYear,
    cells: np.ndarray,
    *,
    numbers: np.ndarray,
    sessions: np.ndarray,
    provider: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Values]:
    months, count = here.months, cells.size
    patient, cover = months.patient[cells], months.cover[cells]
    esrd = load_diagnoses().index("N186")
    codes = code_diagnoses(
        here.people,
        patient,
        months.end[cells],
        np.full((count, 1), esrd, dtype=np.int16),
        places=_DIAGNOSES,
    )
    per_day = np.where(months.modality[cells] == PERITONEAL, 3 / 7, 1.0)
    per_day = np.where(months.modality[cells] == HOME, 3 / 5, per_day)
    paid = sessions * per_day * _session_price(here) * rng.normal(1, 0.03, count)
    paid = np.where(cover == SECONDARY, paid * _SECONDARY_SHARE, paid)
    return {
        "bene_id": beneficiary_of(here.people, patient),
        "clm_id": numbers,
        "nch_clm_type_cd": repeat("40", count),
        "clm_from_dt": months.begin[cells],
        "clm_thru_dt": months.end[cells],
        "prvdr_num": provider_codes(here.market).of(provider),
        **bill_type("7", "2", count),
        "clm_pmt_amt": np.round(paid, 2),
        **bill_payers(cover),
        "ptnt_dschrg_stus_cd": Codes(("30", "01", "20")).of(_status(here, cells)),
        **name_diagnoses(codes),
    }


def _status(here: MarketYear, cells: np.ndarray) -> np.ndarray:
    """Return 20 for a patient who died in the month, 30 for the others."""
    died = here.lives.death[here.months.patient[cells]] <= here.months.end[cells]
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


def _session_price(here: MarketYear) -> float:
    """The price of a hemodialysis treatment, two percent more each year."""
    return load_figures()["session_paid"] * 1.02 ** (here.year - 2024)


def _write_lines(
    here: MarketYear,
    cells: np.ndarray,
    *,
    numbers: np.ndarray,
    claim: np.ndarray,
    day: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Values]:
    """Write a line a treatment, and lines for drugs and laboratory tests."""
    figures, months, count = load_figures(), here.months, cells.size
    modality = months.modality[cells]
    is_cycler = here.people.patient_id[months.patient[cells]] % 5 > 0
    peritoneal = np.where(is_cycler, _CYCLER, _AMBULATORY)
    center = np.where(modality == PERITONEAL, peritoneal, _HEMO)[claim]
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
    hcpcs[: claim.size] = center
    access = (here.people.patient_id[months.patient[cells]] % 5 - 2).clip(0)
    modifier = np.full(order.size, -1)
    modifier[: claim.size] = np.where(center == _HEMO, access[claim], -1)
    per_day = np.where(modality == PERITONEAL, 3 / 7, np.where(modality == HOME, 3 / 5, 1.0))
    price = _session_price(here) * np.where(months.cover[cells] == SECONDARY, _SECONDARY_SHARE, 1.0)
    paid = np.zeros(order.size)
    paid[: claim.size] = np.round(per_day * price, 2)[claim]
    units = np.ones(order.size)
    units[claim.size : claim.size + esa.size] = rng.integers(10, 61, esa.size)
    units[claim.size + esa.size : claim.size + esa.size + iron.size] = 100
    line_day = np.concatenate([day, day[esa], day[iron], day[first]])
    line_claim = line_claim[order]
    return {
        "clm_id": numbers[line_claim],
        "clm_line_num": number_lines(line_claim, count),
        "rev_cntr": REVENUE.of(code[order].astype(np.int8)),
        "rev_cntr_dt": line_day[order].astype(np.int32),
        "hcpcs_cd": HCPCS.of(hcpcs[order].astype(np.int8)),
        "hcpcs_1st_mdfr_cd": ACCESS.of(modifier[order].astype(np.int8)),
        "rev_cntr_unit_cnt": units[order],
        "rev_cntr_pmt_amt_amt": paid[order],
    }


def _write_readings(
    here: MarketYear,
    cells: np.ndarray,
    numbers: np.ndarray,
    sessions: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Rows]:
    """Write weight, height, Kt/V, hemoglobin, the setting's condition code and Kt/V's day."""
    months, count = here.months, cells.size
    patient, modality = months.patient[cells], months.modality[cells]
    reading = _draw_kt_v(here, cells, rng)
    weight = here.people.weight[patient] * rng.normal(1, 0.01, count)
    hemoglobin = np.clip(rng.normal(10.7, 0.9, count), 6, 15)
    amounts = np.stack([weight, here.people.height[patient], reading, hemoglobin], axis=1)
    values = len(VALUE.words)
    setting = np.where(modality == IN_CENTER, 0, 2)
    reported = np.flatnonzero(reading < _FREQUENT_KT_V)
    drawn = months.end[cells] - rng.integers(0, 8, count)
    drawn = np.maximum(drawn, months.begin[cells])
    one = np.ones(count, dtype=np.int64)
    return {
        "outpatient_value": {
            "clm_id": np.repeat(numbers, values),
            "rlt_val_cd_seq": np.tile(np.arange(1, values + 1), count),
            "clm_val_cd": VALUE.of(np.tile(np.arange(values), count)),
            "clm_val_amt": np.round(amounts.reshape(-1), 2),
        },
        "outpatient_condition": {
            "clm_id": numbers,
            "rlt_cond_cd_seq": one,
            "clm_rlt_cond_cd": CONDITION.of(setting),
        },
        "outpatient_occurrence": {
            "clm_id": numbers[reported],
            "rlt_ocrnc_cd_seq": one[reported],
            "clm_rlt_ocrnc_cd": repeat("51", reported.size),
            "clm_rlt_ocrnc_dt": np.where(sessions > 0, drawn, NO_DAY)[reported],
        },
    }


def _draw_kt_v(here: MarketYear, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw Kt/V as the claim has it, 9.99 where none was measured, 8.88 for frequent dialysis."""
    figures, modality = load_figures(), here.months.modality[cells]
    is_peritoneal = modality == PERITONEAL
    mean = np.where(is_peritoneal, figures["kt_v_peritoneal"], figures["kt_v_hemodialysis"])
    spread = np.where(is_peritoneal, figures["kt_v_peritoneal_sd"], figures["kt_v_hemodialysis_sd"])
    value = np.clip(rng.normal(mean, spread), 0.5, 4.0).round(2)
    luck = rng.random(cells.size)
    value = np.where(luck < figures["kt_v_unreported"], _UNREPORTED_KT_V, value)
    is_frequent = (modality == HOME) & (rng.random(cells.size) > _FREQUENT_SHARE)
    return np.where(is_frequent, _FREQUENT_KT_V, value)
