"""Builders of a patient's admissions, claims and days."""

import pandas as pd

from esrd_pipeline_tests.sql.worked import Case, Row, case, day

LAST = "2024-12-31"
A, B, C = 1, 2, 3
"""EQRS facilities. Their CCNs are 'A', 'B' and 'C', as are their provider numbers."""


def spell(
    facility: int,
    start: str,
    end: str | None = None,
    discharged: str | None = None,
    *,
    admitted: str = "Transfer In",
) -> Row:
    """An admission to a facility; without a last day the patient is still there."""
    return {
        "patient_id": 1,
        "facilityid": facility,
        "admit_date": day(start),
        "admit_reason": admitted,
        "discharge_date": day(end) if end else None,
        "discharge_reason": discharged,
    }


def prescribed(facility: int, start: str, treatment: str, setting: str = "Home") -> Row:
    """A prescription of a facility."""
    return {
        "patient_id": 1,
        "facilityid": facility,
        "start_date": day(start),
        "treatment_type": treatment,
        "setting": setting,
    }


def claim(provider: str, start: str, end: str, *, clm_id: int = 1, **other: object) -> Row:
    """A paid claim of a dialysis facility; `modality` is what its codes say of it."""
    return {
        "bene_id": 900,
        "clm_id": clm_id,
        "clm_from_dt": day(start),
        "clm_thru_dt": day(end),
        "prvdr_num": provider,
        "clm_fac_type_cd": "7",
        "clm_srvc_clsfctn_type_cd": "2",
        "clm_pmt_amt": 2900.0,
        "performance_year": int(end[:4]),
        **other,
    }


def claims(provider: str, *months: str) -> list[Row]:
    """A paid claim for each whole month, written '2024-03'."""
    return [
        claim(provider, f"{month}-01", f"{pd.Period(month).end_time:%Y-%m-%d}") for month in months
    ]


def came(facility: int, start: str) -> Row:
    """A CMS-2728 that says on which day the patient came to a facility."""
    return {
        "patient_id": 1,
        "form_number": 1,
        "facilityid": facility,
        "facility_start_date": day(start),
    }


def find_places(
    *admissions: Row,
    prescriptions: list[Row] | None = None,
    billed: list[Row] | None = None,
    conditions: list[Row] | None = None,
    forms: list[Row] | None = None,
) -> Case:
    """The evidence of one patient's dialysis."""
    return case(
        "history.dialysis_evidence",
        tables=_list_sources(admissions, prescriptions, billed, conditions, forms),
    )


def follow(
    *admissions: Row,
    first_service: str,
    death: str | None = None,
    transplants: dict[str, str | None] | None = None,
    ccns: list[Row] | None = None,
    prescriptions: list[Row] | None = None,
    billed: list[Row] | None = None,
    program: str = "dfc",
) -> Case:
    """The treatment history of one patient; transplants are days and, if any, days of failure."""
    whose = {"program": program, "patient_id": 1}
    known = [
        {"facilityid": number, "start_date": day("1980-01-01"), "ccn": ccn}
        for number, ccn in ((A, "A"), (B, "B"), (C, "C"))
    ]
    return case(
        "history.dialysis_evidence",
        "history.treatment",
        tables={
            **_list_sources(admissions, prescriptions, billed, None, None),
            "linkage.first_service": [{**whose, "first_service_date": day(first_service)}],
            "linkage.death": [{**whose, "death_date": day(death)}] if death else [],
            "linkage.transplant": [
                {
                    **whose,
                    "transplant_date": day(transplant),
                    "failure_date": day(failure) if failure else None,
                }
                for transplant, failure in (transplants or {}).items()
            ],
            "linkage.facility_ccn": [
                {"program": program, **row} for row in (known if ccns is None else ccns)
            ],
            "linkage.provider_number": [
                {"program": program, "provider_number": number, "ccn": number} for number in "ABC"
            ],
        },
    )


def _list_sources(
    admissions: tuple[Row, ...],
    prescriptions: list[Row] | None,
    billed: list[Row] | None,
    conditions: list[Row] | None,
    forms: list[Row] | None,
) -> dict[str, list[Row]]:
    bills = [{**row, "clm_id": number} for number, row in enumerate(billed or [], start=1)]
    return {
        "raw.eqrs_admission": list(admissions),
        "raw.eqrs_treatment": prescriptions or [],
        "raw.claim": bills,
        "raw.claim_condition": conditions or [],
        "history.dialysis_claim": [
            {
                "program": "dfc",
                "clm_id": row["clm_id"],
                "claim_year": row["performance_year"],
                "modality": row.pop("modality"),
                "performance_year": row["performance_year"],
            }
            for row in bills
            if "modality" in row
        ],
        "raw.cms_2728": forms or [],
        "linkage.beneficiary": [
            {"bene_id": 900, "patient_id": 1, "performance_year": year}
            for year in range(2021, 2025)
        ],
    }


def read(rows: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    """Rows as tuples: these columns, then the first and the last day."""
    return [
        (
            *(None if pd.isna(row[column]) else row[column] for column in columns),
            f"{row['start_date']:%Y-%m-%d}",
            f"{row['end_date']:%Y-%m-%d}",
        )
        for row in rows.to_dict("records")
    ]
