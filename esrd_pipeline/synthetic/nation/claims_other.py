"""Claims of skilled nursing, home health, hospice and physicians."""

import numpy as np

from esrd_pipeline.synthetic.nation.admissions import HEALTH_STATUS, SNF_STATUS, Admissions
from esrd_pipeline.synthetic.nation.claims import (
    Kind,
    MarketYear,
    beneficiary_of,
    bill_payers,
    bill_type,
    code_covid,
    code_diagnoses,
    name_diagnoses,
    number_claims,
)
from esrd_pipeline.synthetic.nation.columns import Codes, Rows, Values, repeat
from esrd_pipeline.synthetic.nation.coverage import MANAGED, NONE, PRIMARY, SECONDARY
from esrd_pipeline.synthetic.nation.data_defects import DataDefects
from esrd_pipeline.synthetic.nation.figures import load_diagnoses
from esrd_pipeline.synthetic.nation.months import edges_of
from esrd_pipeline.synthetic.nation.people import IN_CENTER

MONTHLY = Codes(("90960", "90961", "90962", "90966"))
_SNF_DAYS, _HHA_DAYS = 25, 35
_PLACES = 8
_SECONDARY_SHARE = 0.1
_PRICES = {Kind.SNF: 520.0, Kind.HHA: 55.0, Kind.HOSPICE: 190.0}
_CARRIER_PRICE = 290.0


def bill_after_stays(
    here: MarketYear, admissions: Admissions, rng: np.random.Generator
) -> dict[str, Rows]:
    """Bill skilled nursing and home health after stays with a discharge to them."""
    return {
        **_bill_care(here, admissions, Kind.SNF, rng),
        **_bill_care(here, admissions, Kind.HHA, rng),
    }


def bill_hospice(here: MarketYear, defects: DataDefects) -> dict[str, Rows]:
    """Bill the last days in hospice, month by month."""
    death = here.trajectories.death
    edges = edges_of(here.year)
    patient = np.flatnonzero(
        (defects.hospice_days > 0)
        & (death >= edges[0])
        & (death - defects.hospice_days < edges[-1])
    )
    begin = np.maximum(death[patient] - defects.hospice_days[patient], edges[0])
    begin = np.maximum(begin, here.people.start[patient])
    end = np.minimum(death[patient], edges[-1] - 1)
    cover = here.coverage.on(patient, begin)
    kept = (cover != NONE) & (end >= begin)
    patient, begin, end, cover = patient[kept], begin[kept], end[kept], cover[kept]
    part, begin, end = _cut(begin, end, edges)
    patient, cover = patient[part], cover[part]
    status = np.where(end >= death[patient], 1, 0)
    return _write_care(
        here,
        Kind.HOSPICE,
        patient,
        days=(begin, end),
        cover=cover,
        status=Codes(("30", "40")).of(status),
    )


def bill_physicians(here: MarketYear, rng: np.random.Generator) -> dict[str, Rows]:
    """Bill nephrologists' monthly capitation payments."""
    months = here.months
    cell = np.flatnonzero(
        ((months.cover == PRIMARY) | (months.cover == SECONDARY)) & (months.days >= 14)  # noqa: PLR2004
    )
    count, patient = cell.size, months.patient[cell]
    esrd = np.full(count, load_diagnoses().index("N186"))
    ill = code_covid(here, patient, begin=months.begin[cell], end=months.end[cell])
    leading = np.stack([esrd, ill], axis=1)
    codes = code_diagnoses(here.people, patient, months.end[cell], leading, places=_PLACES)
    visits = rng.choice(3, count, p=(0.62, 0.28, 0.1))
    service = np.where(months.modality[cell] == IN_CENTER, visits, 3)
    paid = np.where(months.cover[cell] == SECONDARY, _SECONDARY_SHARE, 1.0) * _CARRIER_PRICE
    numbers = number_claims(here, Kind.CARRIER, count)
    return {
        "carrier_claim": {
            "bene_id": beneficiary_of(here.people, patient),
            "clm_id": numbers,
            "clm_from_dt": months.begin[cell],
            "clm_thru_dt": months.end[cell],
            "clm_pmt_amt": paid,
            **name_diagnoses(codes),
        },
        "carrier_line": {
            "clm_id": numbers,
            "line_num": np.ones(count, dtype=np.int64),
            "line_1st_expns_dt": months.begin[cell],
            "line_last_expns_dt": months.end[cell],
            "hcpcs_cd": MONTHLY.of(service),
            "prvdr_spclty": repeat("39", count),
            "line_place_of_srvc_cd": Codes(("65", "12")).of((service == 3).astype(int)),  # noqa: PLR2004
            "line_nch_pmt_amt": paid,
        },
    }


def _bill_care(
    here: MarketYear, admissions: Admissions, kind: Kind, rng: np.random.Generator
) -> dict[str, Rows]:
    """Bill the care after a stay, until the patient's next stay, within the year."""
    status, typical = (SNF_STATUS, _SNF_DAYS) if kind == Kind.SNF else (HEALTH_STATUS, _HHA_DAYS)
    stays, edges = here.stays, here.months.edges
    following = np.append(stays.patient[1:] == stays.patient[:-1], [False])[: stays.patient.size]
    until = np.where(following, np.append(stays.admit[1:], [0])[: stays.admit.size] - 1, edges[-1])
    chosen = np.flatnonzero(admissions.status == status)
    stay = admissions.stay[chosen]
    patient, begin = stays.patient[stay], stays.discharge[stay]
    days = 3 + rng.exponential(typical, stay.size).astype(np.int64) % 100
    end = np.minimum(np.minimum(begin + days, until[stay]), here.trajectories.death[patient])
    end = np.minimum(end, edges[-1] - 1)
    kept = end > begin
    part, begin, end = _cut(begin[kept], end[kept], edges)
    cover = admissions.cover[chosen][kept][part]
    return _write_care(
        here,
        kind,
        patient[kept][part],
        days=(begin, end),
        cover=cover,
        status=repeat("01", part.size),
    )


def _cut(
    begin: np.ndarray, end: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut date ranges at the ends of months; return the range and days of each part."""
    first = np.searchsorted(edges, begin, side="right") - 1
    counts = np.searchsorted(edges, end, side="right") - first
    part = np.repeat(np.arange(begin.size), counts)
    month = first[part] + np.arange(part.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return (
        part,
        np.maximum(begin[part], edges[month]),
        np.minimum(end[part], edges[month + 1] - 1),
    )


def _write_care(
    here: MarketYear,
    kind: Kind,
    patient: np.ndarray,
    *,
    days: tuple[np.ndarray, np.ndarray],
    cover: np.ndarray,
    status: Values,
) -> dict[str, Rows]:
    names = {Kind.SNF: "snf", Kind.HHA: "hha", Kind.HOSPICE: "hospice"}
    claim_types = {Kind.SNF: "20", Kind.HHA: "10", Kind.HOSPICE: "50"}
    bills = {Kind.SNF: ("2", "1"), Kind.HHA: ("3", "2"), Kind.HOSPICE: ("8", "1")}
    centers = {Kind.SNF: "0022", Kind.HHA: "0551", Kind.HOSPICE: "0651"}
    series = {Kind.SNF: "5", Kind.HHA: "7", Kind.HOSPICE: "15"}
    begin, end = days
    count, prefix = patient.size, here.market.prefix
    number = f"{here.market.number % 90 + 1:03d}"[len(series[kind]) - 1 :]
    provider = f"{prefix}{series[kind]}{number}"
    esrd = np.full((count, 1), load_diagnoses().index("N186"))
    codes = code_diagnoses(here.people, patient, begin, esrd, places=_PLACES)
    numbers = number_claims(here, kind, count)
    base = {
        **_base(here, kind, patient, days=(begin, end), cover=cover, codes=codes),
        "nch_clm_type_cd": repeat(claim_types[kind], count),
        "prvdr_num": repeat(provider, count),
        **bill_type(*bills[kind], count),
        "ptnt_dschrg_stus_cd": status,
        "clm_admsn_dt": begin,
    }
    return {
        f"{names[kind]}_base": base,
        f"{names[kind]}_revenue": {
            "clm_id": numbers,
            "clm_line_num": np.ones(count, dtype=np.int64),
            "rev_cntr": repeat(centers[kind], count),
            "rev_cntr_dt": begin.astype(np.int32),
            "rev_cntr_unit_cnt": (end - begin + 1).astype(float),
            "rev_cntr_pmt_amt_amt": base["clm_pmt_amt"],
        },
    }


def _base(
    here: MarketYear,
    kind: Kind,
    patient: np.ndarray,
    *,
    days: tuple[np.ndarray, np.ndarray],
    cover: np.ndarray,
    codes: np.ndarray,
) -> dict[str, Values]:
    share = np.where(cover == MANAGED, 0.0, np.where(cover == SECONDARY, _SECONDARY_SHARE, 1.0))
    return {
        "bene_id": beneficiary_of(here.people, patient),
        "clm_id": number_claims(here, kind, patient.size),
        "clm_from_dt": days[0],
        "clm_thru_dt": days[1],
        "clm_pmt_amt": np.round(share * _PRICES[kind] * (days[1] - days[0] + 1), 2),
        **bill_payers(cover),
        **name_diagnoses(codes),
    }
