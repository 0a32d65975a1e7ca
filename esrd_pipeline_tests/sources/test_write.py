"""A table written in a published layout is read back unchanged."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.table import read_table
from esrd_pipeline.sources.write import write_table
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public
from esrd_pipeline_tests.sources.sample_files import YEAR, sample_rows, write_rows

SOURCES = ("dfc_facility", "dfc_national", "qip_complete", "ich_cahps_facility", "qip_standard")


def read_again(frame: pd.DataFrame, source: str, folder: Path, year: int = YEAR) -> pd.DataFrame:
    path = folder / "written.csv"
    write_table(path, source, year, frame)
    return read_table(path, source, year)


@pytest.mark.parametrize("source", SOURCES)
def test_every_column_of_every_layout_comes_back(source: str, tmp_path: Path) -> None:
    count = 1 if source == "dfc_national" else 4
    path = write_rows(tmp_path / "printed.csv", sample_rows(source, row_count=count))
    frame = read_table(path, source, YEAR)
    pd.testing.assert_frame_equal(read_again(frame, source, tmp_path), frame)


@needs_cms_public
@pytest.mark.parametrize(
    ("file", "source", "year"),
    [
        ("DFC_FACILITY_2026-04.csv", "dfc_facility", 2024),
        ("DFC_NATIONAL_2026-07.csv", "dfc_national", 2024),
        ("QIP_COMPLETE_PY2026_header_and_8rows.csv", "qip_complete", 2024),
        ("ICH_CAHPS_FACILITY_2022.csv", "ich_cahps_facility", 2022),
    ],
)
def test_the_files_cms_published_come_back(
    file: str, source: str, year: int, tmp_path: Path
) -> None:
    frame = read_table(CMS_PUBLIC / file, source, year)
    pd.testing.assert_frame_equal(read_again(frame, source, tmp_path, year), frame)


def test_a_number_is_rounded_to_ten_decimals_and_no_further(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "printed.csv", sample_rows("dfc_facility", row_count=1))
    frame = read_dfc_facility(path, YEAR)
    frame["shr_rate"] = 123456.12345678912
    again = read_again(frame, "dfc_facility", tmp_path)
    assert again["shr_rate"].tolist() == [123456.1234567891]


def test_a_cell_that_must_not_be_empty_is_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "printed.csv", sample_rows("dfc_facility", row_count=2))
    frame = read_dfc_facility(path, YEAR)
    frame["facility_name"] = [None, "Second"]
    with pytest.raises(ValueError, match="column Facility Name: 1 cells are empty"):
        write_table(tmp_path / "written.csv", "dfc_facility", YEAR, frame)
