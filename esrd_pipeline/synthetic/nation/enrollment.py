"""Medicare beneficiaries of a year by month, and their nursing home stays."""

import numpy as np

from esrd_pipeline.synthetic.nation.claims import beneficiary_of
from esrd_pipeline.synthetic.nation.columns import NO_DAY, Codes, Rows, Values
from esrd_pipeline.synthetic.nation.coverage import MANAGED, NONE, Coverage
from esrd_pipeline.synthetic.nation.events import Events
from esrd_pipeline.synthetic.nation.figures import NEVER
from esrd_pipeline.synthetic.nation.months import edges_of
from esrd_pipeline.synthetic.nation.registers import Known
from esrd_pipeline.tables.medicare import MONTHS

STATUS = Codes(("00", "11", "21", "31", "10", "20"))
"""None; by age or disability with ESRD; by ESRD; by age or disability without it."""
_WITHOUT_ESRD = 3
"""Added to the code of age or disability with ESRD."""
_ONLY_ESRD = 3
BUY_IN = Codes(("0", "3"))
MANAGED_CARE = Codes(("0", "C"))
RACE = Codes(("1", "2", "4", "6", "3"))
_SENIOR = 65.0


def list_enrollment(known: Known, coverage: Coverage, year: int) -> Rows:
    """Return the beneficiaries entitled in a month of the year and alive on its first day."""
    people, given = known.people, known.identifiers
    edges = edges_of(year)
    rows = np.flatnonzero(
        (known.first_day < edges[-1])
        & (coverage.entitled < edges[-1])
        & (known.trajectories.death >= edges[0])
    )
    death = known.defects.enrollment_death[rows]
    has_died = death <= known.until
    number = people.patient_id[rows]
    facility = people.facility[rows]
    prefix = known.market.prefix
    return {
        "bene_id": beneficiary_of(people, rows),
        "mbi_num": given.mbi[rows],
        "bene_crnt_hic_num": given.hicn[rows],
        "bene_ssn_num": given.ssn[rows],
        "bene_birth_dt": people.birth[rows],
        "sex_ident_cd": Codes(("2", "1")).of(people.is_male[rows].astype(np.int8)),
        "bene_race_cd": RACE.of(people.race[rows]),
        "bene_death_dt": np.where(has_died, death, NO_DAY),
        "valid_death_dt_sw": Codes(("V",)).of(np.where(has_died & (number % 10 > 0), 0, -1)),
        "state_code": Codes((prefix,)).of(np.zeros(rows.size, dtype=np.int8)),
        "zip_cd": Codes(tuple(known.market.facilities["zip_code"])).of(facility),
        "esrd_ind": Codes(("Y", "0")).of((people.start[rows] > known.until).astype(np.int8)),
        **_list_months(known, coverage, rows, edges),
    }


def _list_months(
    known: Known, coverage: Coverage, rows: np.ndarray, edges: np.ndarray
) -> dict[str, Values]:
    people, columns = known.people, dict[str, Values]()
    is_disabled = coverage.entitled[rows] < people.start[rows]
    is_acute = known.defects.acute.begin[rows] < NEVER
    days = edges.tolist()
    for name, first, following in zip(MONTHS, days[:-1], days[1:], strict=True):
        cover = coverage.on(rows, first)
        cover = np.where(known.trajectories.death[rows] < first, NONE, cover)
        is_in = cover != NONE
        senior = people.age(first)[rows] >= _SENIOR
        status = np.where(senior, 1, np.where(is_disabled, 2, _ONLY_ESRD))
        is_before = is_acute & (people.start[rows] >= following) & (status != _ONLY_ESRD)
        status = np.where(is_before, status + _WITHOUT_ESRD, status)
        columns[f"mdcr_status_code_{name}"] = STATUS.of(np.where(is_in, status, 0))
        columns[f"mdcr_entlmt_buyin_ind_{name}"] = BUY_IN.of(is_in.astype(np.int8))
        columns[f"hmo_ind_{name}"] = MANAGED_CARE.of((cover == MANAGED).astype(np.int8))
    return columns


def list_nursing_homes(known: Known, coverage: Coverage, events: Events) -> Rows:
    """Return the nursing home stays of Medicare beneficiaries."""
    patient, begin, end = events.home_patient, events.home_begin, events.home_end
    rows = np.flatnonzero(
        known.is_in[patient] & (begin <= known.until) & (coverage.entitled[patient] <= begin)
    )
    return {
        "bene_id": beneficiary_of(known.people, patient[rows]),
        "entry_date": begin[rows],
        "discharge_date": np.where(end[rows] <= known.until, end[rows], NO_DAY),
    }
