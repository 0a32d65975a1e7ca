"""Published files of one year that cannot be of one nation: refused by file, column and rule."""

from collections.abc import Callable

import pandas as pd
import pytest

from esrd_pipeline.sources.dfc_facility import read_dfc_facility
from esrd_pipeline.sources.dfc_national import read_dfc_national
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.files import find_release
from esrd_pipeline.sources.files_together import check_together
from esrd_pipeline.sources.ich_cahps_facility import read_ich_cahps_facility
from esrd_pipeline.sources.qip_complete import read_qip_complete
from esrd_pipeline.synthetic.published import write_published_files
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public

YEAR = 2024
READERS = {
    "dfc_facility": read_dfc_facility,
    "dfc_national": read_dfc_national,
    "qip_complete": read_qip_complete,
    "ich_cahps_facility": read_ich_cahps_facility,
}
Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("published")
    write_published_files(folder, performance_year=YEAR, facility_count=200)
    return {name: read(find_release(folder, name), YEAR) for name, read in READERS.items()}


def half(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.head(len(frame) // 2)


def test_good_files_agree(files: dict[str, pd.DataFrame]) -> None:
    check_together(files, YEAR)


@pytest.mark.parametrize(
    ("source", "change", "message"),
    [
        ("dfc_facility", half, "DFC facility file: lists "),
        ("qip_complete", half, "Complete QIP file: lists "),
        ("ich_cahps_facility", half, "ICH CAHPS facility file: lists "),
        (
            "dfc_national",
            lambda frame: frame.assign(shr_rate=frame["shr_rate"] / 100),
            "column 'Hospitalization Rate (US)': is 1.",
        ),
        (
            "dfc_national",
            lambda frame: frame.assign(sfr_rate=frame["sfr_rate"] / 100),
            "column 'Fistula Rate (US)': is 0.5",
        ),
        (
            "dfc_national",
            lambda frame: frame.assign(
                shr_as_count=frame["shr_worse_count"], shr_worse_count=frame["shr_as_count"]
            ),
            "column 'Hospitalizations - Worse Than Expected (US)': counts 1",
        ),
    ],
)
def test_files_that_are_not_of_one_nation_are_refused(
    files: dict[str, pd.DataFrame], source: str, change: Change, message: str
) -> None:
    with pytest.raises(SourceError) as refused:
        check_together({**files, source: change(files[source])}, YEAR)
    assert message in str(refused.value)


def test_a_file_cut_off_alone_is_told_by_the_nations_counts(
    files: dict[str, pd.DataFrame],
) -> None:
    cut = {"dfc_facility": half(files["dfc_facility"]), "dfc_national": files["dfc_national"]}
    with pytest.raises(SourceError, match=r"counts \d+ facilities, and the DFC facility file has"):
        check_together(cut, YEAR)


@needs_cms_public
def test_cms_own_files_of_different_releases_agree() -> None:
    facilities = read_dfc_facility(CMS_PUBLIC / "DFC_FACILITY_2026-04.csv", YEAR)
    nation = read_dfc_national(CMS_PUBLIC / "DFC_NATIONAL_2026-07.csv", YEAR)
    survey = read_ich_cahps_facility(CMS_PUBLIC / "ICH_CAHPS_FACILITY_2022.csv", 2021)
    check_together(
        {"dfc_facility": facilities, "dfc_national": nation, "ich_cahps_facility": survey}, YEAR
    )
