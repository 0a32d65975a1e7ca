"""What is no reason to stop is read and told; all faults of a file are told at once."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.cells import read_period
from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.layout import ALWAYS, group_measures, load_layout
from esrd_pipeline.sources.published_fields import load_measures
from esrd_pipeline.sources.qip_complete import read_qip_complete
from esrd_pipeline.sources.table import read_table
from esrd_pipeline_tests.old_listings import write_listing_of_2017
from esrd_pipeline_tests.sources.sample_files import YEAR, column_index, sample_rows, write_rows

CCN = "CMS Certification Number (CCN)"


def read(
    folder: Path, rows: list[list[str]], source: str = "dfc_facility", year: int = YEAR
) -> tuple[pd.DataFrame, FileNotes]:
    notes = FileNotes()
    path = write_rows(folder / "published.csv", rows)
    return read_table(path, source, year, notes=notes), notes


def put(rows: list[list[str]], header: str, *texts: str) -> None:
    at = column_index(rows, header)
    for row, text in zip(rows[1:], texts, strict=False):
        row[at] = text


def rename(rows: list[list[str]], **names: str) -> None:
    """Rename columns of dfc_facility, by our name."""
    headers = {column.name: column.header for column in load_layout("dfc_facility", YEAR)}
    for name, new in names.items():
        rows[0][column_index(rows, headers[name])] = new


def drop(rows: list[list[str]], *headers: str) -> None:
    for header in headers:
        at = column_index(rows, header)
        for row in rows:
            del row[at]


def test_a_good_file_has_nothing_to_tell(tmp_path: Path) -> None:
    _, notes = read(tmp_path, sample_rows("dfc_facility"))
    assert notes == FileNotes()
    assert (notes.as_metadata(), notes.as_warning()) == ({}, None)


def test_an_unknown_column_is_told_and_not_read(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility")
    rows[0].append("Moon Phase")
    for row in rows[1:]:
        row.append("full")
    frame, notes = read(tmp_path, rows)
    assert len(frame) == len(rows) - 1
    assert notes.as_metadata() == {"columns not read": "Moon Phase"}
    assert notes.as_warning() is None


def test_a_column_that_nothing_needs_may_be_missing(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility")
    drop(rows, "Late Shift", "Telephone Number")
    frame, notes = read(tmp_path, rows)
    assert frame["has_late_shift"].isna().all()
    assert frame["telephone_number"].isna().all()
    assert notes.as_metadata() == {"columns the file lacks": "Telephone Number, Late Shift"}


def test_a_bad_cell_that_nothing_needs_is_left_out_and_kept_as_text(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility")
    put(rows, "# of Dialysis Stations", "12", "many", "9", "-3")
    frame, notes = read(tmp_path, rows)
    assert frame["station_count"].tolist() == [12, pd.NA, 9, pd.NA]
    assert [labels.get("station_count") for labels in frame["missing"]] == [
        None,
        "many",
        None,
        "-3",
    ]
    metadata = notes.as_metadata()
    assert metadata["cells left out"] == 2
    assert metadata["first cells left out"] == (
        "row 3, column '# of Dialysis Stations': 'many' is not a number (2 rows: also 5)"
    )
    assert "2 cells of columns that nothing needs" in str(notes.as_warning())


def test_a_damaged_letter_in_a_name_is_kept_and_noted(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility")
    put(rows, "Facility Name", "Workmen\ufffds Circle", "B", "Pe\ufffda")
    frame, notes = read(tmp_path, rows)
    assert frame["facility_name"].iloc[0] == "Workmen\ufffds Circle"
    assert notes.damaged == {"Facility Name": 2}
    assert notes.as_metadata()["damaged texts kept"] == 2
    assert notes.as_warning() == "2 texts with a damaged letter were kept"


def test_a_listing_of_2019_is_read(tmp_path: Path) -> None:
    """Its names, services as 1 and 0, Non-Profit, and days in words."""
    rows = sample_rows("dfc_facility")
    rename(
        rows,
        certification_date="Certification or Recertification Date",
        swr_category="SWR category text",
        swr_patient_count="Number of patients in this facility for SWR",
        swr_ratio="Standardized First Kidney Transplant Waitlist Ratio",
        swr_upper="95% C.I. (upper limit) for SWR",
        swr_lower="95% C.I. (lower limit) for SWR",
        pppw_rate="Percentage of Prevalent Patients Waitlisted",
    )
    put(rows, "Offers in-center hemodialysis", "1", "0", "Yes", "No")
    put(rows, "Profit or Non-Profit", "Non-Profit", "Non-profit", "Profit", "Profit")
    put(
        rows,
        "Certification or Recertification Date",
        "17Nov1982",
        "11/17/1982",
        "1982-11-17",
        "17-NOV-1982",
    )
    put(rows, "SHR Date", *[f"01/01/{YEAR}-12/31/{YEAR}"] * 4)
    path = write_rows(tmp_path / "published.csv", rows)
    frame = read_dfc_facility(path, YEAR)
    assert frame["has_in_center_hemodialysis"].tolist() == [True, False, True, False]
    assert frame["profit_status"].tolist() == ["Non-profit", "Non-profit", "Profit", "Profit"]
    assert set(frame["certification_date"]) == {date(1982, 11, 17)}
    assert frame["swr_ratio"].notna().all()


def test_the_listing_of_january_2017_is_read(tmp_path: Path) -> None:
    """In the columns of data.medicare.gov of that month, and told what it has more and less."""
    file = write_listing_of_2017(tmp_path, facility_count=12)
    notes = FileNotes()
    frame = read_dfc_facility(file, 2015, notes)
    assert set(frame["shr_period"]) == {"01/01/2015-12/31/2015"}
    assert frame["has_peritoneal_dialysis"].any()
    assert not frame["has_peritoneal_dialysis"].all()
    assert frame["srr_category"].notna().any()
    assert frame["ktv_adult_pd_rate"].notna().any()
    # The listing's fistula and catheter measures are not those of later years.
    assert notes.unread == ["Percentage of patients with arteriovenous fistulae in use"]
    assert frame["sfr_rate"].isna().all()
    names = {measure.measure for measure in load_measures("contract", 2015)}
    assert {"smr", "shr", "srr", "strr"} <= names
    assert not names & {"sfr", "ltc", "npcr", "swr", "pppw", "sedr", "ed30", "smosr"}


def test_of_a_complete_qip_file_before_2021_the_totals_are_read(tmp_path: Path) -> None:
    """Nothing is known of what its measures' columns mean: they are told."""
    rows = sample_rows("qip_complete", year=2018)
    assert "PY2020 Payment Reduction Percentage" in rows[0]
    put(rows, "Total Performance Score", "70", "No Score", "55", "-")
    rows[0].append("VAT Catheter Measure Score")
    for row in rows[1:]:
        row.append("7")
    notes = FileNotes()
    path = write_rows(tmp_path / "complete.csv", rows)
    frame = read_qip_complete(path, 2018, notes)
    assert frame["total_performance_score"].fillna(-1).tolist() == [70, -1, 55, -1]
    assert frame["ltc_score"].isna().all()
    assert notes.unread == ["VAT Catheter Measure Score"]
    assert {measure.program for measure in load_measures("contract", 2018)} == {"dfc"}


@pytest.mark.parametrize(
    "text",
    [
        "01Jan2024-31Dec2024",
        "01JAN2024 - 31DEC2024",
        "01/01/2024-12/31/2024",
        "1/1/2024 - 12/31/2024",
        "2024-01-01-2024-12-31",
    ],
)
def test_a_period_in_the_spelling_of_each_release(text: str) -> None:
    assert read_period(text) == (date(2024, 1, 1), date(2024, 12, 31))


@pytest.mark.parametrize("text", ["2024", "01Jan2024", "01Foo2024-31Dec2024", "-", ""])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="is not a period of two dates"):
        read_period(text)


def test_an_older_file_may_lack_a_whole_measure_and_says_which(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility", year=2022)
    names = dict(group_measures("dfc_facility"))
    lacking = names["smosr"] | names["ed30"]
    drop(rows, *(c.header for c in load_layout("dfc_facility", 2022) if c.name in lacking))
    frame, notes = read(tmp_path, rows, year=2022)
    assert frame[sorted(lacking)].isna().all(axis=None)
    assert sorted(notes.measures) == ["ed30", "smosr"]
    assert "the file has no column of" in str(notes.as_warning())


def test_an_older_file_may_not_lack_a_part_of_a_measure(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility", year=2022)
    drop(rows, "SMoSR: Standardized Modality Switch Ratio (FACILITY)")
    with pytest.raises(SourceError, match=r"Switch Ratio.*the column is missing"):
        read(tmp_path, rows, year=2022)


def test_a_file_of_today_may_not_lack_a_measure(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility")
    names = dict(group_measures("dfc_facility"))["smosr"]
    drop(rows, *(c.header for c in load_layout("dfc_facility", YEAR) if c.name in names))
    with pytest.raises(SourceError) as caught:
        read(tmp_path, rows)
    assert str(caught.value).startswith(f"published.csv: {len(names)} faults: row 1, column")


def test_all_faults_of_a_file_are_told_at_once_with_counts_and_first_rows(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility", row_count=9)
    put(rows, "Five Star", "1", "6", "7", "6", "9", "6", "7", "8", "6")
    put(rows, CCN, "12300")
    with pytest.raises(SourceError) as caught:
        read(tmp_path, rows)
    assert str(caught.value) == (
        f"published.csv: 2 faults: row 2, column '{CCN}': '12300' is not a CCN of six digits or"
        " capital letters; row 3, column 'Five Star': '6' is above the maximum 5 (8 rows: also 4,"
        " 5, 6, 7, 8 and 2 more)"
    )
    assert (caught.value.row, caught.value.column) == (2, CCN)


def test_every_record_of_another_length_is_counted(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility")
    rows[2].append("1")
    rows[4].pop()
    with pytest.raises(SourceError) as caught:
        read(tmp_path, rows)
    assert str(caught.value) == (
        "published.csv, row 3: 143 cells where the header has 142 (2 rows: also 5)"
    )


def test_every_repeated_key_is_counted(tmp_path: Path) -> None:
    rows = sample_rows("dfc_facility")
    put(rows, CCN, "012300", "012300", "012301", "012300")
    with pytest.raises(SourceError) as caught:
        read(tmp_path, rows)
    assert str(caught.value).endswith("'012300' is already in row 2 (2 rows: also 5)")


def test_what_a_measure_is_made_from_is_needed() -> None:
    fields = {(row["source"], row["name"]) for row in load_rows("published_field")}
    for row in load_rows("published_column"):
        needed = row["needed_from"]
        assert needed in ("", ALWAYS) or needed.isdigit(), row
        if (row["source"], row["name"]) in fields or row["required"] == "yes":
            assert needed, row
