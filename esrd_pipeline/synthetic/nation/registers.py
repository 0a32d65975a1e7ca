"""EQRS as known at the end of a year: patients, identifiers, admissions, treatment, forms.

Every extract is cumulative.
"""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.acute import ENDINGS
from esrd_pipeline.synthetic.nation.columns import (
    NO_DAY,
    Coded,
    Codes,
    Rows,
    Values,
    choose,
    choose_rows,
    repeat,
    stack,
)
from esrd_pipeline.synthetic.nation.data_defects import DataDefects
from esrd_pipeline.synthetic.nation.events import Events
from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import load_death_causes
from esrd_pipeline.synthetic.nation.identifiers import KINDS, Identifiers, mistype
from esrd_pipeline.synthetic.nation.people import (
    CAUSES,
    HOME,
    IN_CENTER,
    PERITONEAL,
    People,
    is_frequent,
)
from esrd_pipeline.synthetic.nation.trajectories import (
    ADMITTED,
    CONTINUED,
    DISCHARGED,
    Trajectories,
)
from esrd_pipeline.tables.eqrs import DISCHARGE_REASONS

ADMIT = Codes((*ADMITTED, "Acute"))
TRAVEL_DAYS, LATE_DAYS = 9, 12
DISCHARGE = Codes((*DISCHARGED, *(name for name in DISCHARGE_REASONS if name not in DISCHARGED)))
TYPE = Codes(("Hemodialysis", "CCPD", "CAPD"))
SETTING = Codes(("Dialysis Facility/Center", "Home", "SNF/Long Term Care Facility"))
RACES = Codes(
    (
        "White",
        "Black or African American",
        "Asian",
        "American Indian or Alaska Native",
        "Native Hawaiian or Other Pacific Islander",
    )
)
_MBI_BEGAN = int(np.datetime64("2018-04-01").astype(int))
_MBI_REPLACED = int(np.datetime64("2021-06-15").astype(int))


@dataclass(frozen=True, slots=True)
class Known:
    """A market's people in the registers, and the days between which events are known.

    Patients who died before `since` are not in the registers; events after `until`, the last day
    of the year, are not yet known.
    """

    market: Market
    people: People
    trajectories: Trajectories
    events: Events
    identifiers: Identifiers
    defects: DataDefects
    since: int
    until: int

    @property
    def is_in(self) -> np.ndarray:
        """Return which patients with ESRD are in the registers."""
        return (self.people.start <= self.until) & (self.trajectories.death >= self.since)

    @property
    def is_in_eqrs(self) -> np.ndarray:
        """Return which patients EQRS knows: also those with acute kidney injury before ESRD."""
        return (self.first_day <= self.until) & (self.trajectories.death >= self.since)

    @property
    def first_day(self) -> np.ndarray:
        """Return each patient's first day of dialysis, acute or not, or of ESRD."""
        return np.minimum(self.people.start, self.defects.acute.begin)

    def facilityid(self, facility: np.ndarray) -> np.ndarray:
        """Return EQRS facility identifiers."""
        return self.market.numbers("facilityid")[facility]

    def until_known(self, day: np.ndarray) -> np.ndarray:
        """Return days, with unknown later ones as missing."""
        return np.where(day <= self.until, day, NO_DAY)


def list_patients(known: Known) -> Rows:
    """Return the patient repository. The cause is that of ESRD, unknown before it."""
    people, given = known.people, known.identifiers
    rows = np.flatnonzero(known.is_in_eqrs)
    cause = np.where(people.start[rows] <= known.until, people.cause[rows], -1)
    typo = given.typo[rows]
    death = known.until_known(known.defects.eqrs_death[rows])
    wrong_birth = np.where(typo == KINDS.index("date_of_birth"), 1, 0)
    return {
        "patient_id": people.patient_id[rows],
        "mbi": mistype(
            np.where(given.is_replaced, given.earlier_mbi, given.mbi)[rows],
            typo == KINDS.index("mbi"),
        ),
        "hicn": given.hicn[rows],
        "ssn": mistype(given.ssn[rows], typo == KINDS.index("ssn")),
        "first_name": choose(given.first_name, rows),
        "last_name": choose(given.last_name, rows),
        "date_of_birth": people.birth[rows] + wrong_birth,
        "sex": Codes(("F", "M")).of(people.is_male[rows].astype(np.int8)),
        "race": RACES.of(people.race[rows]),
        "is_hispanic": people.is_hispanic[rows],
        "primary_cause": Codes(CAUSES).of(cause),
        "date_of_death": death,
        "state": Codes(tuple(known.market.facilities["state"])).of(people.facility[rows]),
        "zip_code": Codes(tuple(known.market.facilities["zip_code"])).of(people.facility[rows]),
    }


def list_identifiers(known: Known) -> Rows:
    """Return the history of MBIs and HICNs: first a HICN, since 2018 an MBI, some replaced."""
    given = known.identifiers
    rows = np.flatnonzero(known.is_in_eqrs)
    first_day = known.first_day.astype(np.int64)
    start = first_day[rows]
    older = rows[start < _MBI_BEGAN]
    replaced = rows[given.is_replaced[rows] & (start < _MBI_REPLACED)]
    first_mbi = np.where(given.is_replaced, given.earlier_mbi, given.mbi)
    parts = [
        _assign(known, older, first_day[older], mbi=None),
        _assign(known, rows, np.maximum(start, _MBI_BEGAN), mbi=first_mbi[rows]),
        _assign(known, replaced, np.full(replaced.size, _MBI_REPLACED), mbi=given.mbi[replaced]),
    ]
    together = stack(parts)
    return choose_rows(together, _days(together["effective_date"]) <= known.until)


def _days(values: Values) -> np.ndarray:
    if not isinstance(values, np.ndarray):
        raise TypeError("days are not texts")
    return values


def _assign(known: Known, rows: np.ndarray, day: np.ndarray, *, mbi: np.ndarray | None) -> Rows:
    return {
        "patient_id": known.people.patient_id[rows],
        "effective_date": day.astype(np.int32),
        "identifier_number": np.ones(rows.size, dtype=np.int64),
        "mbi": np.full(rows.size, "", dtype="U11") if mbi is None else mbi,
        "hicn": known.identifiers.hicn[rows],
    }


def list_admissions(known: Known) -> Rows:
    """Return admissions and discharges; consecutive modalities at a facility are one admission."""
    trajectories = known.trajectories
    rows = trajectories.on_dialysis
    first = np.flatnonzero(trajectories.admitted[rows] != CONTINUED)
    last = np.append(first[1:], rows.size) - 1
    first, last = rows[first], rows[last]
    kept = known.is_in[trajectories.patient[first]] & (trajectories.begin[first] <= known.until)
    first, last = first[kept], last[kept]
    reason = trajectories.discharged[last]
    # The discharge is on the day of a transplant; otherwise on the last day of treatment.
    day = trajectories.end[last] - np.where(reason == DISCHARGED["Transplant"], 0, 1)
    is_known = (day <= known.until) & (reason != CONTINUED)
    regular = {
        "patient_id": known.people.patient_id[trajectories.patient[first]],
        "facilityid": known.facilityid(trajectories.facility[first]),
        "admit_date": trajectories.begin[first],
        "admit_reason": ADMIT.of(trajectories.admitted[first]),
        "discharge_date": np.where(is_known, day, NO_DAY),
        "discharge_reason": DISCHARGE.of(np.where(is_known, reason, -1)),
    }
    return stack([_discharge_late(known, regular), _list_acute(known), list_travel(known)])


def is_discharged_late(known: Known, patient_id: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return the transfers that the first facility reports late: two in a hundred."""
    return ((patient_id * 31 + day) % 50 == 0) & (day + LATE_DAYS <= known.until)


def _discharge_late(known: Known, rows: dict[str, Values]) -> Rows:
    """Date some discharges after the next admission."""
    day, reason = _days(rows["discharge_date"]), rows["discharge_reason"]
    if not isinstance(reason, Coded):
        raise TypeError("reasons are codes")
    late = (reason.codes == DISCHARGED["Transfer Out"]) & is_discharged_late(
        known, _days(rows["patient_id"]), day
    )
    return {**rows, "discharge_date": day + np.where(late, LATE_DAYS, 0)}


def list_travel(known: Known) -> Rows:
    """Return short admissions at other facilities of patients who stay with their own."""
    people, trajectories, day = known.people, known.trajectories, known.defects.travel_day
    rows = trajectories.on_dialysis
    rows = rows[np.unique(trajectories.patient[rows], return_index=True)[1]]
    patient = trajectories.patient[rows]
    admit = people.start[patient] + day[patient]
    at_home = (
        (day[patient] > 0)
        & (admit > trajectories.begin[rows])
        & (admit + TRAVEL_DAYS < trajectories.end[rows])
    )
    at_home &= known.is_in[patient] & (admit + TRAVEL_DAYS <= known.until)
    # A few days at another open facility of the market, if there is one.
    elsewhere = (trajectories.facility[rows] + 1) % len(known.market.facilities)
    opened, closed = known.market.numbers("opened"), known.market.numbers("closed")
    at_home &= (opened[elsewhere] <= admit) & (closed[elsewhere] > admit + TRAVEL_DAYS)
    at_home &= elsewhere != trajectories.facility[rows]
    rows, admit, elsewhere = rows[at_home], admit[at_home], elsewhere[at_home]
    return {
        "patient_id": people.patient_id[trajectories.patient[rows]],
        "facilityid": known.facilityid(elsewhere),
        "admit_date": admit,
        "admit_reason": repeat("Transient", rows.size),
        "discharge_date": admit + TRAVEL_DAYS,
        "discharge_reason": repeat("Other", rows.size),
    }


def find_acute(known: Known) -> np.ndarray:
    """Return the patients known to have been treated for acute kidney injury."""
    return np.flatnonzero(known.is_in_eqrs & (known.defects.acute.begin <= known.until))


def _list_acute(known: Known) -> Rows:
    """Return admissions for acute kidney injury; they are open until the treatment has ended."""
    people, acute, rows = known.people, known.defects.acute, find_acute(known)
    has_ended = acute.end[rows] <= known.until
    # Where ESRD follows, the facility ends the acute admission and admits the patient anew.
    words = tuple("Acute" if ending == "ESRD" else ending for ending in ENDINGS)
    reason = np.array([DISCHARGE.index(word) for word in words])[acute.ending[rows]]
    return {
        "patient_id": people.patient_id[rows],
        "facilityid": known.facilityid(people.facility[rows]),
        "admit_date": acute.begin[rows],
        "admit_reason": repeat("Acute", rows.size),
        "discharge_date": np.where(has_ended, acute.end[rows], NO_DAY),
        "discharge_reason": DISCHARGE.of(np.where(has_ended, reason, -1)),
    }


def list_treatments(known: Known) -> Rows:
    """Return one prescription per spell of one modality, and per acute kidney injury."""
    return stack([_prescribe(known), _prescribe_acute(known)])


def _prescribe_acute(known: Known) -> Rows:
    people, rows = known.people, find_acute(known)
    return {
        "patient_id": people.patient_id[rows],
        "facilityid": known.facilityid(people.facility[rows]),
        "start_date": known.defects.acute.begin[rows],
        "treatment_type": repeat("Hemodialysis", rows.size),
        "setting": repeat("Dialysis Facility/Center", rows.size),
        "sessions_per_week": np.full(rows.size, 3.0),
        "minutes_per_session": _prescribe_minutes(people, rows),
    }


def _prescribe_minutes(people: People, patient: np.ndarray) -> np.ndarray:
    return 180 + 15.0 * (people.patient_id[patient] % 5)


def _prescribe(known: Known) -> Rows:
    trajectories, people = known.trajectories, known.people
    rows = trajectories.on_dialysis
    rows = rows[known.is_in[trajectories.patient[rows]] & (trajectories.begin[rows] <= known.until)]
    modality, patient = trajectories.modality[rows], trajectories.patient[rows]
    is_peritoneal = modality == PERITONEAL
    is_cycler = people.patient_id[patient] % 5 > 0
    sessions = np.where(is_frequent(people, patient, modality), 5.0, 3.0)
    minutes = _prescribe_minutes(people, patient)
    setting = np.where(modality == IN_CENTER, 0, 1)
    in_nursing_home = (modality == HOME) & known.events.is_in_home(
        patient, trajectories.begin[rows]
    )
    return {
        "patient_id": people.patient_id[patient],
        "facilityid": known.facilityid(trajectories.facility[rows]),
        "start_date": trajectories.begin[rows],
        "treatment_type": TYPE.of(np.where(is_peritoneal, np.where(is_cycler, 1, 2), 0)),
        "setting": SETTING.of(np.where(in_nursing_home, 2, setting)),
        "sessions_per_week": np.where(is_peritoneal, np.nan, sessions),
        "minutes_per_session": np.where(is_peritoneal, np.nan, minutes),
    }


def list_death_forms(known: Known) -> Rows:
    """Return the death notifications."""
    trajectories, people, defects = known.trajectories, known.people, known.defects
    death = defects.form_death
    rows = np.flatnonzero(known.is_in & (death <= known.until) & defects.has_death_form)
    last = _last_spells(trajectories, len(people))[rows]
    has_spell = last >= 0
    last = np.maximum(last, 0)
    withdrawn = trajectories.is_withdrawn[rows]
    treated = np.minimum(trajectories.end[last] - 1, death[rows])
    modality = np.where(has_spell, (trajectories.modality[last] == PERITONEAL).astype(int), -1)
    is_hospice = defects.hospice_days[rows] > 0
    return {
        "patient_id": people.patient_id[rows],
        "facilityid": known.facilityid(trajectories.facility[last]),
        "death_date": death[rows],
        "last_dialysis_date": np.where(has_spell, treated, NO_DAY),
        "treatment_type": Codes(("Hemodialysis", "CCPD")).of(modality),
        "primary_cause": load_death_causes()[0].of(defects.death_cause[rows]),
        "is_discontinued": withdrawn,
        "is_hospice": is_hospice,
    }


def _last_spells(trajectories: Trajectories, count: int) -> np.ndarray:
    """Return each patient's last dialysis spell, or -1."""
    last = np.full(count, -1)
    rows = trajectories.on_dialysis
    last[trajectories.patient[rows]] = rows
    return last
