"""The Medical Evidence Form, CMS-2728: one at the start and one after a failed transplant."""

import numpy as np

from esrd_pipeline.synthetic.nation.columns import NO_DAY, NO_NUMBER, Codes, Rows, Values, stack
from esrd_pipeline.synthetic.nation.figures import load_conditions
from esrd_pipeline.synthetic.nation.people import CAUSES, HOME, IN_CENTER, PERITONEAL
from esrd_pipeline.synthetic.nation.registers import SETTING, TYPE, Known
from esrd_pipeline.synthetic.nation.trajectories import ADMITTED
from esrd_pipeline.tables.eqrs import COMORBIDITIES

ACCESS = Codes(("fistula", "graft", "catheter"))
CARE = Codes(("yes", "no", "unknown"))
_DIABETES_BOXES = (
    "diabetes_on_insulin",
    "diabetes_on_oral_medications",
    "diabetes_without_medications",
)
_RETINOPATHY_IN = 8


def list_forms(known: Known) -> Rows:
    """Return the Medical Evidence Forms signed by the end of the year."""
    people, defects = known.people, known.defects
    delay = 10 + people.patient_id % 36
    signed = people.start + delay
    first = np.flatnonzero(known.is_in & defects.has_form & (signed <= known.until))
    trajectories = known.trajectories
    failed = np.flatnonzero(trajectories.admitted == ADMITTED["Dialysis After Transplant Failed"])
    failed = failed[np.unique(trajectories.patient[failed], return_index=True)[1]]
    patient = trajectories.patient[failed]
    failed = failed[
        known.is_in[patient]
        & defects.has_form[patient]
        & (trajectories.begin[failed] + delay[patient] <= known.until)
    ]
    return stack(
        [
            _write(known, first, people.facility[first], people.modality[first], returned=None),
            _write(
                known,
                trajectories.patient[failed],
                trajectories.facility[failed],
                trajectories.modality[failed],
                returned=trajectories.begin[failed],
            ),
        ]
    )


def _write(
    known: Known,
    rows: np.ndarray,
    facility: np.ndarray,
    modality: np.ndarray,
    *,
    returned: np.ndarray | None,
) -> Rows:
    people, count = known.people, rows.size
    start = people.start[rows].astype(np.int64)
    number = people.patient_id[rows]
    nowhere = np.full(count, NO_DAY, dtype=np.int64)
    is_preemptive = people.is_preemptive[rows]
    began = np.where(is_preemptive, NO_DAY, start)
    signed = (start if returned is None else returned) + 10 + number % 36
    is_center = modality == IN_CENTER
    is_unmeasured = number % 97 == 0
    care = np.where(number % 9 < 6, 0, np.where(number % 9 < 8, 1, 2))  # noqa: PLR2004 - shares
    months = np.where(care == 0, 1 + number // 9 % 24, NO_NUMBER)
    in_nursing_home = (modality == HOME) & known.events.is_in_home(rows, start)
    catheter = np.where(number % 20 < 16, 2, 1)  # noqa: PLR2004 - catheters in four of five
    return {
        "patient_id": number,
        "form_number": np.full(count, 1 if returned is None else 2),
        "facilityid": known.facilityid(facility),
        "dialysis_began_date": began if returned is None else nowhere,
        "facility_start_date": began if returned is None else returned,
        "signature_date": signed,
        "transplant_date": np.where(is_preemptive, start, NO_DAY),
        "dialysis_returned_date": nowhere if returned is None else returned,
        "training_began_date": np.where(is_center, NO_DAY, start + 7),
        "primary_cause": Codes(CAUSES).of(np.where(number % 101 == 0, -1, people.cause[rows])),
        "height_cm": np.where(is_unmeasured, np.nan, people.height[rows]),
        "dry_weight_kg": np.where(is_unmeasured, np.nan, people.weight[rows]),
        "nephrologist_care": CARE.of(care),
        "nephrologist_care_months": months,
        "access_type": ACCESS.of(np.where(number % 20 < 3, 0, catheter)),  # noqa: PLR2004
        "treatment_type": TYPE.of((modality == PERITONEAL).astype(np.int8)),
        "setting": SETTING.of(np.where(in_nursing_home, 2, np.where(is_center, 0, 1))),
        **_tick(known, rows),
    }


def _tick(known: Known, rows: np.ndarray) -> dict[str, Values]:
    """Tick the boxes of item 17."""
    people = known.people
    has = {
        condition.box or condition.name: people.has_at_start[rows, place]
        for place, condition in enumerate(load_conditions())
    }
    number = people.patient_id[rows]
    treatment = np.where(number % 20 < 12, 0, np.where(number % 20 < 17, 1, 2))  # noqa: PLR2004
    for place, box in enumerate(_DIABETES_BOXES):
        has[box] = has["diabetes"] & (treatment == place)
    has["diabetic_retinopathy"] = has["diabetes"] & (number % _RETINOPATHY_IN == 0)
    return {f"has_{name}": has[name] for name in COMORBIDITIES}
