"""Builders of hospital stays and discharged patients."""

from collections.abc import Sequence

import pandas as pd

from esrd_pipeline.measures import srr
from esrd_pipeline.measures.specification import Program
from esrd_pipeline_tests.sql.design_columns import add_columns
from esrd_pipeline_tests.sql.worked import Case, Row, case, day

ACUTE, OTHER_ACUTE, CRITICAL = "100001", "100002", "101301"
LONG_TERM, REHABILITATION, PSYCHIATRIC = "102000", "103025", "10S001"
"""Hospitals by what their numbers say."""
DATED = ("discharge_date", "death_date", "event_date")


def claim(
    admitted: str, left: str, *, hospital: str = ACUTE, clm_id: int = 1, **other: object
) -> Row:
    """An inpatient claim of the beneficiary."""
    return {
        "bene_id": 900,
        "clm_id": clm_id,
        "nch_clm_type_cd": "60",
        "clm_from_dt": day(admitted),
        "clm_admsn_dt": day(admitted),
        "clm_thru_dt": day(left),
        "prvdr_num": hospital,
        "ptnt_dschrg_stus_cd": "01",
        "prncpal_dgns_cd": "N186",
        "performance_year": int(left[:4]),
        **other,
    }


def find_discharges(*claims: Row, revenue: Sequence[Row] = ()) -> Case:
    """The stays of patient 1, claims numbered as they are listed."""
    numbered = [{**row, "clm_id": number} for number, row in enumerate(claims, start=1)]
    return case(
        "history.covid_claim",
        "history.inpatient_discharge",
        tables={
            "raw.claim": numbered,
            "raw.claim_revenue": revenue,
            "linkage.beneficiary": [{"bene_id": 900, "patient_id": 1}],
        },
    ).read(lambda rows: rows.to_dict("records"))


def stay(number: int, admitted: str, left: str, *, hospital: str = ACUTE, **other: object) -> Row:
    """A stay of patient 1 in an acute hospital, an episode of its own."""
    return {
        "patient_id": 1,
        "stay": number,
        "admit_date": day(admitted),
        "discharge_date": day(left),
        "hospital_ccn": hospital,
        "kind": "acute",
        "is_cancer_hospital": False,
        "is_covered": True,
        "discharge_status": "01",
        "principal_category": 158,
        "is_rehabilitation": False,
        "is_planned": False,
        "episode": number,
        "episode_admit_date": day(admitted),
        "is_admission": True,
        "is_transferred": False,
        "is_covid": False,
        "order_in_year": number,
        **other,
    }


def elsewhere(number: int, admitted: str, left: str, kind: str) -> Row:
    """A stay in a hospital or unit that is not for acute care."""
    return stay(number, admitted, left, kind=kind, episode=None, order_in_year=None)


def person(row: Row, program: str, **other: object) -> Row:
    """Patient 1 on the day of a discharge: on dialysis at facility A."""
    return {
        "program": program,
        "patient_id": 1,
        "stay": row["stay"],
        "discharge_date": row["discharge_date"],
        "ccn": "A",
        "state": "dialysis",
        "is_grafted": False,
        "esrd_day": 1000,
        "age": 50,
        "is_female": False,
        "is_diabetes_cause": False,
        "bmi": 31.0,
        "imputed_bmi": 31.0,
        "home_days": 0,
        "is_ma": False,
        "is_high_risk": False,
        **other,
    }


QUARTERS = ("length_quarter", "is_length_second", "is_length_third", "is_length_fourth")
"""What depends on the other discharges of the nation."""


def own(rows: pd.DataFrame) -> dict[int, dict[str, object]]:
    """Rows by the number of the stay, without what other patients decide."""
    return table_of(rows.drop(columns=[name for name in QUARTERS if name in rows]))


def table_of(rows: pd.DataFrame) -> dict[int, dict[str, object]]:
    """Rows by the number of the stay."""
    filled = rows.astype(object).where(rows.notna(), None)
    return {int(row["stay"]): row for row in filled.to_dict("records")}


def judge_srr(
    *stays: Row,
    program: Program = "dfc",
    who: Row | None = None,
    transplant: str | None = None,
    spells: Sequence[tuple[str, str]] = (),
    excepted: Sequence[tuple[str, str]] = (),
    admissions: Sequence[Row] = (),
    run_out: str | None = None,
) -> Case:
    """The discharges of patient 1 as one program sees them, by the number of the stay.

    Claims reach to the year's end, or to the last day of `run_out`.
    """
    reach = {"history.claim_run_out": [{"last_date": day(run_out)}]} if run_out else {}
    return case(
        "cohort.srr",
        alone=run_out is not None,
        tables={
            **reach,
            "raw.eqrs_admission": list(admissions),
            "history.inpatient_discharge": stays,
            "history.discharged_patient": [person(row, program, **(who or {})) for row in stays],
            "history.treatment": [
                {
                    "program": program,
                    "patient_id": 1,
                    "state": state,
                    "start_date": day(start),
                    "end_date": day("2024-12-31"),
                }
                for state, start in spells
            ],
            "linkage.transplant": [
                {"program": program, "patient_id": 1, "transplant_date": day(transplant)}
            ]
            if transplant
            else [],
            "raw.ece_grant": [
                {"ccn": "A", "first_month": day(first), "last_month": day(last)}
                for first, last in excepted
            ],
        },
    ).read(lambda rows: own(add_columns(rows, srr.TERMS[program])))
