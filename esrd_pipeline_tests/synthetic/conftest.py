"""The generated years that the tests of this folder share."""

from pathlib import Path

import pytest

from esrd_pipeline.synthetic.published import write_published_files
from esrd_pipeline_tests.session import make_once
from esrd_pipeline_tests.synthetic.nation_files import Nation, write_nation

YEARS = range(2021, 2027)
FACILITIES = 300
"""Enough that every case the generator knows is met: code, cut-off and sentinel."""


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root with files of three hundred facilities for every year of `YEARS`."""
    root = tmp_path_factory.mktemp("published")
    for year in YEARS:
        write_published_files(root / str(year), performance_year=year, facility_count=FACILITIES)
    return root


@pytest.fixture(scope="session")
def nation(tmp_path_factory: pytest.TempPathFactory) -> Nation:
    """Return a nation of sixty facilities in two years."""
    return Nation(make_once(tmp_path_factory, "raw_nation", write_nation))
