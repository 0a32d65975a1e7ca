"""The job `emergency` and its sensor, in Dagster: a new status file makes a page."""

from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.emergency_assets import STEP
from esrd_pipeline.orchestration.emergency_effect_assets import EFFECT_STEP, PROPOSAL_STEP
from esrd_pipeline.orchestration.sensors import refresh_emergency
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables import emergency
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.emergency.small import (
    AFTER,
    CLOSED,
    YEAR,
    store,
    store_after,
    write_files,
)


def ask(instance: dg.DagsterInstance, cursor: str | None) -> tuple[object, str | None]:
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=defs.get_repository_def()
    ) as context:
        asked = refresh_emergency(context)
        return asked, context.cursor


def test_a_status_file_makes_a_page_and_stored_tables(
    world: Settings, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "network"
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(folder))
    warehouse = store(world.warehouse_dir)
    before, cursor = ask(instance, None)
    assert isinstance(before, dg.SkipReason)
    write_files(folder)
    request, cursor = ask(instance, cursor)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == str(YEAR)
    again, _ = ask(instance, cursor)
    assert isinstance(again, dg.SkipReason)
    job = defs.resolve_job_def("emergency")
    result = job.execute_in_process(
        instance=instance,
        partition_key=request.partition_key,
        run_config=request.run_config,
        raise_on_error=False,
    )
    assert result.success
    page = world.emergency_dir / "REPORTED-2024-09-26" / "index.html"
    assert "FACILITY 102501" in page.read_text()
    capacity = warehouse.read(emergency.CAPACITY, YEAR).set_index("ccn")
    assert capacity.loc[CLOSED, "status"] == "closed"
    assert capacity.loc[CLOSED, "room"] == 0
    needs = warehouse.read(emergency.FACILITY_NEED, YEAR).set_index(["ccn", "modality"])
    assert needs.loc[(CLOSED, emergency.IN_CENTER), "patients"] == 30
    assert needs.loc[(CLOSED, emergency.PERITONEAL), "patients"] == 12
    placed = warehouse.read(emergency.PLACEMENT, YEAR)
    by_modality = placed.groupby("modality")["patients"].sum()
    assert by_modality.to_dict() == {emergency.IN_CENTER: 30, emergency.PERITONEAL: 12}
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks["expectations"]
    # No patient's number in what Dagster keeps of the run.
    for event in result.get_asset_materialization_events():
        assert "patient_id" not in str(event.materialization.metadata)


def test_a_bad_status_file_asks_for_a_run_that_says_why(
    world: Settings, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_files(tmp_path / "network")
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(folder))
    store(world.warehouse_dir)
    path = folder / "facility_status.csv"
    path.write_text(path.read_text().replace(",closed,", ",shut,"))
    request, cursor = ask(instance, None)
    assert isinstance(request, dg.RunRequest)
    assert "row 2, column 'STATUS'" in (cursor or "")
    job = defs.resolve_job_def("emergency")
    result = job.execute_in_process(
        instance=instance, partition_key=str(YEAR), raise_on_error=False
    )
    assert not result.success
    assert not Warehouse(world.warehouse_dir).has(emergency.CAPACITY, YEAR)


def test_a_day_of_another_year_is_refused(world: Settings, instance: dg.DagsterInstance) -> None:
    store(world.warehouse_dir)
    result = defs.resolve_job_def("emergency").execute_in_process(
        instance=instance,
        partition_key=str(YEAR),
        run_config={"ops": {STEP: {"config": {"day": "2023-01-01"}}}},
        raise_on_error=False,
    )
    assert not result.success
    (failure,) = [e for e in result.get_step_failure_events() if e.step_key == STEP]
    assert (
        "2023-01-01 is not in the partition 2024" in failure.step_failure_data.error_display_string
    )


def test_an_emergencys_effect_and_proposed_exceptions_are_stored(
    world: Settings, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(write_files(tmp_path / "network")))
    warehouse = store_after(world.warehouse_dir)
    for job, step, config in (
        ("emergency_effect", EFFECT_STEP, {"area": "FL", "day": AFTER.isoformat()}),
        ("propose_exceptions", PROPOSAL_STEP, {"at": "2024-10-02T12:00Z"}),
    ):
        result = defs.resolve_job_def(job).execute_in_process(
            instance=instance,
            partition_key=str(YEAR),
            run_config={"ops": {step: {"config": config}}},
            raise_on_error=False,
        )
        assert result.success
    outcomes = warehouse.read(emergency.FACILITY_OUTCOME, YEAR).set_index(["period", "ccn"])
    # Of 30 patients in center two of three have claims; 12 die on the fourth of 30 days.
    mine = outcomes.loc[("day", CLOSED)]
    assert (mine["patients"], mine["deaths"], mine["patient_days"]) == (20, 12, 8 * 30 + 12 * 4)
    effects = warehouse.read(emergency.EFFECT, YEAR).set_index(["outcome", "comparison"])
    deaths = effects.loc[("deaths", emergency.COMPARISONS[1])]
    # 12 in the 33 other and 12 short lives of Florida; 3 of the 7 patients in Georgia.
    rates = 12 / (33 * 30 + 12 * 4), 3 / (4 * 30 + 3 * 4)
    assert deaths["ratio"] == pytest.approx(rates[0] / rates[1])
    proposed = warehouse.read(emergency.EXCEPTION_PROPOSAL, YEAR)
    # Closed since the evening of 26 September, known until noon of 2 October.
    assert [str(proposed[name].iloc[0])[:10] for name in ("ccn", "first_month", "last_month")] == [
        CLOSED,
        "2024-09-01",
        "2024-10-01",
    ]
    assert proposed[["closed_days", "cause"]].to_numpy().tolist() == [[5, "flood"]]
