"""Patients by what a facility's chart knows: EQRS number, name, date of birth (manual 3.2)."""

from collections.abc import Sequence

import pandas as pd

from esrd_pipeline.explanation.document import is_missing
from esrd_pipeline.explanation.request import Request, list_patients
from esrd_pipeline.families.cohort import PATIENT
from esrd_pipeline.tables.eqrs import EQRS_PATIENT
from esrd_pipeline.tables.register import PROVIDER_OF_SERVICES

CHART = ("eqrs_number", "last_name", "first_name", "date_of_birth")
"""The columns that tell a facility who a patient is."""
NOT_IN_EQRS = "not in EQRS"


def name_patients(request: Request, *frames: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the frames with the chart's identifiers before their other columns, sorted by name.

    A patient whom only Medicare's claims know has no EQRS number: the line says so.
    """
    people = sorted({number for rows in frames for number in list_patients(rows)})
    known = request.read(
        EQRS_PATIENT,
        columns=[PATIENT, "last_name", "first_name", "date_of_birth"],
        where={PATIENT: [number for number in people if number > 0]},
    )
    # Without a patient, as in a year of published files alone, an empty column has no type.
    chart = pd.DataFrame({PATIENT: pd.Series(people, dtype="int64")}).merge(
        known.astype({PATIENT: "int64"}), on=PATIENT, how="left"
    )
    in_eqrs = chart[PATIENT] > 0
    chart["eqrs_number"] = chart[PATIENT].astype(str).where(in_eqrs, NOT_IN_EQRS)
    return [_name(rows, chart[[PATIENT, *CHART]]) for rows in frames]


def _name(rows: pd.DataFrame, chart: pd.DataFrame) -> pd.DataFrame:
    order = [name for name in rows.columns if name != PATIENT]
    named = rows.assign(**{PATIENT: rows[PATIENT].astype("int64"), "_place": range(len(rows))})
    named = named.merge(chart, on=PATIENT, how="left")
    named = named.sort_values(
        ["last_name", "first_name", PATIENT, "_place"], kind="stable", ignore_index=True
    )
    return named[[*CHART, *order]]


def name_hospitals(request: Request, numbers: Sequence[object]) -> pd.Series:
    """Return the names of hospitals by provider number, of those in the Provider of Services."""
    wanted = sorted({str(number) for number in numbers if not is_missing(number)})
    known = request.read(
        PROVIDER_OF_SERVICES, columns=["prvdr_num", "fac_name"], where={"prvdr_num": wanted}
    )
    return known.drop_duplicates("prvdr_num").set_index("prvdr_num")["fac_name"]
