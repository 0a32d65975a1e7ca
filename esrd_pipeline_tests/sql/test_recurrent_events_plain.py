"""SHR, STrR, SEDR and SMR of random patients, from claims to person-periods, against plain loops.

Claims, birthdays, changes of facility and deaths meet around the first and last days of months.
"""

from collections.abc import Mapping
from datetime import date
from random import Random
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from esrd_pipeline_tests.sql import engine
from esrd_pipeline_tests.sql.plain_recurrent_events import (
    BLOOD_CENTER,
    BLOOD_HCPCS,
    BLOOD_PROCEDURE,
    CANCER,
    CARRIER,
    COVID,
    CUTS,
    DAY,
    EMERGENCY,
    FIRST,
    HOSPICE,
    HOSPITAL,
    LAST,
    OTHER,
    OTHER_CAUSE,
    OUTPATIENT,
    SNF,
    STREET_DRUGS,
    YEAR,
    Attributed,
    Claim,
    Person,
    add_months,
    count_age,
    count_months,
    count_nursing_days,
    list_mortality_days,
    list_periods,
)
from esrd_pipeline_tests.sql.worked import Row, run

if TYPE_CHECKING:
    import pyarrow as pa

PATIENTS = 400
MONTHS = [date(YEAR, number, 1) for number in range(1, 13)]
EXCEPTED = {("A", date(YEAR, 4, 1)), ("B", date(YEAR, 4, 1)), ("B", date(YEAR, 5, 1))}
REMEMBERED = (
    "history.medicare_month",
    "history.covid_claim",
    "history.first_covid_admission",
    "history.covid_diagnosis",
)
"""What the year before knows that this year's claims no longer tell."""
CHAIN = (
    "history.medicare_month",
    "history.nursing_home",
    "history.laboratory_claim",
    "history.covid_claim",
    "history.first_covid_admission",
    "history.covid_diagnosis",
    "history.covid_period",
    "history.hospital_stay",
    "history.covid_stage",
    "history.transfusion_exclusion",
    "history.transfusion",
    "history.emergency_encounter",
    "history.limited_life",
    "cohort.days",
    "cohort.shr_days",
    "cohort.shr",
    "cohort.strr_days",
    "cohort.strr",
    "cohort.sedr_days",
    "cohort.sedr",
    "cohort.smr_days",
)
WHY = ("not_treated_by_any_facility", "transplant", "too_few_days_at_one_facility")


def draw_person(draw: Random) -> Person:
    """A patient whose days and claims meet around the edges of months."""
    first_service = draw.choice(
        [date(2015, 1, 1), date(YEAR - 1, 10, 20), *(_edge(draw) - cut * DAY for cut in CUTS)]
    )
    born: date | None = date(1950, 6, 1)
    if draw.random() < 0.2:
        day = _edge(draw)
        born = date(YEAR - 18, day.month, min(day.day, 28))
    elif draw.random() < 0.1:
        born = draw.choice([None, date(2004, 2, 29), date(2010, 3, 3)])
    is_dead = draw.random() < 0.3
    death = max(_edge(draw), FIRST + 5 * DAY, first_service) if is_dead else None
    cause = draw.choice([STREET_DRUGS, OTHER_CAUSE, OTHER_CAUSE])
    person = Person(first_service, born, death, cause, {})
    for rule in ("dfc", "qip", "smr"):
        person.attributed[rule] = _draw_attributed(draw, person)
    if draw.random() < 0.25:
        start = draw.choice([-12, -6, 0, 2, 6])
        months = [add_months(FIRST, start + n) for n in range(draw.choice([1, 3, 9]))]
        person.advantage = {month for month in months if month <= LAST}
    for _ in range(draw.choice([0, 0, 1, 2])):
        day = _edge(draw) - draw.choice([0, 50, 100, 300]) * DAY
        person.nursed.append((day, day + draw.choice([0, 5, 40, 88, 89, 90]) * DAY))
    _draw_dialysis(draw, person)
    anchors = [_edge(draw) for _ in range(3)]
    for _ in range(draw.choice([0, 1, 3, 6, 9, 12])):
        person.claims.append(_draw_claim(draw, draw.choice(anchors)))
    for _ in range(draw.choice([0, 1, 2, 4])):
        start = draw.choice([*anchors, _edge(draw)]) + draw.randint(-3, 9) * DAY
        end = start + draw.choice([0, 0, 0, 1, 5]) * DAY
        person.claims.append(Claim(OUTPATIENT, start, end, lines=[(EMERGENCY, None, None)]))
    person.claims = [one for one in person.claims if YEAR - 2 <= one.last.year <= YEAR]
    return person


def _edge(draw: Random) -> date:
    return draw.choice(MONTHS) + draw.choice([-2, -1, -1, 0, 0, 1, 2, 14]) * DAY


def _draw_attributed(draw: Random, person: Person) -> list[Attributed]:
    """Segments of all days since the first service."""
    end = person.death or LAST
    start, parts = min(person.first_service, end), []
    ready = start + 90 * DAY
    if ready > end:
        return [Attributed(start, end, None, "first_days_of_esrd")]
    parts.append(Attributed(start, ready - DAY, None, "first_days_of_esrd"))
    start = ready
    while start <= end:
        stop = end if draw.random() < 0.5 else max(start, min(_edge(draw), end))
        ccn = draw.choice(["A", "A", "B", "B", None])
        last = parts[-1]
        if ccn != last.ccn:
            parts.append(Attributed(start, stop, ccn, None if ccn else draw.choice(WHY)))
        else:
            parts[-1] = Attributed(last.start, stop, last.ccn, last.why)
        start = stop + DAY
    return parts


def _draw_dialysis(draw: Random, person: Person) -> None:
    usual = draw.choice([0.95, 0.95, 0.6, 0.2])
    for number in range(-15, 12):
        if draw.random() > usual:
            continue
        month = add_months(FIRST, number)
        for _ in range(draw.choice([1, 1, 1, 2])):
            person.claims.append(
                Claim(
                    OUTPATIENT,
                    month,
                    add_months(month, 1) - draw.choice([1, 1, 5]) * DAY,
                    paid=draw.choice([1200.0, 1200.0, 1200.0, 1199.99, 600.0, 0.0, None]),
                    reason=draw.choice([None] * 8 + ["P", "N"]),
                    is_managed=draw.random() < 0.05,
                    is_dialysis=True,
                    is_acute=draw.random() < 0.05,
                )
            )
            if draw.random() < 0.04:
                day = month + draw.choice([0, 9, 20]) * DAY
                person.claims[-1].lines = [(BLOOD_CENTER, None, None), ("0821", BLOOD_HCPCS, day)]


def _draw_claim(draw: Random, anchor: date) -> Claim:
    kind = draw.choice([HOSPITAL] * 4 + [OUTPATIENT] * 4 + [SNF, HOSPICE, CARRIER])
    first = (
        anchor + draw.choice([-800, -400, -366, -365, -3, -2, -1, 0, 0, 1, 2, 3, 4, 30, 61]) * DAY
    )
    last = first + draw.choice([0, 0, 1, 2, 3, 9, 40]) * DAY
    claim = Claim(kind, first, last, diagnosis=draw.choice([OTHER] * 8 + [CANCER, COVID, COVID]))
    if kind == CARRIER:
        claim.is_laboratory = draw.random() < 0.4
        return claim
    claim.paid = draw.choice([100.0, 100.0, 0.0, None])
    claim.reason = draw.choice([None, None, None, "P", "N"])
    claim.is_managed = draw.random() < 0.1
    if kind in (HOSPITAL, OUTPATIENT):
        claim.lines = draw.choice(
            [
                [],
                [],
                [(EMERGENCY, None, None)],
                [(EMERGENCY, "99283", first), (BLOOD_CENTER, BLOOD_HCPCS, last)],
                [(BLOOD_CENTER, None, None), ("0260", BLOOD_HCPCS, first + DAY)],
                [(BLOOD_CENTER, None, first)],
                [("0260", BLOOD_HCPCS, first)],
                [(BLOOD_CENTER, BLOOD_HCPCS, last), (BLOOD_CENTER, BLOOD_HCPCS, first)],
            ]
        )
        claim.pints = draw.choice([None] * 6 + [0.0, 2.0])
    if kind == HOSPITAL:
        claim.admitted = draw.choice([first, first, None, first + 2 * DAY, first - 20 * DAY])
        if claim.admitted and claim.admitted > last:
            claim.admitted = first
        claim.hospital = draw.choice(["010001", "010001", "010002"])
        claim.status = draw.choice(["01", "01", "02", "30", "03"])
        claim.procedure = draw.choice([None, None, None, BLOOD_PROCEDURE, "30233R1"])
    return claim


def list_tables(people: Mapping[int, Person]) -> dict[str, list[Row]]:
    """The files, linkage and attribution of the patients."""
    tables: dict[str, list[Row]] = {
        "raw.ece_grant": [
            {"ccn": ccn, "first_month": month, "last_month": month} for ccn, month in EXCEPTED
        ],
        "linkage.beneficiary": [
            {"bene_id": n, "patient_id": n, "performance_year": year}
            for n in people
            for year in (YEAR - 2, YEAR - 1, YEAR)
        ],
    }
    for number, person in people.items():
        for name, rows in _list_registers(number, person).items():
            tables.setdefault(name, []).extend(rows)
        for claim in person.claims:
            for name, rows in _list_claim(number, claim).items():
                tables.setdefault(name, []).extend(rows)
    return tables


def _list_registers(number: int, person: Person) -> dict[str, list[Row]]:
    whose = {"patient_id": number}
    rules = {"dfc": ("standard", "dfc"), "qip": ("standard", "qip"), "smr": ("smr", "dfc")}
    attributed: list[Row] = [
        {
            **whose,
            "rule": rules[rule][0],
            "program": rules[rule][1],
            "start_date": part.start,
            "end_date": part.end,
            "ccn": part.ccn,
            "reason": part.why,
        }
        for rule, parts in person.attributed.items()
        for part in parts
    ]
    enrolled: list[Row] = [
        {"bene_id": number, "performance_year": year}
        | {
            f"hmo_ind_{n:02d}": "C" if date(year, n, 1) in person.advantage else "4"
            for n in range(1, 13)
        }
        for year in (YEAR - 1, YEAR)
    ]
    died: Row = {"program": "dfc", "death_date": person.death, "primary_cause": person.cause}
    return {
        "history.attribution": attributed,
        "raw.medicare_enrollment": enrolled,
        "raw.mds_stay": [
            {"bene_id": number, "entry_date": first, "discharge_date": last}
            for first, last in person.nursed
        ],
        "linkage.patient": [{**whose, "date_of_birth": person.born}],
        "linkage.first_service": [
            {**whose, "program": program, "first_service_date": person.first_service}
            for program in ("dfc", "qip")
        ],
        "linkage.death": [{**whose, **died}] if person.death else [],
    }


def _list_claim(number: int, claim: Claim) -> dict[str, list[Row]]:
    same: Row = {"clm_id": claim.number, "performance_year": claim.last.year}
    days: Row = {"bene_id": number, "clm_from_dt": claim.first, "clm_thru_dt": claim.last}
    if claim.kind == CARRIER:
        specialty = "69" if claim.is_laboratory else "11"
        return {
            "raw.carrier_claim": [{**same, **days, "prncpal_dgns_cd": claim.diagnosis}],
            "raw.carrier_line": [{**same, "prvdr_spclty": specialty}],
        }
    return {
        "raw.claim": [
            {
                **same,
                **days,
                "nch_clm_type_cd": claim.kind,
                "clm_admsn_dt": claim.admitted,
                "clm_fac_type_cd": "7" if claim.is_dialysis else "1",
                "clm_srvc_clsfctn_type_cd": "2" if claim.is_dialysis else "1",
                "prvdr_num": claim.hospital,
                "ptnt_dschrg_stus_cd": claim.status,
                "prncpal_dgns_cd": OTHER,
                "icd_dgns_cd25": claim.diagnosis,
                "icd_prcdr_cd25": claim.procedure,
                "clm_pmt_amt": claim.paid,
                "clm_mdcr_non_pmt_rsn_cd": claim.reason,
                "clm_mco_pd_sw": "1" if claim.is_managed else None,
            }
        ],
        "raw.claim_revenue": [
            {
                **same,
                "clm_line_num": place,
                "rev_cntr": center,
                "hcpcs_cd": hcpcs,
                "rev_cntr_dt": on,
            }
            for place, (center, hcpcs, on) in enumerate(claim.lines, 1)
        ],
        "raw.claim_value": [
            {**same, "rlt_val_cd_seq": 1, "clm_val_cd": "37", "clm_val_amt": claim.pints}
        ]
        if claim.pints is not None
        else [],
        "raw.claim_condition": [{**same, "clm_rlt_cond_cd": "84"}] if claim.is_acute else [],
    }


def list_made(rows: pd.DataFrame, measure: str) -> dict[tuple[int, str], list[Row]]:
    """The person-periods of the SQL by patient and program."""
    found: dict[tuple[int, str], list[Row]] = {}
    for row in rows.sort_values("start_date").to_dict("records"):
        own = found.setdefault((int(row["patient_id"]), row["program"]), [])
        own.append({name: row[name] for name in list_names(measure)})
    return found


def list_names(measure: str) -> list[str]:
    """What is compared of a person-period."""
    names = ["start_date", "ccn", "interval", "days_at_risk", "event_count", "age"]
    names += [] if measure == "sedr" else ["covid_stage"]
    names += [] if measure == "strr" else ["covered_months"]
    return [*names, "nursing_home_days", *(["ma_share"] if measure == "shr" else [])]


def list_plain(person: Person, measure: str, program: str) -> list[Row]:
    """The same by plain loops."""
    made = []
    for period in list_periods(person, measure, program, EXCEPTED):
        assert person.born
        facts = {
            "start_date": period.start,
            "ccn": period.ccn,
            "interval": period.interval,
            "days_at_risk": period.days,
            "event_count": period.events,
            "age": count_age(person.born, period.start),
            "covid_stage": period.stage,
            "covered_months": count_months(person, measure),
            "nursing_home_days": count_nursing_days(person, period.start),
            "ma_share": period.advantage_days / period.days,
        }
        made.append({name: facts[name] for name in list_names(measure)})
    return made


@pytest.mark.manual("2.12.11", "2.12.12", "2.13.10", "2.13.11", "2.14.10", "2.25.10", "2.25.13")
@pytest.mark.parametrize("seed", [1, 2])
def test_periods_and_events_are_those_of_plain_loops(seed: int) -> None:
    draw = Random(seed)  # noqa: S311
    people = {number: draw_person(draw) for number in range(1, PATIENTS + 1)}
    claims = [claim for person in people.values() for claim in person.claims]
    for number, claim in enumerate(draw.sample(claims, len(claims)), start=1):
        claim.number = number
    tables = list_tables(people)
    made: dict[str, pa.Table] = {}
    with engine.watch(lambda ran: made.update({ran.select: ran.made})):
        run(*REMEMBERED, tables=tables, performance_year=YEAR - 1)
        run(*CHAIN, tables=tables | {name: made[name].to_pylist() for name in REMEMBERED})
    for measure, programs in {"shr": 2, "strr": 2, "sedr": 1}.items():
        rows = made[f"cohort.{measure}"].to_pandas()
        assert rows["event_count"].sum() > 100, f"{measure}: too few events to compare"
        by_sql = list_made(rows, measure)
        for number, person in people.items():
            for program in ("dfc", "qip")[:programs]:
                plain = list_plain(person, measure, program)
                assert by_sql.get((number, program), []) == plain, f"{measure} {program}: {person}"
    compare_mortality(made["cohort.smr_days"].to_pandas(), people)


def compare_mortality(rows: pd.DataFrame, people: Mapping[int, Person]) -> None:
    """SMR's days at risk, and its deaths, against plain loops."""
    made: dict[int, list[tuple[object, ...]]] = {number: [] for number in people}
    for row in rows[rows["reason"].isna()].sort_values("start_date").to_dict("records"):
        died = row["death"] == "counted cause"
        made[int(row["patient_id"])].append(
            (row["start_date"], row["ccn"], row["is_covid"], row["days"], row["ma_days"], died)
        )
    assert sum(row[-1] is True for own in made.values() for row in own) > 20, "too few deaths"
    for number, person in people.items():
        days = list_mortality_days(person)
        starts = {part.start for part in person.attributed["smr"]}
        plain: list[list[object]] = []
        for day, (ccn, is_covid, is_advantage, died) in sorted(days.items()):
            before = days.get(day - DAY)
            if before is None or day in starts or before[1] != is_covid:
                plain.append([day, ccn, is_covid, 0, 0, False])
            plain[-1][3] += 1
            plain[-1][4] += is_advantage
            plain[-1][5] = died
        assert made[number] == [tuple(row) for row in plain], f"smr: {person}"
