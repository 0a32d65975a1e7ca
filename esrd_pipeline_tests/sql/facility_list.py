"""Small facility directories in few words: records, what is logged of them, CASPER, usage."""

from collections.abc import Sequence

import pandas as pd
import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline_tests.sql.worked import Row, Tables, day, run

LIST = (
    "linkage.facility_record",
    "linkage.ccn_history",
    "linkage.known_number",
    "linkage.number_pair",
    "linkage.provider_number",
    "linkage.facility_ccn",
    "linkage.facility",
)
BEGINNING = "1900-01-01"


def record(facilityid: int, number: str | None, second: str | None = None, **other: object) -> Row:
    """An open, certified Medicare dialysis facility, its name and street its own."""
    return {
        "facilityid": facilityid,
        "provnum": number,
        "altprovnum": second,
        "provtype": "MEDICARE",
        "factype": "Dialysis",
        "facility_name": f"Clinic {facilityid}",
        "address": f"{facilityid} Main Street",
        "city": "Springfield",
        "state": "IL",
        "zip_code": "62701",
        "network": 10,
        "dialysis_organization": "Independent",
        "certdate": day("2010-01-01"),
        **other,
    }


def logged(
    facilityid: int,
    first_day: str,
    number: str | None,
    change: str = "opened",
    owner: str = "Independent",
    *,
    last_day: str | None = None,
) -> Row:
    """One line of the log of a facility's numbers and owners."""
    return {
        "facilityid": facilityid,
        "effective_date": day(first_day),
        "end_date": None if last_day is None else day(last_day),
        "provnum": number,
        "dialysis_organization": owner,
        "change": change,
    }


def casper(number: str, beside: Row | None = None, **other: object) -> Row:
    """A number of CASPER; `beside` is the EQRS record it looks like in name, street and date."""
    like = beside or {}
    return {
        "prvdr_num": number,
        "fac_name": like.get("facility_name"),
        "st_adr": like.get("address"),
        "city_name": like.get("city"),
        "state_cd": like.get("state"),
        "zip_cd": like.get("zip_code"),
        "orgnl_prtcptn_dt": like.get("certdate"),
        **other,
    }


def claims(**counts: int) -> Sequence[Row]:
    """Dialysis claims by number, e.g. `claims(n012500=3)`."""
    numbers = [name.removeprefix("n") for name, count in counts.items() for _ in range(count)]
    return [
        {
            "bene_id": 1,
            "clm_id": place,
            "prvdr_num": number,
            "clm_fac_type_cd": "7",
            "clm_srvc_clsfctn_type_cd": "2",
        }
        for place, number in enumerate(numbers)
    ]


def admitted(facilityid: int, patients: int) -> Sequence[Row]:
    """So many patients admitted in the year."""
    return [
        {
            "patient_id": 1000 * facilityid + place,
            "facilityid": facilityid,
            "admit_date": day("2024-02-01"),
            "admit_reason": "New ESRD Patient",
        }
        for place in range(patients)
    ]


def gather(
    *records: Row,
    log: Sequence[Row] = (),
    pos: Sequence[Row] = (),
    claim: Sequence[Row] = (),
    admission: Sequence[Row] = (),
) -> Tables:
    """The raw tables of a small nation."""
    return {
        "raw.eqrs_facility": records,
        "raw.eqrs_ccn_history": log,
        "raw.provider_of_services": pos,
        "raw.claim": claim,
        "raw.eqrs_admission": admission,
    }


def link(tables: Tables, program: str = "dfc") -> dict[str, tuple[str, str, str]]:
    """Each number's facility, what it is to it, and by which rule."""
    rows = run(*LIST[:5], tables=tables)
    rows = rows[rows["program"] == program]
    return {row.provider_number: (row.ccn, row.relation, row.rule) for row in rows.itertuples()}


def name_days(tables: Tables, program: str = "dfc") -> list[tuple[int, str, str | None, str]]:
    """Facility identifier, first and last day, CCN."""
    rows = run(*LIST[:6], tables=tables)
    rows = rows[rows["program"] == program]
    return [
        (
            row.facilityid,
            str(row.start_date),
            None if pd.isna(row.end_date) else str(row.end_date),
            row.ccn,
        )
        for row in rows.itertuples()
    ]


def list_facilities(tables: Tables, program: str = "dfc") -> dict[str, dict[str, object]]:
    """The facility list by CCN; what is not known is None."""
    rows = run(*LIST, tables=tables)
    rows = rows[rows["program"] == program]
    rows = rows.astype(object).where(rows.notna(), None)
    return {row["ccn"]: row for row in rows.to_dict(orient="records")}


def why_not(tables: Tables, program: str = "dfc") -> dict[str, str | None]:
    """By CCN, why a facility receives no reports; None where it does."""
    return {ccn: row["reason"] for ccn, row in list_facilities(tables, program).items()}


def approve(monkeypatch: pytest.MonkeyPatch, *links: tuple[str, str]) -> None:
    """Let CMS have approved these links, number to number, for Dialysis Facility Measures."""

    def load(name: str) -> pd.DataFrame:
        if name != "approved_link":
            return load_parameters(name)
        rows = [("dfc", number, ccn, "letter") for number, ccn in links]
        columns = ["program", "provider_number", "ccn", "citation"]
        return pd.DataFrame(rows, columns=columns, dtype="string")

    monkeypatch.setattr("esrd_pipeline.warehouse.load_parameters", load)
