"""One facility's STrR or SEDR from raw files, in plain Python: no code of the product.

Only the stored fit is taken from it: coefficients and baseline. Manual 2.12, 2.25; readings 20, 21,
23, 27, 28.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from math import exp, fsum

from esrd_pipeline_tests.acceptance.plain_days import follow
from esrd_pipeline_tests.acceptance.plain_records import Directory, Files, Person, Row, link
from esrd_pipeline_tests.acceptance.plain_shr import (
    COVID,
    CUT_POINTS,
    DIAGNOSES,
    Seen,
    Shr,
    describe_person,
    find_candidates,
    list_rows,
    month_of,
    read_medicare,
)

CENTERS = ("0380", "0381", "0382", "0389", "0390", "0391", "0392", "0399")
HCPCS = re.compile(r"P90(10|11|16|21|22|38|39|40|51|54|56|57|58)$|36430$")
PROCEDURES = re.compile(r"302([3-6][03]|A3)[HNP]1$")
BLOOD = "37"
EXCLUDED = re.compile(r"C|D0|D46|D474|D7581|D5[5689]|D57[01248]|D6[015678]")
"""Cancers with those in situ, myelodysplasia, myelofibrosis, anemias, sickle cells, coagulation."""
EMERGENCY = re.compile(r"045\d$|0981$")
COVID_BEGAN = date(2020, 2, 20).toordinal()
LABORATORY = "69"
AGES = {
    "is_age_18_to_24": (18, 24),
    "is_age_25_to_44": (25, 44),
    "is_age_45_to_59": (45, 59),
    "is_age_75_or_more": (75, 150),
}
KINDS = ("inpatient", "outpatient", "snf", "hha", "hospice")
Links = dict[int, dict[int, int]]


@dataclass(frozen=True)
class Told:
    """What claims tell of patients: days of events, days left out, first days of COVID-19."""

    events: dict[int, set[int]]
    excluded: dict[int, set[int]]
    hospice: dict[int, set[tuple[int, int]]]
    covid: dict[int, int]


def recompute(
    measure: str,
    files: Files,
    *,
    program: str,
    ccn: str,
    coefficients: dict[str, float],
    baseline: list[float],
) -> Shr:
    """Recompute one facility's STrR or SEDR."""
    links = {year: link(files, year) for year in files.years}
    directory = Directory.read(files)
    candidates = find_candidates(files, program, ccn, directory)
    seen = read_medicare(files, links, set(candidates))
    links = {
        year: {bene: patient for bene, patient in known.items() if patient in candidates}
        for year, known in links.items()
    }
    found = read_strr(files, links, candidates) if measure == "strr" else read_sedr(files, links)
    first_day = date(files.year, 1, 1).toordinal()
    last_day = date(files.year, 12, 31).toordinal()
    observed = days = patients = 0
    expected = []
    for patient, person in candidates.items():
        followed = follow(person, directory, first_day, last_day)
        if followed is None:
            continue
        periods = list(
            _list_periods(patient, person, seen=seen, told=found, followed=followed, ccn=ccn)
        )
        patients += bool(periods)
        for run, interval, stage in periods:
            observed += len(found.events.get(patient, set()) & set(run))
            days += len(run)
            adjusters = _describe(
                patient, person, seen, start=run[0], interval=interval, stage=stage
            )
            score = fsum(coefficients.get(name, 0.0) * x for name, x in adjusters.items())
            expected.append(baseline[interval] * len(run) * exp(score))
    return Shr(observed, days, fsum(expected), patients)


def _list_periods(
    patient: int,
    person: Person,
    *,
    seen: Seen,
    told: Told,
    followed: tuple[int, dict[int, str | None]],
    ccn: str,
) -> Iterator[tuple[list[int], int, int]]:
    """Yield the eligible days of each of a patient's periods at the facility, interval and stage.

    Args:
        patient: in EQRS.
        person: what the registers say of the patient.
        seen: what Medicare's files hold.
        told: what claims tell.
        followed: the first service date, and who answers for each day of the year.
        ccn: the facility's.
    """
    first, answers = followed
    months = seen.covered.get(patient, set()) - seen.managed.get(patient, set())
    months -= told.hospice.get(patient, set())
    born = date.fromordinal(person.birth)

    def describe(day: int) -> tuple[bool, int, int]:
        found = date.fromordinal(day)
        age = found.year - born.year - ((found.month, found.day) < (born.month, born.day))
        is_mine = (
            answers[day] == ccn
            and age >= 18
            and month_of(day) in months
            and day not in told.excluded.get(patient, ())
        )
        since = day - told.covid.get(patient, day)
        stage = (since > 0) + (since > 30) + (since > 60)
        return is_mine, sum(day - first >= cut for cut in CUT_POINTS), stage

    for (is_mine, interval, stage), group in groupby(sorted(answers), key=describe):
        if is_mine:
            yield list(group), interval, stage


def _describe(
    patient: int, person: Person, seen: Seen, *, start: int, interval: int, stage: int
) -> dict[str, float]:
    adjusters = describe_person(patient, person, seen, start, seen.covered.get(patient, set()))
    age, diabetes = adjusters["age_over_65"] + 65, adjusters["is_diabetes_cause"]
    for name, (youngest, oldest) in AGES.items():
        adjusters[name] = float(youngest <= age <= oldest)
        adjusters[f"{name.removeprefix('is_')}_x_diabetes"] = adjusters[name] * diabetes
    for number in range(1, 6):
        adjusters[f"interval_{number}_x_diabetes"] = diabetes * (interval == number)
    return adjusters | {f"is_covid_{number}": float(stage == number) for number in (1, 2, 3)}


def read_strr(files: Files, links: Links, people: dict[int, Person]) -> Told:
    """Read transfusions of the year, days within a year of a condition, and COVID-19."""
    excluded: dict[int, set[int]] = defaultdict(set)
    covid: dict[int, list[int]] = defaultdict(list)
    for patient, claim in _list_claims(files, links):
        codes = {code for name in DIAGNOSES if (code := claim.get(name)) is not None}
        if codes & set(COVID):
            covid[patient].append(claim["clm_from_dt"])
        is_old = date.fromordinal(claim["clm_thru_dt"]).year < files.year - 1
        if is_old or claim["is_laboratory"]:
            continue
        if any(EXCLUDED.match(code) for code in codes):
            excluded[patient] |= set(range(claim["clm_from_dt"], _a_year_after(claim)))
    for form in files.rows("cms_2746"):
        if {form["primary_cause"], form["secondary_cause"]} & set(COVID):
            covid[form["patient_id"]].append(form["death_date"])
    for patient, person in people.items():
        for form in person.forms:
            if form["primary_cause"] in COVID:
                covid[patient].append(form["dialysis_began_date"] or form["signature_date"])
    first = {
        patient: min(since)
        for patient, days in covid.items()
        if (since := [day for day in days if day >= COVID_BEGAN])
    }
    return Told(_find_transfusions(files, links[files.year]), excluded, {}, first)


def _a_year_after(claim: Row) -> int:
    last = date.fromordinal(claim["clm_thru_dt"])
    if (last.month, last.day) == (2, 29):
        last = date(last.year, 2, 28)
    return last.replace(year=last.year + 1).toordinal()


def _list_claims(files: Files, links: Links) -> Iterator[tuple[int, Row]]:
    """Yield every claim there is up to this year, with its patient."""
    for year in files.years:
        for kind in KINDS:
            for patient, claim in list_rows(files, f"{kind}_base", year, links[year]):
                bill = (claim["clm_fac_type_cd"], claim["clm_srvc_clsfctn_type_cd"])
                yield (
                    patient,
                    claim | {"is_laboratory": kind == "outpatient" and bill == ("1", "4")},
                )
        specialties = defaultdict(set)
        for line in files.rows("carrier_line", year, ("clm_id", "prvdr_spclty")):
            specialties[line["clm_id"]].add(line["prvdr_spclty"])
        for patient, claim in list_rows(files, "carrier_claim", year, links[year]):
            yield patient, claim | {"is_laboratory": specialties[claim["clm_id"]] == {LABORATORY}}


def _find_transfusions(files: Files, mine: dict[int, int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for kind in ("inpatient", "outpatient"):
        lines = defaultdict(list)
        dated = () if kind == "inpatient" else ("rev_cntr_dt",)
        for line in files.rows(
            f"{kind}_revenue", columns=("clm_id", "rev_cntr", "hcpcs_cd", *dated)
        ):
            lines[line["clm_id"]].append(line)
        blood = {
            v["clm_id"]
            for v in files.rows(f"{kind}_value", columns=("clm_id", "clm_val_cd"))
            if v["clm_val_cd"] == BLOOD
        }
        for patient, claim in list_rows(files, f"{kind}_base", files.year, mine):
            own = lines[claim["clm_id"]]
            has_center = any(line["rev_cntr"] in CENTERS for line in own)
            named = [line for line in own if HCPCS.match(line.get("hcpcs_cd") or "")]
            day = claim["clm_from_dt"]
            if kind == "inpatient":
                operated = any(
                    PROCEDURES.match(claim.get(f"icd_prcdr_cd{n}") or "") for n in range(1, 26)
                )
                is_event = operated or has_center
                day = max(day, claim["clm_admsn_dt"] or day)
            else:
                is_event = has_center and bool(named)
                day = min((x["rev_cntr_dt"] for x in named if x["rev_cntr_dt"]), default=day)
            if is_event or claim["clm_id"] in blood:
                found[patient].add(day)
    return found


def read_sedr(files: Files, links: Links) -> Told:
    """Read the first days of emergency encounters, and the year's months with hospice."""
    visits: dict[int, set[int]] = defaultdict(set)
    inside: dict[int, set[int]] = defaultdict(set)
    for year in (files.year - 1, files.year):
        urgent = {
            line["clm_id"]
            for line in files.rows("outpatient_revenue", year, ("clm_id", "rev_cntr"))
            if EMERGENCY.match(line["rev_cntr"])
        }
        for patient, claim in list_rows(files, "outpatient_base", year, links[year]):
            if claim["clm_id"] in urgent:
                visits[patient] |= set(range(claim["clm_from_dt"], claim["clm_thru_dt"] + 1))
        for patient, claim in list_rows(files, "inpatient_base", year, links[year]):
            begin = min(claim["clm_from_dt"], claim["clm_admsn_dt"] or claim["clm_from_dt"])
            inside[patient] |= set(range(begin, claim["clm_thru_dt"] + 1))
    events = {}
    for patient, days in visits.items():
        starts = sorted(day for day in days if day - 1 not in days)
        events[patient] = {day for day in starts if not _run(day, days) & inside[patient]}
    latest = {**links[files.year - 1], **links[files.year]}
    hospice: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for patient, claim in list_rows(files, "hospice_base", files.year, latest):
        span = range(claim["clm_from_dt"], claim["clm_thru_dt"] + 1)
        hospice[patient] |= {month_of(day) for day in span}
    return Told(events, {}, hospice, {})


def _run(day: int, days: set[int]) -> set[int]:
    """Return the unbroken days from one on."""
    run = set()
    while day in days:
        run.add(day)
        day += 1
    return run
