"""Star baselines are made on purpose: by their own jobs, never by materialising everything."""

import csv
import shutil
from itertools import cycle
from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.launch import LaunchError, run_job
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables import program
from esrd_pipeline.warehouse import Warehouse

BASELINE = dg.AssetKey(program.STAR_BASELINE.path)


@pytest.fixture(autouse=True)
def _in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster keeps its events in memory: they are many, and of no test here."""
    monkeypatch.setattr(dg.DagsterInstance, "get", dg.DagsterInstance.ephemeral)


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
    said = "2022: there are no published or stored star ratings for a rebaselining to reproduce"
    with pytest.raises(LaunchError, match=said):
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


def test_a_rebaselining_reproduces_the_stars_a_release_printed(
    published: Path, published_world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(published / "2022", tmp_path / "published" / "2022")
    (file,) = (tmp_path / "published" / "2022").glob("DFC_FACILITY*.csv")
    printed = print_stars(file)
    monkeypatch.setenv("ESRD_PUBLISHED_DIR", str(tmp_path / "published"))
    launch("refresh_published", layers=("raw", "facility"))
    launch("rebaseline_stars")
    warehouse = Warehouse(published_world.warehouse_dir)
    stored = warehouse.read(program.STAR_BASELINE, 2022)
    assert stored["operation"].unique().tolist() == ["rebaseline"]
    launch("refresh_published", layers=("program",))
    rated = warehouse.read(program.STARS, 2022)["rating"].dropna().astype(int)
    # Not every facility that the file prints stars for can be rated: the shares are kept.
    facilities = sum(printed.values())
    for star, count in printed.items():
        assert abs((rated == star).sum() / len(rated) - count / facilities) <= 1 / len(rated)


def test_a_rebaselining_can_reproduce_the_shares_of_the_facilities_it_can_rate(
    published: Path, published_world: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(published / "2022", tmp_path / "published" / "2022")
    (file,) = (tmp_path / "published" / "2022").glob("DFC_FACILITY*.csv")
    print_stars(file)
    monkeypatch.setenv("ESRD_PUBLISHED_DIR", str(tmp_path / "published"))
    launch("refresh_published", layers=("raw", "facility"))
    config = {"operation": "rebaseline", "shares_of": "rateable"}
    step = {"ops": {"program_star_baseline": {"config": config}}}
    run_job(defs, "rebaseline_stars", 2022, tags={}, run_config=step)
    launch("refresh_published")
    stars = Warehouse(published_world.warehouse_dir).read(program.STARS, 2022)
    both = stars.dropna(subset=["rating", "published_rating"])
    # The printed stars are drawn from a hat: the counts are the same, not the facilities.
    counts = both["rating"].astype(int).value_counts().to_dict()
    assert counts == both["published_rating"].astype(int).value_counts().to_dict()
    assert len(both) < stars["published_rating"].notna().sum()
