"""One worked patient's year, for the days of SHR, STrR and SEDR."""

import pandas as pd

from esrd_pipeline_tests.sql.worked import YEAR, Case, Row, case, day

OLD = "2010-05-01"
"""A first service date long before the year: the last interval throughout."""


def answers(ccn: str | None, start: str, end: str, reason: str | None = None) -> Row:
    return {"ccn": ccn, "start_date": day(start), "end_date": day(end), "reason": reason}


YEAR_AT_A = answers("A", "2024-01-01", "2024-12-31")


def months(
    *numbers: int,
    is_ma: bool = False,
    is_observable: bool = True,
    is_covered: bool | None = None,
    year: int = YEAR,
) -> list[Row]:
    """Months of a year; claims cover those Medicare can see, unless they say otherwise."""
    seen = is_observable and not is_ma if is_covered is None else is_covered
    return [
        {
            "month": day(f"{year}-{n:02d}-01"),
            "is_ma": is_ma,
            "is_observable": is_observable,
            "is_covered": seen,
        }
        for n in numbers
    ]


def spans(*pairs: tuple[str, str]) -> list[Row]:
    return [{"start_date": day(start), "end_date": day(end)} for start, end in pairs]


def stays(*days: str, covid: str = "") -> list[Row]:
    return [
        {"admit_date": day(d), "discharge_date": day(d), "is_index_covid": d == covid} for d in days
    ]


def follow(
    measure: str,
    *attributed: Row,
    born: str | None = "1960-05-05",
    first_service: str = OLD,
    seen: list[Row] | None = None,
    admitted: list[Row] | None = None,
    stages: list[Row] | None = None,
    exceptions: list[Row] | None = None,
    diagnosed: str | None = None,
    excluded: list[Row] | None = None,
    transfused: tuple[str, ...] = (),
    encounters: list[Row] | None = None,
    hospice: tuple[int, ...] = (),
    program: str = "dfc",
    is_chosen: bool = True,
    year: int = YEAR,
) -> Case:
    """The days of one patient, 1, of one program in one measure."""
    whose = {"patient_id": 1}
    both = {**whose, "program": program}
    birth = day(born) if born else None
    return case(
        "cohort.days",
        f"cohort.{measure}_days",
        **({"is_chosen": is_chosen} if measure == "shr_submission" else {}),
        performance_year=year,
        tables={
            "history.attribution": [{"rule": "standard", **both, **span} for span in attributed],
            "linkage.first_service": [{**both, "first_service_date": day(first_service)}],
            "linkage.patient": [{**whose, "date_of_birth": birth}],
            "history.medicare_month": [
                {**whose, **row}
                for row in (months(*range(1, 13), year=year) if seen is None else seen)
            ],
            "history.hospital_stay": [{**whose, **row} for row in admitted or []],
            "history.covid_stage": [{**whose, **row} for row in stages or []],
            "history.covid_diagnosis": [
                {**whose, "diagnosis_date": day(text)} for text in (diagnosed,) if text
            ],
            "history.transfusion_exclusion": [{**whose, **row} for row in excluded or []],
            "history.transfusion": [{**whose, "transfusion_date": day(d)} for d in transfused],
            "history.emergency_encounter": [{**whose, **row} for row in encounters or []],
            "history.limited_life": [
                {**whose, "month": day(f"{year}-{n:02d}-01"), "is_hospice": True} for n in hospice
            ],
            "raw.ece_grant": exceptions or [],
        },
    )


def at_risk(rows: pd.DataFrame) -> int:
    """Days at risk."""
    return int(rows.loc[rows["reason"].isna(), "days"].sum())


def left_out(rows: pd.DataFrame) -> dict[str, int]:
    """Days that are not at risk, by reason."""
    return {str(why): int(n) for why, n in rows.groupby("reason")["days"].sum().items()}


def count(rows: pd.DataFrame) -> int:
    """Events of days at risk that the measure counts."""
    counted = rows[rows["reason"].isna()]
    return int((counted["events"] - counted["uncounted_events"]).sum())
