"""Star baselines are made on purpose: by their own jobs, never by materialising everything."""

import dagster as dg
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.launch import LaunchError, run_job
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables import program
from esrd_pipeline.warehouse import Warehouse

BASELINE = dg.AssetKey(program.STAR_BASELINE.path)


def launch(job: str, *, only_through: str | None = None) -> None:
    run_job(defs, job, 2022, tags={}, run_config={}, only_through=only_through)


def materialise_without_saying_how(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [defs.get_assets_def(BASELINE)],
        instance=instance,
        partition_key="2022",
        resources={"storage": make_storage()},
        raise_on_error=False,
    )


def test_operations_store_a_baseline_and_nothing_else_changes_it(
    published_world: Settings, instance: dg.DagsterInstance
) -> None:
    launch("refresh", only_through="facility")
    failed = materialise_without_saying_how(instance)
    assert not failed.success
    (failure,) = [event for event in failed.all_events if event.is_step_failure]
    assert "2022 has no star baseline. One is made on purpose only" in (
        failure.step_failure_data.error.message
    )
    launch("reset_star_baseline")
    path = Warehouse(published_world.warehouse_dir).partition_path(program.STAR_BASELINE, 2022)
    made = path.read_bytes()
    assert materialise_without_saying_how(instance).success
    assert path.read_bytes() == made
    stored = Warehouse(published_world.warehouse_dir).read(program.STAR_BASELINE, 2022)
    assert stored["operation"].unique().tolist() == ["reset"]
    # The generated files print no stars: there is nothing for a rebaselining to reproduce.
    with pytest.raises(LaunchError, match="no published star ratings for a rebaselining"):
        launch("rebaseline_stars")
    assert path.read_bytes() == made
