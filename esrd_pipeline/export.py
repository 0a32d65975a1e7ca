"""A year's tables as CSV files for public release.

A release is written once and never changed. Only this module suppresses counts of fewer than 11
patients and values that would reveal them: the stored tables keep them for scoring.
"""

import fcntl
import os
import shutil
import uuid
from pathlib import Path

import pandas as pd

from esrd_pipeline.families.published_layouts import (
    SUPPRESSED,
    render_dfc,
    render_dfc_national,
    render_qip,
)
from esrd_pipeline.parameters.payment_years import find_payment_year
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.sources.spreadsheet import make_harmless
from esrd_pipeline.sources.write import write_table
from esrd_pipeline.tables import program, raw, report
from esrd_pipeline.tables.catalog import TABLES
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

SMALLEST_PUBLISHED_COUNT = 11
LAYOUTS = "published_layouts"
"""Folder, within a release, of the year's files in CMS's published layouts."""
_DRAFT = ".draft-"
_KEY = ["program", "measure", "ccn"]
_EXPORTED_SCHEMAS = ("facility", "program", "report")
_NOT_RELEASED = (report.EVENT_ACCOUNT, report.INTAKE)
"""For the operator: cells of few events or rows, which the sums beside them would reveal if
blanked."""
_REVEALING = (
    "unit_count",
    "patients",
    "numerator",
    "denominator",
    "value",
    "rate",
    "adjusted_rate",
    "improvement_rate",
    "standard_error",
    "lower",
    "upper",
    "p_value",
    "z",
    "note",
)


def export_year(*, warehouse: Warehouse, performance_year: int, folder: Path, origin: str) -> int:
    """Write each stored table of the year to `<folder>/<layer>.<table>.csv`; return how many.

    If the year has published files, the folder `published_layouts` contains the computed year in
    their layouts, which the readers can load. Exports of a year take turns, and one deletes what a
    killed one left.

    Raises:
        FileExistsError: a release of this name exists already.
        LookupError: the year has nothing to export.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    year = os.open(folder.parent, os.O_RDONLY)
    try:
        fcntl.flock(year, fcntl.LOCK_EX)
        for left_over in folder.parent.glob(f"{_DRAFT}*"):
            shutil.rmtree(left_over)
        return _export(warehouse, performance_year, folder, origin)
    finally:
        os.close(year)


def _export(warehouse: Warehouse, performance_year: int, folder: Path, origin: str) -> int:
    if folder.exists():
        raise FileExistsError(f"release {folder.name} of {performance_year} exists; it stays as is")
    tables = [
        table
        for table in TABLES
        if table.schema in _EXPORTED_SCHEMAS
        and table not in _NOT_RELEASED
        and warehouse.has(table, performance_year)
    ]
    if not tables:
        raise LookupError(f"no table of {performance_year} is stored: refresh the year first")
    draft = folder.with_name(f"{_DRAFT}{uuid.uuid4().hex}")
    draft.mkdir()
    try:
        _write_release(warehouse, tables, performance_year, draft, origin)
        draft.rename(folder)
    finally:
        # Whatever stopped it, an export that is not whole leaves nothing.
        shutil.rmtree(draft, ignore_errors=True)
    return len(tables)


def _write_release(
    warehouse: Warehouse, tables: list[Table], performance_year: int, draft: Path, origin: str
) -> None:
    small = pd.DataFrame(columns=_KEY)
    if warehouse.has(CONTRACT, performance_year):
        small = find_small(warehouse.read(CONTRACT, performance_year))
    for table in tables:
        frame = suppress_small_counts(warehouse.read(table, performance_year), small)
        told = make_frame_harmless(_add_texts(frame))
        told.to_csv(draft / f"{table.name}.csv", index=False, lineterminator="\n")
    files = write_layouts(warehouse, performance_year, draft / LAYOUTS)
    _write_provenance(draft, tables, performance_year, origin, files)


def make_frame_harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe in front of texts that a spreadsheet would run as a formula."""
    safe = frame.copy(deep=False)
    for name in safe.columns[[_is_text_column(frame[name]) for name in frame.columns]]:
        safe[name] = [
            make_harmless(text) if isinstance(text, str) else text for text in frame[name]
        ]
    return safe


def _is_text_column(values: pd.Series) -> bool:
    """Whether a column can hold texts; numbers, dates and booleans are written as they are."""
    return pd.api.types.is_object_dtype(values) or isinstance(values.dtype, pd.StringDtype)


def write_layouts(warehouse: Warehouse, performance_year: int, folder: Path) -> list[str]:
    """Write the computed year as DFC facility, DFC national and Complete QIP file; return names.

    Facilities, and measures that are not computed, are taken from the year's published files. A
    file that the year does not have is not written, and no file if no measure is computed.

    Raises:
        LookupError: a reason has no availability code in reason_footnote.csv.
        ValueError: a value does not fit its column.
    """
    contract = _read_computed(warehouse, performance_year)
    if contract.empty:
        return []
    folder.mkdir()
    written = {}
    dfc = _read_file(warehouse, raw.DFC_FACILITY, performance_year)
    if not dfc.empty:
        facilities = render_dfc(
            performance_year=performance_year,
            base=dfc,
            contract=contract,
            stars=_read_file(warehouse, program.STARS, performance_year),
            smallest=SMALLEST_PUBLISHED_COUNT,
        )
        written[f"DFC_FACILITY_{performance_year + 1}-10.csv"] = raw.DFC_FACILITY, facilities
        nation = _read_file(warehouse, raw.DFC_NATIONAL, performance_year)
        if not nation.empty:
            published = render_dfc_national(
                performance_year=performance_year,
                base=nation,
                facilities=facilities,
                contract=contract,
            )
            written[f"DFC_NATIONAL_{performance_year + 1}-10.csv"] = raw.DFC_NATIONAL, published
    qip = _read_file(warehouse, raw.QIP_COMPLETE, performance_year)
    if not qip.empty:
        published = render_qip(
            performance_year=performance_year,
            base=qip,
            contract=contract,
            earlier=_read_computed(warehouse, performance_year - 1),
            scores=_read_file(warehouse, program.QIP_MEASURE_SCORE, performance_year),
            tps=_read_file(warehouse, program.QIP_TPS, performance_year),
            smallest=SMALLEST_PUBLISHED_COUNT,
        )
        written[f"QIP_COMPLETE_PY{find_payment_year(performance_year)}.csv"] = (
            raw.QIP_COMPLETE,
            published,
        )
    for name, (table, frame) in written.items():
        write_table(folder / name, table.name.partition(".")[2], performance_year, frame)
    return list(written)


def _read_computed(warehouse: Warehouse, performance_year: int) -> pd.DataFrame:
    """Return the computed rows of a year's contract, small counts suppressed; else no rows."""
    contract = _read_file(warehouse, CONTRACT, performance_year)
    computed = contract[contract["origin"] == "computed"]
    suppressed = suppress_small_counts(computed, find_small(contract))
    # The number of surveys (0 to 2) reveals nothing about a patient.
    is_survey = computed["measure"] == "ich_cahps"
    return suppressed.assign(
        numerator=suppressed["numerator"].where(~is_survey, computed["numerator"])
    )


def _read_file(warehouse: Warehouse, table: Table, performance_year: int) -> pd.DataFrame:
    if not warehouse.has(table, performance_year):
        return pd.DataFrame(columns=table.column_names)
    return warehouse.read(table, performance_year)


def find_small(contract: pd.DataFrame) -> pd.DataFrame:
    """Return program, measure and ccn of rows based on one to ten patients, for any unit."""
    return contract.loc[_is_small(contract), _KEY]


def suppress_small_counts(frame: pd.DataFrame, small: pd.DataFrame) -> pd.DataFrame:
    """Blank rows based on few patients, and set the row's reason if it has none.

    Uses the row's own count, or the contract's: `small` is the result of its `find_small`. A table
    of a single program has no program column: flags are DFC's, scores the QIP's.
    """
    if not {"measure", "ccn"} <= set(frame.columns):
        return frame
    suppressed = frame.copy()
    keyed = frame[["measure", "ccn"]].copy()
    program = "qip" if "payment_year" in frame.columns else "dfc"
    keyed["program"] = frame["program"] if "program" in frame.columns else program
    keys = pd.MultiIndex.from_frame(keyed[_KEY])
    is_small = _is_small(frame) | keys.isin(pd.MultiIndex.from_frame(small[_KEY]))
    for column in _REVEALING:
        if column in suppressed.columns:
            suppressed[column] = suppressed[column].mask(is_small)
    if "reason" in suppressed.columns:
        has_no_reason = is_small & suppressed["reason"].isna()
        suppressed["reason"] = suppressed["reason"].mask(has_no_reason, SUPPRESSED)
        numbers = suppressed.get("reason_number", pd.Series(float("nan"), index=frame.index))
        suppressed["reason_number"] = numbers.astype("float64").mask(
            has_no_reason, SMALLEST_PUBLISHED_COUNT
        )
    return suppressed


def _add_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Put the text that people read beside the code of a reason."""
    if "reason" not in frame.columns:
        return frame
    texts = pd.Series(describe_rows(frame), index=frame.index, dtype=object)
    at = list(frame.columns).index("reason") + 1
    return pd.concat([frame.iloc[:, :at], texts.rename("reason_text"), frame.iloc[:, at:]], axis=1)


def _is_small(frame: pd.DataFrame) -> pd.Series:
    """Return whether a row with a patient count has one to ten patients."""
    patients = pd.Series(float("nan"), index=frame.index)
    if "patients" in frame.columns:
        patients = frame["patients"].astype("float64")
    if {"unit", "unit_count"} <= set(frame.columns):
        counted = frame["unit_count"].astype("float64").where(frame["unit"] == "patients")
        patients = patients.fillna(counted)
    return (patients > 0) & (patients < SMALLEST_PUBLISHED_COUNT)


def _write_provenance(
    folder: Path, tables: list[Table], performance_year: int, origin: str, files: list[str]
) -> None:
    lines = [
        f"Performance year {performance_year}, from {origin} files.",
        "One CSV file per table; grain and source of each:",
        *(f"{table.name}: {table.grain}. {table.source}." for table in tables),
        *(f"{LAYOUTS}/{name}: the computed year in CMS's published layout." for name in files),
        "A text that begins with =, +, -, @, tab or carriage return has an apostrophe in front:",
        "a spreadsheet does not run it.",
        f"Counts of fewer than {SMALLEST_PUBLISHED_COUNT} patients are suppressed.",
    ]
    (folder / "README.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
