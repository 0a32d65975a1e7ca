"""The patients of one facility, in plain Python from raw files: no code of the product.

Linkage (manual 3.2.1), death (2.13.10, 3.1.6), transplants and first service (3.1.2), places of
dialysis. Days are ordinals of `datetime.date`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Row = dict[str, Any]
DIALYSIS = ("7", "2")
ACUTE_DIALYSIS = "84"
_EPOCH = date(1970, 1, 1).toordinal()
DEATH_COLUMNS = ("bene_id", "clm_thru_dt", "ptnt_dschrg_stus_cd", "nch_bene_dschrg_dt")
CLAIM_FILES = frozenset(
    f"{kind}_base" for kind in ("inpatient", "snf", "outpatient", "hha", "hospice")
) | {"carrier_claim"}


@dataclass(frozen=True)
class Files:
    """The raw files of a nation and the year that is measured."""

    folder: Path
    year: int

    def rows(
        self,
        name: str,
        year: int | None = None,
        columns: Iterable[str] = (),
        beneficiaries: Iterable[int] | None = None,
    ) -> list[Row]:
        """Return a file's rows, or those of some, names in lower case, days as ordinals."""
        folder = year or self.year
        path = self.folder / str(folder) / f"{name}.parquet"
        # A claim that ends after its folder's year lies in the next year's folder too.
        last = date(folder, 12, 31) if folder < self.year and name in CLAIM_FILES else None
        wanted = tuple(column.upper() for column in columns)
        if beneficiaries is None:
            return _read_all(path, wanted, last)
        return _read(path, wanted, last, pc.field("BENE_ID").isin(list(beneficiaries)))

    @property
    def years(self) -> list[int]:
        """The years whose files are there, up to the year measured."""
        found = sorted(int(path.name) for path in self.folder.glob("[12]*"))
        return [year for year in found if year <= self.year]


@cache
def _read_all(path: Path, columns: tuple[str, ...], last: date | None) -> list[Row]:
    """Return the rows of a file, once for all facilities and measures; nobody changes a row."""
    return _read(path, columns, last, None)


def _read(
    path: Path, columns: tuple[str, ...], last: date | None, wanted: pc.Expression | None
) -> list[Row]:
    if last is not None:
        own = pc.field("CLM_THRU_DT") <= pa.scalar(last)
        wanted = own if wanted is None else wanted & own
    table = pq.read_table(path, columns=list(columns) or None, filters=wanted)
    for place, (name, kind) in enumerate(zip(table.column_names, table.schema.types, strict=True)):
        if pa.types.is_date32(kind):
            ordinals = pc.add(table.column(place).cast(pa.int32()), _EPOCH)
            table = table.set_column(place, name, ordinals)
    return table.rename_columns([name.lower() for name in table.column_names]).to_pylist()


@dataclass
class Person:
    """What the registers say of one patient."""

    birth: int
    sex: str | None
    cause: str | None
    ssn: str | None
    forms: list[Row] = field(default_factory=list)
    admissions: list[Row] = field(default_factory=list)
    grafts: list[tuple[int, int, int | None]] = field(default_factory=list)
    deaths: list[tuple[int, int]] = field(default_factory=list)
    reports: list[tuple[int, int, str, str | int]] = field(default_factory=list)

    @property
    def death(self) -> int | None:
        """The day that the highest source has."""
        return min(self.deaths)[1] if self.deaths else None

    @property
    def first_form(self) -> Row | None:
        """The first CMS-2728."""
        return min(self.forms, key=lambda f: (day_of_form(f), f["form_number"]), default=None)

    def transplants(self) -> list[tuple[int, int | None]]:
        """Return (day, failure): reports at most 30 days apart are one transplant."""
        groups: list[list[tuple[int, int, int | None]]] = []
        for graft in sorted(self.grafts, key=lambda g: (g[1], g[0])):
            if groups and graft[1] <= groups[-1][-1][1] + 30:
                groups[-1].append(graft)
            else:
                groups.append([graft])
        again = [
            a["admit_date"]
            for a in self.admissions
            if a["admit_reason"] == "Dialysis After Transplant Failed"
        ]
        found = []
        for group in groups:
            day = min((place, day) for place, day, _ in group)[1]
            failures = [max((f for *_, f in group if f is not None), default=None)]
            failures.append(min((a for a in again if a > day), default=None))
            found.append((day, min((f for f in failures if f is not None), default=None)))
        return sorted(found)

    def first_service(self) -> int | None:
        """Return day 1 of ESRD: the earliest of CMS-2728, EQRS and transplant."""
        days = [day_of_form(form) for form in self.forms]
        days += [
            a["admit_date"]
            for a in self.admissions
            if "Acute" not in (a["admit_reason"], a["discharge_reason"])
        ]
        days += [day for day, _ in self.transplants()]
        return min((day for day in days if day is not None), default=None)


def day_of_form(form: Row) -> int:
    began = form["dialysis_began_date"]
    return form["signature_date"] if began is None else began


def link(files: Files, year: int) -> dict[int, int]:
    """Return the EQRS patient of each beneficiary of a year, as known in the year measured."""
    asked = {bene["bene_id"] for bene in files.rows("medicare_enrollment", year, ("bene_id",))}
    return {number: patient for number, patient in _link_everyone(files).items() if number in asked}


@cache
def _link_everyone(files: Files) -> dict[int, int]:
    """Match MBI, HICN and SSN with date of birth; then two of them, and a date with one error."""
    people = files.rows("eqrs_patient")
    births = {p["patient_id"]: p["date_of_birth"] for p in people}
    history = files.rows("eqrs_identifier")
    tables: list[dict[tuple[object, int], dict[int, int]]] = []
    for source, name in ((people, "mbi"), (history, "mbi"), (people, "hicn"), (history, "hicn")):
        tables.append(_index(source, name, births))
    tables.append(_index(people, "ssn", births))
    names = ("mbi_num", "mbi_num", "bene_crnt_hic_num", "bene_crnt_hic_num", "bene_ssn_num")
    columns = ("bene_id", "bene_birth_dt", "sex_ident_cd", *dict.fromkeys(names))
    # The newest enrollment record of everyone, whatever year is asked for.
    enrolled = {
        bene["bene_id"]: bene
        for one in files.years[-4:]
        for bene in files.rows("medicare_enrollment", one, columns)
    }
    found, left = {}, []
    for number, bene in enrolled.items():
        for table, name in zip(tables, names, strict=True):
            given = table.get((bene[name], bene["bene_birth_dt"]), {})
            newest = [who for who, since in given.items() if since == max(given.values())]
            if bene[name] is not None and len(newest) == 1:
                found[number] = newest[0]
                break
        else:
            left.append(bene)
    return found | _match_mistyped(left, people, history, taken=set(found.values()))


def _match_mistyped(
    left: list[Row], people: list[Row], history: list[Row], *, taken: set[int]
) -> dict[int, int]:
    """Match whom two numbers and all but one part of the birth date agree for, and nobody else."""
    free = {p["patient_id"]: p for p in people if p["patient_id"] not in taken}
    numbers: dict[tuple[str, object], set[int]] = defaultdict(set)
    for row in (*people, *history):
        for name in ("mbi", "hicn", "ssn"):
            if row.get(name) is not None and row["patient_id"] in free:
                numbers[name, row[name]].add(row["patient_id"])
    near: dict[int, list[int]] = {}
    for bene in left:
        own = (("mbi", "mbi_num"), ("hicn", "bene_crnt_hic_num"), ("ssn", "bene_ssn_num"))
        votes: dict[int, int] = defaultdict(int)
        for name, column in own:
            for patient in numbers.get((name, bene[column]), ()):
                votes[patient] += 1
        sex = {"1": "M", "2": "F"}.get(bene["sex_ident_cd"])
        near[bene["bene_id"]] = [
            patient
            for patient, count in votes.items()
            if count > 1
            and (sex is None or free[patient]["sex"] in {None, sex})
            and _is_mistyped(bene["bene_birth_dt"], free[patient]["date_of_birth"])
        ]
    wanted = [patient for patients in near.values() for patient in patients]
    return {
        bene: patients[0]
        for bene, patients in near.items()
        if len(patients) == 1 and wanted.count(patients[0]) == 1
    }


def _is_mistyped(one: int | None, other: int) -> bool:
    """Whether two birth dates differ in one part, or have day and month exchanged."""
    if one is None:
        return False
    a, b = date.fromordinal(one), date.fromordinal(other)
    parts = (a.year != b.year, a.month != b.month, a.day != b.day)
    if parts == (True, False, False):
        figures = sum(x != y for x, y in zip(str(a.year), str(b.year), strict=True))
        return figures == 1 or abs(a.year - b.year) == 1
    exchanged = (a.year, a.month, a.day) == (b.year, b.day, b.month)
    return sum(parts) == 1 or (a != b and exchanged)


def _index(
    rows: list[Row], name: str, births: dict[int, int]
) -> dict[tuple[object, int], dict[int, int]]:
    """Return who has had each number, and the day of the last assignment."""
    table: dict[tuple[object, int], dict[int, int]] = defaultdict(dict)
    for row in rows:
        patient, since = row["patient_id"], row.get("effective_date", 0)
        if row[name] is not None and patient in births:
            given = table[row[name], births[patient]]
            given[patient] = max(since, given.get(patient, since))
    return table


@cache
def read_people(files: Files, program: str) -> dict[int, Person]:
    """Return every EQRS patient with what the program may know of them.

    Read once for all facilities and measures; nobody changes a person.
    """
    links = {year: link(files, year) for year in files.years}
    people = {
        row["patient_id"]: Person(
            row["date_of_birth"], row["sex"], row["primary_cause"], row["ssn"]
        )
        for row in files.rows("eqrs_patient")
    }
    eqrs_deaths = files.rows("eqrs_patient", columns=("patient_id", "date_of_death"))
    is_qip = program == "qip"
    _add_deaths(
        people, 1 if is_qip else 6, ((r["patient_id"], r["date_of_death"]) for r in eqrs_deaths)
    )
    forms = files.rows("cms_2746", columns=("patient_id", "death_date"))
    _add_deaths(people, 2 if is_qip else 1, ((r["patient_id"], r["death_date"]) for r in forms))
    for row in files.rows("eqrs_admission"):
        person = people[row["patient_id"]]
        person.admissions.append(row)
        if row["discharge_reason"] == "Transplant":
            person.grafts.append((2, row["discharge_date"], None))
    for row in files.rows("cms_2728"):
        person = people[row["patient_id"]]
        person.forms.append(row)
        if row["transplant_date"] is not None:
            person.grafts.append((3, row["transplant_date"], row["dialysis_returned_date"]))
    if program == "dfc":
        _add_registers(files, people)
        _add_medicare_deaths(files, people, links)
    for patient, report in _list_reports(files, links):
        people[patient].reports.append(report)
    return people


def _add_deaths(
    people: dict[int, Person], place: int, reported: Iterable[tuple[object, object]]
) -> None:
    for patient, day in reported:
        if patient in people and day is not None:
            people[patient].deaths.append((place, day))


def _add_registers(files: Files, people: dict[int, Person]) -> None:
    """Add what OPTN and Social Security know: DFC only."""
    owners = find_optn_owners(files, people)
    for row in files.rows("optn_transplant"):
        for patient in owners[row["pers_ssn"], row["pers_birth_dt"]]:
            people[patient].grafts.append((1, row["rec_tx_dt"], row["tfl_graft_dt"]))
    deaths = list(files.rows("ssa_death"))
    owners = _find_owners(people, {(r["ssn"], r["date_of_birth"]) for r in deaths}, is_sure=True)
    for row in deaths:
        for patient in owners[row["ssn"], row["date_of_birth"]]:
            people[patient].deaths.append((8, row["date_of_death"]))
    for patient, person in people.items():
        events = [a for a in person.admissions if a["discharge_reason"] == "Death"]
        _add_deaths(people, 3, ((patient, a["discharge_date"]) for a in events))


def find_optn_owners(files: Files, people: dict[int, Person]) -> dict[tuple[str, int], list[int]]:
    """Return the patients of each Social Security number and birth day in OPTN's files."""
    persons = {
        (row["pers_ssn"], row["pers_birth_dt"])
        for name in ("optn_transplant", "optn_waitlist")
        for row in files.rows(name)
    }
    return _find_owners(people, persons, is_sure=False)


def _find_owners(
    people: dict[int, Person], persons: set[tuple[str, int]], *, is_sure: bool
) -> dict[tuple[str, int], list[int]]:
    """Return the patients of each person: who agrees, else the one who does but for one error.

    Args:
        people: patients in EQRS.
        persons: Social Security numbers and birth days of a register.
        is_sure: the register's numbers have no errors, only its birth days.
    """
    exact: dict[tuple[str | None, int], list[int]] = defaultdict(list)
    for patient, person in people.items():
        exact[person.ssn, person.birth].append(patient)
    owners = {
        (number, birth): list(exact[number, birth]) if number is not None else []
        for number, birth in persons
    }
    found = {patient for patients in owners.values() for patient in patients}
    by_number, by_birth = defaultdict(set), defaultdict(set)
    for patient, person in people.items():
        if person.ssn is not None and patient not in found:
            by_number[person.ssn].add(patient)
            by_birth[person.birth].add(patient)
    near = {
        (number, birth): {p for p in by_number[number] if _is_near_day(people[p].birth, birth)}
        | {p for p in by_birth[birth] if not is_sure and people[p].ssn in _mistype(number)}
        for (number, birth), patients in owners.items()
        if number is not None and birth is not None and not patients
    }
    times = Counter(patient for patients in near.values() for patient in patients)
    for key, patients in near.items():
        if len(patients) == 1 and all(times[patient] == 1 for patient in patients):
            owners[key] = list(patients)
    return owners


def _mistype(number: str) -> set[str]:
    """Return what one slip makes of a number: a figure wrong, left out or too many, two swapped.

    A last figure that is one off is a twin's.
    """
    cuts = [(number[:place], number[place:]) for place in range(len(number) + 1)]
    figures = "0123456789"
    return {
        *(head + tail[1:] for head, tail in cuts if tail),
        *(head + figure + tail for head, tail in cuts for figure in figures),
        *(head + figure + tail[1:] for head, tail in cuts if tail for figure in figures),
        *(head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1),
    } - {number[:-1] + str(int(number[-1]) + step) for step in (-1, 0, 1)}


def _is_near_day(first: int, second: int) -> bool:
    """Whether a day is another but for its year (by one, or one figure), month or day."""
    one, other = date.fromordinal(first), date.fromordinal(second)
    if one == other:
        return False
    if one.year == other.year:
        return (
            one.month == other.month
            or one.day == other.day
            or (one.month, one.day) == (other.day, other.month)
        )
    figures = sum(a != b for a, b in zip(str(one.year), str(other.year), strict=True))
    is_same_day = (one.month, one.day) == (other.month, other.day)
    return is_same_day and (abs(one.year - other.year) == 1 or figures == 1)


def _add_medicare_deaths(
    files: Files, people: dict[int, Person], links: dict[int, dict[int, int]]
) -> None:
    """Add what enrollment and claims know, of the year and the one before: DFC only."""
    years = files.years[-2:]
    latest = {bene: patient for year in years for bene, patient in links[year].items()}
    enrolled = {
        r["bene_id"]: r["bene_death_dt"]
        for year in years
        for r in files.rows("medicare_enrollment", year, ("bene_id", "bene_death_dt"))
    }
    _add_deaths(people, 2, ((latest.get(bene), day) for bene, day in enrolled.items()))
    for year in years:
        for kind in ("inpatient", "snf", "outpatient", "hha", "hospice"):
            for claim in files.rows(f"{kind}_base", year, DEATH_COLUMNS):
                status = claim["ptnt_dschrg_stus_cd"]
                if status == "20" or (kind == "hospice" and status in {"40", "41", "42"}):
                    day = claim["nch_bene_dschrg_dt"] or claim["clm_thru_dt"]
                    _add_deaths(people, 7, [(latest.get(claim["bene_id"]), day)])


def _list_reports(
    files: Files, links: dict[int, dict[int, int]]
) -> Iterator[tuple[int, tuple[int, int, str, str | int]]]:
    """Yield paid claims for chronic dialysis and the places of CMS-2728, by patient."""
    latest = {bene: patient for year in files.years for bene, patient in links[year].items()}
    for year in files.years:
        acute = {
            row["clm_id"]
            for row in files.rows("outpatient_condition", year)
            if row["clm_rlt_cond_cd"] == ACUTE_DIALYSIS
        }
        for claim in files.rows("outpatient_base", year, CLAIM_COLUMNS):
            patient = latest.get(claim["bene_id"])
            if (
                patient is not None
                and is_dialysis(claim)
                and claim["clm_pmt_amt"] > 0
                and claim["clm_mdcr_non_pmt_rsn_cd"] in (None, "P")
                and claim["clm_id"] not in acute
            ):
                yield (
                    patient,
                    (claim["clm_from_dt"], claim["clm_thru_dt"], "claims", claim["prvdr_num"]),
                )
    last = date(files.year, 12, 31).toordinal()
    for form in files.rows("cms_2728"):
        day = form["facility_start_date"]
        if form["facilityid"] is not None and day is not None and day <= last:
            yield form["patient_id"], (day, day, "cms_2728", form["facilityid"])


CLAIM_COLUMNS = (
    "bene_id",
    "clm_id",
    "clm_from_dt",
    "clm_thru_dt",
    "prvdr_num",
    "clm_fac_type_cd",
    "clm_srvc_clsfctn_type_cd",
    "clm_pmt_amt",
    "clm_mdcr_non_pmt_rsn_cd",
)


def is_dialysis(claim: Row) -> bool:
    return (claim["clm_fac_type_cd"], claim["clm_srvc_clsfctn_type_cd"]) == DIALYSIS


@dataclass(frozen=True)
class Directory:
    """Which CCN a facility identifier has on a day, and whom a provider number means."""

    spans: dict[int, list[tuple[int, int, str]]]
    numbers: dict[str, str]

    @staticmethod
    def read(files: Files) -> "Directory":
        """Read the directory and the history of its CCNs."""
        spans = defaultdict(list)
        for row in files.rows("eqrs_ccn_history"):
            if row["provnum"] is not None:
                end = row["end_date"] or date.max.toordinal()
                spans[row["facilityid"]].append((row["effective_date"], end, row["provnum"]))
        numbers: dict[str, str] = {}
        facilities = [f for f in files.rows("eqrs_facility") if f["factype"] == "Dialysis"]
        for row in sorted(facilities, key=lambda f: f["provnum"] or ""):
            if row["altprovnum"] is not None and row["provnum"] is not None:
                numbers.setdefault(row["altprovnum"], row["provnum"])
        for row in facilities:
            if row["provnum"] is not None:
                numbers[row["provnum"]] = row["provnum"]
                if row["facilityid"] not in spans:
                    spans[row["facilityid"]].append((1, date.max.toordinal(), row["provnum"]))
        for listed in list(spans.values()):
            numbers |= {ccn: ccn for *_, ccn in listed}
        return Directory(dict(spans), numbers)

    def ccn(self, place: str | int, day: int) -> str | None:
        """Return the CCN of a facility identifier, or of a provider number, on a day."""
        if isinstance(place, str):
            return self.numbers.get(place)
        for start, end, ccn in self.spans.get(place, ()):
            if start <= day <= end:
                return ccn
        return None
