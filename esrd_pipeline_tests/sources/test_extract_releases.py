"""Which release of a patient-level extract a cut-off lets be read."""

from datetime import date
from pathlib import Path

import pytest

from esrd_pipeline.orchestration.patient_assets import SOURCES
from esrd_pipeline.settings import load_settings
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract_files import find_extracts, list_extracts, list_unread
from esrd_pipeline.sources.extract_releases import name_below
from esrd_pipeline.tables import eqrs, medicare, register
from esrd_pipeline_tests.sources.extracts import write

STAY = ("BENE_ID|ENTRY_DATE", "7|01-JAN-2024")
JULY, OCTOBER = date(2026, 7, 15), date(2026, 10, 15)


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path.parent, path.name, *STAY)
    return folder


def read(folder: Path, cutoff: date | None) -> list[str]:
    found = find_extracts(folder, register.MDS_STAY, cutoff)
    return [name_below(folder, one.path) for one in found]


@pytest.mark.parametrize(
    ("july", "october"),
    [
        ("2026-07-10/mds_stay.txt", "2026-10-10/mds_stay.txt"),
        ("mds_stay_2026-07-10.txt", "mds_stay_2026-10-10.txt"),
        ("mds_stay_2024_2026-07.txt", "2026-10-10/MDS_STAY_2024.csv"),
        ("mds_stay.2026-07-10.txt", "mds_stay-2026-10.rif"),
    ],
)
def test_the_newest_release_on_or_before_the_cut_off_is_read(
    tmp_path: Path, july: str, october: str
) -> None:
    folder = put(tmp_path / "2024", july, october)
    assert read(folder, None) == [october]
    assert read(folder, OCTOBER) == [october]
    assert read(folder, JULY) == [july]
    assert read(folder, date(2026, 6, 30)) == []
    assert list_unread(folder, SOURCES, JULY) == []


def test_a_file_released_on_the_cut_off_is_read(tmp_path: Path) -> None:
    folder = put(tmp_path / "2024", "2026-07-15/mds_stay.txt")
    assert read(folder, JULY) == ["2026-07-15/mds_stay.txt"]
    assert read(folder, date(2026, 7, 14)) == []


def test_a_file_without_a_day_is_read_whatever_the_cut_off(tmp_path: Path) -> None:
    folder = put(tmp_path / "2024", "mds_stay.txt")
    assert read(folder, JULY) == ["mds_stay.txt"]


def test_a_file_without_a_day_beside_one_with_is_refused(tmp_path: Path) -> None:
    folder = put(tmp_path / "2024", "mds_stay.txt", "2026-10-10/mds_stay.txt")
    with pytest.raises(SourceError, match="not all have the day of their release") as refused:
        read(folder, JULY)
    assert "2026-10-10/mds_stay.txt, mds_stay.txt" in str(refused.value)


def test_parts_belong_to_one_release(tmp_path: Path) -> None:
    july = ["2026-07-10/mds_stay_part1.txt", "2026-07-10/mds_stay_part2.txt"]
    folder = put(tmp_path / "2024", *july, "2026-10-10/mds_stay.txt")
    assert read(folder, JULY) == july
    assert read(folder, None) == ["2026-10-10/mds_stay.txt"]
    put(folder, "2026-11-10/mds_stay_part3.txt")
    with pytest.raises(SourceError, match="2026-11-10 has none of the parts of 2026-07-10"):
        read(folder, None)


def test_two_files_of_one_release_are_refused(tmp_path: Path) -> None:
    folder = put(tmp_path / "2024", "2026-07-10/mds_stay.txt", "mds_stay_2026-07-10.csv")
    with pytest.raises(SourceError, match="several files of one extract"):
        read(folder, JULY)


def test_a_day_that_is_none_or_another_than_the_folder_s_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="'2026-13-01' in its name is not a date"):
        read(put(tmp_path / "a", "2026-13-01/mds_stay.txt"), None)
    with pytest.raises(SourceError, match="another day in its name than its folder"):
        read(put(tmp_path / "b", "2026-07-10/mds_stay_2026-07-11.txt"), None)


def test_settings_of_claims_may_be_of_different_releases(tmp_path: Path) -> None:
    folder = put(
        tmp_path / "2024",
        "2026-07-10/inpatient_base.txt",
        "2026-07-10/snf_base.txt",
        "2026-10-10/inpatient_base.txt",
    )
    names = {
        day: [name_below(folder, one.path) for one in list_extracts(folder, medicare.CLAIM, day)]
        for day in (JULY, OCTOBER)
    }
    assert names[JULY] == ["2026-07-10/inpatient_base.txt", "2026-07-10/snf_base.txt"]
    assert names[OCTOBER] == ["2026-10-10/inpatient_base.txt", "2026-07-10/snf_base.txt"]


def test_a_needed_table_whose_files_are_all_later_is_told_with_the_cut_off(
    tmp_path: Path,
) -> None:
    folder = put(tmp_path / "2024", "2026-10-10/eqrs_patient.txt")
    with pytest.raises(SourceError, match=r"raw\.eqrs_patient .* released by 2026-07-15"):
        find_extracts(folder, eqrs.EQRS_PATIENT, JULY)


def test_a_file_that_no_table_takes_is_told_with_its_folder(tmp_path: Path) -> None:
    folder = put(tmp_path / "2024", "2026-07-10/mds_stays.txt", "2026-07-10/mds_stay.txt")
    assert list_unread(folder, SOURCES) == ["2026-07-10/mds_stays.txt"]


def test_a_year_with_folders_of_releases_alone_has_patients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESRD_PATIENT_DIR", str(tmp_path / "patient"))
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("ESRD_PUBLISHED_DIR", raising=False)
    assert load_settings().origin == "embedded"
    put(tmp_path / "patient" / "2024", "2026-07-10/mds_stay.txt")
    assert load_settings().origin == "published"
    assert load_settings().has_patients(2024)
    assert not load_settings().has_patients(2023)
