"""One facility's months of PPPW from raw files, in plain Python: no code of the product.

Manual 2.16.6 to 2.16.12; readings 20, 27 (treatment history).
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from esrd_pipeline_tests.acceptance.plain_days import describe_states, place_days
from esrd_pipeline_tests.acceptance.plain_records import (
    Directory,
    Files,
    Person,
    find_optn_owners,
    link,
)
from esrd_pipeline_tests.acceptance.plain_shr import find_candidates

OLDEST = 75
SPLINE = ("age_to_15", "age_15_to_55", "age_55_to_70", "age_over_70")
IN_NURSING_HOME = "SNF/Long Term Care Facility"


@dataclass(frozen=True)
class WaitingMonth:
    """One month of a patient that counts: their spline of age, and whether they were listed."""

    patient: int
    spline: tuple[float, ...]
    is_listed: bool


@dataclass(frozen=True)
class Registers:
    """What files of the year say beside EQRS: listings by patient; days in homes or hospice."""

    year: int
    directory: Directory
    listings: dict[int, list[tuple[int, int]]]
    away: dict[int, set[int]]


def recompute_months(files: Files, program: str, ccn: str) -> list[WaitingMonth]:
    """List one facility's months that count."""
    links = {year: link(files, year) for year in files.years}
    directory = Directory.read(files)
    candidates = find_candidates(files, program, ccn, directory)
    registers = Registers(
        files.year, directory, _read_listings(files, candidates), _read_away(files, links)
    )
    return [
        month
        for patient, person in candidates.items()
        if not _is_institutionalised(person)
        for month in _list_months(registers, patient, person, ccn)
    ]


def _list_months(
    registers: Registers, patient: int, person: Person, ccn: str
) -> Iterator[WaitingMonth]:
    year = registers.year
    year_end = date(year, 12, 31).toordinal()
    first, last = person.first_service(), min(person.death or year_end, year_end)
    if first is None or first > last:
        return
    states = describe_states(person, place_days(person, year_end), registers.directory, first, last)
    born = date.fromordinal(person.birth)
    for month in range(1, 13):
        end = date(year, month, monthrange(year, month)[1])
        day = end.toordinal()
        if not first <= day <= last or states[day - first] != ("dialysis", ccn):
            continue
        if end.year - born.year - ((end.month, end.day) < (born.month, born.day)) >= OLDEST:
            continue
        if registers.away[patient] & set(range(date(year, month, 1).toordinal(), day + 1)):
            continue
        age = (day - person.birth) / 365.25
        yield WaitingMonth(
            patient,
            list_pieces(age),
            any(start <= day <= stop for start, stop in registers.listings.get(patient, ())),
        )


def list_pieces(age: float) -> tuple[float, ...]:
    """Return the years of age in each piece of the spline, from 15 on: knots at 15, 55 and 70."""
    return (
        min(age, 15) - 15,
        min(max(age, 15), 55) - 15,
        min(max(age, 55), 70) - 55,
        max(age, 70) - 70,
    )


def _is_institutionalised(person: Person) -> bool:
    form = person.first_form or {}
    return bool(form.get("has_institutionalised")) or form.get("setting") == IN_NURSING_HOME


def _read_listings(files: Files, people: dict[int, Person]) -> dict[int, list[tuple[int, int]]]:
    """Return first and last day of each registration, by patient."""
    owners = find_optn_owners(files, people)
    listings = defaultdict(list)
    for row in files.rows("optn_waitlist"):
        start, removed = row["can_listing_dt"], row["can_rem_dt"]
        stop = date.max.toordinal() if removed is None else max(start, removed - 1)
        if removed is None or removed >= start:
            for patient in owners[row["pers_ssn"], row["pers_birth_dt"]]:
                listings[patient].append((start, stop))
    return dict(listings)


def _read_away(files: Files, links: dict[int, dict[int, int]]) -> dict[int, set[int]]:
    """Return the days of the year in nursing homes or under hospice claims, by patient."""
    away: dict[int, set[int]] = defaultdict(set)
    first = date(files.year, 1, 1).toordinal()
    last = date(files.year, 12, 31).toordinal()
    latest = {bene: who for year in files.years[-2:] for bene, who in links[year].items()}
    for row in files.rows("mds_stay"):
        patient = links[files.year].get(row["bene_id"])
        if patient is not None:
            end = min(last, row["discharge_date"] or last)
            away[patient] |= set(range(max(first, row["entry_date"]), end + 1))
    for row in files.rows("hospice_base", columns=("bene_id", "clm_from_dt", "clm_thru_dt")):
        patient = latest.get(row["bene_id"])
        if patient is not None:
            away[patient] |= set(range(row["clm_from_dt"], row["clm_thru_dt"] + 1))
    return away
