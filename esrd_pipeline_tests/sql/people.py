"""Builders of an EQRS patient and the matching Medicare beneficiary, for linkage tests."""

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd

from esrd_pipeline_tests.sql.worked import Row, day

BORN = day("1950-02-03")
PATIENT, BENEFICIARY, SSN = 1, 900, "900000001"
EARLIER: Row = {"earlier_patient_id": -BENEFICIARY, "patient_id": PATIENT}
"""The patient was not known to EQRS in earlier years."""
KNOWN: Row = {"patient_id": PATIENT, "ssn": SSN, "date_of_birth": BORN}


def linked(patient: int = PATIENT, *years: int) -> list[Row]:
    """The patient that the beneficiary is found to be, in 2024 or the years given."""
    return [
        {"bene_id": BENEFICIARY, "patient_id": patient, "performance_year": year}
        for year in years or (2024,)
    ]


def admitted(
    start: str,
    end: str | None = None,
    discharged: str | None = None,
    *,
    reason: str = "New ESRD Patient",
    facility: int = 9,
) -> Row:
    """An admission in EQRS."""
    return {
        "patient_id": PATIENT,
        "facilityid": facility,
        "admit_date": day(start),
        "admit_reason": reason,
        "discharge_date": day(end) if end else None,
        "discharge_reason": discharged,
    }


def form(number: int = 1, **dates: str) -> Row:
    """A CMS-2728 with the dates named as its columns are, without `_date`."""
    filled = {f"{name}_date": day(date) for name, date in dates.items()}
    return {"patient_id": PATIENT, "form_number": number, **filled}


def dialysed(
    start: str,
    *,
    times: int,
    every: int = 1,
    center: str = "0821",
    kind: str = "40",
    bill: str = "72",
    number: int = 1,
) -> tuple[Row, list[Row]]:
    """A claim and its revenue lines: so many times, one every so many days from its first day."""
    first = day(start)
    service = [first + timedelta(days=every * place) for place in range(times)]
    claim = {
        "bene_id": BENEFICIARY,
        "clm_id": number,
        "nch_clm_type_cd": kind,
        "clm_fac_type_cd": bill[0],
        "clm_srvc_clsfctn_type_cd": bill[1],
        "clm_from_dt": first,
        "clm_thru_dt": max([first, *service]),
        "performance_year": first.year,
    }
    lines = [
        {
            "clm_id": number,
            "clm_line_num": line,
            "rev_cntr": center,
            "rev_cntr_dt": date,
            "performance_year": first.year,
        }
        for line, date in enumerate(service, start=1)
    ]
    return claim, lines


def read(rows: pd.DataFrame, program: str, *columns: str) -> list[list[object]]:
    """The columns of one program's rows; missing values are None."""
    mine = rows.loc[rows["program"] == program, list(columns)].astype(object)
    return mine.where(mine.notna(), None).to_numpy().tolist()


def days(texts: Sequence[str | None]) -> list[object]:
    """Dates of texts, and what is None."""
    return [day(text) if text else None for text in texts]
