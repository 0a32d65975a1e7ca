"""Patient-months of random patients, from their files to numerators, against plain loops.

Stays, prescriptions, birthdays and deaths meet around the first and last days of months.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from random import Random

import pandas as pd
import pytest

from esrd_pipeline.tables.patient_months import MONTHLY_MEASURES
from esrd_pipeline_tests.sql.months import CENTER, HOME, PERITONEAL, PROGRAMS
from esrd_pipeline_tests.sql.plain_months import Verdicts, judge
from esrd_pipeline_tests.sql.plain_patient import (
    CCNS,
    CHANGED,
    DAY,
    MONTHS,
    UNITS,
    Access,
    Bill,
    Facts,
    Person,
    Prescription,
    Report,
    Stay,
    add_months,
    find_ccn,
    list_days,
)
from esrd_pipeline_tests.sql.worked import Row, run

PATIENTS = 200
CHAIN = (
    "history.dialysis_evidence",
    "history.treatment",
    "history.admitted",
    "history.care_month",
    "history.clinical_month",
    "history.month_modality",
    "history.ktv_month",
    "history.reported_month",
    "history.catheter_month",
    "cohort.patient_months",
)
MEASURES = [name for name in MONTHLY_MEASURES if name != "medication_reconciliation"]
RECORDS = {
    CENTER: ("Hemodialysis", "Dialysis Facility/Center"),
    HOME: ("Hemodialysis", "Home"),
    PERITONEAL: ("CCPD", "Home"),
    "other": ("Other", "Home"),
}
KTV = (1.1, 1.2, 1.3, 1.7, 1.75, 1.8, 1.9, 5.0, 5.1, 8.5, 8.6, 8.88)
CALCIUM = (9.0, 10.1, 10.2, 10.3, 10.4, 11.0, 20.0, 20.1, 0.05, 0.1)
ACCESSES = ("AV Fistula Only", "AVGONLY", "Catheter Only", "PORTONLY", "OTHERUNKNOWN", None)
FACILITIES = {1: 1, 2: 10**12, 3: 3}
NUMBERS = (1, 2, 3, 9, 10, 11, 99, 100, 2**31, 10**11, 20241231235959)
FACTS = Facts(
    excepted={
        ("B", date(2023, 11, 1)),
        ("A", date(2024, 4, 1)),
        ("B", date(2024, 6, 1)),
        ("B", date(2024, 7, 1)),
    },
    reporting={"A": date(2024, 1, 1), "B": date(2024, 3, 1), "C": date(2024, 8, 1)},
)


def draw_person(draw: Random) -> Person:
    """A patient whose events lie near the edges of months."""
    month = draw.choice(MONTHS)
    first = draw.choice([date(2020, 2, 2), month - draw.choice([89, 90, 91, 92, 30]) * DAY])
    born: date | None = date(1960, 5, 5)
    if draw.random() < 0.5:
        birthday = draw.choice(MONTHS) + draw.choice([-1, 0, 0, 1, 14]) * DAY
        born = date(birthday.year - 18, birthday.month, min(birthday.day, 28))
        if draw.random() < 0.5:
            born = date(2010, 3, 3)
    elif draw.random() < 0.03:
        born = None
    person = Person(first, born)
    _draw_stays(draw, person)
    _draw_prescriptions(draw, person)
    if draw.random() < 0.2:
        person.death = _draw_edge(draw)
    usual = draw.choice([CENTER, HOME, PERITONEAL])
    for month in (date(2023, 9, 1), date(2023, 11, 1), date(2023, 12, 1), *MONTHS):
        for unit in UNITS:
            _draw_month(draw, person, unit, month)
        _draw_bills(draw, person, month, usual)
    for ccn in CCNS:
        person.catheters[ccn] = (draw.random() < 0.6, draw.random() < 0.6)
    person.limited = {month for month in MONTHS if draw.random() < 0.1}
    return person


def _draw_edge(draw: Random) -> date:
    return draw.choice(MONTHS) + draw.choice([-2, -1, -1, -1, 0, 0, 1, 14]) * DAY


def _draw_stays(draw: Random, person: Person) -> None:
    start = draw.choice([person.first, person.first, date(2023, 10, 1), date(2024, 1, 1)])
    for _ in range(draw.choice([1, 2, 2, 3, 4])):
        unit = draw.choice(UNITS)
        end = _draw_edge(draw)
        if draw.random() < 0.4 or end <= start:
            person.stays.append(Stay(unit, start))
            break
        why = draw.choice(["Transfer Out"] * 5 + ["Discontinue", "Recover Function"])
        person.stays.append(Stay(unit, start, end, why))
        start = end + draw.choice([1, 1, 1, 1, 0, 2, 20, -3 if why == "Transfer Out" else 1]) * DAY
        if start <= person.stays[-1].start:
            break
    if draw.random() < 0.3:
        begins = _draw_edge(draw) + DAY
        if all(stay.start != begins for stay in person.stays):
            length = draw.choice([0, 5, 31, 40])
            unit, end = draw.choice([2, 3]), begins + length * DAY
            guest = Stay(unit, begins, end, "Transfer Out", is_guest=True)
            person.stays.append(guest)


def _draw_prescriptions(draw: Random, person: Person) -> None:
    usual = draw.choice([CENTER, CENTER, HOME, PERITONEAL])
    taken = set()
    for stay in person.stays:
        if draw.random() < 0.2:
            continue
        starts = [stay.start + draw.choice([0, 0, 0, 0, 3]) * DAY]
        starts += [edge for edge in [_draw_edge(draw)] if draw.random() < 0.4 and stay.holds(edge)]
        for start in starts:
            if (stay.unit, start) in taken:
                continue
            taken.add((stay.unit, start))
            kind = usual if draw.random() < 0.75 else draw.choice([*RECORDS])
            sessions = draw.choice([3, 3, 3, 3, None, 2, 2.5, 3.9, 4])
            person.prescriptions.append(Prescription(stay.unit, start, kind, sessions))


def _draw_month(draw: Random, person: Person, unit: int, month: date) -> None:
    if draw.random() < 0.5:
        return
    days = [None, *(month + (place + unit) * DAY for place in (1, 1, 10, 25))]
    if unit != 1:
        days = days[1:]
    numbers = draw.sample(NUMBERS, 3)
    for number in numbers[: draw.choice([1, 1, 2, 3])]:
        person.reports.append(_draw_report(draw, Report(unit, month, number), days))
    for number in numbers[: draw.choice([0, 1, 1, 2])]:
        person.accesses.append(
            Access(unit, month, number, draw.choice(days), draw.choice(ACCESSES))
        )


def _draw_report(draw: Random, report: Report, days: list[date | None]) -> Report:
    month = report.month
    edges = [None, month, month - DAY, list_days(month)[-1]]
    if draw.random() < 0.6:
        report.ktv = draw.choice(KTV if draw.random() < 0.5 else KTV[:8])
        report.method = draw.choice(["UKM", "Daugirdas II", "UKM", "Other", None])
        report.ktv_day = draw.choice(days)
        if draw.random() < 0.15:
            place = draw.choice([-95, -33, -1, 32, 45]) * 3 + report.unit
            report.ktv_day = month + place * DAY
    if draw.random() < 0.6:
        report.calcium = draw.choice(CALCIUM)
        report.calcium_day = draw.choice(days)
        if draw.random() < 0.1:
            report.calcium_day = month - DAY
    if draw.random() < 0.3:
        report.npcr = 1.0
        report.npcr_day = draw.choice(edges)
    if draw.random() < 0.3:
        report.has_components = draw.random() < 0.6
        report.bun_day = draw.choice(edges)
    return report


def _draw_bills(draw: Random, person: Person, month: date, usual: str) -> None:
    last = list_days(month)[-1]
    for ccn in CCNS:
        if draw.random() < 0.6:
            continue
        kind = usual if draw.random() < 0.8 else draw.choice([CENTER, HOME, PERITONEAL])
        # Facilities' claims begin on days of their own, so that none is last together.
        own = CCNS.index(ccn)
        parts = draw.choice([[(0, 30)], [(0, 9), (10, 30)], [(14, 30)]])
        for place, until in parts:
            start, end = month + (place + own) * DAY, min(month + until * DAY, last)
            if draw.random() < 0.2:
                kind = draw.choice([CENTER, HOME, PERITONEAL])
            bill = Bill(draw.randrange(1, 2**40), ccn, start, end, kind, None)
            if kind in (CENTER, HOME):
                bill.frequency = draw.choice(["usual"] * 8 + ["frequent", "infrequent"])
            bill.is_paid = draw.random() < 0.9
            if draw.random() < 0.6:
                bill.ktv = draw.choice([*KTV, 1.3, 1.3, 9.99])
                if bill.ktv == 8.88 and bill.frequency:
                    bill.frequency = "frequent"
                edges = [add_months(end, -back) for back in (4, 6)]
                day = [start, end, month, month - DAY, end + DAY, None]
                bill.ktv_day = draw.choice([*day, *edges, *(edge - DAY for edge in edges)])
            person.bills.append(bill)


def list_tables(people: Mapping[int, Person], facts: Facts) -> dict[str, list[Row]]:
    """The files and linkage of the patients."""
    tables: dict[str, list[Row]] = {
        "linkage.facility_ccn": [
            {
                "program": program,
                "facilityid": FACILITIES[unit],
                "start_date": start,
                "end_date": end,
                "ccn": find_ccn(unit, start),
            }
            for program in PROGRAMS
            for unit in UNITS
            for start, end in (
                ((date(1980, 1, 1), CHANGED - DAY), (CHANGED, None))
                if unit == 2
                else ((date(1980, 1, 1), None),)
            )
        ],
        "linkage.facility": [
            {
                "program": program,
                "ccn": ccn,
                "is_eligible": True,
                "reporting_date": facts.reporting[ccn],
            }
            for program in PROGRAMS
            for ccn in CCNS
        ],
        "raw.ece_grant": [
            {
                "ccn": ccn,
                "first_month": month,
                "last_month": month,
                "performance_year": month.year,
            }
            for ccn, month in facts.excepted
        ],
    }
    for number, person in people.items():
        for name, rows in _list_rows(number, person).items():
            tables.setdefault(name, []).extend(rows)
    return tables


def _list_rows(number: int, person: Person) -> dict[str, list[Row]]:
    own = {"patient_id": number}
    both = [{"program": program, **own} for program in PROGRAMS]
    bills: list[Row] = [
        {
            **base,
            "clm_id": bill.clm_id,
            "ccn": bill.ccn,
            "from_date": bill.start,
            "thru_date": bill.end,
            "month": bill.start.replace(day=1),
            "claim_year": bill.start.year,
            "performance_year": bill.start.year,
            "is_paid": bill.is_paid,
            "modality": bill.kind,
            "is_mixed": False,
            "is_home": bill.kind == HOME,
            "frequency": bill.frequency,
            "ktv_value": bill.ktv,
            "ktv_date": bill.ktv_day,
        }
        for base in both
        for bill in person.bills
    ]
    months: dict[tuple[str, date], list[str]] = {}
    for bill in person.bills:
        if bill.is_paid:
            months.setdefault((bill.ccn, bill.start.replace(day=1)), []).append(bill.kind)
    return {
        "linkage.patient": [{**own, "date_of_birth": person.born}],
        "linkage.first_service": [{**row, "first_service_date": person.first} for row in both],
        "linkage.death": [{**row, "death_date": person.death} for row in both if person.death],
        "raw.eqrs_admission": [
            {
                **own,
                "facilityid": FACILITIES[stay.unit],
                "admit_date": stay.start,
                "admit_reason": "Transient" if stay.is_guest else "Transfer In",
                "discharge_date": stay.end,
                "discharge_reason": stay.why,
            }
            for stay in person.stays
        ],
        "raw.eqrs_treatment": [
            {
                **own,
                "facilityid": FACILITIES[one.unit],
                "start_date": one.start,
                "treatment_type": RECORDS[one.kind][0],
                "setting": RECORDS[one.kind][1],
                "sessions_per_week": one.sessions,
            }
            for one in person.prescriptions
        ],
        "raw.eqrs_clinical_month": [
            {
                **own,
                "facilityid": FACILITIES[report.unit],
                "month": report.month,
                "performance_year": report.month.year,
                "record_number": report.number,
                "ktv_value": report.ktv,
                "ktv_method": report.method,
                "ktv_date": report.ktv_day,
                "calcium_value": report.calcium,
                "calcium_date": report.calcium_day,
                "npcr_value": report.npcr,
                "npcr_date": report.npcr_day,
                "bun_pre": 60.0,
                "bun_post": 20.0 if report.has_components else None,
                "weight_pre": 71.0,
                "weight_pre_unit": "kg",
                "weight_post": 69.0,
                "weight_post_unit": "kg",
                "delivered_minutes": 240.0,
                "bun_date": report.bun_day,
            }
            for report in person.reports
        ],
        "raw.eqrs_vascular_access": [
            {
                **own,
                "facilityid": FACILITIES[access.unit],
                "month": access.month,
                "performance_year": access.month.year,
                "record_number": access.number,
                "access_date": access.day,
                "access_type": access.kind,
            }
            for access in person.accesses
        ],
        "history.catheter_month": [
            {
                **base,
                "month": date(2023, month, 1),
                "performance_year": 2023,
                "ccn": ccn,
                "months": 2 if month == 12 and held[0] else 1,
            }
            for base in both
            for ccn, held in person.catheters.items()
            for month, is_held in zip((11, 12), held, strict=True)
            if is_held
        ],
        "history.limited_life": [{**own, "month": m, "is_hospice": True} for m in person.limited],
        "history.dialysis_claim": bills,
        "history.claims_modality": [
            {
                **base,
                "month": month,
                "performance_year": month.year,
                "ccn": ccn,
                "claim_count": len(kinds),
                "modality": kinds[0],
                "is_mixed": len({kind == PERITONEAL for kind in kinds}) > 1,
            }
            for base in both
            for (ccn, month), kinds in months.items()
        ],
    }


def read(rows: pd.DataFrame) -> dict[int, Verdicts]:
    """The verdicts of every patient."""
    found: dict[int, Verdicts] = {}
    for row in rows.to_dict("records"):
        own = found.setdefault(int(row["patient_id"]), {})
        for measure in MEASURES:
            if row[f"{measure}_reason"] is None or pd.isna(row[f"{measure}_reason"]):
                month = pd.Timestamp(row["month"]).date()
                own[row["program"], month, row["ccn"], measure] = bool(row[f"is_{measure}"])
    return found


@pytest.mark.manual("2.1.12", "2.3.12", "2.4.12", "2.5.12", "2.6.12", "2.7.12", "2.8.12", "3.1.4")
def test_patient_months_are_those_of_plain_loops() -> None:
    draw = Random(7)  # noqa: S311
    people = {number: draw_person(draw) for number in range(1, PATIENTS + 1)}
    made = read(run(*CHAIN, tables=list_tables(people, FACTS)))
    plain = {number: judge(person, FACTS) for number, person in people.items()}
    met = Counter((key[0], key[3], value) for own in plain.values() for key, value in own.items())
    assert min(met.values()) > 10, "too few months to compare"
    for number, person in people.items():
        assert made.get(number, {}) == plain[number], str(person)
