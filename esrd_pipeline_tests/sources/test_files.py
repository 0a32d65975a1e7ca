"""The choice among several releases, and the error when none can be chosen."""

from datetime import date
from pathlib import Path

import pytest

from esrd_pipeline.sources.errors import MissingSourceError, SourceError
from esrd_pipeline.sources.files import IGNORE_FILE, find_release, list_unread


def make_files(root: Path, *names: str) -> Path:
    folder = root / "published" / "2024"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("x\n")
    return folder


@pytest.mark.parametrize(
    ("cutoff", "chosen"),
    [
        (None, "DFC_FACILITY_2026-07.csv"),
        (date(2026, 12, 31), "DFC_FACILITY_2026-07.csv"),
        (date(2026, 6, 30), "dfc_facility_2026-04-15.CSV"),
        (date(2026, 4, 15), "dfc_facility_2026-04-15.CSV"),
        (date(2026, 4, 14), "DFC_FACILITY_2026-01.csv"),
        (date(2026, 1, 1), "DFC_FACILITY_2026-01.csv"),
    ],
)
def test_the_newest_release_on_or_before_the_cutoff(
    tmp_path: Path, cutoff: date | None, chosen: str
) -> None:
    folder = make_files(
        tmp_path,
        "DFC_FACILITY_2026-07.csv",
        "dfc_facility_2026-04-15.CSV",
        "DFC_FACILITY_2026-01.csv",
        "DFC_NATIONAL_2026-09.csv",
    )
    assert find_release(folder, "dfc_facility", cutoff).name == chosen


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("dfc_facility", "DFC_FACILITY.csv"),
        ("dfc_national", "dfc_national_2026-07.csv"),
        ("qip_complete", "QIP_COMPLETE_PY2026_header_and_8rows.csv"),
        ("qip_complete", "ESRD_Complete_QIP_Data.csv"),
        ("ich_cahps_facility", "ICH_CAHPS_FACILITY_2022.csv"),
        ("ece_grant", "ECE_GRANTS.csv"),
        ("qip_standard", "qip_standards_PY2027.csv"),
    ],
)
def test_a_single_file_is_taken_whatever_the_case(tmp_path: Path, source: str, name: str) -> None:
    assert find_release(make_files(tmp_path, name), source).name == name


def test_a_missing_source_names_folder_and_names(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError) as caught:
        find_release(make_files(tmp_path, "notes.txt"), "qip_complete")
    assert str(caught.value) == (
        "published/2024: no file named *QIP_COMPLETE*.csv or *COMPLETE_QIP*.csv in this folder"
    )


def test_a_missing_folder_is_a_missing_source(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match=r"^published/1999: no file named"):
        find_release(tmp_path / "published" / "1999", "ece_grant")


@pytest.mark.parametrize(
    ("names", "cutoff", "message"),
    [
        (
            ("DFC_FACILITY_a.csv", "DFC_FACILITY_b.csv"),
            None,
            (
                "published/2024: several files and not all dated YYYY-MM in their names:"
                " DFC_FACILITY_a.csv, DFC_FACILITY_b.csv"
            ),
        ),
        (
            ("DFC_FACILITY_2026-04.csv", "DFC_FACILITY_2026-04-01.csv"),
            None,
            (
                "published/2024: several files of the same release:"
                " DFC_FACILITY_2026-04-01.csv, DFC_FACILITY_2026-04.csv"
            ),
        ),
        (
            ("DFC_FACILITY_2026-04.csv",),
            date(2026, 3, 31),
            "published/2024: every release is later than 2026-03-31: DFC_FACILITY_2026-04.csv",
        ),
        (
            ("DFC_FACILITY_2026-13.csv",),
            None,
            "published/2024/DFC_FACILITY_2026-13.csv: '2026-13' in its name is not a date",
        ),
    ],
)
def test_no_choice_is_an_error_that_names_the_files(
    tmp_path: Path, names: tuple[str, ...], cutoff: date | None, message: str
) -> None:
    with pytest.raises(SourceError) as caught:
        find_release(make_files(tmp_path, *names), "dfc_facility", cutoff)
    assert str(caught.value) == message


def test_what_is_no_file_of_the_year_is_listed(tmp_path: Path) -> None:
    folder = make_files(
        tmp_path, "DFC_FACILITY_2026-04.csv", "TPS.csv", "notes.txt", "ICH_CAHPS_STATE.csv", ".x"
    )
    assert list_unread(folder) == ["ICH_CAHPS_STATE.csv", "notes.txt"]
    (folder / IGNORE_FILE).write_text("*STATE.csv\n")
    assert list_unread(folder) == ["notes.txt"]
    assert list_unread(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("ece-grants 2024.csv", r"ECE_GRANT\*\.csv"),
        ("QIP STANDARDS.csv", r"QIP_STANDARD\*\.csv"),
        ("DFC_FACILITY_2026-04.xlsx", r"DFC_FACILITY\*\.csv"),
        ("DFC_FACILITY_2026-04.csv.gz", r"DFC_FACILITY\*\.csv"),
        ("PY2026 Complete QIP Data.xlsx", r"\*COMPLETE_QIP\*\.csv"),
    ],
)
def test_a_file_that_only_looks_like_one_is_refused(
    tmp_path: Path, name: str, accepted: str
) -> None:
    folder = make_files(tmp_path, name)
    with pytest.raises(SourceError, match=f"is not read: save it as CSV.*{accepted}"):
        list_unread(folder)
    (folder / IGNORE_FILE).write_text("*[!t]\n")
    assert list_unread(folder) == []
