"""The measured nations, which the tests of this folder share."""

from pathlib import Path

import pytest

from esrd_pipeline_tests.acceptance.four_years import Years, measure_years
from esrd_pipeline_tests.acceptance.shr_nation import (
    RAW,
    WAREHOUSE,
    MeasuredNation,
    measure_nation,
)
from esrd_pipeline_tests.session import make_once


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
