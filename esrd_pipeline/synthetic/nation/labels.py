"""Labels of data defects: their kind, and the patient, facility or claim concerned."""

import numpy as np

from esrd_pipeline.synthetic.nation.columns import NO_DAY, NO_NUMBER, Rows, repeat, spell
from esrd_pipeline.tables.model import Column, Table

DATA_DEFECTS = Table(
    name="truth.data_defects",
    grain="one data defect",
    source="generator",
    key=("kind", "patient_id", "facilityid", "clm_id", "day"),
    columns=(
        Column("kind", "text", "Kind of defect", required=True),
        Column("patient_id", "integer", "EQRS patient"),
        Column("facilityid", "integer", "EQRS facility"),
        Column("clm_id", "integer", "Claim"),
        Column("day", "date", "Day it concerns"),
        Column("detail", "text", "What exactly"),
    ),
)


def label(
    kind: str,
    *,
    patient: np.ndarray | None = None,
    facility: np.ndarray | None = None,
    claim: np.ndarray | None = None,
    day: np.ndarray | None = None,
    detail: np.ndarray | None = None,
) -> Rows:
    """Return labels of one kind of data defect."""
    given = [part for part in (patient, facility, claim, day, detail) if part is not None]
    count = len(given[0])
    nothing = np.full(count, NO_NUMBER, dtype=np.int64)
    return {
        "kind": repeat(kind, count),
        "patient_id": nothing if patient is None else patient,
        "facilityid": nothing if facility is None else facility,
        "clm_id": nothing if claim is None else claim,
        "day": np.full(count, NO_DAY) if day is None else day,
        "detail": spell(np.full(count, "") if detail is None else detail.astype(str)),
    }
