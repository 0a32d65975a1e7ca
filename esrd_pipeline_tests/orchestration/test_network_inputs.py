"""The Network's own files in Dagster: stored for a year, and a bad one leaves what was stored."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.orchestration.network_input_assets import ASSETS
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables.network_inputs import (
    CONTACT,
    DISASTER_DECLARATION,
    ENROLMENT,
    FACILITY_STATUS,
    TABLES,
)
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.network_files import GOOD, write, write_good


def materialize(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        ASSETS,
        instance=instance,
        partition_key="2024",
        resources={"storage": make_storage()},
        raise_on_error=False,
    )


def test_files_of_a_network_are_stored_and_a_bad_one_changes_nothing(
    world: Settings, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_good(tmp_path / "network")
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(folder))
    assert materialize(instance).success
    warehouse = Warehouse(world.warehouse_dir)
    enrolment = warehouse.read(ENROLMENT, 2024)
    assert list(enrolment["ccn"]) == ["012501", "012502"]
    assert enrolment["end_date"].isna().tolist() == [False, True]
    (area,) = warehouse.read(DISASTER_DECLARATION, 2024).to_dict("records")
    assert (area["disaster_number"], area["fips_county_code"]) == (4828, "001")
    assert area["incident_begin_date"] == date(2024, 9, 23)
    assert len(warehouse.read(FACILITY_STATUS, 2024)) == 2
    before = warehouse.partition_path(CONTACT, 2024).read_bytes()
    header, *rows = GOOD["network_contact"]
    write(folder, "network_contact", header, *rows, "fewer_stays,012504,2024-03-10,call,2,")
    failed = materialize(instance)
    assert not failed.success
    (message,) = [
        event.step_failure_data.error_display_string for event in failed.get_step_failure_events()
    ]
    assert "network_contact.csv, row 4, column 'ACTIVITY, CCN': is no activity and ccn" in message
    assert warehouse.partition_path(CONTACT, 2024).read_bytes() == before


def test_a_network_without_files_has_empty_tables(
    world: Settings, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nothing").mkdir()
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(tmp_path / "nothing"))
    assert materialize(instance).success
    warehouse = Warehouse(world.warehouse_dir)
    assert [len(warehouse.read(table, 2024)) for table in TABLES] == [0] * len(TABLES)
    assert not list((tmp_path / "nothing").iterdir())


def test_the_embedded_default_has_activities(world: Settings, instance: dg.DagsterInstance) -> None:
    assert materialize(instance).success
    enrolment = Warehouse(world.warehouse_dir).read(ENROLMENT, 2024)
    counts = enrolment.groupby("activity").size().to_dict()
    assert counts == {"N06-worst": 6, "N09-random": 6, "N14-worst": 6}
