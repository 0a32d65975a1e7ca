"""Files whose every cell may be, and whose columns cannot all be true: refused by row and rule."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.dfc_national import read_dfc_national
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.ich_cahps_facility import read_ich_cahps_facility
from esrd_pipeline.sources.qip_complete import read_qip_complete
from esrd_pipeline.synthetic.published import write_published_files
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public
from esrd_pipeline_tests.sources.sample_files import write_rows

YEAR = 2024
Rows = list[list[str]]
Mangle = Callable[[Rows], Rows]
READERS = {
    "DFC_FACILITY": read_dfc_facility,
    "DFC_NATIONAL": read_dfc_national,
    "QIP_COMPLETE": read_qip_complete,
    "ICH_CAHPS": read_ich_cahps_facility,
}
SHR = "Hospitalization Rate (Facility)"
LOWER, UPPER = (
    f"Hospitalization Rate: {limit}"
    for limit in ("Lower Confidence Limit (2.5%)", "Upper Confidence Limit (97.5%)")
)
TUBE = "Long-term Catheter"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("published")
    written = write_published_files(folder, performance_year=YEAR, facility_count=200)
    return {name: next(path for path in written if path.name.startswith(name)) for name in READERS}


def read(name: str, path: Path) -> FileNotes:
    notes = FileNotes()
    READERS[name](path, YEAR, notes)
    return notes


def load(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.reader(lines))


def times(factor: float, *headers: str) -> Mangle:
    """Return what multiplies columns."""

    def mangle(rows: Rows) -> Rows:
        for place in map(rows[0].index, headers):
            for row in rows[1:]:
                row[place] = f"{float(row[place]) * factor:.4f}" if row[place][:1].isdigit() else ""
        return rows

    return mangle


def upside_down(header: str) -> Mangle:
    """Return what sorts a column without the others."""

    def mangle(rows: Rows) -> Rows:
        place = rows[0].index(header)
        for row, text in zip(rows[1:], [row[place] for row in rows[:0:-1]], strict=True):
            row[place] = text
        return rows

    return mangle


def swapped(one: str, other: str) -> Mangle:
    """Return what gives two columns each other's header."""

    def mangle(rows: Rows) -> Rows:
        first, second = rows[0].index(one), rows[0].index(other)
        rows[0][first], rows[0][second] = other, one
        return rows

    return mangle


def filled(header: str, text: str) -> Mangle:
    """Return what fills a column down where it has a value."""

    def mangle(rows: Rows) -> Rows:
        place = rows[0].index(header)
        for row in rows[1:]:
            row[place] = text if row[place] else ""
        return rows

    return mangle


def emptied(header: str) -> Mangle:
    return filled(header, "")


def total(rows: Rows) -> Rows:
    """Put a row of the nation's totals under the facilities."""
    return [*rows, ["TOTALS" if text == rows[-1][0] else text for text in rows[-1]]]


CASES = [
    ("DFC_FACILITY", swapped(LOWER, UPPER), f"column '{SHR}': is not between its limits"),
    ("DFC_FACILITY", swapped(SHR, UPPER), f"column '{SHR}': is not between its limits"),
    ("DFC_FACILITY", upside_down(SHR), "is not between its limits"),
    ("DFC_FACILITY", times(0.01, SHR, LOWER, UPPER), "the mean of the column is 1."),
    ("DFC_FACILITY", filled(SHR, "150.1"), "every row has 150.1: the column was filled down"),
    ("DFC_FACILITY", emptied(SHR), "has no value, and column 'Patient Hospitalization data"),
    (
        "DFC_FACILITY",
        filled("Patient Hospitalization data availability Code", "199"),
        f"column '{SHR}': has a value, and column 'Patient Hospitalization data",
    ),
    (
        "DFC_FACILITY",
        upside_down("CMS Certification Number (CCN)"),
        "column 'CMS Certification Number (CCN)': begins with the number of another state",
    ),
    ("DFC_FACILITY", total, "'TOTALS' is not a CCN"),
    ("DFC_NATIONAL", lambda rows: [*rows, ["CA", *rows[1][1:]]], "2 rows: the file has one row"),
    (
        "QIP_COMPLETE",
        upside_down(f"{TUBE} Achievement Measure Rate"),
        f"is not what columns '{TUBE} Achievement Period Numerator' and",
    ),
    (
        "QIP_COMPLETE",
        swapped(f"{TUBE} Improvement Measure Rate", f"{TUBE} Achievement Measure Rate"),
        f"column '{TUBE} Improvement Measure Rate': is not what columns",
    ),
    (
        "QIP_COMPLETE",
        times(0.01, "SHR Improvement Measure Ratio"),
        "one of the three is in another unit",
    ),
    (
        "QIP_COMPLETE",
        times(0.01, "ICH CAHPS Neph Comm and Caring Achievement Rate"),
        "no value is above 0.02: the column was divided by 100 twice",
    ),
    (
        "QIP_COMPLETE",
        filled("Hypercalcemia Reason for No Score (See Footnotes File)", "4"),
        "column 'Hypercalcemia Measure Score': has a score, and in column",
    ),
    (
        "QIP_COMPLETE",
        filled("PY2026 Payment Reduction Percentage", "0.015"),
        "is no multiple of 0.5 percent",
    ),
    (
        "ICH_CAHPS",
        times(0.01, "Top box percent of patients-rating of the dialysis center staff"),
        "no value is above 1: these are fractions, and the column is in percent",
    ),
]


@pytest.mark.parametrize(("name", "mangle", "message"), CASES)
def test_a_file_that_contradicts_itself_is_refused(
    files: dict[str, Path], tmp_path: Path, name: str, mangle: Mangle, message: str
) -> None:
    path = write_rows(tmp_path / "published.csv", mangle(load(files[name])))
    with pytest.raises(SourceError) as refused:
        read(name, path)
    assert message in str(refused.value)
    assert str(refused.value).startswith("published.csv")


@pytest.mark.parametrize("name", READERS)
def test_a_good_file_has_nothing_odd(files: dict[str, Path], name: str) -> None:
    assert read(name, files[name]).odd == []


def test_one_odd_row_is_told_and_read(files: dict[str, Path], tmp_path: Path) -> None:
    rows = load(files["DFC_FACILITY"])
    own, upper = map(rows[0].index, (SHR, UPPER))
    number, row = next((n, row) for n, row in enumerate(rows[1:], 2) if row[own])
    row[own] = str(float(row[upper]) + 1)
    notes = read("DFC_FACILITY", write_rows(tmp_path / "published.csv", rows))
    (odd,) = notes.odd
    assert (odd.rows, odd.column) == ((number,), SHR)
    assert notes.as_metadata()["rows that contradict themselves"] == str(odd)
    assert str(odd) in str(notes.as_warning())


@needs_cms_public
def test_cms_own_files_contradict_themselves_in_six_rows() -> None:
    notes = read("DFC_FACILITY", CMS_PUBLIC / "DFC_FACILITY_2026-04.csv")
    assert [(odd.column, len(odd.rows)) for odd in notes.odd] == [
        ("SMoSR: Standardized Modality Switch Ratio (FACILITY)", 6)
    ]
