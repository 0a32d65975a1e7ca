"""Nothing is computed from a year whose intake fails: what reads raw tables comes after it."""

from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.context import StepContext
from esrd_pipeline.orchestration.intake import (
    OF_FILES,
    RAW_TABLES,
    IntakeError,
    check_intake,
    count_years_back,
    digest_files,
)
from esrd_pipeline.orchestration.intake_assets import find_unmatched
from esrd_pipeline.orchestration.launch import list_assets
from esrd_pipeline.orchestration.partitions import years_before
from esrd_pipeline.settings import load_settings
from esrd_pipeline.tables import matching, medicare
from esrd_pipeline.tables.release import EXTRACT
from esrd_pipeline.tables.report import INTAKE
from esrd_pipeline.warehouse import Warehouse

YEAR = 2024
_INTAKE_KEY = dg.AssetKey(INTAKE.path)


def test_every_asset_that_reads_raw_tables_of_patients_comes_after_their_intake() -> None:
    graph = defs.resolve_asset_graph()
    raw = {dg.AssetKey(name.split(".")) for name in RAW_TABLES}
    readers = [
        key
        for key in graph.get_all_asset_keys()
        if key != _INTAKE_KEY and raw & graph.get(key).parent_keys
    ]
    assert dg.AssetKey(["linkage", "claim"]) in readers
    assert not [key for key in readers if _INTAKE_KEY not in graph.get(key).parent_keys]


def test_a_reader_of_three_years_before_waits_for_their_intakes() -> None:
    read = [(medicare.CLAIM, years_before(first=3)), (medicare.CLAIM_VALUE, None)]
    assert count_years_back(read) == 3
    assert count_years_back(read[1:]) == 0
    assert count_years_back([(matching.CLAIM, None)]) is None


def test_the_intake_is_made_with_the_layer_of_raw_tables() -> None:
    job = defs.resolve_job_def("refresh")
    assert _INTAKE_KEY in list_assets(job, ["raw"])
    assert _INTAKE_KEY not in list_assets(job, ["report"])


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StepContext:
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path))
    return StepContext(YEAR, Warehouse(tmp_path / "warehouse"), load_settings())


def store_files(warehouse: Warehouse, year: int, digest: str) -> pd.DataFrame:
    row = {"table_name": "raw.claim", "file_name": "a.txt", "size_bytes": 1, "sha256": digest}
    frame = pd.DataFrame([{"performance_year": year, **row}])
    warehouse.publish(warehouse.stage(EXTRACT, year, frame))
    return frame


def store_intake(warehouse: Warehouse, year: int, files: pd.DataFrame) -> None:
    empty = pd.DataFrame(columns=INTAKE.column_names)
    notes = {OF_FILES: digest_files(files)}
    warehouse.publish(warehouse.stage(INTAKE, year, empty, notes=notes))


def test_a_year_is_computed_from_files_that_its_intake_let_pass(step: StepContext) -> None:
    check_intake(step, 3)
    files = store_files(step.warehouse, YEAR, "one")
    with pytest.raises(IntakeError, match=r"report.intake of 2024 has not let pass"):
        check_intake(step, 0)
    store_intake(step.warehouse, YEAR, files)
    check_intake(step, 3)
    store_files(step.warehouse, YEAR, "another")
    with pytest.raises(IntakeError, match="refresh 2024 first, or mend its files"):
        check_intake(step, 0)


def test_a_year_before_that_failed_stops_who_reads_it(step: StepContext) -> None:
    store_intake(step.warehouse, YEAR, store_files(step.warehouse, YEAR, "one"))
    store_files(step.warehouse, YEAR - 1, "bad")
    check_intake(step, 0)
    with pytest.raises(IntakeError, match=r"report.intake of 2023"):
        check_intake(step, 1)


@pytest.mark.parametrize(
    ("unmatched", "warns", "fails"), [(5, False, False), (20, True, False), (60, False, True)]
)
def test_beneficiaries_without_an_eqrs_patient_warn_or_fail(
    tmp_path: Path, unmatched: int, *, warns: bool, fails: bool
) -> None:
    warehouse = Warehouse(tmp_path)
    rows = pd.DataFrame(
        {
            "bene_id": range(1, 101),
            "performance_year": YEAR,
            "patient_id": [-n if n <= unmatched else n for n in range(1, 101)],
            "is_matched": [n > unmatched for n in range(1, 101)],
            "matched_by": None,
            "matched_in": None,
            "reason": None,
        }
    )
    staged = warehouse.stage(matching.BENEFICIARY, YEAR, rows)
    warning, fault = find_unmatched(warehouse.query, staged.path)
    assert (warning is not None, fault is not None) == (warns, fails)
    text = warning or fault or ""
    assert ("linkage.beneficiary, column bene_id" in text) == (warns or fails)
