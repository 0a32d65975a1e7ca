"""Which file of a year's folder is of which table, and that none is passed over."""

from pathlib import Path

import pytest

from esrd_pipeline.orchestration.patient_assets import SOURCES
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.extract_files import find_extracts, list_unread
from esrd_pipeline.tables import eqrs, medicare, register
from esrd_pipeline_tests.sources.extracts import load, write

STAY = ("BENE_ID|ENTRY_DATE", "7|01-JAN-2024")
CLAIM = (
    "BENE_ID|CLM_ID|NCH_CLM_TYPE_CD|CLM_FROM_DT|CLM_THRU_DT|CLM_LINE_NUM|REV_CNTR",
    "7|10|60|01-JAN-2024|05-JAN-2024|1|0120",
)


@pytest.mark.parametrize(
    "name", ["MDS_STAY.TXT", "mds_stay_2024.csv", "Mds_Stay_part1.rif", "mds_stay_01.tsv"]
)
def test_a_file_is_found_by_its_table_s_name(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, *STAY)
    assert list_unread(tmp_path, SOURCES) == []
    assert load(tmp_path, register.MDS_STAY)["bene_id"].tolist() == [7]


def test_numbered_parts_are_one_extract(tmp_path: Path) -> None:
    write(tmp_path, "mds_stay_1.txt", *STAY)
    write(tmp_path, "mds_stay_2.txt", STAY[0], "8|02-JAN-2024")
    assert load(tmp_path, register.MDS_STAY)["bene_id"].tolist() == [7, 8]


def test_a_part_and_a_whole_or_one_part_twice_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "mds_stay_1.txt", *STAY)
    write(tmp_path, "mds_stay_01.csv", *STAY)
    with pytest.raises(SourceError, match="several files of one extract"):
        find_extracts(tmp_path, register.MDS_STAY)
    (tmp_path / "mds_stay_01.csv").rename(tmp_path / "mds_stay.csv")
    with pytest.raises(SourceError, match="several files of one extract"):
        find_extracts(tmp_path, register.MDS_STAY)


def test_the_numbers_of_forms_are_no_parts(tmp_path: Path) -> None:
    write(tmp_path, "cms_2728.txt", "PATIENT_ID|FORM_NUMBER", "1|1")
    write(tmp_path, "cms_2746.txt", "PATIENT_ID|DEATH_DATE", "1|01-JAN-2024")
    assert [e.path.name for e in find_extracts(tmp_path, eqrs.CMS_2728)] == ["cms_2728.txt"]
    assert [e.path.name for e in find_extracts(tmp_path, eqrs.CMS_2746)] == ["cms_2746.txt"]


def test_a_file_of_another_year_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "2024"
    folder.mkdir()
    write(folder, "mds_stay_2023.txt", *STAY)
    with pytest.raises(SourceError, match=r"mds_stay_2023.txt: its name is not of the year 2024"):
        find_extracts(folder, register.MDS_STAY)


def test_a_flat_file_beside_the_files_of_its_parts_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "inpatient.txt", *CLAIM)
    assert len(find_extracts(tmp_path, medicare.CLAIM_REVENUE)) == 1
    write(tmp_path, "inpatient_base.txt", *CLAIM)
    with pytest.raises(SourceError, match=r"inpatient.txt: holds the claims of inpatient_base.txt"):
        find_extracts(tmp_path, medicare.CLAIM)
    # Its lines would be read from a flat file whose claims are not.
    with pytest.raises(SourceError, match=r"inpatient.txt: holds the claims of inpatient_base.txt"):
        list_unread(tmp_path, SOURCES)


@pytest.mark.parametrize(
    "name", ["inpatient_bas.txt", "mds_stay.zip", "mds_stay.sas7bcat", "MDS STAY.csv", "notes.md"]
)
def test_a_file_that_no_table_takes_is_told(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, *STAY)
    write(tmp_path, "ece_grant.csv", "ccn")
    assert list_unread(tmp_path, SOURCES) == [name]
    write(tmp_path, ".esrdignore", "*.md", "mds*.zip")
    assert list_unread(tmp_path, SOURCES) == ([] if name[-3:] in {".md", "zip"} else [name])


def test_carrier_claims_have_two_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        "bcarrier.txt",
        "BENE_ID|CLM_ID|CLM_FROM_DT|CLM_THRU_DT|LINE_NUM",
        "7|10|20240101|20240101|1",
    )
    assert len(load(tmp_path, medicare.CARRIER_CLAIM)) == 1
    assert len(load(tmp_path, medicare.CARRIER_LINE)) == 1


def test_a_table_that_cannot_be_empty_needs_its_file_and_the_folder_is_named(
    tmp_path: Path,
) -> None:
    assert find_extracts(tmp_path, register.MDS_STAY) == ()
    with pytest.raises(
        SourceError, match=r"has no file of raw\.eqrs_patient \(eqrs_patient\.parquet"
    ) as none:
        find_extracts(tmp_path, eqrs.EQRS_PATIENT)
    assert str(tmp_path) in str(none.value)
