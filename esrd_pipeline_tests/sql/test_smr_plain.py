"""SMR of random patients, from who answers for a day to the records of the model, against loops.

Months that count, Medicare Advantage, COVID-19, transfers, returns and deaths meet within a year.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import YEAR, Row, run

PATIENTS = 600
DAY = timedelta(days=1)
FIRST, LAST = date(YEAR, 1, 1), date(YEAR, 12, 31)
BORN = date(1950, 6, 15)
NOT_COUNTED = ("91", "93")
"""An accident apart from treatment, and street drugs (2.14.11)."""
Segment = tuple[str, date, int, int, bool, int, float, int, int]
"""Facility, first day, clock, COVID-19, death, share of Medicare Advantage, age, days of ESRD."""


@dataclass(frozen=True)
class Person:
    """What is known of one patient: spans of days, the months that count, and the death.

    Attributes:
        spans: first day, last day and facility, one after the other without a gap.
        paid: months of the year with Medicare's bills, or up to two months after such a month.
        managed: months in Medicare Advantage, which count as well.
        covid: first and last days, apart from each other.
        death: the day and the cause.
        first: first day of ESRD.
    """

    spans: tuple[tuple[date, date, str | None], ...]
    paid: frozenset[int]
    managed: frozenset[int]
    covid: tuple[tuple[date, date], ...]
    death: tuple[date, str | None] | None
    first: date

    def list_segments(self) -> list[Segment]:
        """The segments at risk, day by day: 2.14.10.4."""
        found: list[Segment] = []
        for start, end, facility in self.spans:
            if facility is None or end < FIRST:
                continue
            begun = max(start, FIRST)
            span = [begun + n * DAY for n in range((end - begun).days + 1)]
            days = [day for day in span if day.month in self.paid | self.managed]
            if not days:
                continue
            share = sum(day.month in self.managed for day in days) / len(days)
            age = begun.year - BORN.year - ((begun.month, begun.day) < (BORN.month, BORN.day))
            facts = (share, age, (begun - self.first).days)
            for number, day in enumerate(days):
                is_covid = any(a <= day <= b for a, b in self.covid)
                is_death = self.death is not None and self.death[0] == day
                is_counted = self.death is not None and self.death[1] not in NOT_COUNTED
                # A month left out between two days divides a segment, not the record's clock.
                is_next = number > 0 and day == days[number - 1] + DAY
                if is_next and found[-1][4] == is_covid:
                    facility_, since, clock, _, *_ = found.pop()
                    found.append(
                        (facility_, since, clock, number + 1, is_covid, 0, *facts),
                    )
                else:
                    found.append((facility, day, number, number + 1, is_covid, 0, *facts))
                if is_death:
                    found[-1] = (*found[-1][:5], int(is_counted), *facts)
        return found


def draw_person(draw: Random) -> Person:
    """A patient whose facilities, months, COVID-19 and death lie close to each other."""
    death = None
    if draw.random() < 0.5:
        day = FIRST + draw.choice([0, 1, 30, 31, 59, 60, 120, 200, 364, 365]) * DAY
        death = (day, draw.choice([None, "23", "26", "91", "92", "93", "94"]))
    until = death[0] if death else LAST
    spans: list[tuple[date, date, str | None]] = []
    start = FIRST - draw.choice([0, 1, 40, 400]) * DAY
    first = start
    before: str | None = ""
    while start <= until:
        facility = draw.choice([one for one in ("A", "B", None) if one != before])
        end = min(start + draw.choice([0, 1, 30, 59, 60, 150, 400]) * DAY, until)
        spans.append((start, end, facility))
        start, before = end + DAY, facility
    covid: list[tuple[date, date]] = []
    start = FIRST - draw.choice([0, 1, 89, 90, 91]) * DAY
    while draw.random() < 0.5 and start <= LAST:
        covid.append((start, start + draw.choice([90, 90, 100]) * DAY))
        start = covid[-1][1] + draw.choice([1, 2, 40, 200]) * DAY
    months = range(1, 13)
    paid = frozenset(month for month in months if draw.random() < 0.6)
    managed = frozenset(month for month in months if draw.random() < 0.3)
    return Person(tuple(spans), paid, managed, tuple(covid), death, first)


def list_tables(people: Mapping[int, Person]) -> dict[str, list[Row]]:
    """The tables that SMR's days are made of."""
    tables: dict[str, list[Row]] = {
        "linkage.facility": [
            {"program": "dfc", "ccn": ccn, "state": state}
            for ccn, state in (("A", "CA"), ("B", "TX"))
        ]
    }
    for number, person in people.items():
        own, dfc = {"patient_id": number}, {"program": "dfc", "patient_id": number}
        rows: dict[str, list[Row]] = {
            "history.attribution": [
                {
                    **dfc,
                    "rule": "smr",
                    "ccn": ccn,
                    "start_date": start,
                    "end_date": end,
                    "reason": None if ccn else "too_few_days_at_one_facility",
                }
                for start, end, ccn in person.spans
            ],
            "linkage.patient": [{**own, "date_of_birth": BORN}],
            "linkage.first_service": [{**dfc, "first_service_date": person.first}],
            "history.patient_characteristics": [{**own, "race_class": "white"}],
            "history.medicare_month": [
                {
                    **own,
                    "month": date(YEAR, month, 1),
                    "is_observable": True,
                    "is_ma": month in person.managed,
                }
                for month in sorted(person.paid | person.managed)
            ],
            "history.covid_period": [
                {**own, "start_date": start, "end_date": end} for start, end in person.covid
            ],
        }
        if person.death:
            day, cause = person.death
            rows["linkage.death"] = [{**dfc, "death_date": day, "primary_cause": cause}]
        for name, some in rows.items():
            tables.setdefault(name, []).extend(some)
    return tables


def read(rows: pd.DataFrame) -> dict[int, list[Segment]]:
    """The segments of each patient in the order of days."""
    found: dict[int, list[Segment]] = {}
    for row in rows.sort_values(["patient_id", "start_date"]).to_dict("records"):
        found.setdefault(int(row["patient_id"]), []).append(
            (
                str(row["ccn"]),
                row["start_date"],
                int(row["start_day"]),
                int(row["stop_day"]),
                bool(row["is_covid"]),
                int(row["is_event"]),
                float(row["ma_share"]),
                int(row["age"]),
                int(row["esrd_days"]),
            )
        )
    return found


@pytest.mark.manual("2.14.10.3", "2.14.10.4", "2.14.11", "2.14.12")
def test_records_deaths_and_clocks_are_those_of_plain_loops() -> None:
    draw = Random(14)  # noqa: S311
    people = {number: draw_person(draw) for number in range(1, PATIENTS + 1)}
    made = read(run("cohort.smr_days", "cohort.smr", tables=list_tables(people)))
    plain = {number: person.list_segments() for number, person in people.items()}
    deaths = sum(segment[5] for own in plain.values() for segment in own)
    assert deaths > 50, "too few deaths to compare"
    for number, person in people.items():
        assert made.get(number, []) == plain[number], str(person)
