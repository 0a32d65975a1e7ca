"""SRR and ED30 of random patients, from their files to the index discharges, against plain loops.

Stays are close together, so that transfers, interim bills, other hospitals, deaths, transplants and
the ends of dialysis meet within the same thirty days.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from random import Random

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.plain_discharges import (
    HOSPITALS,
    Bill,
    Person,
    judge_ed30,
    judge_srr,
)
from esrd_pipeline_tests.sql.worked import YEAR, Row, run

PATIENTS = 500
DIAGNOSES = ("N186", "A419", "N186", "A419", "Z5111", "F329", "I509")
FREQUENT = ("100001", "100002") * 4
GAPS = (0, 0, 1, 1, 2, 3, 4, 5, 12, 29, 30, 31, 32, -1)
CHAIN = (
    "history.dialysis_evidence",
    "history.treatment",
    "history.covid_claim",
    "history.inpatient_discharge",
    "history.medicare_month",
    "history.patient_characteristics",
    "history.nursing_home",
    "history.discharged_patient",
)
ENDS = {"withdrawn": "Discontinue", "recovered": "Recover Function", "untreated": "Transfer Out"}


def draw_person(draw: Random, begin: date) -> Person:
    """A patient with some stays from a day on, and what may happen around them."""
    bills = _draw_bills(draw, begin + timedelta(days=draw.randint(0, 60)))
    first, last = bills[0].last, max(bill.last for bill in bills)

    def near(day: date, *days: int) -> date:
        return day + timedelta(days=draw.choice(days))

    person = Person(
        first_service=draw.choice([date(2015, 1, 1)] * 5 + [near(first, -88, -89, -90, -91)]),
        born=draw.choice([date(1950, 6, 1)] * 5 + [date(first.year - 18, first.month, 15)]),
        bills=bills,
    )
    for _ in range(draw.choice([0, 1, 1, 2, 3])):
        day = near(draw.choice(bills).last, -1, 0, 1, 2, 3, 4, 5, 15, 29, 30, 31, 33)
        person.visits.append((day, near(day, 0, 0, 0, 1, 2)))
    if draw.random() < 0.15:
        day = near(last, -40, -10, 0, 5, 20)
        person.hospice.append((day, near(day, 3, 20)))
    if draw.random() < 0.2:
        person.advantage = (YEAR, draw.choice([last.month, 12]))
    if draw.random() < 0.25:
        person.death = near(last, 0, 1, 3, 4, 20, 30, 31)
    if draw.random() < 0.15:
        transplant = near(last, 1, 3, 4, 10)
        if person.death is None or transplant <= person.death:
            person.transplant = transplant
    if draw.random() < 0.2:
        person.left_a = (near(first, 0, 1, 2, 3, 5, 10), draw.choice(list(ENDS)))
        if draw.random() < 0.5:
            person.came_to_b = near(person.left_a[0], 0, 1, 2, 5)
    return person


def _draw_bills(draw: Random, begin: date) -> list[Bill]:
    bills: list[Bill] = []
    start = begin
    for _ in range(draw.choice([1, 2, 2, 3, 3, 4, 5, 5, 16])):
        days = draw.choice([0, 1, 2, 3, 5, 9])
        end = start + timedelta(days=days)
        hospital = draw.choice([*FREQUENT, *HOSPITALS])
        is_covered = draw.random() < 0.9
        cut = start + timedelta(days=days // 2)
        is_cut = days >= 3 and draw.random() < 0.3
        if is_cut:
            window = start - timedelta(days=draw.choice([0, 2]))
            code = draw.choice(DIAGNOSES)
            bills.append(Bill(start, window, cut, hospital, "30", code, is_covered))
        status = draw.choice(["01"] * 8 + ["07", "02", "30", "03", "20"])
        first = cut + timedelta(days=1) if is_cut else start
        code = draw.choice(DIAGNOSES)
        bills.append(Bill(start, first, end, hospital, status, code, is_covered))
        start = max(bill.last for bill in bills) + timedelta(days=draw.choice(GAPS))
        start = max(start, bills[0].admitted)
    return bills


def list_tables(people: Mapping[int, Person], run_out: date) -> dict[str, list[Row]]:
    """The files and linkage of the patients."""
    tables: dict[str, list[Row]] = {
        "history.claim_run_out": [{"last_date": run_out}],
        "linkage.facility_ccn": [
            {"program": program, "facilityid": n, "start_date": date(1980, 1, 1), "ccn": ccn}
            for program in ("dfc", "qip")
            for n, ccn in ((1, "A"), (2, "B"))
        ],
        "linkage.beneficiary": [
            {"bene_id": number, "patient_id": number, "performance_year": year}
            for number in people
            for year in range(YEAR - 3, YEAR + 1)
        ],
    }
    for number, person in people.items():
        for name, rows in _list_registers(number, person).items():
            tables.setdefault(name, []).extend(rows)
        claims = tables.setdefault("raw.claim", [])
        for row in _list_claims(number, person):
            claims.append({**row, "clm_id": len(claims) + 1})
            if row["nch_clm_type_cd"] == "40":
                line = {"clm_id": len(claims), "rev_cntr": "0450"}
                year = {"performance_year": row["performance_year"]}
                tables.setdefault("raw.claim_revenue", []).append({**line, **year})
    return tables


def _list_registers(number: int, person: Person) -> dict[str, list[Row]]:
    left = person.left_a
    admissions: list[Row] = [
        {
            "patient_id": number,
            "facilityid": 1,
            "admit_date": person.first_service,
            "admit_reason": "New ESRD Patient",
            "discharge_date": left[0] if left else None,
            "discharge_reason": ENDS[left[1]] if left else None,
        }
    ]
    if person.came_to_b:
        came = {"facilityid": 2, "admit_date": person.came_to_b, "admit_reason": "Transfer In"}
        admissions.append({"patient_id": number, **came})
    both = [{"program": program, "patient_id": number} for program in ("dfc", "qip")]
    months = [f"hmo_ind_{month:02d}" for month in range(1, 13)]
    enrolled = person.advantage[1] if person.advantage else 0
    return {
        "raw.eqrs_admission": admissions,
        "raw.medicare_enrollment": [
            {"bene_id": number}
            | {name: "C" if n == enrolled else "0" for n, name in enumerate(months, start=1)}
        ],
        "linkage.patient": [{"patient_id": number, "date_of_birth": person.born}],
        "linkage.first_service": [{**w, "first_service_date": person.first_service} for w in both],
        "linkage.death": [{**w, "death_date": person.death} for w in both if person.death],
        "linkage.transplant": [
            {**w, "transplant_date": person.transplant} for w in both if person.transplant
        ],
    }


def _list_claims(number: int, person: Person) -> list[Row]:
    outside = [("40", *days) for days in person.visits] + [("50", *days) for days in person.hospice]
    rows: list[Row] = [
        {"nch_clm_type_cd": kind, "clm_from_dt": first, "clm_thru_dt": last}
        for kind, first, last in outside
    ]
    rows += [
        {
            "nch_clm_type_cd": "60",
            "clm_admsn_dt": bill.admitted,
            "clm_from_dt": bill.first,
            "clm_thru_dt": bill.last,
            "prvdr_num": bill.hospital,
            "ptnt_dschrg_stus_cd": bill.status,
            "prncpal_dgns_cd": bill.diagnosis,
            "clm_mdcr_non_pmt_rsn_cd": None if bill.is_covered else "N",
        }
        for bill in person.bills
    ]
    # The year's folder holds the claims of the months after it, too.
    return [
        {**row, "bene_id": number, "performance_year": min(_last(row).year, YEAR)} for row in rows
    ]


def _last(row: Row) -> date:
    last = row["clm_thru_dt"]
    assert isinstance(last, date)
    return last


Found = dict[date, tuple[str | None, int]]


def find_index(rows: pd.DataFrame) -> dict[int, Found]:
    """The index discharges of every patient by their day: the facility, and the event."""
    found: dict[int, Found] = {}
    for row in rows[rows["reason"].isna()].to_dict("records"):
        own = found.setdefault(int(row["patient_id"]), {})
        own[row["discharge_date"]] = (row["ccn"], int(row["is_event"]))
    return found


@pytest.mark.manual("2.10.8", "2.10.10", "2.11.8", "2.11.11", "2.26.10", "2.26.11")
@pytest.mark.parametrize(
    ("seed", "begin", "run_out"),
    [
        (1, date(YEAR, 1, 20), date(YEAR, 12, 31)),
        (2, date(YEAR - 1, 12, 5), date(YEAR, 12, 31)),
        (3, date(YEAR, 11, 10), date(YEAR + 1, 2, 28)),
    ],
)
def test_index_discharges_and_their_events_are_those_of_plain_loops(
    seed: int, begin: date, run_out: date
) -> None:
    draw = Random(seed)  # noqa: S311
    people = {number: draw_person(draw, begin) for number in range(1, PATIENTS + 1)}
    tables = list_tables(people, run_out)
    srr = run(*CHAIN, "cohort.srr", tables=tables)
    ed30 = run(*CHAIN, "history.emergency_encounter", "cohort.ed30", tables=tables)
    judges: dict[str, tuple[pd.DataFrame, Callable[[Person], Found]]] = {
        "srr dfc": (srr[srr["program"] == "dfc"], lambda one: judge_srr(one, "dfc", YEAR)),
        "srr qip": (srr[srr["program"] == "qip"], lambda one: judge_srr(one, "qip", YEAR)),
        "ed30": (ed30, lambda one: judge_ed30(one, (YEAR - 1, YEAR))),
    }
    for measure, (rows, judge) in judges.items():
        made = find_index(rows)
        plain = {number: _until(judge(person), run_out) for number, person in people.items()}
        events = sum(event for own in plain.values() for _, event in own.values())
        assert events > 50, f"{measure}: too few events to compare"
        for number, person in people.items():
            assert made.get(number, {}) == plain[number], f"{measure}: {person}"


def _until(found: Found, run_out: date) -> Found:
    """The discharges whose 30 days are over when the claims end."""
    return {day: one for day, one in found.items() if day + timedelta(days=30) <= run_out}
