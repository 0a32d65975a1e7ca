"""Fixtures of the orchestration tests: generated published files, a real Dagster instance."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.settings import Settings, load_settings
from esrd_pipeline.synthetic.published import write_published_files

FACILITIES = 60


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published files of 2022 to 2025 for a few facilities; nobody may change them."""
    folder = tmp_path_factory.mktemp("published")
    for year in range(2022, 2026):
        (folder / str(year)).mkdir()
        write_published_files(folder / str(year), performance_year=year, facility_count=FACILITIES)
    return folder


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
