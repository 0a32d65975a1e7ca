"""What one patient's files tell, and where and how they are treated, in plain loops.

Units 1 and 2 are the facility A, unit 3 is B; in the year unit 2 gets a number of its own, C.
Numbers of readings are those of reading.csv.
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

DAY = timedelta(days=1)
UNITS = (1, 2, 3)
CCNS = "ABC"
CHANGED = date(2024, 6, 16)
MONTHS = [date(2024, number, 1) for number in range(1, 13)]
OFF = ("Discontinue", "Recover Function")


def add_months(day: date, count: int) -> date:
    """The same day of another month, or its last one."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def find_ccn(unit: int, day: date) -> str:
    """The number a unit has on a day."""
    return "B" if unit == 3 else "C" if unit == 2 and day >= CHANGED else "A"


@cache
def list_days(month: date) -> list[date]:
    """All days of a month."""
    return [month + place * DAY for place in range(monthrange(month.year, month.month)[1])]


@dataclass
class Stay:
    """An admission to a unit."""

    unit: int
    start: date
    end: date | None = None
    why: str | None = None
    is_guest: bool = False

    def holds(self, day: date) -> bool:
        """Whether the day lies in it; the day of discharge does."""
        return self.start <= day <= (self.end or date.max)


@dataclass
class Prescription:
    """A treatment record of a unit."""

    unit: int
    start: date
    kind: str
    sessions: float | None


@dataclass
class Report:
    """A unit's clinical record of a month."""

    unit: int
    month: date
    number: int
    ktv: float | None = None
    method: str | None = None
    ktv_day: date | None = None
    calcium: float | None = None
    calcium_day: date | None = None
    npcr: float | None = None
    npcr_day: date | None = None
    bun_day: date | None = None
    has_components: bool = False


@dataclass
class Access:
    """A unit's vascular access of a month."""

    unit: int
    month: date
    number: int
    day: date | None
    kind: str | None


@dataclass
class Bill:
    """A claim of a dialysis facility."""

    clm_id: int
    ccn: str
    start: date
    end: date
    kind: str
    frequency: str | None
    is_paid: bool = True
    ktv: float | None = None
    ktv_day: date | None = None


@dataclass
class Facts:
    """What is known of the facilities: excepted months and the first month that counts."""

    excepted: set[tuple[str, date]] = field(default_factory=set)
    reporting: dict[str, date] = field(default_factory=dict)


@dataclass
class Person:
    """What one patient's files tell."""

    first: date
    born: date | None
    death: date | None = None
    stays: list[Stay] = field(default_factory=list)
    prescriptions: list[Prescription] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)
    limited: set[date] = field(default_factory=set)
    known: dict[date, Stay | None] = field(default_factory=dict, repr=False)
    catheters: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    """Whether November and December before were catheter months at a facility, as stored then."""
    recorded: dict[tuple[int, date], Prescription | None] = field(default_factory=dict, repr=False)

    def age(self, day: date) -> int | None:
        """Completed years."""
        if self.born is None:
            return None
        had = (day.month, day.day) >= (self.born.month, self.born.day)
        return day.year - self.born.year - (not had)

    def find_stay(self, day: date) -> Stay | None:
        """The admission that places the patient on a day."""
        if day not in self.known:
            self.known[day] = self._place(day)
        return self.known[day]

    def _place(self, day: date) -> Stay | None:
        if day < self.first or (self.death and day > self.death):
            return None
        for guests in (False, True):
            open_stays = [
                stay
                for stay in self.stays
                if stay.is_guest == guests
                and stay.holds(day)
                # The end of dialysis closes what began before it.
                and not any(
                    other.why in OFF and other.end and stay.start <= other.start and other.end < day
                    for other in self.stays
                )
            ]
            if open_stays:
                return max(open_stays, key=lambda stay: stay.start)
        return None

    def is_at(self, ccn: str, day: date) -> bool:
        """Whether the facility treats the patient on a day."""
        stay = self.find_stay(day)
        return stay is not None and find_ccn(stay.unit, day) == ccn

    def is_admitted(self, ccn: str, day: date) -> bool:
        """Whether EQRS has the patient admitted there on a day, and on dialysis (reading 88)."""
        if self.death and day > self.death:
            return False
        ended = [s.end for s in self.stays if s.why in OFF and s.end and s.end < day]
        if ended:
            since = max(ended)
            places = range(1, (day - since).days + 1)
            if not any(self.find_stay(since + place * DAY) for place in places):
                return False
        return any(find_ccn(stay.unit, day) == ccn and stay.holds(day) for stay in self.stays)

    def find_prescription(self, unit: int, day: date) -> Prescription | None:
        """The unit's record in effect."""
        if (unit, day) not in self.recorded:
            self.recorded[unit, day] = self._record(unit, day)
        return self.recorded[unit, day]

    def _record(self, unit: int, day: date) -> Prescription | None:
        """The last one, or the first of all (readings 42 and 83)."""
        own = sorted((p for p in self.prescriptions if p.unit == unit), key=lambda p: p.start)
        found = own[0] if own else None
        for before, one in pairwise(own):
            begins = one.start
            # Of a new stay it begins with that stay.
            news = [
                stay.start
                for stay in self.stays
                if stay.unit == unit
                and before.start < stay.start <= one.start
                and not any(
                    s is not stay
                    and s.unit == unit
                    and s.start < stay.start
                    and (s.end is None or s.end >= stay.start - DAY)
                    for s in self.stays
                )
            ]
            if news:
                begins = max(news)
            if begins <= day:
                found = one
        return found
