"""SWR of random patients, from their files to days at risk and events, against plain loops.

Listings, kidneys and transfers meet around the first day and the end of the first year.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import YEAR, Row, run

PATIENTS = 1500
DAY = timedelta(days=1)
FIRST_YEAR_DAYS = 365
CHAIN = (
    "history.dialysis_evidence",
    "history.treatment",
    "history.patient_characteristics",
    "history.nursing_home",
    "cohort.swr",
)
ENDS = ("Transfer Out", "Transfer Out", "Discontinue", "Recover Function")
OFF = ("Discontinue", "Recover Function")
Span = tuple[date, date | None]


@dataclass
class Person:
    """What one patient's files tell."""

    first: date
    born: date | None
    admissions: list[tuple[int, date, date | None, str | None]] = field(default_factory=list)
    listings: list[Span] = field(default_factory=list)
    kidney: tuple[date, str | None] | None = None
    nursing: list[Span] = field(default_factory=list)
    hospice: list[tuple[date, date]] = field(default_factory=list)
    death: date | None = None
    is_institutionalised: bool = False

    def find_facility(self, day: date) -> str | None:
        """The facility that treats on a day."""
        if day < self.first or (self.death and day > self.death):
            return None
        if self.kidney and day >= (graft := max(self.kidney[0], self.first)):
            back = [start for _, start, _, _ in self.admissions if start > graft]
            if not back or day < min(back):
                return None
        found = None
        for facility, start, end, _ in self.admissions:
            # The end of dialysis closes what began before it.
            ends = [e for _, s, e, why in self.admissions if why in OFF and s >= start and e]
            last = min([end or date.max, *ends])
            if start <= day <= last and (found is None or start > found[0]):
                found = (start, "AB"[facility - 1])
        return found[1] if found else None

    @property
    def is_eligible(self) -> bool:
        """Whether the patient is one of 2.15.8 and 2.15.9."""
        first, born = self.first, self.born
        if born is None or first.year != YEAR - 1 or (self.death and self.death < first):
            return False
        birthdays = first.year - born.year - ((first.month, first.day) < (born.month, born.day))
        return not (
            birthdays >= 75
            or self.is_institutionalised
            or any(start < first <= (end or date.max) for start, end in self.nursing)
            or any(start <= first <= end for start, end in self.hospice)
            or any(start < first for start, _ in self.listings)
            or (self.kidney is not None and self.kidney[0] <= first)
        )

    def follow(self) -> dict[str, tuple[int, int]]:
        """Days at risk and events of the first year by facility."""
        found: dict[str, tuple[int, int]] = {}
        for number in range(FIRST_YEAR_DAYS if self.is_eligible else 0):
            day = self.first + number * DAY
            if self.death and day > self.death:
                break
            has_kidney = self.kidney is not None and self.kidney[0] == day
            is_listed = any(start == day for start, _ in self.listings)
            is_living = has_kidney and self.kidney is not None and self.kidney[1] == "living"
            # The kidney's day is the facility's that treated the day before.
            facility = self.find_facility(day - DAY if has_kidney else day)
            if facility:
                days, events = found.get(facility, (0, 0))
                found[facility] = (days + 1, events + int(is_listed or is_living))
            if has_kidney or is_listed:
                break
        return found


def draw_person(draw: Random) -> Person:
    """A patient whose events lie near the first day and the first year's end."""
    first = draw.choice(
        [date(2023, 1, 1), date(2023, 12, 31), date(2023, 3, 1), date(2022, 12, 31)]
    )

    def near(*days: int) -> date:
        return first + draw.choice(days) * DAY

    person = Person(first, draw.choice([date(1960, 2, 2)] * 8 + [None]))
    if draw.random() < 0.3:
        person.born = date(first.year - 75, first.month, first.day) + draw.choice([-1, 0, 1]) * DAY
    person.admissions = _draw_admissions(draw, near(0, 0, 0, 0, 5))
    for _ in range(draw.choice([0, 0, 1, 1, 2])):
        start = near(-200, -1, 0, 0, 1, 30, 59, 60, 100, 150, 363, 364, 365, 366)
        is_removed = draw.random() < 0.3
        person.listings.append(
            (start, start + draw.choice([0, 1, 50]) * DAY if is_removed else None)
        )
    if draw.random() < 0.3:
        donor = draw.choice(["living", "living", "deceased", None])
        person.kidney = (near(-300, 0, 1, 30, 60, 61, 100, 151, 364, 365), donor)
    if draw.random() < 0.2:
        start = near(-100, -1, 0, 1)
        end = draw.choice([None, start + draw.choice([0, 1, 99, 100, 101]) * DAY])
        person.nursing.append((start, end))
    if draw.random() < 0.15:
        start = near(-30, -1, 0, 1)
        person.hospice.append((start, start + draw.choice([0, 1, 29, 30]) * DAY))
    if draw.random() < 0.25:
        person.death = near(0, 30, 200, 364, 365)
    person.is_institutionalised = draw.random() < 0.05
    return person


def _draw_admissions(draw: Random, start: date) -> list[tuple[int, date, date | None, str | None]]:
    admissions: list[tuple[int, date, date | None, str | None]] = []
    for _ in range(draw.choice([1, 1, 2, 3])):
        facility = draw.choice([1, 2])
        if draw.random() < 0.3:
            return [*admissions, (facility, start, None, None)]
        end = start + draw.choice([10, 60, 100, 363, 364, 365, 400]) * DAY
        admissions.append((facility, start, end, draw.choice(ENDS)))
        start = end + draw.choice([1, 1, 1, 7, 0]) * DAY
    return admissions


def list_tables(people: Mapping[int, Person]) -> dict[str, list[Row]]:
    """The files and linkage of the patients."""
    tables: dict[str, list[Row]] = {
        "linkage.facility_ccn": [
            {"program": "dfc", "facilityid": n, "start_date": date(1980, 1, 1), "ccn": ccn}
            for n, ccn in ((1, "A"), (2, "B"))
        ],
        "linkage.beneficiary": [
            {"bene_id": number, "patient_id": number, "performance_year": year}
            for number in people
            for year in range(YEAR - 3, YEAR + 1)
        ],
        "raw.claim": [
            {
                "bene_id": number,
                "clm_id": number,
                "nch_clm_type_cd": "50",
                "clm_from_dt": first,
                "clm_thru_dt": last,
                "performance_year": last.year,
            }
            for number, person in people.items()
            for first, last in person.hospice
        ],
    }
    for number, person in people.items():
        own, dfc = {"patient_id": number}, {"program": "dfc", "patient_id": number}
        rows: dict[str, list[Row]] = {
            "linkage.patient": [{**own, "date_of_birth": person.born}],
            "linkage.first_service": [{**dfc, "first_service_date": person.first}],
            "linkage.death": [{**dfc, "death_date": person.death}] if person.death else [],
            "linkage.waitlist": [
                {**own, "start_date": start, "end_date": end} for start, end in person.listings
            ],
            "raw.mds_stay": [
                {"bene_id": number, "entry_date": start, "discharge_date": end}
                for start, end in person.nursing
            ],
            "raw.eqrs_admission": [
                {
                    **own,
                    "facilityid": facility,
                    "admit_date": start,
                    "admit_reason": "Transfer In",
                    "discharge_date": end,
                    "discharge_reason": why,
                }
                for facility, start, end, why in person.admissions
            ],
        }
        if person.kidney:
            day, donor = person.kidney
            rows["linkage.transplant"] = [{**dfc, "transplant_date": day, "donor": donor}]
        if person.is_institutionalised:
            form = {"form_number": 1, "has_institutionalised": True}
            rows["raw.cms_2728"] = [{**own, **form, "dialysis_began_date": person.first}]
        for name, some in rows.items():
            tables.setdefault(name, []).extend(some)
    return tables


def count(rows: pd.DataFrame) -> dict[int, dict[str, tuple[int, int]]]:
    """Days at risk and events of every patient by facility."""
    rows = rows[rows["reason"].isna()]
    rows = rows.assign(days=rows["stop_day"] - rows["start_day"])
    sums = rows.groupby(["patient_id", "ccn"], as_index=False)[["days", "is_event"]].sum()
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for row in sums.to_dict("records"):
        own = found.setdefault(int(row["patient_id"]), {})
        own[str(row["ccn"])] = (int(row["days"]), int(row["is_event"]))
    return found


@pytest.mark.manual("2.15.8", "2.15.9", "2.15.10", "2.15.11", "2.15.13")
def test_days_and_events_of_the_first_year_are_those_of_plain_loops() -> None:
    draw = Random(5)  # noqa: S311
    people = {number: draw_person(draw) for number in range(1, PATIENTS + 1)}
    made = count(run(*CHAIN, tables=list_tables(people)))
    plain = {number: person.follow() for number, person in people.items()}
    events = sum(event for own in plain.values() for _, event in own.values())
    assert events > 100, "too few events to compare"
    for number, person in people.items():
        assert made.get(number, {}) == plain[number], str(person)
