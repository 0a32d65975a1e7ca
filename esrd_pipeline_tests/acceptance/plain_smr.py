"""One facility's SMR from raw files, in plain Python: no code of the product.

Only the stored fit is taken from it: coefficients of both stages and the hazard. Manual 2.14;
readings 17, 20, 21, 23, 27, 28. The tables of death rates, races and groups of conditions are those
of the package: they are numbers, not code.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from importlib import resources
from itertools import groupby
from math import exp, fsum, log

import numpy as np

from esrd_pipeline_tests.acceptance.plain_days import follow
from esrd_pipeline_tests.acceptance.plain_records import (
    Directory,
    Files,
    Person,
    Row,
    link,
    read_people,
)
from esrd_pipeline_tests.acceptance.plain_shr import (
    BOXES,
    COVID,
    DIABETES,
    DIABETES_BOXES,
    DIAGNOSES,
    Seen,
    load_groups,
    month_of,
    read_medicare,
)

COVID_DAYS = 90
NOT_COUNTED = {"91", "93"}
FEW_DIAGNOSES = DIAGNOSES[:13]
"""Carrier claims have the principal and twelve."""


@dataclass(frozen=True)
class Smr:
    """One facility's result: deaths, days at risk, expected deaths, patients."""

    observed: int
    days: int
    expected: float
    patients: int


@dataclass(frozen=True)
class Fit:
    """A stored fit: x'b of both stages, and the cumulative hazard at each day of a record."""

    coefficients: dict[str, float]
    state: float
    days: Sequence[float]
    hazard: Sequence[float]

    def accumulate(self, day: int) -> float:
        """Return the hazard accumulated by a day of the record."""
        place = int(np.searchsorted(self.days, day, side="right"))
        return self.hazard[place - 1] if place else 0.0


@dataclass(frozen=True)
class Year:
    """What a year's extract says of the facility's patients beside what SHR asks for."""

    year: int
    years_back: int
    fit: Fit
    seen: Seen
    groups: dict[int, set[str]]
    covid: dict[int, set[int]]
    rows: dict[int, Row]
    causes: dict[int, str | None]
    rates: dict[str, float]


def recompute_smr(extracts: Sequence[Files], ccn: str, fit: Fit) -> Smr:
    """Recompute one facility's SMR from the extracts of its calendar years."""
    observed = days = 0
    expected: list[float] = []
    patients: set[int] = set()
    for files in extracts:
        links = {year: link(files, year) for year in files.years}
        people, directory = read_people(files, "dfc"), Directory.read(files)
        candidates = {
            patient: person
            for patient, person in people.items()
            if ccn in _list_numbers(person, directory)
        }
        state = _find_state(files, directory, ccn)
        year = Year(
            year=files.year,
            years_back=extracts[-1].year - files.year,
            fit=fit,
            seen=read_medicare(files, links, set(candidates)),
            groups=_read_groups(files, links, set(candidates)),
            covid=_read_covid(files, links, set(candidates)),
            rows={row["patient_id"]: row for row in files.rows("eqrs_patient")},
            causes={row["patient_id"]: row["primary_cause"] for row in files.rows("cms_2746")},
            rates={
                row["race_class"]: float(row["deaths_per_100000"])
                for row in _read_parameters("state_death_rate")
                if row["state"] == state
            },
        )
        for patient, person in candidates.items():
            followed = follow(
                person,
                directory,
                date(files.year, 1, 1).toordinal(),
                date(files.year, 12, 31).toordinal(),
                before_transplant=0,
            )
            if followed is None:
                continue
            first, answers = followed
            for _, group in groupby(sorted(answers), key=lambda day: _number(answers, day, ccn)):
                record = list(group)
                if answers[record[0]] != ccn:
                    continue
                deaths, at_risk, parts = _judge(patient, person, year, first, record)
                observed += deaths
                days += at_risk
                expected += parts
                patients |= {patient} if at_risk else set()
    return Smr(observed, days, fsum(expected), len(patients))


def _list_numbers(person: Person, directory: Directory) -> set[str | None]:
    places = [a["facilityid"] for a in person.admissions] + [r[3] for r in person.reports]
    found: set[str | None] = set()
    for place in places:
        if isinstance(place, str):
            found.add(directory.numbers.get(place))
        else:
            found |= {span[2] for span in directory.spans.get(place, ())}
    return found


def _number(answers: dict[int, str | None], day: int, ccn: str) -> bool:
    """Days on end that are the facility's are one record."""
    return answers[day] == ccn


def _judge(
    patient: int, person: Person, year: Year, first: int, record: list[int]
) -> tuple[int, int, list[float]]:
    """Return the deaths, days at risk and expected deaths of one record, run by run."""
    seen, managed = (
        table.get(patient, set()) for table in (year.seen.observable, year.seen.managed)
    )
    at_risk = [day for day in record if month_of(day) in seen]
    if not at_risk:
        return 0, 0, []
    share = sum(month_of(day) in managed for day in at_risk) / len(at_risk)
    adjusters = _describe(patient, person, year, first, record[0])
    # The design of the model holds its columns in single precision.
    adjusters["ma_share"] = float(np.float32(share))
    adjusters[f"is_year_before_{year.years_back}"] = 1.0
    fit = year.fit
    rate = log(year.rates[_find_race(year.rows[patient]["race"])])
    covid, start, parts = year.covid.get(patient, set()), 0, []
    for is_covid, group in groupby(at_risk, key=lambda day: day in covid):
        stop = start + len(list(group))
        score = fsum(fit.coefficients.get(name, 0.0) * x for name, x in adjusters.items())
        score += fit.coefficients.get("is_covid", 0.0) * is_covid + fit.state * rate
        parts.append((fit.accumulate(stop) - fit.accumulate(start)) * exp(score))
        start = stop
    is_dead = person.death == at_risk[-1] and year.causes.get(patient) not in NOT_COUNTED
    return int(is_dead), len(at_risk), parts


def _describe(patient: int, person: Person, year: Year, first: int, start: int) -> dict[str, float]:
    """Return the adjusters as of the record's first day, without Medicare Advantage and COVID."""
    born, now = date.fromordinal(person.birth), date.fromordinal(start)
    age = now.year - born.year - ((now.month, now.day) < (born.month, born.day))
    middle, late = max(0, min(age, 61) - 14), max(0, age - 61)
    form, row = person.first_form or {}, year.rows[patient]
    cause = form.get("primary_cause") or person.cause
    race = _find_race(row["race"])
    black, asian = race == "black", race == "asian or pacific islander"
    other = race in ("native american", "all")
    duration = (start - first) // 365
    vintage = {"under_1_year": duration < 1, "1_to_2_years": duration == 1}
    vintage["2_to_3_years"] = duration == 2
    female, diabetes = person.sex == "F", (cause or "")[:3] in DIABETES
    homes = len(year.seen.homes.get(patient, set()) & set(range(start - 365, start)))
    months = year.seen.observable.get(patient, set())
    unseen = sum(one == year.year - 1 for one, _ in months) < 6
    bmi = _find_bmi(person, form)
    kept = Fraction(30) if bmi is None else bmi
    boxes = {f"has_{box}": bool(form.get(f"has_{box}")) for box in BOXES}
    boxes["has_diabetes"] = any(form.get(f"has_{box}") for box in DIABETES_BOXES)
    races = {"black": black, "asian": asian, "native_or_other": other}
    flags = {
        "is_female": female,
        **{f"is_{name}": flag for name, flag in (races | vintage).items()},
        "is_hispanic": row["is_hispanic"] is True,
        "is_ethnicity_unknown": row["is_hispanic"] is None,
        "is_diabetes_cause": diabetes,
        "is_cause_missing": cause is None,
        "is_nursing_home_short": 1 <= homes <= 89,
        "is_nursing_home_long": homes >= 90,
        "is_bmi_under_18": kept < Fraction("18.5"),
        "is_bmi_18_to_25": Fraction("18.5") <= kept < 25,
        "is_bmi_25_to_30": 25 <= kept < 30,
        "is_bmi_missing": bmi is None,
        "is_form_missing": not form,
        "is_prevalent_missing": unseen,
        "hispanic_x_nonwhite": row["is_hispanic"] is True and any(races.values()),
        "female_x_black": female and black,
        **{f"diabetes_x_{name}": diabetes and flag for name, flag in (races | vintage).items()},
        **{
            f"under_1_year_x_{name}": vintage["under_1_year"] and flag
            for name, flag in races.items()
        },
        **boxes,
        "has_any_condition": any(boxes.values()),
        **dict.fromkeys(year.groups.get(patient, ()) if not unseen else (), True),
    }
    return {
        "age_to_14": float(min(age, 14)),
        "age_14_to_61": float(middle),
        "age_over_61": float(late),
        "black_x_age_to_14": float(black * (min(age, 14) - 14)),
        "black_x_age_14_to_61": float(black * middle),
        "black_x_age_over_61": float(black * late),
        **{name: float(flag) for name, flag in flags.items()},
    }


def _find_bmi(person: Person, form: Row) -> Fraction | None:
    """Return a BMI in range: 10 to 70, of children under 18 on the form's day from 5."""
    height, weight = form.get("height_cm"), form.get("dry_weight_kg")
    if not height or weight is None:
        return None
    found = Fraction(str(weight)) / (Fraction(str(height)) / 100) ** 2
    born, day = date.fromordinal(person.birth), form["dialysis_began_date"]
    on = date.fromordinal(form["signature_date"] if day is None else day)
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return found if (5 if age < 18 else 10) <= found <= 70 else None


def _find_race(race: str | None) -> str:
    found = {row["race"]: row["race_class"] for row in _read_parameters("race_class")}
    return found.get(race or "", "all")


def _read_parameters(name: str) -> list[dict[str, str]]:
    text = resources.files("esrd_pipeline.parameters").joinpath(f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _find_state(files: Files, directory: Directory, ccn: str) -> str:
    return next(
        row["state"]
        for row in files.rows("eqrs_facility")
        if row["provnum"] is not None and directory.numbers.get(row["provnum"]) == ccn
    )


def _read_covid(
    files: Files, links: dict[int, dict[int, int]], wanted: set[int]
) -> dict[int, set[int]]:
    """Return each patient's days from the first bill of a stay with COVID-19 to the 90th after."""
    first: dict[tuple[int, int], int] = {}
    columns = ("bene_id", "clm_admsn_dt", "clm_from_dt", *DIAGNOSES)
    for year in (files.year - 1, files.year):
        for claim in files.rows("inpatient_base", year, columns) if year in links else ():
            patient = links[year].get(claim["bene_id"])
            if patient in wanted and any(claim[name] in COVID for name in DIAGNOSES):
                admitted = claim["clm_admsn_dt"] or claim["clm_from_dt"]
                start = max(admitted, claim["clm_from_dt"])
                first[patient, admitted] = min(start, first.get((patient, admitted), start))
    days: dict[int, set[int]] = defaultdict(set)
    for (patient, _), start in first.items():
        days[patient] |= set(range(start, start + COVID_DAYS + 1))
    return days


def _read_groups(
    files: Files, links: dict[int, dict[int, int]], wanted: set[int]
) -> dict[int, set[str]]:
    """Return the groups of one inpatient claim, or of others on two days, of the year before."""
    year, table = files.year - 1, load_groups()
    inpatient: dict[int, set[str]] = defaultdict(set)
    others: dict[tuple[int, str], set[int]] = defaultdict(set)
    kinds = {f"{kind}_base": DIAGNOSES for kind in ("inpatient", "outpatient", "snf", "hha")}
    kinds |= {"hospice_base": DIAGNOSES, "carrier_claim": FEW_DIAGNOSES}
    for name, diagnoses in kinds.items() if year in links else ():
        for claim in files.rows(name, year, ("bene_id", "clm_thru_dt", *diagnoses)):
            patient = links[year].get(claim["bene_id"])
            if patient not in wanted:
                continue
            found = {table[claim[column]] for column in diagnoses if claim[column] in table}
            if name == "inpatient_base":
                inpatient[patient] |= found
            else:
                for group in found:
                    others[patient, group].add(claim["clm_thru_dt"])
    for (patient, group), when in others.items():
        if len(when) > 1:
            inpatient[patient].add(group)
    return inpatient
