"""Coverage of a market's patients: Medicare, a group health plan as primary payer, or MA."""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.figures import NEVER, YEAR_DAYS, load_figures
from esrd_pipeline.synthetic.nation.people import IN_CENTER, People

NONE, PRIMARY, SECONDARY, MANAGED = range(4)
WAITING_MONTHS = 3
"""In-center hemodialysis gives entitlement from the third month after its start (42 CFR 406.13)."""
_SENIOR_DAYS = 65 * YEAR_DAYS


@dataclass(frozen=True, slots=True)
class Coverage:
    """First days of entitlement, of Medicare paying first, and of Medicare Advantage."""

    entitled: np.ndarray
    primary: np.ndarray
    managed: np.ndarray

    def on(self, patient: np.ndarray, day: np.ndarray | int) -> np.ndarray:
        """Return each patient's Medicare coverage on a day."""
        status = np.where(day >= self.primary[patient], PRIMARY, SECONDARY)
        status = np.where(day >= self.managed[patient], MANAGED, status)
        return np.where(day >= self.entitled[patient], status, NONE).astype(np.int8)


def draw_coverage(people: People, rng: np.random.Generator) -> Coverage:
    """Draw each patient's Medicare coverage over the years."""
    figures = load_figures()
    count, luck = len(people), rng.random((4, len(people)))
    senior = month_of(people.birth + _SENIOR_DAYS)
    is_young = people.age(people.start) < 65  # noqa: PLR2004 - Medicare's age
    is_disabled = is_young & (luck[0] < figures["disabled_share"])
    waits = np.where(people.modality == IN_CENTER, WAITING_MONTHS, 0)
    by_esrd = add_months(month_of(people.start), waits)
    entitled = np.minimum(by_esrd, senior)
    entitled = np.where(is_disabled, np.minimum(entitled, people.start - 900), entitled)
    entitled = np.where(luck[1] < figures["medicare_never"], NEVER, month_of(entitled))
    months = int(figures["coordination_months"])
    has_plan = is_young & ~is_disabled & (luck[2] < figures["group_health_plan"])
    primary = np.where(has_plan, add_months(month_of(by_esrd), months), entitled)
    managed = np.full(count, NEVER, dtype=np.int64)
    for year in range(int(figures["first_incidence_year"]), int(figures["last_year"]) + 1):
        january = int(np.datetime64(f"{year}-01-01").astype(int))
        begins = np.maximum(np.maximum(january, entitled), primary)
        chooses = (luck[3] < managed_share(year)) & (begins < january + 365)
        managed = np.where(chooses, np.minimum(managed, begins), managed)
    return Coverage(entitled, np.maximum(primary, entitled), managed)


def managed_share(year: int) -> float:
    """Return the share of Medicare patients in MA in a year."""
    figures = load_figures()
    years = sorted(int(name[3:]) for name in figures if name.startswith("ma_2"))
    return float(np.interp(year, years, [figures[f"ma_{known}"] for known in years]))


def month_of(day: np.ndarray) -> np.ndarray:
    """Return the first day of each day's month; `NEVER` stays."""
    days = np.minimum(day, NEVER).astype(np.int64)
    is_day = days < NEVER
    first = np.where(is_day, days, 0).astype("datetime64[D]").astype("datetime64[M]")
    return np.where(is_day, first.astype("datetime64[D]").astype(np.int64), NEVER)


def add_months(first: np.ndarray, months: np.ndarray | int) -> np.ndarray:
    """Return the first day of the month `months` after the month of each first day."""
    month = first.astype("datetime64[D]").astype("datetime64[M]")
    return (month + months).astype("datetime64[D]").astype(np.int64)
