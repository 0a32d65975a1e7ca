"""One patient's days: place of dialysis, state, attributed facility (readings 20, 27, 28).

Plain Python over lists of days; no code of the product.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from esrd_pipeline_tests.acceptance.plain_records import Directory, Person

TREATMENT_DAYS = 60
FOLLOW_DAYS = 60
FIRST_DAY = 90
BEFORE_TRANSPLANT = 3
EVIDENCE_DAYS = 365
TEMPORARY = ("Transient", "Dialysis in Support of Transplant", "Acute")
FINAL = ("Discontinue", "Recover Function", "Transplant", "Death")


@dataclass
class Day:
    """A day's place of dialysis: an EQRS facility or a provider number, and what ends with it."""

    place: str | int
    is_new: bool = False
    ended_by: str | None = None


def place_days(person: Person, last_day: int) -> dict[int, Day]:
    """Return the place of every day that EQRS has one for, else the claims or CMS-2728."""
    days = _place_by_eqrs(person, last_day)
    reports = sorted(
        (r for r in set(person.reports) if r[0] not in days and r[0] <= r[1]),
        key=lambda r: (r[0], -r[1], r[2], str(r[3])),
    )
    reached = 0
    kept = []
    for start, end, _, place in reports:
        if end > reached:
            kept.append((start, end, place))
        reached = max(reached, end)
    starts = sorted([*days, *(start for start, *_ in kept)])
    for start, end, place in kept:
        last = min(end + EVIDENCE_DAYS, last_day)
        following = next((day for day in starts if day > start), last_day + 1)
        for day in range(start, min(last, following - 1) + 1):
            days[day] = Day(place)
        if end + EVIDENCE_DAYS < following and end + EVIDENCE_DAYS <= last_day:
            days[end + EVIDENCE_DAYS].ended_by = "a year without evidence"
    return days


def _place_by_eqrs(person: Person, last_day: int) -> dict[int, Day]:
    admissions = []
    for row in person.admissions:
        if row["discharge_reason"] == "Acute" or row["admit_date"] > last_day:
            continue
        discharged = row["discharge_date"] is not None and row["discharge_date"] <= last_day
        end = max(row["discharge_date"], row["admit_date"]) if discharged else last_day
        reason = row["discharge_reason"] if discharged else None
        is_chronic = row["admit_reason"] not in TEMPORARY
        admissions.append((is_chronic, row["admit_date"], end, row["facilityid"], reason))
    closed = []
    for is_chronic, start, end, place, reason in admissions:
        finals = (e for c, s, e, _, r in admissions if c and r in FINAL and s >= start)
        closed.append((is_chronic, start, min([end, *finals]), -end, place, reason))
    days: dict[int, Day] = {}
    # The chronic one that began last is written last; of one day the one that lasts longest.
    for is_chronic, start, final, negative_end, place, reason in sorted(
        closed, key=lambda a: a[:5]
    ):
        end = -negative_end
        for day in range(start, final + 1):
            days[day] = Day(place, is_new=is_chronic and day == start)
        if final == end and end in days:
            days[end].ended_by = reason
    return days


def describe_states(
    person: Person, places: dict[int, Day], directory: Directory, first: int, last: int
) -> list[tuple[str, str | None]]:
    """Return (state, ccn) of every day from the first service date to the last."""
    grafted = set(_grafted_days(person, places, first, last))
    states: list[tuple[str, str | None]] = []
    gap, lost = "untreated", first + EVIDENCE_DAYS + 1
    for day in range(first, last + 1):
        here = places.get(day)
        if day in grafted:
            states.append(("transplant", None))
            gap, lost = "untreated", day + 1 + EVIDENCE_DAYS
        elif here is not None:
            states.append(("dialysis", directory.ccn(here.place, day)))
            gap, lost = "untreated", day + 1 + EVIDENCE_DAYS
            if here.ended_by in ("Discontinue", "Recover Function"):
                gap, lost = "stopped", last + 1
            elif here.ended_by == "a year without evidence":
                lost = day + 1
        else:
            states.append(("lost" if day >= lost else gap, None))
    return states


def _grafted_days(person: Person, places: dict[int, Day], first: int, last: int) -> Iterator[int]:
    """Yield the days from each transplant to failure, return to dialysis or the next one."""
    transplants = [(max(day, first), failed) for day, failed in person.transplants() if day <= last]
    for number, (start, failed) in enumerate(transplants):
        ends = [last]
        if failed is not None:
            ends.append(failed - 1)
        ends += [day - 1 for day, here in places.items() if here.is_new and day > start]
        if number + 1 < len(transplants):
            if transplants[number + 1][0] == start:
                continue
            ends.append(transplants[number + 1][0] - 1)
        yield from range(start, max(start, min(ends)) + 1)


def find_answers(
    person: Person,
    states: list[tuple[str, str | None]],
    first: int,
    year_end: int,
    *,
    before_transplant: int = BEFORE_TRANSPLANT,
) -> list[str | None]:
    """Return who answers for each day from the first service date on."""
    last = first + len(states) - 1
    transplants = [t for t, _ in person.transplants() if t <= last or last == year_end]
    barred = {t - back for t in transplants for back in range(1, before_transplant + 1)}
    answers: list[str | None] = []
    treated_by: str | None = None
    unbroken, holder, until = 0, None, 0
    for place, (state, ccn) in enumerate(states):
        day = first + place
        if unbroken >= TREATMENT_DAYS and day >= first + FIRST_DAY:
            holder, until = treated_by, day - 1 + FOLLOW_DAYS
        if day in barred or state == "lost" or day in transplants:
            holder = None
        answers.append(holder if day <= until else None)
        if state == "dialysis" and ccn is not None:
            unbroken = unbroken + 1 if ccn == treated_by else 1
            treated_by = ccn
        else:
            unbroken, treated_by = 0, None
    return answers


def follow(
    person: Person,
    directory: Directory,
    year_start: int,
    year_end: int,
    *,
    before_transplant: int = BEFORE_TRANSPLANT,
) -> tuple[int, dict[int, str | None]] | None:
    """Return the first service date and who answers for each day of the year at risk of ESRD."""
    first = person.first_service()
    if first is None or first > year_end:
        return None
    last = min(person.death or year_end, year_end)
    if last < max(first, year_start):
        return None
    places = place_days(person, year_end)
    states = describe_states(person, places, directory, first, last)
    answers = find_answers(person, states, first, year_end, before_transplant=before_transplant)
    return first, {day: answers[day - first] for day in range(max(first, year_start), last + 1)}
