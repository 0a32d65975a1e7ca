"""A year's tables as CSV files for public release.

A release is written once and never changed. Counts of fewer than 11 patients, and values that would
reveal them, are suppressed as the tables' definitions declare; stored tables keep them for scoring.
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from esrd_pipeline.families.published_codes import SUPPRESSED
from esrd_pipeline.families.published_layouts import (
    render_dfc,
    render_dfc_national,
    render_qip,
)
from esrd_pipeline.makers import read_makers
from esrd_pipeline.parameters.payment_years import find_payment_year
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.program.qip_rule_sets import describe_stored
from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.reports.change import list_files
from esrd_pipeline.reports.releases import PROVENANCE
from esrd_pipeline.reports.suppression import MARKER, SMALLEST_SHOWN, find_few, suppress
from esrd_pipeline.scoring_frames import WholeYear, leave_uncounted, name_today
from esrd_pipeline.sources.spreadsheet import make_harmless
from esrd_pipeline.sources.write import write_table
from esrd_pipeline.tables import (
    facility,
    measured,
    program,
    quarter_release,
    raw,
    release,
    report,
)
from esrd_pipeline.tables.catalog import TABLES
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse

LAYOUTS = "published_layouts"
"""Folder, within a release, of the year's files in CMS's published layouts."""
_DRAFT = ".draft-"
_KEY = ["program", "measure", "ccn"]
_EXPORTED_SCHEMAS = ("facility", "program", "report")
_NOT_RELEASED = (report.EVENT_ACCOUNT, report.INTAKE, *quarter_release.TABLES)
"""For the operator alone."""


def export_year(
    *,
    warehouse: Warehouse,
    performance_year: int,
    folder: Path,
    origin: str,
    finish: Callable[[Path], None] | None = None,
) -> int:
    """Write each stored table of the year to `<folder>/<layer>.<table>.csv`; return how many.

    If the year has published files, the folder `published_layouts` contains the computed year in
    their layouts, which the readers can load. Exports of a year take turns, and one deletes what a
    killed one left. `finish` may add files, while the folder does not have its name yet.

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
        return _export(warehouse, performance_year, folder, origin, finish)
    finally:
        os.close(year)


def _export(
    warehouse: Warehouse,
    performance_year: int,
    folder: Path,
    origin: str,
    finish: Callable[[Path], None] | None,
) -> int:
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
        if finish is not None:
            finish(draft)
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
        small = find_few(warehouse.read(CONTRACT, performance_year))
    places = _read_file(warehouse, facility.DIRECTORY, performance_year)
    for table in tables:
        frame = warehouse.read(table, performance_year)
        if table is report.AGREEMENT_DIFFERENCE:
            frame = leave_out_small(frame, small)
        if table.is_suppressed:
            frame = suppress_small_counts(table, frame, small, places)
        written = make_frame_harmless(add_texts(frame))
        written.to_csv(draft / f"{table.name}.csv", index=False, lineterminator="\n")
    files = write_layouts(warehouse, performance_year, draft / LAYOUTS)
    more = [*_describe_rules(warehouse, performance_year), *_describe_layouts(files)]
    _write_provenance(draft, tables, performance_year, origin, more)
    _write_digests(draft / PROVENANCE, warehouse, performance_year)


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
    written = {}
    dfc = _read_file(warehouse, raw.DFC_FACILITY, performance_year)
    if not dfc.empty:
        facilities = render_dfc(
            performance_year=performance_year,
            base=dfc,
            contract=contract,
            stars=_read_file(warehouse, program.STARS, performance_year),
            smallest=SMALLEST_SHOWN,
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
        scores = _read_file(warehouse, program.QIP_MEASURE_SCORE, performance_year)
        published = render_qip(
            performance_year=performance_year,
            base=qip,
            contract=_leave_uncounted(warehouse, performance_year, 0, contract, scores),
            earlier=_leave_uncounted(
                warehouse,
                performance_year,
                1,
                _read_computed(warehouse, performance_year - 1),
                scores,
            ),
            scores=scores,
            tps=_read_file(warehouse, program.QIP_TPS, performance_year),
            smallest=SMALLEST_SHOWN,
        )
        written[f"QIP_COMPLETE_PY{find_payment_year(performance_year)}.csv"] = (
            raw.QIP_COMPLETE,
            published,
        )
    if written:
        folder.mkdir()
    for name, (table, frame) in written.items():
        write_table(folder / name, table.name.partition(".")[2], performance_year, frame)
    return list(written)


def _read_computed(warehouse: Warehouse, performance_year: int) -> pd.DataFrame:
    """Return the computed rows of a year's contract, small counts suppressed; else no rows."""
    contract = _read_file(warehouse, CONTRACT, performance_year)
    computed = contract[contract["origin"] == "computed"]
    suppressed = suppress_small_counts(CONTRACT, computed, find_few(contract))
    # The number of surveys (0 to 2) reveals nothing about a patient.
    is_survey = computed["measure"] == "ich_cahps"
    return suppressed.assign(
        numerator=suppressed["numerator"].where(~is_survey, computed["numerator"])
    )


def _leave_uncounted(
    warehouse: Warehouse,
    performance_year: int,
    years: int,
    contract: pd.DataFrame,
    scores: pd.DataFrame,
) -> pd.DataFrame:
    """Return a contract of some years before with the rates that the scores are made from (4.1)."""
    chosen = set(scores["rule_set"].dropna())
    if not chosen:
        return contract
    rules = load_rules(find_payment_year(performance_year), chosen.pop())
    year = WholeYear(warehouse, performance_year)
    counted = leave_uncounted(year, rules, years, contract)
    return name_today(year, counted) if years else counted


def _read_file(warehouse: Warehouse, table: Table, performance_year: int) -> pd.DataFrame:
    if not warehouse.has(table, performance_year):
        return pd.DataFrame(columns=table.column_names)
    return warehouse.read(table, performance_year)


def suppress_small_counts(
    table: Table, frame: pd.DataFrame, small: pd.DataFrame, places: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Blank what the table's definition does not show, and set the row's reason if it has none.

    `small` is the result of `find_few` of the year's contract, `places` the facility directory.
    """
    return mark_hidden(suppress(table, frame, few=small, places=places))


def mark_hidden(suppressed: pd.DataFrame) -> pd.DataFrame:
    """Set the reason of rows with hidden cells that have none; the frame has the column MARKER."""
    if "reason" not in suppressed.columns:
        return suppressed
    has_no_reason = suppressed[MARKER].notna() & suppressed["reason"].isna()
    numbers = suppressed.get("reason_number", pd.Series(float("nan"), index=suppressed.index))
    return suppressed.assign(
        reason=suppressed["reason"].mask(has_no_reason, SUPPRESSED),
        reason_number=numbers.astype("float64").mask(has_no_reason, SMALLEST_SHOWN),
    )


def leave_out_small(frame: pd.DataFrame, small: pd.DataFrame) -> pd.DataFrame:
    """Leave out rows of results based on few patients: a cause can tell that no event was seen."""
    is_small = pd.MultiIndex.from_frame(frame[_KEY]).isin(pd.MultiIndex.from_frame(small[_KEY]))
    return frame[~is_small]


def add_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Put the text that people read beside the code of a reason."""
    if "reason" not in frame.columns:
        return frame
    texts = pd.Series(describe_rows(frame), index=frame.index, dtype=object)
    at = list(frame.columns).index("reason") + 1
    return pd.concat([frame.iloc[:, :at], texts.rename("reason_text"), frame.iloc[:, at:]], axis=1)


def _write_digests(path: Path, warehouse: Warehouse, performance_year: int) -> None:
    """Write the digests of the files the year was made of, and of the code that made it.

    A later `report.change` tells by them what moved a result since this release.
    """
    extract = None
    if warehouse.has(release.EXTRACT, performance_year):
        extract = warehouse.read(release.EXTRACT, performance_year)
    digests = {
        "files": list_files(_read_file(warehouse, release.RELEASE, performance_year), extract),
        "makers": {
            table.name: read_makers(warehouse, table, performance_year)
            for table in (*measured.RESULTS, *program.TABLES)
        },
    }
    path.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _describe_rules(warehouse: Warehouse, performance_year: int) -> list[str]:
    """Return a line for the rule set that the year's TPS were made by; none without one."""
    tps = _read_file(warehouse, program.QIP_TPS, performance_year)
    return [f"TPS and scores: {text}" for text in describe_stored(tps)]


def _describe_layouts(files: list[str]) -> list[str]:
    if not files:
        return [
            f"{LAYOUTS}: none; a year has them that has published files and patient-level ones."
        ]
    return [f"{LAYOUTS}/{name}: the computed year in CMS's published layout." for name in files]


def _write_provenance(
    folder: Path, tables: list[Table], performance_year: int, origin: str, more: list[str]
) -> None:
    lines = [
        f"Performance year {performance_year}, from {origin} files.",
        "One CSV file per table; grain and source of each:",
        *(f"{table.name}: {table.grain}. {table.source}." for table in tables),
        *more,
        "A text that begins with =, +, -, @, tab or carriage return has an apostrophe in front:",
        "a spreadsheet does not run it.",
        f"Counts of fewer than {SMALLEST_SHOWN} patients are suppressed, and others from which,",
        "with the totals beside them, such a count could be computed.",
        f"The column {MARKER} names a row's cells that are empty for this.",
    ]
    (folder / "README.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
