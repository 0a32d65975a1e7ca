"""Builders of a patient's months: place of treatment, reports and modality.

The patient is 1, born in 1950, with ESRD since 2020. Facilities are 'A' and 'B', EQRS 1 and 2.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from esrd_pipeline_tests.sql.worked import YEAR, Case, Row, case, day

A, B = 1, 2
CENTER, HOME, BOTH, PERITONEAL = (
    "in-center hemodialysis",
    "home hemodialysis",
    "in-center and home hemodialysis",
    "peritoneal dialysis",
)
PROGRAMS = ("dfc", "qip")
Known = dict[str, Sequence[Row]]


def know(*, born: str = "1950-06-15", since: str = "2020-01-01", died: str | None = None) -> Known:
    """What is known of the patient and the facilities."""
    return {
        "linkage.patient": [{"patient_id": 1, "date_of_birth": day(born)}],
        "linkage.first_service": [
            {"program": program, "patient_id": 1, "first_service_date": day(since)}
            for program in PROGRAMS
        ],
        "linkage.death": [
            {"program": program, "patient_id": 1, "death_date": day(died)} for program in PROGRAMS
        ]
        if died
        else [],
        "linkage.facility": [
            {"program": program, "ccn": ccn, "is_eligible": True}
            for program in PROGRAMS
            for ccn in "AB"
        ],
        "linkage.facility_ccn": [
            {
                "program": program,
                "facilityid": number,
                "start_date": day("1980-01-01"),
                "ccn": ccn,
            }
            for program in PROGRAMS
            for number, ccn in ((A, "A"), (B, "B"))
        ],
    }


def excepted(ccn: str, *months: str) -> Known:
    """An exception for each month, written '2024-03'."""
    return {
        "raw.ece_grant": [
            {"ccn": ccn, "first_month": day(f"{month}-01"), "last_month": day(f"{month}-01")}
            for month in months
        ]
    }


def care(month: str, ccn: str = "A", modality: str | None = CENTER, **other: object) -> list[Row]:
    """A whole month at a facility, with three sessions a week prescribed; in both programs."""
    is_hemodialysis = modality in (CENTER, HOME, BOTH)
    return [
        {
            "program": program,
            "patient_id": 1,
            "month": day(f"{month}-01"),
            "ccn": ccn,
            "days": 28,
            "is_whole": True,
            "is_admitted": True,
            "modality": modality,
            "frequency": "usual" if is_hemodialysis else None,
            "frequency_source": "own facility" if is_hemodialysis else None,
            **other,
        }
        for program in PROGRAMS
    ]


def clinic(month: str, ccn: str = "A", **values: object) -> list[Row]:
    """What a facility reported of a month; in both programs."""
    return [
        {
            "program": program,
            "patient_id": 1,
            "month": day(f"{month}-01"),
            "ccn": ccn,
            "is_frequent": False,
            "has_calcium": "calcium" in values,
            "has_npcr": False,
            "has_reconciliation": False,
            **{
                f"{name}_date": day(f"{month}-15")
                for name in ("hd_ktv", "pd_ktv", "calcium")
                if name in values
            },
            **({"access_date": day(f"{month}-15")} if "access_type" in values else {}),
            **values,
        }
        for program in PROGRAMS
    ]


def bill(month: str, ccn: str = "A", modality: str = CENTER, **other: object) -> list[Row]:
    """A claim of a whole month; in both programs."""
    first = day(f"{month}-01")
    return [
        {
            "program": program,
            "clm_id": 1,
            "patient_id": 1,
            "ccn": ccn,
            "from_date": first,
            "thru_date": pd.Period(month).end_time.date(),
            "month": first,
            "is_paid": True,
            "modality": modality,
            "is_mixed": False,
            "is_home": modality == HOME,
            "frequency": "usual" if modality in (CENTER, HOME) else None,
            **other,
        }
        for program in PROGRAMS
    ]


def judge(
    cared: Sequence[Row],
    reported: Sequence[Row] = (),
    claims: Sequence[Row] = (),
    *,
    program: str = "dfc",
    known: Mapping[str, Sequence[Row]] | None = None,
    billed: Sequence[Row] = (),
    limited: Sequence[Row] = (),
) -> Case:
    """cohort.patient_months of one program, by way of its month's modality and Kt/V."""
    return case(
        "history.month_modality",
        "history.ktv_month",
        "history.reported_month",
        "history.catheter_month",
        "cohort.patient_months",
        tables={
            **know(),
            **(known or {}),
            "history.care_month": list(cared),
            "history.clinical_month": list(reported),
            "raw.eqrs_clinical_month": _list_peritoneal(reported),
            "history.dialysis_claim": list(claims),
            "history.claims_modality": list(billed),
            "history.limited_life": list(limited),
        },
    ).read(lambda rows: rows[rows["program"] == program].reset_index(drop=True))


def _list_peritoneal(reported: Sequence[Row]) -> list[Row]:
    """The records of a peritoneal Kt/V, of which a month may have several."""
    return [
        {
            "patient_id": row["patient_id"],
            "facilityid": {"A": A, "B": B}[str(row["ccn"])],
            "month": row["month"],
            "record_number": number,
            "performance_year": row.get("performance_year", YEAR),
            "ktv_value": row["pd_ktv"],
            "ktv_date": row["pd_ktv_date"],
        }
        for number, row in enumerate(reported, start=1)
        if row["program"] == PROGRAMS[0] and "pd_ktv" in row
    ]


def last(rows: pd.DataFrame, measure: str) -> object:
    """The last month's reason, or whether it is in the numerator."""
    row = rows.iloc[-1]
    reason = row[f"{measure}_reason"]
    return bool(row[f"is_{measure}"]) if pd.isna(reason) else reason


MARCH = "2024-03"
CATHETER, FISTULA = "Catheter Only", "AV Fistula Only"
QUARTER = ("2024-01", "2024-02", MARCH)


def access(*months: tuple[str, str | None], **other: object) -> list[Row]:
    """A facility's access in each month."""
    return [
        row
        for month, kind in months
        for row in clinic(month, **({"access_type": kind} if kind else {}), **other)
    ]


def stay(*months: str, ccn: str = "A") -> list[Row]:
    return [row for month in months for row in care(month, ccn)]
