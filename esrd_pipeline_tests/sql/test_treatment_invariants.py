"""Treatment histories of random patients: the readings day by day in plain loops, and invariants.

Many patients are one example and one run of the SQL. All happens within two years, so that the
year without evidence, overlaps and transplants meet often.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from esrd_pipeline_tests.sql.worked import Row, run

pytestmark = pytest.mark.manual("2.13.10", "2.14.10.3")

YEAR_END = date(2024, 12, 31)
DAY_ONE = date(2022, 12, 1)
HORIZON = (YEAR_END - DAY_ONE).days
CHANGES = ("Discontinue", "Recover Function", "Transplant", "Death")
PASSING = ("Transient", "Dialysis in Support of Transplant", "Acute")
FEW_EXAMPLES = settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Admission:
    """As EQRS has it: `length` days later the patient was discharged, or is still there."""

    facility: int
    admit: int
    admit_reason: str
    length: int | None
    reason: str | None

    @property
    def discharge(self) -> int | None:
        """The day of discharge."""
        return None if self.length is None else self.admit + self.length

    @property
    def end(self) -> int:
        """The last day there, as known at the year's end."""
        return HORIZON if self.discharge is None else min(self.discharge, HORIZON)

    @property
    def is_chronic(self) -> bool:
        """Whether the patient came to stay."""
        return self.admit_reason not in PASSING


@dataclass(frozen=True)
class Claim:
    """A paid dialysis claim; provider 4 is unknown to the facility list."""

    provider: int
    start: int
    length: int

    @property
    def end(self) -> int:
        """The last day billed."""
        return self.start + self.length


@dataclass(frozen=True)
class Person:
    """Days are counted from 1 December 2022."""

    admissions: tuple[Admission, ...]
    claims: tuple[Claim, ...]
    transplants: Mapping[int, int | None]
    first_service: int
    death: int | None

    @property
    def last(self) -> int:
        """The last day followed."""
        return HORIZON if self.death is None else min(self.death, HORIZON)


DAYS = st.integers(0, HORIZON)
ADMISSIONS = st.builds(
    Admission,
    st.integers(1, 3),
    DAYS,
    st.sampled_from(["New ESRD Patient", "Transfer In", "Restart", *PASSING]),
    st.one_of(st.none(), st.integers(0, 60), st.integers(0, HORIZON)),
    st.sampled_from([*CHANGES, "Transfer Out", "Transfer Out", "Other", "Acute", None]),
)
PEOPLE = st.builds(
    Person,
    st.lists(ADMISSIONS, max_size=5, unique_by=lambda a: (a.admit, a.facility)).map(tuple),
    st.lists(
        st.builds(Claim, st.integers(1, 4), DAYS, st.integers(0, 30)), max_size=4, unique=True
    ).map(tuple),
    st.dictionaries(DAYS, st.one_of(st.none(), DAYS), max_size=2),
    st.integers(0, 200),
    st.one_of(st.none(), st.none(), DAYS),
)
MANY = st.lists(PEOPLE, min_size=10, max_size=40)


def on(number: int | None) -> date | None:
    return None if number is None else day_of(number)


def day_of(number: int) -> date:
    return DAY_ONE + timedelta(days=number)


def tell(people: Sequence[Person], *, backwards: bool = False) -> pd.DataFrame:
    """The treatment histories; facility 3 has no CCN in the list before its 200th day."""
    tables: dict[str, list[Row]] = {
        "linkage.facility_ccn": [
            {"facilityid": 1, "start_date": date(1990, 1, 1), "ccn": "F1"},
            {"facilityid": 2, "start_date": date(1990, 1, 1), "end_date": on(299), "ccn": "F2"},
            {"facilityid": 2, "start_date": on(300), "ccn": "F2 NEW"},
            {"facilityid": 3, "start_date": on(200), "ccn": "F3"},
        ],
        "linkage.provider_number": [
            {"provider_number": f"N{number}", "ccn": f"F{number}"} for number in (1, 2, 3)
        ],
        "raw.eqrs_admission": [],
        "raw.claim": [],
        "linkage.beneficiary": [],
        "linkage.first_service": [],
        "linkage.death": [],
        "linkage.transplant": [],
    }
    for patient_id, person in enumerate(people, start=1):
        whose = {"patient_id": patient_id}
        tables["linkage.beneficiary"].append({**whose, "bene_id": 1000 + patient_id})
        tables["linkage.first_service"].append(
            {**whose, "first_service_date": on(person.first_service)}
        )
        if person.death is not None:
            tables["linkage.death"].append({**whose, "death_date": on(person.death)})
        tables["linkage.transplant"] += [
            {**whose, "transplant_date": on(number), "failure_date": on(failure)}
            for number, failure in person.transplants.items()
        ]
        tables["raw.eqrs_admission"] += [
            {
                **whose,
                "facilityid": admission.facility,
                "admit_date": on(admission.admit),
                "admit_reason": admission.admit_reason,
                "discharge_date": on(admission.discharge),
                "discharge_reason": admission.reason,
            }
            for admission in person.admissions
        ]
        tables["raw.claim"] += [
            {
                # The folder of its last day, or the next one: it belongs into no later one.
                "performance_year": min(max(day_of(claim.end).year, 2023), 2024),
                "bene_id": 1000 + patient_id,
                "clm_id": 100 * patient_id + number,
                "clm_from_dt": on(claim.start),
                "clm_thru_dt": on(claim.end),
                "prvdr_num": f"N{claim.provider}",
                "clm_fac_type_cd": "7",
                "clm_srvc_clsfctn_type_cd": "2",
                "clm_pmt_amt": 250.0,
            }
            for number, claim in enumerate(person.claims)
        ]
    return run(
        "history.dialysis_evidence",
        "history.treatment",
        tables={
            name: [
                {"program": "dfc", **row}
                if name.startswith("linkage.") and "bene" not in name
                else row
                for row in (rows[::-1] if backwards else rows)
            ]
            for name, rows in tables.items()
        },
    )


def list_days(rows: pd.DataFrame, people: Sequence[Person]) -> list[list[tuple[str, str | None]]]:
    """Each patient's days as (state, facility); the spells must tile them."""
    listed: list[list[tuple[str, str | None]]] = [[] for _ in people]
    for row in rows.astype(object).where(rows.notna(), None).itertuples():
        days = listed[row.patient_id - 1]
        first = on(people[row.patient_id - 1].first_service + len(days))
        start, end = pd.Timestamp(row.start_date).date(), pd.Timestamp(row.end_date).date()
        assert start == first, "a gap or an overlap"
        assert start <= end
        days += [(row.state, row.ccn)] * ((end - start).days + 1)
    return listed


def find_eqrs_place(person: Person, number: int) -> Admission | None:
    """The admission that counts on a day; what ends one ends others of the same day (297)."""
    covering = list[tuple[tuple[bool, int, int, int, int], Admission]]()
    for admission in person.admissions:
        if admission.reason == "Acute":
            continue
        ends = [
            other.end
            for other in person.admissions
            if other.is_chronic
            and other.reason in CHANGES
            and other.discharge is not None
            and other.discharge <= HORIZON
            and other.admit >= admission.admit
        ]
        final = min([admission.end, *ends])
        if admission.admit <= number <= final:
            began = (admission.is_chronic, admission.admit)
            covering.append(((*began, final, -admission.end, admission.facility), admission))
    return max(covering, key=lambda one: one[0], default=(None, None))[1]


def choose_claims(person: Person, eqrs: Sequence[Admission | None]) -> dict[int, Claim]:
    """The claims that place the patient, by first day: not in EQRS's days, not in another's."""
    outside = [claim for claim in person.claims if eqrs[claim.start] is None]
    chosen: dict[int, Claim] = {}
    for claim in sorted(outside, key=lambda c: (c.start, -c.end, c.provider)):
        if all(other.end < claim.end for other in chosen.values()):
            chosen[claim.start] = claim
    return chosen


def find_ccn(facility: int, number: int) -> str | None:
    if facility == 3:
        return "F3" if number >= 200 else None
    return "F2 NEW" if facility == 2 and number >= 300 else f"F{facility}"


@dataclass(frozen=True)
class Place:
    """A day's facility and what begins or ends with the day."""

    ccn: str | None
    ended_by: str | None
    is_new: bool


def list_places(person: Person) -> list[Place | None]:
    """Where the patient was dialysed on each day of the two years, transplants aside."""
    eqrs = [find_eqrs_place(person, number) for number in range(HORIZON + 1)]
    claims = choose_claims(person, eqrs)
    places: list[Place | None] = []
    running: Claim | None = None
    for number, admission in enumerate(eqrs):
        if admission is not None:
            running = None
            is_last = number == admission.end and admission.discharge is not None
            reason = admission.reason if is_last and admission.discharge == number else None
            places.append(
                Place(
                    find_ccn(admission.facility, number),
                    reason,
                    admission.is_chronic and number == admission.admit,
                )
            )
            continue
        running = claims.get(number, running)
        if running is None or number > running.end + 365:
            places.append(None)
            continue
        ended_by = "a year" if number == running.end + 365 else None
        ccn = f"F{running.provider}" if running.provider < 4 else None
        places.append(Place(ccn, ended_by, is_new=False))
    return places


def judge(person: Person) -> list[tuple[str, str | None]]:
    """The state and facility of each day from first service to the end."""
    places = list_places(person)
    judged: list[tuple[str, str | None]] = []
    evidence, ended_by = person.first_service, None
    failure: int | None = None
    is_grafted = False
    grafts = {
        max(number, person.first_service): failure
        for number, failure in sorted(person.transplants.items())
        if number <= person.last
    }
    for number in range(person.first_service, person.last + 1):
        place = places[number]
        if number in grafts:
            is_grafted, failure, ended_by = True, grafts[number], None
        elif is_grafted and (
            (failure is not None and number >= failure) or (place is not None and place.is_new)
        ):
            is_grafted, evidence = False, number - 1
        if is_grafted:
            judged.append(("transplant", None))
        elif place is not None:
            judged.append(("dialysis", place.ccn))
            evidence, ended_by = number, place.ended_by
        elif ended_by == "Recover Function":
            judged.append(("recovered", None))
        elif ended_by == "Discontinue":
            judged.append(("withdrawn", None))
        elif ended_by == "a year" or number > evidence + 365:
            judged.append(("lost", None))
        else:
            judged.append(("untreated", None))
    return judged


# A claim of the first month, which only the folder of the year after it holds.
@example([Person((), (Claim(1, 0, 0),), {}, 0, None)])
@settings(FEW_EXAMPLES, max_examples=9)
@given(MANY)
def test_the_histories_are_the_readings_day_by_day(people: list[Person]) -> None:
    assert list_days(tell(people), people) == [judge(person) for person in people]


@FEW_EXAMPLES
@given(MANY)
def test_spells_tile_the_days_from_first_service_to_death_or_the_years_end(
    people: list[Person],
) -> None:
    for person, days in zip(people, list_days(tell(people), people), strict=True):
        assert len(days) == max(person.last - person.first_service + 1, 0)


@settings(FEW_EXAMPLES, max_examples=3)
@given(MANY)
def test_the_order_of_the_rows_changes_nothing(people: list[Person]) -> None:
    pd.testing.assert_frame_equal(tell(people), tell(people, backwards=True))
