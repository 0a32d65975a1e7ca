"""Totals of a market's year, counted from the ground truth, as input of the calibration."""

import numpy as np

from esrd_pipeline.synthetic.nation.claims import MarketYear
from esrd_pipeline.synthetic.nation.columns import Codes, Rows
from esrd_pipeline.synthetic.nation.coverage import MANAGED, NONE
from esrd_pipeline.synthetic.nation.data_defects import DataDefects
from esrd_pipeline.synthetic.nation.episodes import Episodes
from esrd_pipeline.synthetic.nation.figures import YEAR_DAYS
from esrd_pipeline.synthetic.nation.people import HOME, IN_CENTER, PERITONEAL
from esrd_pipeline.synthetic.nation.status import ACCESS, Status
from esrd_pipeline.synthetic.nation.stays import GRAFT
from esrd_pipeline.synthetic.nation.trajectories import DIALYSIS, TRANSPLANT

EARLY_DAYS = 3
FIRST_DAYS = 90
"""Days of ESRD before a patient is at risk (2.13.10)."""
READMISSION_DAYS = 30
WAITLIST_AGE = 75
ADULT_AGE = 18
FIRST_YEAR = 365


def tally_year(here: MarketYear, episodes: Episodes, defects: DataDefects, status: Status) -> Rows:
    """Return the totals of a market and year."""
    counted = {
        **_tally_people(here, defects),
        **_tally_days(here),
        **_tally_stays(here),
        **_tally_status(here, status),
        **_tally_first_year(here),
        "transfusions": float(episodes.transfused_stay.size + episodes.transfusion_day.size),
        "emergency_visits": float(episodes.emergency_day.size),
    }
    names = Codes(tuple(counted))
    count = len(counted)
    return {
        "market": np.full(count, here.market.number),
        "year": np.full(count, here.year),
        "quantity": names.of(np.arange(count)),
        "value": np.array(list(counted.values()), dtype=np.float64),
    }


def _tally_people(here: MarketYear, defects: DataDefects) -> dict[str, float]:
    trajectories, people, months = here.trajectories, here.people, here.months
    first, last = months.first_day, months.last_day
    final = np.full(len(people), -1)
    final[trajectories.patient] = np.arange(trajectories.patient.size)
    died = np.flatnonzero((trajectories.death >= first) & (trajectories.death <= last))
    on_dialysis = trajectories.state[final[died]] == DIALYSIS
    at_risk = trajectories.death[died] >= people.start[died] + FIRST_DAYS
    treated = np.unique(months.patient)
    home = here.events.home_patient[
        (here.events.home_begin <= last) & (here.events.home_end >= first)
    ]
    grafted = (
        (trajectories.state == TRANSPLANT)
        & (trajectories.begin >= first)
        & (trajectories.begin <= last)
    )
    return {
        "patients": float(treated.size),
        "incident": float(((people.start >= first) & (people.start <= last)).sum()),
        "deaths": float((on_dialysis & at_risk).sum()),
        "deaths_on_dialysis": float(on_dialysis.sum()),
        "deaths_after_hospice": float((on_dialysis & (defects.hospice_days[died] > 0)).sum()),
        "transplants": float(grafted.sum()),
        "nursing_home_patients": float(np.isin(treated, home).sum()),
    }


def _tally_days(here: MarketYear) -> dict[str, float]:
    months, people = here.months, here.people
    begin = np.maximum(months.begin, people.start[months.patient] + FIRST_DAYS)
    days = np.clip(months.end - begin + 1, 0, None)
    covered = months.cover != NONE
    opens = months.begin == months.edges[months.month]
    age = people.age(months.first_day + 182)[months.patient]
    waits = opens & (age < WAITLIST_AGE)
    listed = people.listed[months.patient] <= months.begin
    listed &= people.removed[months.patient] > months.begin
    return {
        "years_at_risk": float(days.sum() / YEAR_DAYS),
        "covered_years_at_risk": float(days[covered].sum() / YEAR_DAYS),
        "years": float(months.days.sum() / YEAR_DAYS),
        "months": float(opens.sum()),
        "peritoneal_months": float((opens & (months.modality == PERITONEAL)).sum()),
        "home_hemodialysis_months": float((opens & (months.modality == HOME)).sum()),
        "covered_months": float((opens & covered).sum()),
        "managed_months": float((opens & (months.cover == MANAGED)).sum()),
        "waitlist_months": float(waits.sum()),
        "waitlisted_months": float((waits & listed).sum()),
    }


def _tally_stays(here: MarketYear) -> dict[str, float]:
    stays, months, people = here.stays, here.months, here.people
    start = people.start[stays.patient] + FIRST_DAYS
    cover = here.coverage.on(stays.patient, stays.admit)
    usual = (stays.kind != GRAFT) & (stays.admit >= start) & (cover != NONE)
    admitted = usual & (stays.admit >= months.first_day) & (stays.admit <= months.last_day)
    ends = usual & (stays.discharge >= months.first_day) & (stays.discharge <= months.last_day)
    index = np.flatnonzero(ends & ~stays.is_death)
    following = np.minimum(index + 1, stays.patient.size - 1)
    gap = stays.admit[following] - stays.discharge[index]
    same = (stays.patient[following] == stays.patient[index]) & (following > index)
    # 2.10.8: a discharge followed by a stay within three days is not an index discharge.
    is_index = ~(same & (gap <= EARLY_DAYS))
    index, gap, same, following = (rows[is_index] for rows in (index, gap, same, following))
    again = same & (gap <= READMISSION_DAYS) & (stays.kind[following] != GRAFT)
    return {
        "admissions": float(admitted.sum()),
        "index_discharges": float(index.size),
        "readmissions": float(again.sum()),
        "deaths_in_hospital": float((ends & stays.is_death).sum()),
    }


def _tally_status(here: MarketYear, status: Status) -> dict[str, float]:
    """Count whole months of adults on hemodialysis, and those with a fistula or a catheter."""
    months = here.months
    whole = months.begin == months.edges[months.month]
    whole &= months.end == months.edges[months.month + 1] - 1
    age = here.people.age(months.first_day)[months.patient]
    whole &= (months.modality != PERITONEAL) & (age >= ADULT_AGE)
    return {
        "hemodialysis_months": float(whole.sum()),
        "fistula_months": float((whole & (status.access == ACCESS.index("AV Fistula Only"))).sum()),
        "catheter_months": float((whole & (status.access == ACCESS.index("Catheter Only"))).sum()),
    }


def _tally_first_year(here: MarketYear) -> dict[str, float]:
    """Count the first years on dialysis that began in the year, as known at its end.

    Counts listings of patients under 75 who were not listed before, and switches of in-center
    patients to home dialysis of any length.
    """
    people, trajectories, months = here.people, here.trajectories, here.months
    new = (people.start >= months.first_day - FIRST_YEAR) & (people.start <= months.last_day)
    new &= ~people.is_preemptive
    young = new & (people.age(people.start) < WAITLIST_AGE) & (people.listed >= people.start)
    inside = (people.listed >= months.first_day) & (people.listed <= months.last_day)
    soon = people.listed < people.start + FIRST_YEAR
    begins = np.maximum(people.start, months.first_day)
    ends = np.minimum(
        np.minimum(people.start + FIRST_YEAR, months.last_day + 1), trajectories.death
    )
    waits = np.clip(np.minimum(ends, people.listed) - begins, 0, None)
    centered = new & (people.modality == IN_CENTER)
    at_home = np.flatnonzero(
        (trajectories.state == DIALYSIS)
        & (trajectories.modality != IN_CENTER)
        & (trajectories.begin >= months.first_day)
        & (trajectories.begin <= months.last_day)
    )
    switched = np.unique(
        trajectories.patient[at_home][
            trajectories.begin[at_home] < people.start[trajectories.patient[at_home]] + FIRST_YEAR
        ]
    )
    treated = np.clip(ends - begins, 0, None)
    return {
        "first_listings": float((young & inside & soon).sum()),
        "first_listing_years": float(waits[young].sum() / YEAR_DAYS),
        "home_switches": float(centered[switched].sum()),
        "home_switch_years": float(treated[centered].sum() / YEAR_DAYS),
    }
