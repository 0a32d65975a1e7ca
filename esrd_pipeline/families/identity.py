"""Patients and facilities of earlier years' tables under their numbers of today.

A measure of several years meets one person, and one facility, under one number (manual 3.2.1,
3.3.3, 3.3.5), whatever numbers they had when a year was computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from esrd_pipeline.families.cohort import CCN, PATIENT
from esrd_pipeline.statistics.design import IntArray

_REASON = "reason"


@dataclass(frozen=True, slots=True)
class Identity:
    """Numbers that have changed since earlier years.

    Attributes:
        earlier: earlier numbers of patients, ascending.
        today: the number of each of them today.
        ccns: today's CCN by earlier CCN.
    """

    earlier: IntArray
    today: IntArray
    ccns: Mapping[str, str]

    @classmethod
    def of(cls, patients: pd.DataFrame, numbers: pd.DataFrame) -> "Identity":
        """Read rows of linkage.earlier_patient and one program's of linkage.provider_number."""
        ordered = patients.sort_values("earlier_patient_id")
        other = numbers[numbers["provider_number"] != numbers[CCN]]
        return cls(
            earlier=ordered["earlier_patient_id"].to_numpy(np.int64),
            today=ordered[PATIENT].to_numpy(np.int64),
            ccns=dict(zip(other["provider_number"], other[CCN], strict=True)),
        )

    def rename(self, rows: pa.Table, *, joins_numbers: bool = False) -> pa.Table:
        """Return an earlier year's rows under today's numbers.

        Where a patient had rows under two numbers that year, only those of one are kept (reading
        101): a number with a row that counts first, then today's own, then the highest. With
        `joins_numbers` those of both are: facts that add up. Equal rows are then one.
        """
        if CCN in rows.column_names and self.ccns:
            rows = _replace(rows, CCN, _map(rows.column(CCN), self.ccns))
        then = rows.column(PATIENT).to_numpy()
        place = np.searchsorted(self.earlier, then)
        place[place == len(self.earlier)] = 0
        changed = self.earlier[place] == then if len(self.earlier) else np.zeros(len(then), bool)
        if not changed.any():
            return rows
        now = then.copy()
        now[changed] = self.today[place[changed]]
        renamed = _replace(rows, PATIENT, pa.array(now, rows.schema.field(PATIENT).type))
        if joins_numbers:
            return renamed.group_by(renamed.column_names, use_threads=False).aggregate([])
        return renamed.filter(pa.array(_choose(now, then, _is_counted(rows))))


def _choose(now: IntArray, then: IntArray, is_counted: "np.ndarray") -> "np.ndarray":
    """Whether each row is of the number that is kept of its patient."""
    rows = pd.DataFrame({"now": now, "then": then, "counted": is_counted})
    numbers = pd.DataFrame(rows.groupby(["now", "then"], as_index=False)["counted"].max())
    numbers["is_own"] = numbers["now"] == numbers["then"]
    best = numbers.sort_values(["now", "counted", "is_own", "then"]).drop_duplicates(
        "now", keep="last"
    )
    return best.set_index("now")["then"].reindex(pd.Index(now)).to_numpy() == then


def _is_counted(rows: pa.Table) -> "np.ndarray":
    if _REASON not in rows.column_names:
        return np.ones(rows.num_rows, bool)
    return np.asarray(pc.call_function("is_null", [rows.column(_REASON)]))


def _map(values: pa.ChunkedArray, today: Mapping[str, str]) -> pa.ChunkedArray:
    keys, meant = pa.array(list(today), values.type), pa.array(list(today.values()), values.type)
    place = pc.call_function("index_in", [values], pc.SetLookupOptions(keys))
    return pc.call_function("coalesce", [pc.take(meant, place), values])


def _replace(rows: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    place = rows.schema.get_field_index(name)
    return rows.set_column(place, rows.schema.field(name), values)
