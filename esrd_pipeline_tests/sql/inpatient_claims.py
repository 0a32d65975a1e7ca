"""Inpatient claims of one beneficiary, whose patient is 1."""

from esrd_pipeline_tests.sql.worked import Row, day

KNOWN = {"bene_id": 500, "patient_id": 1}
BOTH_YEARS = [{**KNOWN, "performance_year": year} for year in (2023, 2024)]


def inpatient(number: int, start: str, end: str, status: str = "01", **other: object) -> Row:
    return {
        "bene_id": 500,
        "clm_id": number,
        "nch_clm_type_cd": "60",
        "clm_from_dt": day(start),
        "clm_thru_dt": day(end),
        "clm_admsn_dt": day(start),
        "prvdr_num": f"01000{number}",
        "ptnt_dschrg_stus_cd": status,
        **other,
    }
