"""Facilities' monthly reports to EQRS: laboratory values, vascular access, medications.

One record per patient, facility, modality and month, with the month's true status or with a data
defect that this module adds and labels.
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
from esrd_pipeline.synthetic.nation.figures import YEAR_DAYS, load_figures
from esrd_pipeline.synthetic.nation.labels import label
from esrd_pipeline.synthetic.nation.people import IN_CENTER, PERITONEAL
from esrd_pipeline.synthetic.nation.status import ACCESS, Status
from esrd_pipeline.tables.clinical import CLINICIANS

METHOD = Codes(("UKM", "Daugirdas II", "Other"))
UNIT = Codes(("kg", "lb"))
CLINICIAN = Codes(CLINICIANS)
NAME = Codes(tuple(f"Professional {number}" for number in range(1, 9)))
_ADULT_AGE = 18
_KTV_OUT_OF_RANGE, _CALCIUM_OUT_OF_RANGE = 12.0, 92.0
_OTHER_METHOD = 2
_SUPERSEDED_KTV = 0.9
_LATE_DAYS = 10
_SESSIONS_A_WEEK = 3
_SECOND = 10
"""Added to the number of a resubmitted record."""


@dataclass(frozen=True, slots=True)
class _Reported:
    """Cells of the year with a record, their status, and the labels of their data defects."""

    here: MarketYear
    status: Status
    cells: np.ndarray
    number: np.ndarray
    rng: np.random.Generator
    labels: list[Rows]

    @property
    def count(self) -> int:
        return self.cells.size

    @property
    def patient(self) -> np.ndarray:
        return self.here.months.patient[self.cells]

    @property
    def modality(self) -> np.ndarray:
        return self.here.months.modality[self.cells]

    @property
    def month(self) -> np.ndarray:
        """First day of each record's month."""
        return self.here.months.edges[self.here.months.month[self.cells]]

    def key(self) -> dict[str, np.ndarray]:
        """Return the key of each record: patient, facility and month."""
        months = self.here.months
        return {
            "patient_id": self.here.people.patient_id[self.patient],
            "facilityid": self.here.market.numbers("facilityid")[months.facility[self.cells]],
            "month": self.month,
            "record_number": self.number,
        }

    def day(self) -> np.ndarray:
        """Draw a day on which the patient was treated."""
        months = self.here.months
        begin, end = months.begin[self.cells], months.end[self.cells]
        return begin + (self.rng.random(self.count) * (end - begin + 1)).astype(np.int64)

    def happens(self, figure: str) -> np.ndarray:
        """Draw which records are affected, with the probability of a figure."""
        return self.rng.random(self.count) < load_figures()[figure]

    def add_defect(self, kind: str, figure: str, among: np.ndarray) -> np.ndarray:
        """Draw which of these records have a data defect, and label them."""
        struck = self.happens(figure) & among
        self.mark(kind, np.flatnonzero(struck))
        return struck

    def mark(self, kind: str, records: np.ndarray) -> None:
        """Label the data defect of records."""
        key = self.key()
        self.labels.append(
            label(
                kind,
                patient=key["patient_id"][records],
                facility=key["facilityid"][records],
                day=key["month"][records],
            )
        )


def report_months(here: MarketYear, status: Status, rng: np.random.Generator) -> dict[str, Rows]:
    """Return the year's clinical records, accesses and reconciliations, with defect labels."""
    is_missing = rng.random(here.months.patient.size) < load_figures()["record_missing"]
    missing, cells = np.flatnonzero(is_missing), np.flatnonzero(~is_missing)
    labels: list[Rows] = []
    absent = _Reported(here, status, missing, np.ones(missing.size), rng, labels)
    absent.mark("no clinical record of a month", np.arange(missing.size))
    reported = _Reported(here, status, cells, _number_records(here, cells), rng, labels)
    return {
        "eqrs_clinical_month": _measure(reported),
        "eqrs_vascular_access": _access(reported),
        "eqrs_medication_reconciliation": _reconcile(reported),
        "data_defects": stack(labels),
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


def _measure(reported: _Reported) -> dict[str, Values]:
    """Return the records; some are submitted twice, and the second one is correct."""
    rng, people, count = reported.rng, reported.here.people, reported.count
    patient, day = reported.patient, reported.day()
    is_center = reported.modality == IN_CENTER
    calcium = reported.status.calcium[reported.cells]
    strange = reported.add_defect(
        "calcium out of range", "calcium_out_of_range", ~np.isnan(calcium)
    )
    calcium = np.where(strange, _CALCIUM_OUT_OF_RANGE, calcium)
    age = (reported.month - people.birth[patient]) / YEAR_DAYS
    has_npcr = (age < _ADULT_AGE) & is_center & reported.happens("npcr_documented")
    in_parts = has_npcr & (people.patient_id[patient] % 2 == 0)
    npcr = np.where(has_npcr & ~in_parts, rng.normal(1.1, 0.2, count).round(2), np.nan)
    weight = people.weight[patient].round(1)
    days = reported.here.months.days[reported.cells]
    delivered = days * _SESSIONS_A_WEEK / 7 * rng.uniform(0.9, 1, count)
    rows: dict[str, Values] = {
        **reported.key(),
        **_report_ktv(reported),
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
    """Submit some records again; the first submission has another Kt/V of the same day."""
    ktv = np.array(rows["ktv_value"])
    again = np.flatnonzero(reported.add_defect("record sent twice", "record_twice", ~np.isnan(ktv)))
    second = choose_rows(rows, again)
    second["record_number"] = reported.number[again] + _SECOND
    ktv[again] = _SUPERSEDED_KTV
    return stack([{**rows, "ktv_value": ktv}, second])


def _report_ktv(reported: _Reported) -> dict[str, Values]:
    """Report Kt/V, its method and day: some out of range, of another month or another method."""
    value, day = reported.status.ktv[reported.cells], reported.status.ktv_day[reported.cells]
    is_measured, is_hemodialysis = ~np.isnan(value), reported.modality != PERITONEAL
    strange = reported.add_defect("Kt/V out of range", "ktv_out_of_range", is_measured)
    late = reported.add_defect(
        "Kt/V of another month", "ktv_of_another_month", is_measured & is_hemodialysis
    )
    other = reported.add_defect(
        "Kt/V by another method", "ktv_method_other", is_measured & is_hemodialysis
    )
    method = np.where(other, _OTHER_METHOD, reported.patient % 2)
    return {
        "ktv_value": np.where(strange, _KTV_OUT_OF_RANGE, value),
        "ktv_method": METHOD.of(np.where(is_measured, method, -1)),
        "ktv_date": np.where(late, reported.month - _LATE_DAYS, day),
    }


def _access(reported: _Reported) -> dict[str, Values]:
    """Return the accesses of hemodialysis, some with short names, some without a type."""
    is_hemodialysis = reported.modality != PERITONEAL
    chosen = np.flatnonzero(is_hemodialysis)
    # Each name precedes its short name.
    kind = reported.status.access[reported.cells] + reported.happens("access_short_code")
    missing = reported.add_defect("no access type", "access_missing", is_hemodialysis)
    return {
        **choose_rows(reported.key(), chosen),
        "access_date": reported.day()[chosen],
        "access_type": ACCESS.of(np.where(missing, -1, kind)[chosen]),
    }


def _reconcile(reported: _Reported) -> dict[str, Values]:
    """Return the reconciliations, some without the kind of clinician."""
    is_reconciled = reported.status.is_reconciled[reported.cells]
    chosen = np.flatnonzero(is_reconciled)
    nameless = reported.add_defect("no kind of clinician", "clinician_missing", is_reconciled)
    kind = np.where(nameless, -1, reported.patient % 6)
    return {
        **choose_rows(reported.key(), chosen),
        "reconciliation_date": reported.day()[chosen],
        "clinician_type": CLINICIAN.of(kind[chosen]),
        "clinician_name": NAME.of(reported.patient[chosen] % len(NAME.words)),
    }
