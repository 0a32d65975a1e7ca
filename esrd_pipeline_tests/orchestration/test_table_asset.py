"""The asset factory: good tables are published; otherwise the old partition stays in place."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.instance import UnusableHomeError, prepare_dagster_home
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.orchestration.table_asset import TableAsset, make_multi_asset
from esrd_pipeline.settings import Settings, load_settings
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.warehouse import Warehouse

TABLE = Table(
    name="facility.example",
    grain="one facility",
    source="this test",
    key=("ccn",),
    columns=(Column("ccn", "text", "CCN", required=True), Column("rate", "number", "Rate")),
)
BOUNDED = replace(
    TABLE, columns=(TABLE.columns[0], Column("rate", "number", "Rate", minimum=0, maximum=1))
)


def rates(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"ccn": [f"{i:06d}" for i in range(len(values))], "rate": list(values)})


def run(
    instance: dg.DagsterInstance,
    compute: Callable[[StepContext], StepResult],
    *,
    year: int = 2024,
    tags: dict[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    example = TableAsset(tables=(BOUNDED,), compute=compute, description="An example.")
    return dg.materialize(
        [make_multi_asset("facility", [example])],
        instance=instance,
        partition_key=str(year),
        resources={"storage": make_storage()},
        raise_on_error=False,
        tags=tags,
    )


def stored(world: Settings, year: int = 2024) -> list[float]:
    return Warehouse(world.warehouse_dir).read(BOUNDED, year)["rate"].tolist()


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {check.check_name: check for check in result.get_asset_check_evaluations()}


def test_a_good_frame_is_published_with_its_checks(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    result = run(instance, lambda _: StepResult((rates(0.25, 0.5),), notes={"said": "something"}))
    assert result.success
    assert stored(world) == [0.25, 0.5]
    (event,) = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert metadata["dagster/row_count"].value == 2
    assert metadata["said"].value == "something"
    assert event.partition == "2024"
    assert checks(result)["expectations"].passed
    assert checks(result)["expectations"].partition == "2024"
    assert checks(result)["plausibility"].passed


def test_a_broken_expectation_publishes_nothing_and_keeps_the_old_partition(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    assert run(instance, lambda _: StepResult((rates(0.25),))).success
    result = run(instance, lambda _: StepResult((rates(0.25, 1.4, -2.0),)))
    assert not result.success
    assert stored(world) == [0.25]
    assert result.get_asset_materialization_events() == []
    assert not checks(result)["expectations"].passed
    assert checks(result)["expectations"].metadata["broken"].value == 2
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "rate >= 0 (1 rows); facility.example: rate <= 1 (1 rows)" in (
        failure.step_failure_data.error.message
    )
    folder = Warehouse(world.warehouse_dir).partition_path(BOUNDED, 2024).parent
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "data.parquet"]


def test_a_computation_that_raises_leaves_the_old_partition(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    assert run(instance, lambda _: StepResult((rates(0.25),))).success

    def fail(_: StepContext) -> StepResult:
        raise ValueError("no such thing")

    result = run(instance, fail)
    assert not result.success
    assert stored(world) == [0.25]
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


def test_drift_from_the_year_before_only_warns(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    assert run(instance, lambda _: StepResult((rates(0.1, 0.2),)), year=2023).success
    result = run(instance, lambda _: StepResult((rates(0.7, 0.9),)), year=2024)
    assert result.success
    plausibility = checks(result)["plausibility"]
    assert not plausibility.passed
    assert plausibility.severity == dg.AssetCheckSeverity.WARN
    assert plausibility.metadata["differences"].value == 1
    assert stored(world, 2024) == [0.7, 0.9]


def test_a_year_before_of_another_schema_only_warns(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    whole = replace(TABLE, columns=(TABLE.columns[0], Column("rate", "integer", "Rate")))
    warehouse = Warehouse(world.warehouse_dir)
    frame = pd.DataFrame({"ccn": ["000001"], "rate": [1]})
    warehouse.publish(warehouse.stage(whole, 2023, frame))
    result = run(instance, lambda _: StepResult((rates(0.7),)), year=2024)
    assert result.success
    plausibility = checks(result)["plausibility"]
    assert not plausibility.passed
    assert "facility.example 2023: column rate is stored as integer, defined as number" in (
        plausibility.description or ""
    )


def test_a_data_folder_whose_name_is_a_pattern(
    world: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = world.data_dir / "rate=7" / "a[1]?*'b"
    monkeypatch.setenv("ESRD_DATA_DIR", str(data))
    strange = load_settings()
    (data / "embedded").mkdir(parents=True)
    for year in (2023, 2024):
        result = run(instance, lambda _: StepResult((rates(0.25, 0.5),)), year=year)
        assert result.success
        assert all(check.passed for check in checks(result).values())
    assert stored(strange) == [0.25, 0.5]


def test_a_folder_that_dagster_cannot_keep_its_runs_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableHomeError, match="set DAGSTER_HOME to another folder"):
        prepare_dagster_home(tmp_path / "what?")


def test_a_warning_found_in_the_rows_only_warns(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    def warn(rows: pd.DataFrame) -> str | None:
        return "a rate of one" if (rows["rate"] == 1).any() else None

    def make(*values: float) -> Callable[[StepContext], StepResult]:
        return lambda _: StepResult((rates(*values),), find_warning=warn)

    assert checks(run(instance, make(0.5, 0.6)))["plausibility"].passed
    result = run(instance, make(0.5, 1.0))
    assert result.success
    assert stored(world) == [0.5, 1.0]
    plausibility = checks(result)["plausibility"]
    assert not plausibility.passed
    assert plausibility.severity == dg.AssetCheckSeverity.WARN
    assert (plausibility.description or "").startswith("a rate of one; ")


def test_transient_errors_are_tried_again_and_others_are_not(
    world: Settings, instance: dg.DagsterInstance
) -> None:
    attempts: list[int] = []

    def stumble(step: StepContext) -> StepResult:
        attempts.append(step.performance_year)
        if len(attempts) == 1:
            raise TimeoutError("the file server did not answer")
        return StepResult((rates(0.5),))

    assert run(instance, stumble).success
    assert attempts == [2024, 2024]
    assert stored(world) == [0.5]


def test_the_data_cutoff_reaches_the_computation(instance: dg.DagsterInstance) -> None:
    seen: list[str] = []

    def look(step: StepContext) -> StepResult:
        seen.append(str(step.cutoff))
        return StepResult((rates(0.5),))

    assert run(instance, look, tags={"esrd/data_cutoff": "2026-10-15"}).success
    assert run(instance, look).success
    assert seen == ["2026-10-15", "None"]
