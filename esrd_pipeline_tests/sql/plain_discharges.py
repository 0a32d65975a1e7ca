"""SRR and ED30 of one patient in plain loops, from claims and days: no code of the product.

Manual 2.10.8 to 2.10.10, 2.11.8 to 2.11.11, 2.26.8 to 2.26.11; readings 49, 66, 67, 145, 146.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

DAY = timedelta(days=1)
HOSPITALS = {
    "100001": "acute",
    "100002": "acute",
    "101301": "acute",
    "330154": "acute",
    "102000": "elsewhere",
    "103025": "elsewhere",
    "10S001": "elsewhere",
}
"""Kinds of hospitals; a critical access hospital is one of acute care here."""
CANCER = "330154"
PLANNED = "Z5111"
EXCLUDED = {"Z5111", "F329"}
"""Chemotherapy, always planned, and a mood disorder: no index discharges."""
DIED, INTERIM, AGAINST_ADVICE = "20", "30", "07"
TRANSPLANT, UNPLANNED, PLANNED_STAY, ELSEWHERE, DEATH, OFF = range(1, 7)


@dataclass
class Bill:
    """An inpatient claim."""

    admitted: date
    first: date
    last: date
    hospital: str
    status: str
    diagnosis: str
    is_covered: bool


@dataclass
class Stay:
    """Bills of one hospital that are one stay; `episode` numbers joined stays of acute care."""

    bills: list[Bill]
    episode: int | None = None

    @property
    def admitted(self) -> date:
        """The day of admission."""
        return self.bills[0].admitted

    @property
    def left(self) -> date:
        """The day of discharge."""
        return max(bill.last for bill in self.bills)

    @property
    def hospital(self) -> str:
        """The hospital's number."""
        return self.bills[0].hospital

    @property
    def final(self) -> Bill:
        """The bill that ends the stay."""
        return max(self.bills, key=lambda bill: (bill.last, bill.admitted))

    @property
    def is_covered(self) -> bool:
        """Whether Medicare covers any of its bills."""
        return any(bill.is_covered for bill in self.bills)

    @property
    def is_acute(self) -> bool:
        """Whether it is one of acute care."""
        return HOSPITALS[self.hospital] == "acute"


@dataclass
class Person:
    """What one patient's files tell; days of dialysis begin with `first_service` at A."""

    first_service: date
    born: date
    bills: list[Bill] = field(default_factory=list)
    visits: list[tuple[date, date]] = field(default_factory=list)
    hospice: list[tuple[date, date]] = field(default_factory=list)
    advantage: tuple[int, int] | None = None
    death: date | None = None
    transplant: date | None = None
    left_a: tuple[date, str] | None = None
    came_to_b: date | None = None

    def find_state(self, day: date) -> tuple[str | None, str | None]:
        """The state of a day, and on dialysis the facility."""
        if day < self.first_service or (self.death and day > self.death):
            return None, None
        if self.transplant and day >= self.transplant:
            back = self.came_to_b
            if not back or back <= self.transplant or day < back:
                return "transplant", None
        if self.came_to_b and day >= self.came_to_b:
            return "dialysis", "B"
        if self.left_a and day > self.left_a[0]:
            return self.left_a[1], None
        return "dialysis", "A"


def list_stays(person: Person) -> list[Stay]:
    """The stays, those of acute care joined by transfers into episodes, numbered in order."""
    stays: list[Stay] = []
    for hospital in sorted({bill.hospital for bill in person.bills}):
        current: Stay | None = None
        own = [bill for bill in person.bills if bill.hospital == hospital]
        for bill in sorted(own, key=lambda bill: (bill.admitted, bill.last)):
            if current and (
                bill.admitted <= current.left
                or (
                    bill.admitted == current.left + DAY
                    and any(b.status == INTERIM and b.last == current.left for b in current.bills)
                )
            ):
                current.bills.append(bill)
            else:
                current = Stay([bill])
                stays.append(current)
    episode = 0
    acute = [stay for stay in stays if stay.is_acute]
    before: list[Stay] = []
    for stay in sorted(acute, key=lambda stay: (stay.admitted, stay.left, stay.hospital)):
        episode += not any(
            stay.admitted <= other.left
            or (stay.admitted == other.left + DAY and stay.hospital != other.hospital)
            for other in before
        )
        stay.episode = episode
        before.append(stay)
    return stays


def list_ends(stays: list[Stay]) -> list[Stay]:
    """The last stay of each episode: those that can be index discharges."""
    ends = {}
    for stay in stays:
        if stay.episode is not None:
            before = ends.get(stay.episode)
            key = (stay.left, stay.admitted, stay.hospital)
            if before is None or key > (before.left, before.admitted, before.hospital):
                ends[stay.episode] = stay
    return [ends[number] for number in sorted(ends)]


def judge_srr(person: Person, program: str, year: int) -> dict[date, tuple[str | None, int]]:
    """The index discharges by their day: the facility, and whether a readmission followed."""
    stays = list_stays(person)
    began = {
        number: min(stay.admitted for stay in stays if stay.episode == number)
        for number in {stay.episode for stay in stays if stay.episode is not None}
    }
    found = {}
    for end in list_ends(stays):
        day = end.left
        state, ccn = person.find_state(day)
        order = sum(
            other.year == year and number <= (end.episode or 0) for number, other in began.items()
        )
        if (
            day.year != year
            or end.hospital == CANCER
            or not end.is_covered
            or end.final.status in (DIED, INTERIM, AGAINST_ADVICE)
            or (person.death and person.death <= day)
            or end.final.diagnosis in EXCLUDED
            or (order > 12 and began[end.episode or 0].year == year)
            or state != "dialysis"
        ):
            continue
        events = list(_list_hospitalisations(end, stays, person, program))
        if program == "dfc":
            events += _list_competing(person, day)
        first = min(events, default=None)
        after = (first[0] - day).days if first else None
        is_unplanned = first is not None and first[1] == UNPLANNED
        if after is not None and after <= 3 and (program == "dfc" or is_unplanned):
            continue
        is_dead = person.death is not None and person.death <= day + 30 * DAY
        if program == "qip" and first is None and is_dead:
            continue
        found[day] = (ccn, int(is_unplanned))
    return found


def _list_hospitalisations(
    end: Stay, stays: list[Stay], person: Person, program: str
) -> list[tuple[date, int]]:
    """What is admitted from the day of a discharge to the 30th day after it."""
    events = []
    for other in stays:
        is_same = other.episode is not None and other.episode == end.episode
        if other is end or is_same or not end.left <= other.admitted <= end.left + 30 * DAY:
            continue
        legs = [other]
        if other.episode is not None:
            legs = [stay for stay in stays if stay.episode == other.episode]
        covered = [stay for stay in legs if stay.is_covered]
        key = min(covered, key=lambda stay: (stay.admitted, stay.left, stay.hospital), default=None)
        is_admission = key is other
        if program == "qip" and (
            not other.is_acute or (person.death is not None and person.death < other.left)
        ):
            continue
        if not is_admission and (program == "qip" or other.admitted > end.left + 3 * DAY):
            continue
        is_planned = other.bills[0].diagnosis == PLANNED
        acute = PLANNED_STAY if is_planned else UNPLANNED
        events.append((other.admitted, acute if other.is_acute else ELSEWHERE))
    return events


def _list_competing(person: Person, day: date) -> list[tuple[date, int]]:
    """Transplant, death, and the end of dialysis in the 30 days after a discharge."""
    events = []
    for number in range(1, 31):
        other = day + number * DAY
        if other == person.transplant:
            events.append((other, TRANSPLANT))
        if other == person.death:
            events.append((other, DEATH))
        state = person.find_state(other)[0]
        if state in ("withdrawn", "recovered") and state != person.find_state(other - DAY)[0]:
            events.append((other, OFF))
    return events


def judge_ed30(person: Person, years: tuple[int, int]) -> dict[date, tuple[str | None, int]]:
    """The index discharges by their day: the facility, and whether an encounter followed."""
    stays = list_stays(person)
    hospice = {(d.year, d.month) for first, last in person.hospice for d in list_days(first, last)}
    encounters = [
        first for first in _list_encounters(person) if (first.year, first.month) not in hospice
    ]
    found = {}
    for end in list_ends(stays):
        day = end.left
        state, ccn = person.find_state(day)
        birthdays = day.year - person.born.year
        birthdays -= (day.month, day.day) < (person.born.month, person.born.day)
        if (
            day.year not in years
            or not end.is_covered
            or end.final.status in (DIED, INTERIM)
            or (person.death and person.death <= day)
            or state != "dialysis"
            or person.advantage == (day.year, day.month)
            or (day - person.first_service).days + 1 <= 90
            or birthdays < 18
            or (day.year, day.month) in hospice
        ):
            continue
        later = [
            stay.admitted
            for stay in stays
            if stay is not end
            and (stay.episode is None or stay.episode != end.episode)
            and stay.admitted >= day
        ]
        if later and (min(later) - day).days <= 4:
            continue
        following = [d for d in encounters if day + 4 * DAY <= d <= day + 30 * DAY]
        is_event = bool(following) and not (later and min(later) <= min(following))
        found[day] = (ccn, int(is_event))
    return found


def _list_encounters(person: Person) -> list[date]:
    """First days of emergency encounters: joined, and not sharing a day with an inpatient bill."""
    runs: list[tuple[date, date]] = []
    for first, last in sorted(person.visits):
        if runs and first <= runs[-1][1] + DAY:
            runs[-1] = (runs[-1][0], max(runs[-1][1], last))
        else:
            runs.append((first, last))
    return [
        first
        for first, last in runs
        if not any(
            min(bill.admitted, bill.first) <= last and bill.last >= first for bill in person.bills
        )
    ]


def list_days(first: date, last: date) -> list[date]:
    """Every day from the first to the last."""
    return [first + number * DAY for number in range((last - first).days + 1)]
