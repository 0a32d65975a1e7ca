"""PPPW of random patients, from their stays and listings to months, against plain loops.

Transfers, deaths, listings, 75th birthdays and nursing homes meet around the last days of months.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.months import PROGRAMS
from esrd_pipeline_tests.sql.plain_patient import DAY, MONTHS, Person, find_ccn, list_days
from esrd_pipeline_tests.sql.test_patient_months_plain import FACTS, draw_person, list_tables
from esrd_pipeline_tests.sql.worked import Row, run

PATIENTS = 150
CHAIN = ("history.dialysis_evidence", "history.treatment", "cohort.pppw")
TABLES = ("linkage.facility_ccn", "linkage.patient", "linkage.first_service", "linkage.death")
LAST_AGE = 75
Months = dict[tuple[str, date, str], bool]
Days = tuple[date, date | None]


@dataclass
class Waiting:
    """What the waitlist, nursing homes, hospices and CMS-2728 tell of a patient."""

    person: Person
    listed: list[Days] = field(default_factory=list)
    nursed: list[Days] = field(default_factory=list)
    hospice: set[date] = field(default_factory=set)
    is_institutionalised: bool = False

    def is_counted(self, month: date) -> bool:
        """Whether the patient is one of 2.16.8 and 2.16.9 in the month."""
        days = list_days(month)
        age = self.person.age(days[-1])
        return not (
            age is None
            or age >= LAST_AGE
            or self.is_institutionalised
            or month in self.hospice
            or any(start <= days[-1] and (end or date.max) >= month for start, end in self.nursed)
        )

    def follow(self) -> Months:
        """Whether the patient waits on the last day of each month that counts."""
        found = {}
        for month in filter(self.is_counted, MONTHS):
            last = list_days(month)[-1]
            stay = self.person.find_stay(last)
            is_waiting = any(start <= last <= (end or date.max) for start, end in self.listed)
            for program in PROGRAMS if stay else ():
                ccn = find_ccn(stay.unit, last) if stay else ""
                if program == "dfc" or (ccn, month) not in FACTS.excepted:
                    found[program, month, ccn] = is_waiting
        return found


def draw_waiting(draw: Random) -> Waiting:
    """A patient with listings and stays in nursing homes."""
    waiting = Waiting(draw_person(draw))

    def edge() -> date:
        return draw.choice(MONTHS) + draw.choice([-1, -1, 0, 0, 1, 14]) * DAY

    if draw.random() < 0.3:
        birthday = edge()
        waiting.person.born = date(birthday.year - 75, birthday.month, min(birthday.day, 28))
    start = edge()
    for _ in range(draw.choice([0, 1, 1, 2])):
        end = start + draw.choice([0, 1, 30, 31, 90]) * DAY
        if draw.random() < 0.3:
            waiting.listed.append((start, None))
            break
        waiting.listed.append((start, end))
        start = end + draw.choice([2, 20]) * DAY
    if draw.random() < 0.3:
        start = edge()
        waiting.nursed.append((start, start + draw.choice([0, 1, 30, 60]) * DAY))
    waiting.hospice = {month for month in MONTHS if draw.random() < 0.05}
    waiting.is_institutionalised = draw.random() < 0.05
    return waiting


def tell(people: Mapping[int, Waiting]) -> dict[str, list[Row]]:
    """The tables of the patients."""
    all_tables = list_tables({number: one.person for number, one in people.items()}, FACTS)
    tables = {
        name: all_tables[name]
        for name in (*TABLES, "raw.eqrs_admission", "raw.eqrs_treatment", "raw.ece_grant")
    }
    for name, listed in (("linkage.waitlist", "listed"), ("history.nursing_home", "nursed")):
        tables[name] = [
            {"patient_id": number, "start_date": start, "end_date": end}
            for number, one in people.items()
            for start, end in getattr(one, listed)
        ]
    tables["history.limited_life"] = [
        {"patient_id": number, "month": month, "is_hospice": True}
        for number, one in people.items()
        for month in one.hospice
    ]
    tables["history.patient_characteristics"] = [
        {"patient_id": number, "is_institutionalised": one.is_institutionalised}
        for number, one in people.items()
    ]
    return tables


def read(rows: pd.DataFrame) -> dict[int, Months]:
    """Every patient's months that count."""
    found: dict[int, Months] = {}
    for row in rows[rows["reason"].isna()].to_dict("records"):
        month = pd.Timestamp(row["month"]).date()
        own = found.setdefault(int(row["patient_id"]), {})
        own[row["program"], month, row["ccn"]] = bool(row["is_event"])
    return found


@pytest.mark.manual("2.16.6", "2.16.8", "2.16.9", "2.16.10", "2.16.11")
def test_waiting_months_are_those_of_plain_loops() -> None:
    draw = Random(9)  # noqa: S311
    people = {number: draw_waiting(draw) for number in range(1, PATIENTS + 1)}
    made = read(run(*CHAIN, tables=tell(people)))
    plain = {number: one.follow() for number, one in people.items()}
    assert sum(value for own in plain.values() for value in own.values()) > 100
    for number, one in people.items():
        assert made.get(number, {}) == plain[number], str(one)
