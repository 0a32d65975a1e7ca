"""Generated files load with the project's readers; equal arguments give equal files."""

import re
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from esrd_pipeline.sources.headers import api_name
from esrd_pipeline.sources.layout import load_layout
from esrd_pipeline.synthetic.published import write_published_files
from esrd_pipeline_tests.synthetic.conftest import FACILITIES, YEARS
from esrd_pipeline_tests.synthetic.generated_files import (
    OF_EVERY_YEAR,
    read_published,
    read_source,
)


@pytest.mark.parametrize("source", OF_EVERY_YEAR)
@pytest.mark.parametrize("year", YEARS)
def test_own_readers_load_every_file(published: Path, source: str, year: int) -> None:
    frame = read_source(published, source, year)
    assert len(frame) == len(read_published(published, source, year))


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    count=st.integers(1, 40),
    seed=st.integers(0, 2**32),
    year=st.integers(2021, 2040),
)
def test_any_size_seed_and_year_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, count: int, seed: int, year: int
) -> None:
    root = tmp_path_factory.mktemp("any")
    write_published_files(root / str(year), performance_year=year, facility_count=count, seed=seed)
    for source in OF_EVERY_YEAR:
        read_source(root, source, year)
    if list((root / str(year)).glob("QIP_STANDARDS.csv")):
        read_source(root, "qip_standard", year)


def test_same_arguments_write_the_same_bytes(published: Path, tmp_path: Path) -> None:
    again = write_published_files(
        tmp_path / "2024", performance_year=2024, facility_count=FACILITIES
    )
    for path in again:
        assert path.read_bytes() == (published / "2024" / path.name).read_bytes()


def test_another_seed_writes_another_nation(published: Path, tmp_path: Path) -> None:
    [path, *_] = write_published_files(
        tmp_path / "2024", performance_year=2024, facility_count=FACILITIES, seed=1
    )
    assert path.read_bytes() != (published / "2024" / path.name).read_bytes()


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(YEARS)))
def test_improvement_columns_repeat_the_earlier_file(
    published: Path, earlier: int, later: int
) -> None:
    before = read_source(published, "qip_complete", earlier).set_index("ccn")
    after = read_source(published, "qip_complete", later).set_index("ccn")
    both = before.index.intersection(after.index)
    improvement = [column.name for column in load_layout("qip_complete", later)]
    published_before = {column.name for column in load_layout("qip_complete", earlier)}
    compared = 0
    for name in improvement:
        twin = name.replace("_improvement_", "_achievement_")
        if twin != name and twin in published_before:
            left, right = after.loc[both, name], before.loc[both, twin]
            pd.testing.assert_series_equal(left, right, check_names=False)
            compared += 1
    assert compared >= 20


def test_a_facility_is_the_same_in_every_year(published: Path) -> None:
    frames = [read_source(published, "dfc_facility", year).set_index("ccn") for year in YEARS]
    columns = ["facility_name", "network", "state", "certification_date", "station_count"]
    for before, after in pairwise(frames):
        both = before.index.intersection(after.index)
        assert len(both) > 0.9 * len(before)
        pd.testing.assert_frame_equal(before.loc[both, columns], after.loc[both, columns])


def test_one_facility_changes_owner(published: Path) -> None:
    before = read_source(published, "qip_complete", 2022).set_index("ccn")
    after = read_source(published, "qip_complete", 2023).set_index("ccn")
    both = before.index.intersection(after.index)
    changed = both[before.loc[both, "ownership"] != after.loc[both, "ownership"]]
    assert len(changed) == 1
    assert str(after.loc[changed[0], "ownership_date"]) == "2023-07-01"


def test_facilities_open_and_close(published: Path) -> None:
    first = set(read_source(published, "dfc_facility", 2021)["ccn"])
    last = set(read_source(published, "dfc_facility", 2026)["ccn"])
    assert first - last
    assert last - first


def test_one_year_has_the_headers_of_the_api(published: Path) -> None:
    for source in OF_EVERY_YEAR:
        header = list(read_published(published, source, 2022)[0])
        assert header == [api_name(column.header) for column in load_layout(source, 2022)]


def test_one_year_has_older_headers_and_percents(published: Path) -> None:
    rows = read_published(published, "qip_complete", 2023)
    rates = [row["VAT Catheter Achievement Measure Rate"] for row in rows]
    assert all(re.fullmatch(r"\d{1,3}\.\d\d%|No Rate", rate) for rate in rates)
    assert all(re.fullmatch(r"Network \d{1,2}", row["Network"]) for row in rows)


@pytest.mark.parametrize(("year", "count", "total"), [(2024, 60, 5), (2025, 60, 6), (2025, 5, 5)])
def test_progress_counts_the_files(tmp_path: Path, year: int, count: int, total: int) -> None:
    seen: list[tuple[str, int, int]] = []
    paths = write_published_files(
        tmp_path,
        performance_year=year,
        facility_count=count,
        progress=lambda name, done, total: seen.append((name, done, total)),
    )
    assert seen == [(path.name, done, total) for done, path in enumerate(paths, start=1)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(name for name, _, _ in seen)


def test_the_release_is_of_the_october_after_the_year(published: Path) -> None:
    assert sorted(path.name for path in (published / "2025").iterdir()) == [
        "DFC_FACILITY_2026-10.csv",
        "DFC_NATIONAL_2026-10.csv",
        "ECE_GRANTS.csv",
        "ICH_CAHPS_FACILITY_2026-10.csv",
        "QIP_COMPLETE_PY2027.csv",
        "QIP_STANDARDS.csv",
    ]


@pytest.mark.parametrize("count", [0, 8001])
def test_facility_count_out_of_range_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(ValueError, match="facility_count must be from 1 to 8000"):
        write_published_files(tmp_path, performance_year=2024, facility_count=count)


def test_a_year_before_the_first_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="performance_year must be 2021 or later, not 2020"):
        write_published_files(tmp_path, performance_year=2020)
