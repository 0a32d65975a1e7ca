"""What the manual makes of a patient's months, in plain loops: 2.1, 2.3 to 2.8, 3.1, 3.4, 3.5."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from esrd_pipeline_tests.sql.months import BOTH, CENTER, HOME, PERITONEAL
from esrd_pipeline_tests.sql.plain_patient import (
    CCNS,
    DAY,
    MONTHS,
    OFF,
    UNITS,
    Bill,
    Facts,
    Person,
    Prescription,
    Report,
    add_months,
    find_ccn,
    list_days,
)

HEMODIALYSIS = (CENTER, HOME, BOTH)
PD_CLAIMS = (PERITONEAL, "other peritoneal dialysis")
NO_CATHETER = ("AV Fistula Only", "AVFONLY", "AV Graft Only", "AVGONLY")
ADULT = 18
Verdicts = dict[tuple[str, date, str, str], bool]
"""Whether a month counts in the numerator, by program, month, facility and measure."""


@dataclass
class Month:
    """One month of a patient at one facility under one program."""

    program: str
    person: Person
    facts: Facts
    month: date
    ccn: str

    @property
    def days(self) -> list[date]:
        """All days of the month."""
        return list_days(self.month)

    @property
    def is_whole(self) -> bool:
        """Treated there on every day."""
        return all(self.person.is_at(self.ccn, day) for day in self.days)

    @property
    def departure(self) -> str | None:
        """What ended the patient's time there (reading 81)."""
        person, last = self.person, self.days[-1]
        if person.death and person.death in self.days:
            return "death"
        for stay in person.stays:
            if stay.end in self.days and stay.why in OFF:
                return "off"
        here = [stay for stay in person.stays if find_ccn(stay.unit, last) == self.ccn]
        stays_on = any(
            find_ccn(stay.unit, last + DAY) == self.ccn and stay.holds(last + DAY)
            for stay in person.stays
        )
        leaves = any(stay.end == last for stay in here)
        return "discharge" if leaves and not stays_on else None

    @property
    def is_out(self) -> bool:
        """Excepted, or of a new facility (QIP)."""
        return self.program == "qip" and (
            (self.ccn, self.month) in self.facts.excepted
            or self.month < self.facts.reporting.get(self.ccn, date.min)
        )

    def is_used(self, unit: int, month: date) -> bool:
        """Whether a report is used: not in the QIP of an excepted month."""
        return self.program == "dfc" or (find_ccn(unit, month), month) not in self.facts.excepted

    # Modality and frequency: 3.1.1, 3.1.4.

    def _own_records(self) -> Sequence[Prescription | None]:
        found: list[Prescription | None] = []
        for day in self.days:
            stay = self.person.find_stay(day)
            if stay and find_ccn(stay.unit, day) == self.ccn:
                found.append(self.person.find_prescription(stay.unit, day))
        return found or self._records(self.ccn)

    def _records(self, ccn: str | None = None) -> list[Prescription]:
        """Records of the units that have the patient admitted in the month."""
        return [
            record
            for day in self.days
            for stay in self.person.stays
            if stay.holds(day)
            and ccn in (None, find_ccn(stay.unit, day))
            and (record := self.person.find_prescription(stay.unit, day)) is not None
        ]

    def eqrs_modality(self) -> str | None:
        """By treatment records: the facility's own, else others' (readings 42, 82)."""
        own = self._own_records()
        if not any(own):
            kinds = {record.kind for record in self._records()}
        elif not all(own):
            return None
        else:
            kinds = {record.kind for record in own if record}
        if not kinds:
            return None
        if kinds == {CENTER, HOME}:
            return BOTH
        return kinds.pop() if len(kinds) == 1 else "mixed"

    def _month_bills(self) -> list[Bill]:
        return [
            bill
            for bill in self.person.bills
            if bill.start.replace(day=1) == self.month
            and not (self.program == "qip" and (bill.ccn, self.month) in self.facts.excepted)
        ]

    def modality(self, *, claims: bool) -> tuple[str | None, date]:
        """The modality, and the day as of which age and ESRD are counted (readings 43, 93)."""
        kind = self.eqrs_modality()
        if kind is None and claims:
            own = [b for b in self._month_bills() if b.ccn == self.ccn and b.is_paid]
            if own:
                # The first claim's stands for the primary modality (3.1.1, steps 1 to 7).
                is_mixed = len({bill.kind in PD_CLAIMS for bill in own}) > 1
                kind = "mixed" if is_mixed and self.program == "qip" else own[0].kind
                return kind, min(bill.start for bill in own)
        return kind, self.month

    def _is_long_enough(self, day: date, least: int) -> bool:
        lapsed = (day - self.person.first).days
        return lapsed + (self.program == "dfc") >= least

    def _is_eligible_hd(self, bill: Bill, *, adult: bool) -> bool:
        age = self.person.age(bill.start)
        return (
            bill.kind in ((CENTER, HOME) if adult else (CENTER,))
            and age is not None
            and (age >= ADULT) == adult
            and self._is_long_enough(bill.start, 91)
        )

    def is_usual(self, *, adult: bool) -> bool:
        """Dialysed more than two and fewer than four times a week."""
        marked = False
        for unit in UNITS:
            days = {(r.ktv_day or r.month) for r in self._reports(unit) if r.ktv is not None}
            for day in days:
                of_day = [
                    r
                    for r in self._reports(unit)
                    if (r.ktv_day or r.month) == day and r.ktv is not None
                ]
                marked |= max(of_day, key=lambda r: r.number).ktv == 8.88
        if marked:
            return False
        own, every = (
            {
                record.sessions
                for record in self._records(ccn)
                if record.kind in (CENTER, HOME) and record.sessions is not None
            }
            for ccn in (self.ccn, None)
        )
        if sessions := own or every:
            return all(2 < number < 4 for number in sessions)
        eligible = [b for b in self._month_bills() if self._is_eligible_hd(b, adult=adult)]
        if any(bill.ktv == 8.88 for bill in eligible):
            return False
        mine = [bill for bill in eligible if bill.ccn == self.ccn]
        return bool(mine) and all(bill.frequency == "usual" for bill in mine)

    # Values of the month.

    def _reports(self, unit: int | None = None, month: date | None = None) -> list[Report]:
        wanted = month or self.month
        return [
            report
            for report in self.person.reports
            if report.month == wanted
            and unit in (None, report.unit)
            and self.is_used(report.unit, report.month)
        ]

    def _claimed_ktv(self, *, adult: bool, peritoneal: bool) -> float | None:
        found: list[tuple[date, int, float]] = []
        for bill in self._month_bills():
            if self.program == "qip" and bill.ccn != self.ccn:
                continue
            age = self.person.age(bill.start)
            if peritoneal:
                is_eligible = (
                    bill.kind in PD_CLAIMS
                    and age is not None
                    and (age >= ADULT) == adult
                    and self._is_long_enough(bill.start, 91)
                )
            else:
                is_eligible = self._is_eligible_hd(bill, adult=adult) and bill.frequency == "usual"
            if not is_eligible or bill.ktv is None or bill.ktv > (8.5 if peritoneal else 5):
                continue
            earliest = self.month
            if peritoneal or bill.kind == HOME:
                earliest = add_months(bill.end, -6 if peritoneal and not adult else -4)
            if bill.ktv_day is None or earliest <= bill.ktv_day <= bill.end:
                found.append((bill.end, bill.clm_id, bill.ktv))
        return max(found)[2] if found else None

    def hd_ktv(self, *, adult: bool) -> float | None:
        """The month's value on hemodialysis."""
        found = [
            (report.ktv_day or report.month, report.number, report.ktv)
            for report in self._reports()
            if report.ktv is not None
            and report.ktv <= 5
            and report.method in ("UKM", "Daugirdas II")
            and (report.ktv_day or self.month) in self.days
        ]
        return max(found)[2] if found else self._claimed_ktv(adult=adult, peritoneal=False)

    def pd_ktv(self, *, adult: bool) -> float | None:
        """The study period's value on peritoneal dialysis (readings 18, 87, 287)."""
        first, last = add_months(self.month, -3 if adult else -5), self.days[-1]
        found = [
            (
                report.ktv_day or report.month,
                report.month,
                find_ccn(report.unit, report.month),
                report.unit,
                report.number,
                report,
            )
            for report in self.person.reports
            if self.is_used(report.unit, report.month)
            and report.ktv is not None
            and report.ktv <= 8.5
            and first <= (report.ktv_day or report.month) <= last
            and not self._is_on_hemodialysis(report.ktv_day or report.month)
        ]
        # Reading 87: what is reported for the month, or dated in it; claims; the months before.
        now = [one for one in found if self.month in (one[1], one[0].replace(day=1))]
        if now:
            return max(now, key=lambda one: one[:5])[5].ktv
        claimed = self._claimed_ktv(adult=adult, peritoneal=True)
        if claimed is not None or not found:
            return claimed
        return max(found, key=lambda one: one[:5])[5].ktv

    def _is_on_hemodialysis(self, day: date) -> bool:
        stay = self.person.find_stay(day)
        record = self.person.find_prescription(stay.unit, day) if stay else None
        return record is not None and record.kind in (CENTER, HOME)

    def has_catheter(self) -> bool:
        """By the last access of the facility, else of others; none is a catheter."""
        used = [
            access
            for access in self.person.accesses
            if access.month == self.month
            and access.kind is not None
            and self.is_used(access.unit, access.month)
        ]
        own = [access for access in used if find_ccn(access.unit, self.month) == self.ccn]
        if not (own or used):
            return True
        latest = max(own or used, key=lambda one: (one.day or one.month, one.number))
        return latest.kind not in NO_CATHETER

    def is_catheter_month(self) -> bool:
        """A whole month on hemodialysis with a catheter, which the program does not except."""
        if (
            self.month < MONTHS[0]
            and not self.person.catheters.get(self.ccn, (False, False))[self.month.month - 11]
        ):
            return False
        return (self.month < MONTHS[0] or self._is_catheter_month()) and not (
            self.program == "qip" and (self.ccn, self.month) in self.facts.excepted
        )

    def _is_catheter_month(self) -> bool:
        return (
            self.is_whole
            and self.modality(claims=self.program == "dfc")[0] in HEMODIALYSIS
            and self.has_catheter()
        )

    def calcium_mean(self) -> Fraction | None:
        """Of up to three months with a value in range (reading 85)."""
        values = []
        for back in range(3):
            month = add_months(self.month, -back)
            found = [
                (report.calcium_day or month, report.number, report.calcium)
                for report in self._reports(month=month)
                if report.calcium is not None
                and Fraction(1, 10) <= Fraction(str(report.calcium)) <= 20
                and (report.calcium_day or month).replace(day=1) == month
            ]
            if found:
                values.append(Fraction(str(max(found)[2])))
        return sum(values, Fraction(0)) / len(values) if values else None

    # Measures.

    def judge(self) -> Iterator[tuple[str, bool]]:
        """The measures in whose denominator the month is, and whether in the numerator."""
        if self.person.born is None or self.is_out:
            return
        stays_whole = self.is_whole and self.departure is None
        age = self.person.age(self.month)
        assert age is not None
        yield from self._judge_ktv(stays_whole=stays_whole)
        if self.is_whole and self.departure != "discharge" and age >= ADULT:
            yield from self._judge_catheter()
        if self.program == "dfc":
            if (
                stays_whole
                and (self.person.age(add_months(self.month, -2)) or 0) >= ADULT
                and self._is_long_enough(self.month, 90)
            ):
                mean = self.calcium_mean()
                yield "hypercalcemia", mean is None or mean > Fraction("10.2")
            if stays_whole and age < ADULT and self.modality(claims=True)[0] == CENTER:
                yield "npcr", self._has_npcr()
        elif (
            all(self.person.is_admitted(self.ccn, day) for day in self.days)
            and age >= ADULT
            and self._is_long_enough(self.month, 90)
            and self.eqrs_modality() != "other"
        ):
            yield (
                "hypercalcemia",
                any(
                    report.calcium is not None
                    and (report.calcium_day or self.month).replace(day=1) == self.month
                    for report in self._reports()
                    if find_ccn(report.unit, self.month) == self.ccn
                ),
            )

    def _judge_ktv(self, *, stays_whole: bool) -> Iterator[tuple[str, bool]]:
        kind, as_of = self.modality(claims=True)
        age = self.person.age(as_of)
        if not stays_whole or age is None or not self._is_long_enough(as_of, 91):
            return
        adult = age >= ADULT
        name = "adult" if adult else "pediatric"
        if kind in (HEMODIALYSIS if adult else (CENTER,)) and self.is_usual(adult=adult):
            yield f"ktv_{name}_hd", (self.hd_ktv(adult=adult) or 0) >= 1.2
        if kind == PERITONEAL:
            yield f"ktv_{name}_pd", (self.pd_ktv(adult=adult) or 0) >= (1.7 if adult else 1.8)

    def _judge_catheter(self) -> Iterator[tuple[str, bool]]:
        kind, _ = self.modality(claims=self.program == "dfc")
        if kind not in HEMODIALYSIS or self.month < self.person.first:
            return
        if self.has_catheter() and self.month in self.person.limited:
            return
        yield (
            "ltc",
            all(
                Month(
                    self.program, self.person, self.facts, add_months(self.month, -back), self.ccn
                ).is_catheter_month()
                for back in range(3)
            ),
        )

    def _has_npcr(self) -> bool:
        return any(
            (report.npcr is not None and report.npcr_day in self.days)
            or (report.has_components and report.bun_day in self.days)
            for report in self._reports()
        )


def judge(person: Person, facts: Facts) -> Verdicts:
    """All months of the year of one patient."""
    return {
        (program, month, ccn, measure): is_met
        for program in ("dfc", "qip")
        for month in MONTHS
        for ccn in CCNS
        for measure, is_met in Month(program, person, facts, month, ccn).judge()
    }
