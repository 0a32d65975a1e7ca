"""Fixtures of the orchestration tests: generated published files, a real Dagster instance."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.settings import Settings, load_settings
from esrd_pipeline.synthetic.published import write_published_files
from esrd_pipeline_tests.orchestration.commands import run, run_here
from esrd_pipeline_tests.session import make_once

FACILITIES = 60
PUBLISHED_YEARS = range(2022, 2026)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The data folder of a backfill, and what the command said."""

    data: Path
    output: str

    def copy_to(self, folder: Path) -> Path:
        """Copy the data to where it may be changed."""
        return shutil.copytree(self.data, folder)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published files of 2022 to 2025 for a few facilities; nobody may change them."""
    return make_once(tmp_path_factory, "published", write_years)


def write_years(folder: Path) -> None:
    for year in PUBLISHED_YEARS:
        (folder / str(year)).mkdir()
        write_published_files(folder / str(year), performance_year=year, facility_count=FACILITIES)


@pytest.fixture(scope="session")
def refreshed(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    """Four years backfilled by the command, the first of them the star baseline.

    Nobody may change it: other workers read it.
    """

    def backfill(folder: Path) -> None:
        first, last = str(PUBLISHED_YEARS[0]), str(PUBLISHED_YEARS[-1])
        years = ("--from", first, "--to", last)
        data = folder / "data"
        code, text = run(data, published, "backfill", *years, "--star-baseline", "reset")
        assert code == 0, text
        (folder / "output.txt").write_text(text, encoding="utf-8")

    folder = make_once(tmp_path_factory, "refreshed", backfill)
    return Refreshed(folder / "data", (folder / "output.txt").read_text(encoding="utf-8"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An empty data folder, named by the environment."""
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "data" / "dagster_home"))
    monkeypatch.delenv("ESRD_PUBLISHED_DIR", raising=False)
    settings = load_settings()
    prepare_dagster_home(settings.dagster_home)
    return settings


@pytest.fixture
def published_world(world: Settings, published: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same, over the published files."""
    monkeypatch.setenv("ESRD_PUBLISHED_DIR", str(published))
    settings = load_settings()
    assert settings.data_dir == world.data_dir
    assert settings.origin == "published"
    return settings


@pytest.fixture
def instance(world: Settings) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of that world, with its files on disk."""
    with dg.DagsterInstance.from_config(str(world.dagster_home)) as opened:
        yield opened


@pytest.fixture(scope="session")
def site(refreshed: Refreshed, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last year's static site; nobody may change it."""

    def write(folder: Path) -> None:
        year = str(PUBLISHED_YEARS[-1])
        code, text = run_here(
            refreshed.data, published, "site", "--year", year, "--folder", str(folder / "site")
        )
        assert code == 0, text

    return make_once(tmp_path_factory, "site", write) / "site"
