"""The computed nations shared by the tests of this folder."""

from pathlib import Path

import pandas as pd
import pytest

from esrd_pipeline.sources.files import QIP_BY_MEASURE, find_release
from esrd_pipeline.sources.qip_by_measure import read_qip_by_measure
from esrd_pipeline_tests.acceptance.four_years import Years, measure_years
from esrd_pipeline_tests.acceptance.shr_nation import (
    RAW,
    WAREHOUSE,
    MeasuredNation,
    measure_nation,
)
from esrd_pipeline_tests.session import make_once
from esrd_pipeline_tests.shared_files import CMS_PUBLIC


@pytest.fixture(scope="session")
def nation(tmp_path_factory: pytest.TempPathFactory) -> MeasuredNation:
    """A year beside what was planted in it."""
    folder = make_once(tmp_path_factory, "measured_nation", measure_nation)
    return MeasuredNation(folder / RAW, folder / WAREHOUSE)


@pytest.fixture(scope="session")
def four_years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the four years."""
    return make_once(tmp_path_factory, "four_years", measure_years)


@pytest.fixture(scope="session")
def years(four_years: Path) -> Years:
    """What is stored of them."""
    return Years.open(four_years)


@pytest.fixture(scope="session")
def by_measure() -> pd.DataFrame:
    """CMS's files by measure of payment year 2024 as one table."""
    paths = {source: find_release(CMS_PUBLIC / "py2024_qip", source) for source in QIP_BY_MEASURE}
    return read_qip_by_measure(paths, 2022)
