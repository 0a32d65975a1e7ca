"""SMoSR of random patients, from who answers for a day to days at risk and switches, against loops.

Stays at home, nursing homes, hospice and transfers meet around 30 days and the first year's end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import YEAR, Row, run

PATIENTS = 800
DAY = timedelta(days=1)
FIRST_YEAR_DAYS, DURABLE_DAYS, ADULT = 365, 30, 18
SPELLS = (
    ("in center", "hemodialysis"),
    ("in center", "hemodialysis"),
    ("home", "peritoneal"),
    ("home", "home hemodialysis"),
    (None, None),
)
"""Setting and modality; neither where nobody treats."""
Spell = tuple[date, date, str | None, str | None]
Run = tuple[str, int, int, int]
"""Facility, its days at risk before and with the run, switches."""


@dataclass(frozen=True)
class Person:
    """What is known of one patient; spells and spans follow one another without a gap."""

    first: date
    born: date
    has_form: bool
    spells: tuple[Spell, ...]
    spans: tuple[tuple[date, date, str | None], ...]
    nursing: tuple[tuple[date, date], ...]
    hospice: date | None

    def _find_spell(self, day: date) -> tuple[str | None, str | None]:
        return next((s, m) for start, end, s, m in self.spells if start <= day <= end)

    def _is_home(self, day: date) -> bool:
        return day <= self.spells[-1][1] and self._find_spell(day)[0] == "home"

    def _is_nursed(self, day: date) -> bool:
        """Whether on home hemodialysis in a nursing home, which is no time at risk (2.27.9)."""
        in_home = any(start <= day <= end for start, end in self.nursing)
        return in_home and self._find_spell(day) == ("home", "home hemodialysis")

    def _find_switch(self) -> date | None:
        """The first day at home, after a day in center, of 30 days at home (2.27.11)."""
        in_center = was_home = False
        for number in range((self.spells[-1][1] - self.first).days + 1):
            day = self.first + number * DAY
            setting, _ = self._find_spell(day)
            is_new = setting == "home" and not self._is_nursed(day) and not was_home
            stays = all(self._is_home(day + ahead * DAY) for ahead in range(DURABLE_DAYS))
            if in_center and is_new and stays:
                return day
            in_center = in_center or setting == "in center"
            was_home = setting == "home" and not self._is_nursed(day)
        return None

    def list_runs(self) -> list[Run]:
        """The runs of days at risk, day by day."""
        birthdays = self.first.year - self.born.year
        birthdays -= (self.first.month, self.first.day) < (self.born.month, self.born.day)
        if birthdays < ADULT or not self.has_form or self.first.year != YEAR - 1:
            return []
        switch, found = self._find_switch(), list[Run]()
        in_center = False
        clock = 0
        last: tuple[int, date] | None = None
        for number in range(FIRST_YEAR_DAYS):
            day = self.first + number * DAY
            if (self.hospice and day >= self.hospice) or day > self.spells[-1][1]:
                break
            in_center = in_center or self._find_spell(day)[0] == "in center"
            place = next(n for n, (a, b, _) in enumerate(self.spans) if a <= day <= b)
            facility = self.spans[place][2]
            if in_center and facility and not self._is_nursed(day):
                if last is None or last[0] != place:
                    clock = 0
                if last == (place, day - DAY):
                    facility, start, _, _ = found.pop()
                else:
                    start = clock
                clock += 1
                found.append((facility, start, clock, int(day == switch)))
                last = (place, day)
            if day == switch:
                break
        return found


def draw_person(draw: Random) -> Person:
    """A patient whose changes lie close to each other and to 30 days."""
    first = date(YEAR - 1, draw.choice([1, 3, 12]), draw.choice([1, 31]))
    first = draw.choice([first] * 9 + [date(YEAR - 2, 12, 31)])
    until = draw.choice([date(YEAR, 12, 31)] * 3 + [first + 363 * DAY, first + 364 * DAY])
    until = min(until, date(YEAR, 12, 31))
    spells: list[Spell] = []
    start = first
    while start <= until:
        length = draw.choice([1, 28, 29, 30, 31, 60, 150, 300, 500])
        setting, modality = draw.choice(SPELLS)
        spells.append((start, min(start + (length - 1) * DAY, until), setting, modality))
        start = spells[-1][1] + DAY
    spans: list[tuple[date, date, str | None]] = []
    start, before = first, ""
    while start <= until:
        facility = draw.choice([one for one in ("A", "A", "B", None) if one != before])
        end = min(start + draw.choice([0, 29, 30, 60, 200, 500]) * DAY, until)
        spans.append((start, end, facility))
        start, before = end + DAY, facility or "nobody"
    nursing = list[tuple[date, date]]()
    start = first + draw.choice([-50, -1, 0, 20, 60]) * DAY
    while draw.random() < 0.5:
        nursing.append((start, start + draw.choice([0, 1, 29, 30, 90]) * DAY))
        start = nursing[-1][1] + draw.choice([1, 2, 25, 30, 31, 60]) * DAY
    hospice = first + draw.choice([0, 30, 59, 60, 200]) * DAY if draw.random() < 0.15 else None
    born = date(1970, 5, 5)
    if draw.random() < 0.1:
        born = date(first.year - ADULT, first.month, first.day) + draw.choice([0, 1]) * DAY
    return Person(
        first, born, draw.random() < 0.95, tuple(spells), tuple(spans), tuple(nursing), hospice
    )


def list_tables(people: Mapping[int, Person]) -> dict[str, list[Row]]:
    """The tables that SMoSR's cohort is made of."""
    tables: dict[str, list[Row]] = {}
    for number, person in people.items():
        own, dfc = {"patient_id": number}, {"program": "dfc", "patient_id": number}
        rows: dict[str, list[Row]] = {
            "linkage.first_service": [{**dfc, "first_service_date": person.first}],
            "linkage.patient": [{**own, "date_of_birth": person.born}],
            "linkage.beneficiary": [
                {**own, "bene_id": number, "performance_year": year} for year in (YEAR - 1, YEAR)
            ],
            "history.patient_characteristics": [{**own, "has_form": person.has_form}],
            "history.nursing_home": [
                {**own, "start_date": start, "end_date": end} for start, end in person.nursing
            ],
            "history.treatment": [
                {
                    **dfc,
                    "state": "dialysis" if setting else "untreated",
                    "ccn": "C" if setting else None,
                    "setting": setting,
                    "modality": "peritoneal" if modality == "peritoneal" else "hemodialysis",
                    "start_date": start,
                    "end_date": end,
                }
                for start, end, setting, modality in person.spells
            ],
            "history.attribution": [
                {
                    **dfc,
                    "rule": "smosr",
                    "ccn": ccn,
                    "start_date": start,
                    "end_date": end,
                    "reason": None if ccn else "too_few_days_at_one_facility",
                }
                for start, end, ccn in person.spans
            ],
        }
        if person.hospice:
            rows["raw.claim"] = [
                {
                    "bene_id": number,
                    "clm_id": number,
                    "nch_clm_type_cd": "50",
                    "clm_from_dt": person.hospice,
                    "clm_thru_dt": person.hospice,
                    "performance_year": person.hospice.year,
                }
            ]
        for name, some in rows.items():
            tables.setdefault(name, []).extend(some)
    return tables


def read(rows: pd.DataFrame) -> dict[int, list[Run]]:
    """The runs at risk of each patient; those without a gap between them are one."""
    found: dict[int, list[Run]] = {}
    ends: dict[int, date] = {}
    rows = rows[rows["reason"].isna()].sort_values(["patient_id", "start_date"])
    for row in rows.to_dict("records"):
        own = found.setdefault(int(row["patient_id"]), [])
        ccn, start, stop = str(row["ccn"]), int(row["start_day"]), int(row["stop_day"])
        is_next = row["start_date"] - DAY == ends.get(int(row["patient_id"]))
        if is_next and own[-1][0] == ccn and own[-1][2] == start:
            start = own.pop()[1]
        own.append((ccn, start, stop, int(row["is_event"])))
        ends[int(row["patient_id"])] = row["end_date"]
    return found


@pytest.mark.manual("2.27.8", "2.27.9", "2.27.10", "2.27.11")
def test_days_at_risk_and_switches_are_those_of_plain_loops() -> None:
    draw = Random(27)  # noqa: S311
    people = {number: draw_person(draw) for number in range(1, PATIENTS + 1)}
    made = read(run("cohort.smosr", tables=list_tables(people)))
    plain = {number: person.list_runs() for number, person in people.items()}
    switches = sum(segment[3] for own in plain.values() for segment in own)
    assert switches > 100, "too few switches to compare"
    for number, person in people.items():
        assert made.get(number, []) == plain[number], str(person)
