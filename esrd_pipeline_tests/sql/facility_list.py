"""Builders of small facility directories: records, logs, CASPER, usage."""

from collections.abc import Mapping, Sequence

import pandas as pd

from esrd_pipeline_tests.sql.worked import Case, Row, Tables, case, day

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
ValueSets = Mapping[str, pd.DataFrame]


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


def approve(*links: tuple[str, str]) -> ValueSets:
    """Links that CMS has approved for Dialysis Facility Measures, number to number."""
    rows = [("dfc", number, ccn, "letter") for number, ccn in links]
    columns = ["program", "provider_number", "ccn", "citation"]
    return {"approved_link": pd.DataFrame(rows, columns=columns, dtype="string")}


def link(tables: Tables, program: str = "dfc", value_sets: ValueSets | None = None) -> Case:
    """Each number's facility, what it is to it, and by which rule."""

    def read_rows(rows: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
        rows = rows[rows["program"] == program]
        return {row.provider_number: (row.ccn, row.relation, row.rule) for row in rows.itertuples()}

    return case(*LIST[:5], tables=tables, value_sets=value_sets, alone=value_sets is not None).read(
        read_rows
    )


def name_days(tables: Tables, program: str = "dfc", value_sets: ValueSets | None = None) -> Case:
    """Facility identifier, first and last day, CCN."""

    def read_rows(rows: pd.DataFrame) -> list[tuple[int, str, str | None, str]]:
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

    return case(*LIST[:6], tables=tables, value_sets=value_sets, alone=value_sets is not None).read(
        read_rows
    )


def list_facilities(tables: Tables, program: str = "dfc") -> Case:
    """The facility list by CCN; what is not known is None."""

    def read_rows(rows: pd.DataFrame) -> dict[str, dict[str, object]]:
        rows = rows[rows["program"] == program]
        rows = rows.astype(object).where(rows.notna(), None)
        return {row["ccn"]: row for row in rows.to_dict(orient="records")}

    return case(*LIST, tables=tables).read(read_rows)


def why_not(tables: Tables, program: str = "dfc") -> Case:
    """By CCN, why a facility receives no reports; None where it does."""
    return list_facilities(tables, program).read(
        lambda rows: {ccn: row["reason"] for ccn, row in rows.items()}
    )
