"""Star baselines are made on purpose: by their own jobs, never by materialising everything."""

import csv
import shutil
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.orchestration.launch import LaunchError, run_job
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.settings import Settings, load_settings
from esrd_pipeline.tables import program
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.session import keep_events_in_memory

BASELINE = dg.AssetKey(program.STAR_BASELINE.path)


@dataclass(frozen=True, slots=True)
class Printed:
    """Published files with stars, a warehouse made from them, and how many stars they print."""

    files: Path
    warehouse: Path
    counts: dict[int, int]


@pytest.fixture(autouse=True)
def _in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_events_in_memory(monkeypatch)


def launch(job: str, *, layers: tuple[str, ...] | None = None) -> None:
    run_job(defs, job, 2022, tags={}, run_config={}, layers=layers)


def materialise_without_saying_how() -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [defs.get_assets_def(BASELINE)],
        partition_key="2022",
        resources={"storage": make_storage()},
        raise_on_error=False,
    )


def test_operations_store_a_baseline_and_nothing_else_changes_it(
    published_world: Settings,
) -> None:
    launch("refresh_published", layers=("raw", "facility"))
    failed = materialise_without_saying_how()
    assert not failed.success
    (failure,) = [event for event in failed.all_events if event.is_step_failure]
    assert "2022 has no star baseline. One is made on purpose only" in (
        failure.step_failure_data.error.message
    )
    launch("reset_star_baseline")
    path = Warehouse(published_world.warehouse_dir).partition_path(program.STAR_BASELINE, 2022)
    made = path.read_bytes()
    assert materialise_without_saying_how().success
    assert path.read_bytes() == made
    stored = Warehouse(published_world.warehouse_dir).read(program.STAR_BASELINE, 2022)
    assert stored["operation"].unique().tolist() == ["reset"]
    # The generated files print no stars, and the year has none yet.
    text = "2022: there are no published or stored star ratings for a rebaselining to reproduce"
    with pytest.raises(LaunchError, match=text):
        launch("rebaseline_stars")
    assert path.read_bytes() == made


def print_stars(path: Path) -> dict[int, int]:
    """Print stars into a generated DFC file, from 5 down to 1 in turn, and count them."""
    header, *rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    names = [name.lower().replace(" ", "_") for name in header]
    stars, code = names.index("five_star"), names.index("five_star_data_availability_code")
    for row, star in zip(rows, cycle("54321"), strict=False):
        row[stars], row[code] = star, "001"
    with path.open("w", encoding="utf-8", newline="") as written:
        csv.writer(written).writerows([header, *rows])
    return {star: sum(row[stars] == str(star) for row in rows) for star in range(1, 6)}


@pytest.fixture(scope="module")
def printed(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """A year whose published file prints stars, up to its facilities; nobody may change it."""
    folder = tmp_path_factory.mktemp("printed_stars")
    files = folder / "published"
    shutil.copytree(published / "2022", files / "2022")
    (file,) = (files / "2022").glob("DFC_FACILITY*.csv")
    counts = print_stars(file)
    with pytest.MonkeyPatch.context() as patch:
        keep_events_in_memory(patch)
        patch.setenv("ESRD_DATA_DIR", str(folder / "data"))
        patch.setenv("DAGSTER_HOME", str(folder / "data" / "dagster_home"))
        patch.setenv("ESRD_PUBLISHED_DIR", str(files))
        prepare_dagster_home(load_settings().dagster_home)
        launch("refresh_published", layers=("raw", "facility"))
        return Printed(files, load_settings().warehouse_dir, counts)


@pytest.fixture
def printed_world(printed: Printed, world: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A copy of that year, which the test may change."""
    monkeypatch.setenv("ESRD_PUBLISHED_DIR", str(printed.files))
    settings = load_settings()
    assert settings.data_dir == world.data_dir
    shutil.copytree(printed.warehouse, settings.warehouse_dir)
    return settings


def test_a_rebaselining_reproduces_the_stars_a_release_printed(
    printed: Printed, printed_world: Settings
) -> None:
    launch("rebaseline_stars")
    warehouse = Warehouse(printed_world.warehouse_dir)
    stored = warehouse.read(program.STAR_BASELINE, 2022)
    assert stored["operation"].unique().tolist() == ["rebaseline"]
    launch("refresh_published", layers=("program",))
    rated = warehouse.read(program.STARS, 2022)["rating"].dropna().astype(int)
    # Not every facility that the file prints stars for can be rated: the shares are kept.
    facilities = sum(printed.counts.values())
    for star, count in printed.counts.items():
        assert abs((rated == star).sum() / len(rated) - count / facilities) <= 1 / len(rated)


def test_a_rebaselining_can_reproduce_the_shares_of_the_facilities_it_can_rate(
    printed_world: Settings,
) -> None:
    config = {"operation": "rebaseline", "shares_of": "rateable"}
    step = {"ops": {"program_star_baseline": {"config": config}}}
    run_job(defs, "rebaseline_stars", 2022, tags={}, run_config=step)
    launch("refresh_published", layers=("program",))
    stars = Warehouse(printed_world.warehouse_dir).read(program.STARS, 2022)
    both = stars.dropna(subset=["rating", "published_rating"])
    # The printed stars are drawn from a hat: the counts are the same, not the facilities.
    counts = both["rating"].astype(int).value_counts().to_dict()
    assert counts == both["published_rating"].astype(int).value_counts().to_dict()
    assert len(both) < stars["published_rating"].notna().sum()
