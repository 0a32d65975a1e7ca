"""SHR, STrR, SEDR and SMR of one patient in plain loops, day by day: no code of the product.

Manual 2.12.9 to 2.12.13, 2.13.9 to 2.13.13, 2.14.10 to 2.14.12, 2.25.9 to 2.25.13; readings 20, 21,
23, 48, 51 to 54, 61, 63, 125 to 127, 147. To which facility a day is attributed is given.
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta

DAY = timedelta(days=1)
YEAR = 2024
FIRST, LAST = date(YEAR, 1, 1), date(YEAR, 12, 31)
CANCER, COVID, OTHER = "C61", "U071", "N186"
BLOOD_CENTER, BLOOD_HCPCS, BLOOD_PROCEDURE, EMERGENCY = "0391", "P9016", "30233N1", "0981"
HOSPITAL, SNF, OUTPATIENT, HOSPICE, CARRIER = "60", "20", "40", "50", "carrier"
TRANSFERS = {"02", "30"}
STREET_DRUGS, OTHER_CAUSE = "93", "98"
CUTS = (90, 183, 365, 730, 1095, 1826)
PANDEMIC = date(2020, 2, 20)


@dataclass
class Claim:
    """A claim of any kind, as far as these measures look at it."""

    kind: str
    first: date
    last: date
    admitted: date | None = None
    hospital: str = "010001"
    status: str = "01"
    diagnosis: str = OTHER
    procedure: str | None = None
    lines: list[tuple[str, str | None, date | None]] = field(default_factory=list)
    pints: float | None = None
    paid: float | None = 100.0
    reason: str | None = None
    is_managed: bool = False
    is_dialysis: bool = False
    is_acute: bool = False
    is_laboratory: bool = False
    number: int = 0

    @property
    def begins(self) -> date:
        """The day of admission, without one the first day billed."""
        return self.admitted or self.first

    @property
    def is_paid(self) -> bool:
        """Whether Medicare paid for it."""
        return self.reason in (None, "P") and not self.is_managed


@dataclass
class Attributed:
    """Days that a facility answers for, or nobody and why."""

    start: date
    end: date
    ccn: str | None
    why: str | None = None


@dataclass
class Person:
    """What one patient's files tell."""

    first_service: date
    born: date | None
    death: date | None
    cause: str
    attributed: dict[str, list[Attributed]]
    claims: list[Claim] = field(default_factory=list)
    advantage: set[date] = field(default_factory=set)
    nursed: list[tuple[date, date]] = field(default_factory=list)


@dataclass
class Period:
    """A person-period: the facts of its first day, and what is counted in it."""

    start: date
    ccn: str
    interval: int
    stage: int
    days: int = 0
    advantage_days: int = 0
    events: int = 0


def month_of(day: date) -> date:
    """The first day of the month."""
    return day.replace(day=1)


def add_months(month: date, count: int) -> date:
    """A month so many months later."""
    year, place = divmod(month.year * 12 + month.month - 1 + count, 12)
    return date(year, place + 1, 1)


def add_year(day: date) -> date:
    """The same day a year later, of 29 February the 28th."""
    return date(day.year + 1, day.month, min(day.day, monthrange(day.year + 1, day.month)[1]))


def list_days(start: date, end: date) -> list[date]:
    """All days from one to another."""
    return [start + place * DAY for place in range((end - start).days + 1)]


def list_covered_months(person: Person) -> set[date]:
    """Months within two months of $1,200 of dialysis or an inpatient claim, of two years.

    What was paid in the two months before them is remembered.
    """
    dollars: dict[date, float] = {}
    meets: set[date] = set()
    for claim in person.claims:
        if claim.is_dialysis and claim.is_paid and not claim.is_acute:
            month = month_of(claim.last)
            dollars[month] = dollars.get(month, 0) + (claim.paid or 0)
        paid = claim.paid is None or claim.paid > 0
        if claim.kind in (HOSPITAL, SNF) and claim.is_paid and paid:
            meets |= {month_of(day) for day in list_days(claim.first, claim.last)}
    meets |= {month for month, paid in dollars.items() if paid >= 1200}
    covered = {add_months(month, place) for month in meets if month <= LAST for place in range(3)}
    return {month for month in covered if month.year >= YEAR - 1}


def list_stays(person: Person) -> list[list[Claim]]:
    """Hospital stays: claims that overlap or touch, or follow a transfer by a day."""
    stays: list[list[Claim]] = []
    bills = [claim for claim in person.claims if claim.kind == HOSPITAL]
    for bill in sorted(bills, key=lambda one: (one.begins, one.last, one.number)):
        if stays:
            end = max(one.last for one in stays[-1])
            handed_on = any(one.last == end and one.status in TRANSFERS for one in stays[-1])
            if bill.begins <= end or (handed_on and bill.begins == end + DAY):
                stays[-1].append(bill)
                continue
        stays.append([bill])
    return stays


def find_index_stay(person: Person) -> tuple[list[Claim], date] | None:
    """The stay that holds the first claim with COVID-19, and the day its clock starts."""
    for stay in list_stays(person):
        named = [one for one in stay if one.diagnosis == COVID and one.begins >= PANDEMIC]
        if not named:
            continue
        claim = min(named, key=lambda one: (one.begins, one.last, one.number))
        if claim.status != "30":
            return stay, claim.last
        later = [one for one in stay if one.hospital == claim.hospital and one.last > claim.last]
        ends = [one.last for one in later if one.status != "30"]
        return stay, min(ends) if ends else max((one.last for one in later), default=claim.last)
    return None


def list_transfusions(person: Person) -> set[date]:
    """Days with a transfusion."""
    found = set()
    for claim in person.claims:
        centers = any(center == BLOOD_CENTER for center, _, _ in claim.lines)
        coded = [on for _, hcpcs, on in claim.lines if hcpcs == BLOOD_HCPCS]
        valued = claim.pints is not None and claim.pints > 0
        if claim.kind == HOSPITAL and (centers or valued or claim.procedure == BLOOD_PROCEDURE):
            found.add(max(claim.first, claim.begins))
        if claim.kind == OUTPATIENT and ((centers and coded) or valued):
            dated = [on for on in coded if on and claim.first <= on <= claim.last]
            found.add(min(dated, default=claim.first))
    return found


def list_encounters(person: Person) -> list[date]:
    """First days of emergency encounters without a stay."""
    days: set[date] = set()
    inpatient: set[date] = set()
    for claim in person.claims:
        if claim.kind == OUTPATIENT and any(center == EMERGENCY for center, _, _ in claim.lines):
            days |= set(list_days(claim.first, claim.last))
        if claim.kind == HOSPITAL:
            inpatient |= set(list_days(min(claim.first, claim.begins), claim.last))
    found, together = [], []
    for day in sorted(days):
        together.append(day)
        if day + DAY not in days:
            if not inpatient & set(together):
                found.append(together[0])
            together = []
    return found


def find_stages(person: Person, measure: str) -> dict[date, int]:
    """The stage of COVID-19 of each day that has one."""
    stages = {}
    if measure == "shr":
        index = find_index_stay(person)
        since = index[1] if index else None
        last = 180
    else:
        days = [c.first for c in person.claims if c.diagnosis == COVID and c.first >= PANDEMIC]
        since = min(days) if days and measure == "strr" else None
        last = 10**5
    if since:
        for day in list_days(FIRST, LAST):
            after = (day - since).days
            if 1 <= after <= last:
                stages[day] = 1 if after <= 30 else 2 if after <= 60 else 3
    return stages


def list_excluded_days(person: Person) -> set[date]:
    """Days within a year of a claim with cancer, the claim's own included."""
    return {
        day
        for claim in person.claims
        if claim.diagnosis == CANCER and not claim.is_laboratory
        for day in list_days(claim.first, add_year(claim.last) - DAY)
    }


def list_periods(
    person: Person, measure: str, program: str, excepted: set[tuple[str, date]]
) -> list[Period]:
    """The person-periods of a measure and program with days at risk."""
    covered = list_covered_months(person)
    stages = find_stages(person, measure)
    excluded = list_excluded_days(person) if measure == "strr" else set()
    hospice = {
        month_of(day)
        for claim in person.claims
        if claim.kind == HOSPICE
        for day in list_days(claim.first, claim.last)
    }
    events = _list_events(person, measure)
    periods: list[Period] = []
    before: object = None
    for part in person.attributed[program]:
        for day in list_days(max(part.start, FIRST), part.end):
            month = month_of(day)
            is_at_risk = (
                part.ccn is not None
                and (part.ccn, month) not in (excepted if program == "qip" else set())
                and person.born is not None
            )
            if measure == "shr":
                is_at_risk = is_at_risk and (month in covered or month in person.advantage)
            else:
                is_adult = person.born is not None and _is_adult(person.born, day)
                is_at_risk = is_at_risk and is_adult and month in covered
                is_at_risk = is_at_risk and month not in person.advantage
            if measure == "strr":
                is_at_risk = is_at_risk and day not in excluded
            if measure == "sedr":
                is_at_risk = is_at_risk and month not in hospice
            interval = sum((day - person.first_service).days >= cut for cut in CUTS) - 1
            stage = stages.get(day, 0)
            key = (part.start, interval, stage, measure == "shr" or is_at_risk)
            if key != before:
                periods.append(Period(day, part.ccn or "", interval, stage))
            before = key
            if is_at_risk:
                periods[-1].days += 1
                periods[-1].advantage_days += month in person.advantage
                periods[-1].events += events.count(day)
    return [period for period in periods if period.days]


def _list_events(person: Person, measure: str) -> list[date]:
    if measure == "strr":
        return sorted(list_transfusions(person))
    if measure == "sedr":
        return list_encounters(person)
    index = find_index_stay(person)
    return [
        min(one.begins for one in stay)
        for stay in list_stays(person)
        if not index or stay != index[0]
    ]


def _is_adult(born: date, day: date) -> bool:
    is_leap_day = (born.month, born.day) == (2, 29)
    return day >= (
        date(born.year + 18, 3, 1) if is_leap_day else date(born.year + 18, born.month, born.day)
    )


def count_age(born: date, day: date) -> int:
    """Completed years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def count_nursing_days(person: Person, day: date) -> int:
    """Days in nursing homes among the 365 before."""
    before = list_days(day - 365 * DAY, day - DAY)
    return sum(any(first <= one <= last for first, last in person.nursed) for one in before)


def count_months(person: Person, measure: str) -> int:
    """Months of the year before that Medicare could see."""
    seen = list_covered_months(person)
    if measure == "shr":
        seen |= person.advantage
    return sum(month.year == YEAR - 1 for month in seen)


def list_mortality_days(person: Person) -> dict[date, tuple[str, bool, bool, bool]]:
    """Days at risk in SMR: the facility, COVID-19, Medicare Advantage, and a counted death."""
    covered = list_covered_months(person)
    named: dict[date, date] = {}
    for claim in person.claims:
        day = max(claim.first, claim.begins)
        if claim.kind == HOSPITAL and claim.diagnosis == COVID and day >= PANDEMIC:
            named[claim.begins] = min(day, named.get(claim.begins, day))
    ill = {day + place * DAY for day in named.values() for place in range(91)}
    days = {}
    for part in person.attributed["smr"]:
        for day in list_days(max(part.start, FIRST), part.end):
            month = month_of(day)
            is_seen = month in covered or month in person.advantage
            if part.ccn and is_seen and person.born:
                died = day == person.death and person.cause != STREET_DRUGS
                days[day] = (part.ccn, day in ill, month in person.advantage, died)
    return days
