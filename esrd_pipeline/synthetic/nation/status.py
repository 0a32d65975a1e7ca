"""The true status of each patient's month: Kt/V, calcium, access, reconciliation, sessions."""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.claims import MarketYear
from esrd_pipeline.synthetic.nation.columns import NO_DAY, Codes, Rows
from esrd_pipeline.synthetic.nation.figures import YEAR_DAYS, load_conditions, load_figures
from esrd_pipeline.synthetic.nation.people import MODALITIES, PERITONEAL, People, is_frequent
from esrd_pipeline.tables.clinical import ACCESS_TYPES
from esrd_pipeline.tables.model import Column, Table

FREQUENT_KTV = 8.88
ACCESS = Codes(ACCESS_TYPES)
_MONTH_DAYS = YEAR_DAYS / 12
_PERITONEAL_EVERY = 3
"""Months between measurements of peritoneal Kt/V."""

MONTH = Table(
    name="truth.month",
    grain="one month of one person at one facility on one modality",
    source="generator",
    key=("patient_id", "start_date"),
    columns=(
        Column("patient_id", "integer", "EQRS patient", required=True),
        Column("facilityid", "integer", "EQRS facility", required=True),
        Column("start_date", "date", "First day of the month there", required=True),
        Column("end_date", "date", "Last day of the month there", required=True),
        Column("modality", "text", "Modality", required=True),
        Column("ktv", "number", "Kt/V; 8.88 frequent dialysis; none where none was measured"),
        Column("ktv_date", "date", "Day of the measurement"),
        Column("calcium", "number", "Uncorrected calcium; none where none was measured"),
        Column("access", "text", "Vascular access; none on peritoneal dialysis"),
        Column("is_reconciled", "boolean", "Medications were reconciled", required=True),
    ),
)


@dataclass(frozen=True, slots=True)
class Habits:
    """Permanent properties of patients over all years.

    Attributes:
        access: (patients,) uniform: the order in which patients stop using catheters.
        fistula: (patients,) uniform: the order in which they have fistulas instead of grafts.
        calcium: (patients,) mean calcium, mg/dL.
    """

    access: np.ndarray
    fistula: np.ndarray
    calcium: np.ndarray


@dataclass(frozen=True, slots=True)
class Status:
    """The true status of each cell of a year; shapes are (cells,).

    Attributes:
        ktv: NaN if not measured, 8.88 for frequent dialysis.
        ktv_day: day of the measurement; NO_DAY without one.
        calcium: mg/dL, NaN if not measured.
        access: index in ACCESS_TYPES, -1 on peritoneal dialysis.
        is_reconciled: whether medications were reconciled.
    """

    ktv: np.ndarray
    ktv_day: np.ndarray
    calcium: np.ndarray
    access: np.ndarray
    is_reconciled: np.ndarray


def draw_habits(people: People, rng: np.random.Generator) -> Habits:
    """Draw the permanent properties of a market's patients."""
    figures = load_figures()
    return Habits(
        access=rng.random(len(people)),
        fistula=rng.random(len(people)),
        calcium=rng.normal(figures["calcium_mean"], figures["calcium_patient_sd"], len(people)),
    )


def draw_status(here: MarketYear, habits: Habits, rng: np.random.Generator) -> Status:
    """Draw the status of every cell of a market's year."""
    figures, months = load_figures(), here.months
    count = months.patient.size
    calcium = habits.calcium[months.patient] + rng.normal(0, figures["calcium_month_sd"], count)
    is_missing = rng.random(count) < figures["calcium_missing"]
    ktv = _draw_ktv(here, rng)
    day = months.begin + (rng.random(count) * months.days).astype(np.int64)
    return Status(
        ktv=ktv,
        ktv_day=np.where(np.isnan(ktv), NO_DAY, day),
        calcium=np.where(is_missing, np.nan, calcium.round(1)),
        access=_choose_access(here, habits),
        is_reconciled=rng.random(count) < figures["reconciliation_documented"],
    )


def list_months(here: MarketYear, status: Status) -> Rows:
    """Return the rows of the ground truth table `months`."""
    months = here.months
    return {
        "patient_id": here.people.patient_id[months.patient],
        "facilityid": here.market.numbers("facilityid")[months.facility],
        "start_date": months.begin,
        "end_date": months.end,
        "modality": MODALITIES.of(months.modality),
        "ktv": status.ktv,
        "ktv_date": status.ktv_day,
        "calcium": status.calcium,
        "access": ACCESS.of(status.access),
        "is_reconciled": status.is_reconciled,
    }


def _draw_ktv(here: MarketYear, rng: np.random.Generator) -> np.ndarray:
    figures, months = load_figures(), here.months
    count = months.patient.size
    is_peritoneal = months.modality == PERITONEAL
    mean = np.where(is_peritoneal, figures["kt_v_peritoneal"], figures["kt_v_hemodialysis"])
    spread = np.where(is_peritoneal, figures["kt_v_peritoneal_sd"], figures["kt_v_hemodialysis_sd"])
    # The effect is on the log odds of the target; this converts it to Kt/V.
    unit = np.where(
        is_peritoneal, figures["kt_v_peritoneal_unit"], figures["kt_v_hemodialysis_unit"]
    )
    mean = mean + unit * here.market.numbers("adequacy")[months.facility]
    value = np.clip(rng.normal(mean, spread), 0.5, 4.0).round(2)
    often = is_frequent(here.people, months.patient, months.modality)
    value = np.where(often, FREQUENT_KTV, value)
    # Peritoneal Kt/V is measured every third month, in a third of the patients each month.
    turn = (months.month + here.people.patient_id[months.patient]) % _PERITONEAL_EVERY
    is_missing = (rng.random(count) < figures["ktv_missing"]) | (is_peritoneal & (turn > 0))
    return np.where(is_missing, np.nan, value)


def _choose_access(here: MarketYear, habits: Habits) -> np.ndarray:
    """Choose the accesses of hemodialysis: catheters at first, then fistulas and grafts.

    Catheter use is independent of fistula or graft: among patients without a catheter, the share
    with a fistula gives the true overall share once the share of catheters is stable.
    """
    figures, months, people = load_figures(), here.months, here.people
    vintage = (months.begin - people.start[months.patient]) / _MONTH_DAYS
    at_start = figures["catheter_at_start"] * np.exp(
        -np.clip(vintage, 0, None) / figures["catheter_months"]
    )
    catheters = figures["catheter_settled"] * np.exp(here.market.numbers("catheter"))
    settled = catheters[months.facility]
    share = _share_fistulas(here)[months.patient] + here.market.numbers("fistula")[months.facility]
    is_fistula = habits.fistula[months.patient] < _of_odds(share) / (1 - settled)
    access = np.where(is_fistula, ACCESS.index("AV Fistula Only"), ACCESS.index("AV Graft Only"))
    is_catheter = habits.access[months.patient] < settled + at_start
    access = np.where(is_catheter, ACCESS.index("Catheter Only"), access)
    return np.where(months.modality == PERITONEAL, -1, access)


def _share_fistulas(here: MarketYear) -> np.ndarray:
    """Return each patient's true log odds of a fistula, once the share of catheters is stable."""
    figures, people = load_figures(), here.people
    decades = (people.age(here.months.first_day) - 65) / 10
    names = [condition.name for condition in load_conditions()]
    vessels = people.onset[:, names.index("peripheral_vascular_disease")] < here.months.first_day
    return (
        np.log(figures["fistula_share"] / (1 - figures["fistula_share"]))
        + figures["fistula_age_decade"] * decades
        + figures["fistula_female"] * ~people.is_male
        + figures["fistula_diabetes_cause"] * people.is_diabetes_cause
        + figures["fistula_vascular_disease"] * vessels
    )


def _of_odds(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))
