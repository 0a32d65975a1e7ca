"""What facilities bill and report of acute kidney injury: type of bill 72x, condition code 84."""

import numpy as np

from esrd_pipeline.synthetic.nation.acute import Acute, AcuteMonths, cut_acute
from esrd_pipeline.synthetic.nation.claims import (
    Kind,
    MarketYear,
    beneficiary_of,
    bill_payers,
    bill_type,
    name_diagnoses,
    number_claims,
    number_lines,
    provider_codes,
    provider_on,
)
from esrd_pipeline.synthetic.nation.claims_dialysis import (
    ACCESS,
    HCPCS,
    REVENUE,
    SECONDARY_SHARE,
    VALUE,
    session_price,
)
from esrd_pipeline.synthetic.nation.columns import (
    NO_DAY,
    NO_NUMBER,
    Coded,
    Rows,
    Values,
    repeat,
)
from esrd_pipeline.synthetic.nation.coverage import PRIMARY, SECONDARY
from esrd_pipeline.synthetic.nation.figures import load_diagnoses
from esrd_pipeline.synthetic.nation.sessions import is_session_day
from esrd_pipeline.tables.clinical import EQRS_CLINICAL_MONTH

_FIRST_YEAR = 2017
"""Medicare pays dialysis facilities for acute kidney injury since then (42 CFR 413.371)."""
_DIAGNOSES = 8
_LONGEST = 31


def bill_acute(here: MarketYear, acute: Acute) -> dict[str, Rows]:
    """Bill the year's treatments of patients with Medicare coverage outside MA, by month."""
    edges = here.months.edges
    cut = cut_acute(acute, edges)
    cover = here.coverage.on(cut.patient, edges[cut.month])
    is_paid = ((cover == PRIMARY) | (cover == SECONDARY)) & (here.year >= _FIRST_YEAR)
    is_treated = _list_sessions(here, cut).any(axis=1)
    billed = _choose_months(cut, is_paid & is_treated)
    count = billed.patient.size
    numbers = number_claims(here, Kind.ACUTE, count)
    claim, column = np.nonzero(_list_sessions(here, billed))
    cover = here.coverage.on(billed.patient, edges[billed.month])
    price = session_price(here) * np.where(cover == SECONDARY, SECONDARY_SHARE, 1.0)
    price = np.round(price, 2)
    codes = np.full((count, _DIAGNOSES), -1, dtype=np.int16)
    codes[:, 0] = load_diagnoses().index("N179")
    people, patient = here.people, billed.patient
    one = np.ones(count, dtype=np.int64)
    return {
        "outpatient_base": {
            "bene_id": beneficiary_of(people, patient),
            "clm_id": numbers,
            "nch_clm_type_cd": repeat("40", count),
            "clm_from_dt": billed.begin,
            "clm_thru_dt": billed.end,
            "prvdr_num": provider_codes(here.market).of(
                provider_on(here.market, people.facility[patient], billed.begin)
            ),
            **bill_type("7", "2", count),
            "clm_pmt_amt": np.round(np.bincount(claim, minlength=count) * price, 2),
            **bill_payers(cover),
            "ptnt_dschrg_stus_cd": repeat("30", count),
            **name_diagnoses(codes),
        },
        "outpatient_revenue": {
            "clm_id": numbers[claim],
            "clm_line_num": number_lines(claim, count),
            "rev_cntr": REVENUE.of(np.full(claim.size, REVENUE.index("0821"), dtype=np.int8)),
            "rev_cntr_dt": (edges[billed.month[claim]] + column).astype(np.int32),
            "hcpcs_cd": HCPCS.of(np.full(claim.size, HCPCS.index("90999"), dtype=np.int8)),
            "hcpcs_1st_mdfr_cd": ACCESS.of(np.full(claim.size, ACCESS.index("V5"), dtype=np.int8)),
            "rev_cntr_unit_cnt": np.ones(claim.size),
            "rev_cntr_pmt_amt_amt": price[claim],
        },
        "outpatient_value": {
            "clm_id": np.repeat(numbers, 2),
            "rlt_val_cd_seq": np.tile(np.arange(1, 3), count),
            "clm_val_cd": VALUE.of(np.tile([VALUE.index("A8"), VALUE.index("A9")], count)),
            "clm_val_amt": np.round(
                np.stack([people.weight[patient], people.height[patient]], axis=1).reshape(-1), 2
            ),
        },
        "outpatient_condition": {
            "clm_id": numbers,
            "rlt_cond_cd_seq": one,
            "clm_rlt_cond_cd": repeat("84", count),
        },
    }


def report_acute(here: MarketYear, acute: Acute) -> dict[str, Rows]:
    """Report the months to EQRS: a catheter, calcium, and the sessions.

    The month in which ESRD begins is reported as one of ESRD.
    """
    edges = here.months.edges
    cut = cut_acute(acute, edges)
    reported = _choose_months(cut, here.people.start[cut.patient] >= edges[cut.month + 1])
    patient, count = reported.patient, reported.patient.size
    number = here.people.patient_id[patient]
    key = {
        "patient_id": number,
        "facilityid": here.market.numbers("facilityid")[here.people.facility[patient]],
        "month": edges[reported.month],
        "record_number": np.ones(count, dtype=np.int64),
    }
    given: dict[str, Values] = {
        **key,
        "calcium_value": 8.5 + number % 10 / 10,
        "calcium_date": reported.begin,
        "sessions_delivered": _list_sessions(here, reported).sum(axis=1),
    }
    nothing: dict[str, Values] = {
        "number": np.full(count, np.nan),
        "date": np.full(count, NO_DAY),
        "integer": np.full(count, NO_NUMBER),
        "text": Coded(np.full(count, -1), ()),
    }
    return {
        "eqrs_clinical_month": {
            column.name: given.get(column.name, nothing[column.type])
            for column in EQRS_CLINICAL_MONTH.columns
            if column.name != "performance_year"
        },
        "eqrs_vascular_access": {
            **key,
            "access_date": reported.begin,
            "access_type": repeat("Catheter Only", count),
        },
    }


def _choose_months(cut: AcuteMonths, rows: np.ndarray) -> AcuteMonths:
    return AcuteMonths(
        patient=cut.patient[rows], month=cut.month[rows], begin=cut.begin[rows], end=cut.end[rows]
    )


def _list_sessions(here: MarketYear, cut: AcuteMonths) -> np.ndarray:
    """Return months by days of the month: true where there was a session."""
    days = here.months.edges[cut.month][:, None] + np.arange(_LONGEST)
    inside = (days >= cut.begin[:, None]) & (days <= cut.end[:, None])
    return inside & is_session_day(here.people, cut.patient, days)
