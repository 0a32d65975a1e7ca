"""What facilities report to EQRS of each patient's month: laboratory values, access, medications.

A record a patient, facility and month; its trouble is planted here and labelled. What claims say
of Kt/V is drawn apart from it.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.claims import MarketYear
from esrd_pipeline.synthetic.nation.columns import (
    NO_DAY,
    NO_NUMBER,
    Codes,
    Rows,
    Values,
    choose_rows,
    stack,
)
from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import YEAR_DAYS, load_figures
from esrd_pipeline.synthetic.nation.labels import label
from esrd_pipeline.synthetic.nation.people import HOME, IN_CENTER, PERITONEAL, People
from esrd_pipeline.tables.clinical import ACCESS_TYPES, CLINICIANS

METHOD = Codes(("UKM", "Daugirdas II", "Other"))
UNIT = Codes(("kg", "lb"))
ACCESS = Codes(ACCESS_TYPES)
CLINICIAN = Codes(CLINICIANS)
NAME = Codes(tuple(f"Professional {number}" for number in range(1, 9)))
_MONTH_DAYS = YEAR_DAYS / 12
_ADULT_AGE = 18
_FREQUENT_KTV = 8.88
_KTV_OUT_OF_RANGE, _CALCIUM_OUT_OF_RANGE = 12.0, 92.0
_SELDOM_SHARE = 0.15
"""Of home hemodialysis: three sessions a week."""
_SESSIONS_A_WEEK = 3
_SECOND = 10
"""Added to the number of a record that is submitted again."""
_PERITONEAL_EVERY = 3
"""Months between measurements of peritoneal Kt/V."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What stays with patients and facilities over all years.

    Attributes:
        access: (patients,) uniform: who gives up the catheter first.
        is_fistula: (patients,) the other access, once there is one.
        calcium: (patients,) mean calcium, mg/dL.
        catheter: (facilities,) factor of the share of catheters.
    """

    access: np.ndarray
    is_fistula: np.ndarray
    calcium: np.ndarray
    catheter: np.ndarray


@dataclass(frozen=True, slots=True)
class _Reported:
    """Cells of the year with a record, and where they stand."""

    here: MarketYear
    cells: np.ndarray
    number: np.ndarray
    rng: np.random.Generator

    @property
    def count(self) -> int:
        return self.cells.size

    @property
    def patient(self) -> np.ndarray:
        return self.here.months.patient[self.cells]

    @property
    def modality(self) -> np.ndarray:
        return self.here.months.modality[self.cells]

    def key(self) -> dict[str, np.ndarray]:
        """Return whose record it is."""
        months = self.here.months
        return {
            "patient_id": self.here.people.patient_id[self.patient],
            "facilityid": self.here.market.numbers("facilityid")[months.facility[self.cells]],
            "month": months.edges[months.month[self.cells]],
            "record_number": self.number,
        }

    def day(self) -> np.ndarray:
        """Draw a day on which the patient was treated."""
        months = self.here.months
        begin, end = months.begin[self.cells], months.end[self.cells]
        return begin + (self.rng.random(self.count) * (end - begin + 1)).astype(np.int64)

    def happens(self, figure: str) -> np.ndarray:
        """Draw which records something happens to."""
        return self.rng.random(self.count) < load_figures()[figure]


def draw_habits(market: Market, people: People, rng: np.random.Generator) -> Habits:
    """Draw what stays with a market's patients and facilities."""
    figures = load_figures()
    return Habits(
        access=rng.random(len(people)),
        is_fistula=rng.random(len(people)) < figures["fistula_share"],
        calcium=rng.normal(figures["calcium_mean"], figures["calcium_patient_sd"], len(people)),
        catheter=np.exp(rng.normal(0, figures["effect_catheter"], len(market.facilities))),
    )


def report_months(here: MarketYear, habits: Habits, rng: np.random.Generator) -> dict[str, Rows]:
    """Return the year's clinical records, accesses and reconciliations, with labels of trouble."""
    months = here.months
    is_missing = rng.random(months.patient.size) < load_figures()["record_missing"]
    cells = np.flatnonzero(~is_missing)
    reported = _Reported(here, cells, _number_records(here, cells), rng)
    records = _measure(reported, habits)
    missing = np.flatnonzero(is_missing)
    first = months.edges[months.month[missing]]
    gone = label(
        "no clinical record of a month",
        patient=here.people.patient_id[months.patient[missing]],
        facility=here.market.numbers("facilityid")[months.facility[missing]],
        day=first,
    )
    return {
        "eqrs_clinical_month": records,
        "eqrs_vascular_access": _access(reported, habits),
        "eqrs_medication_reconciliation": _reconcile(reported),
        "trouble": gone,
    }


def _number_records(here: MarketYear, cells: np.ndarray) -> np.ndarray:
    """Number the records of one patient, facility and month: a change of modality makes two."""
    months = here.months
    facilities = len(here.market.facilities)
    group = (months.patient[cells] * facilities + months.facility[cells]) * 12 + months.month[cells]
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    first = np.repeat(starts, np.diff(starts, append=ordered.size))
    number = np.empty(cells.size, dtype=np.int64)
    number[order] = np.arange(cells.size) - first + 1
    return number


def _measure(reported: _Reported, habits: Habits) -> dict[str, Values]:
    """Return the records; some come twice, and the second is the one that was meant."""
    rng, figures, people = reported.rng, load_figures(), reported.here.people
    count, patient = reported.count, reported.patient
    months = reported.here.months
    is_center = reported.modality == IN_CENTER
    calcium = habits.calcium[patient] + rng.normal(0, figures["calcium_month_sd"], count)
    out_of_range = reported.happens("calcium_out_of_range")
    calcium = np.where(out_of_range, _CALCIUM_OUT_OF_RANGE, calcium.round(1))
    calcium = np.where(reported.happens("calcium_missing"), np.nan, calcium)
    age = (months.edges[months.month[reported.cells]] - people.birth[patient]) / YEAR_DAYS
    has_npcr = (age < _ADULT_AGE) & is_center & reported.happens("npcr_documented")
    in_parts = has_npcr & (people.patient_id[patient] % 2 == 0)
    npcr = np.where(has_npcr & ~in_parts, rng.normal(1.1, 0.2, count).round(2), np.nan)
    day = reported.day()
    weight = people.weight[patient].round(1)
    delivered = months.days[reported.cells] * _SESSIONS_A_WEEK / 7 * rng.uniform(0.9, 1, count)
    rows: dict[str, Values] = {
        **reported.key(),
        **_draw_ktv(reported, day),
        "calcium_value": calcium,
        "calcium_date": np.where(np.isnan(calcium), NO_DAY, day),
        "npcr_value": npcr,
        "npcr_date": np.where(np.isnan(npcr), NO_DAY, day),
        "bun_pre": np.where(in_parts, 60.0, np.nan),
        "bun_post": np.where(in_parts, 20.0, np.nan),
        "weight_pre": np.where(in_parts, weight + 2, np.nan),
        "weight_pre_unit": UNIT.of(np.where(in_parts, 0, -1)),
        "weight_post": np.where(in_parts, weight, np.nan),
        "weight_post_unit": UNIT.of(np.where(in_parts, 0, -1)),
        "delivered_minutes": np.where(in_parts, 210.0, np.nan),
        "bun_date": np.where(in_parts, day, NO_DAY),
        "sessions_delivered": np.where(is_center, np.ceil(delivered), NO_NUMBER).astype(np.int64),
    }
    return _repeat_some(reported, rows)


def _repeat_some(reported: _Reported, rows: dict[str, Values]) -> dict[str, Values]:
    """Submit some records a second time; the first then had another Kt/V of the same day."""
    again = np.flatnonzero(reported.happens("record_twice"))
    second = choose_rows(rows, again)
    second["record_number"] = reported.number[again] + _SECOND
    ktv = np.array(rows["ktv_value"])
    ktv[again] = 0.9
    return stack([{**rows, "ktv_value": ktv}, second])


def _draw_ktv(reported: _Reported, day: np.ndarray) -> dict[str, Values]:
    """Draw Kt/V, its method and day, with values out of range, late or by another method."""
    rng, figures, modality = reported.rng, load_figures(), reported.modality
    months, count = reported.here.months, reported.count
    is_peritoneal = modality == PERITONEAL
    mean = np.where(is_peritoneal, figures["kt_v_peritoneal"], figures["kt_v_hemodialysis"])
    spread = np.where(is_peritoneal, figures["kt_v_peritoneal_sd"], figures["kt_v_hemodialysis_sd"])
    value = np.clip(rng.normal(mean, spread), 0.5, 4.0).round(2)
    is_frequent = (modality == HOME) & (rng.random(count) > _SELDOM_SHARE)
    value = np.where(is_frequent, _FREQUENT_KTV, value)
    value = np.where(reported.happens("ktv_out_of_range"), _KTV_OUT_OF_RANGE, value)
    # Peritoneal Kt/V is measured in every third month, of a third of the patients each.
    turn = (months.month[reported.cells] + reported.patient) % _PERITONEAL_EVERY
    is_missing = reported.happens("ktv_missing") | (is_peritoneal & (turn > 0))
    value = np.where(is_missing, np.nan, value)
    is_late = reported.happens("ktv_of_another_month") & ~is_peritoneal
    dated = np.where(is_late, months.edges[months.month[reported.cells]] - 10, day)
    method = np.where(reported.happens("ktv_method_other"), 2, reported.patient % 2)
    return {
        "ktv_value": value,
        "ktv_method": METHOD.of(np.where(is_missing, -1, method)),
        "ktv_date": np.where(is_missing, NO_DAY, dated),
    }


def _access(reported: _Reported, habits: Habits) -> dict[str, Values]:
    """Return the accesses of hemodialysis: catheters at first, then fistulas and grafts."""
    figures, months, people = load_figures(), reported.here.months, reported.here.people
    chosen = np.flatnonzero(reported.modality != PERITONEAL)
    patient = reported.patient[chosen]
    vintage = (months.begin[reported.cells[chosen]] - people.start[patient]) / _MONTH_DAYS
    at_start = figures["catheter_at_start"] * np.exp(
        -np.clip(vintage, 0, None) / figures["catheter_months"]
    )
    settled = figures["catheter_settled"] * habits.catheter[months.facility[reported.cells[chosen]]]
    is_catheter = habits.access[patient] < settled + at_start
    kind = np.where(habits.is_fistula[patient], ACCESS.index("AV Fistula Only"), 0)
    kind = np.where(habits.is_fistula[patient], kind, ACCESS.index("AV Graft Only"))
    kind = np.where(is_catheter, ACCESS.index("Catheter Only"), kind)
    # Every name stands before its short name.
    kind = kind + reported.happens("access_short_code")[chosen]
    kind = np.where(reported.happens("access_missing")[chosen], -1, kind)
    return {
        **choose_rows(reported.key(), chosen),
        "access_date": reported.day()[chosen],
        "access_type": ACCESS.of(kind),
    }


def _reconcile(reported: _Reported) -> dict[str, Values]:
    """Return the reconciliations, some without the professional's kind."""
    chosen = np.flatnonzero(reported.happens("reconciliation_documented"))
    kind = np.where(reported.happens("clinician_missing"), -1, reported.patient % 6)
    return {
        **choose_rows(reported.key(), chosen),
        "reconciliation_date": reported.day()[chosen],
        "clinician_type": CLINICIAN.of(kind[chosen]),
        "clinician_name": NAME.of(reported.patient[chosen] % len(NAME.words)),
    }
