"""The code locations of `docs/examples` load, with all jobs and the executor they are about."""

import runpy
from pathlib import Path

import dagster as dg
import pytest
from dagster_celery import celery_executor
from dagster_k8s import k8s_job_executor

import esrd_pipeline
from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.settings import SettingError

EXAMPLES = Path(str(esrd_pipeline.__file__)).parents[1] / "docs/examples"


@pytest.mark.parametrize(
    ("file", "executor"),
    [("celery_location.py", celery_executor), ("k8s_location.py", k8s_job_executor)],
)
def test_an_example_has_every_job_and_its_executor(
    file: str, executor: dg.ExecutorDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESRD_CELERY_BROKER", "redis://head:6379/0")
    monkeypatch.setenv("ESRD_CELERY_BACKEND", "rpc://")
    made = runpy.run_path(str(EXAMPLES / file))["defs"]
    jobs = {job.name: job for job in made.get_repository_def().get_all_jobs()}
    assert set(jobs) == {job.name for job in defs.get_repository_def().get_all_jobs()}
    assert len(jobs) > 10
    for job in jobs.values():
        assert job.executor_def.name == executor.name
    # The settings are those that the executor takes.
    taken = jobs["export"].executor_def.apply_config_mapping({"config": {}})
    assert taken.success, taken.errors
    assert made.resources["storage"].needs_files
    assert not defs.resources["storage"].needs_files


def test_a_worker_that_sees_no_source_files_makes_no_synthetic_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ESRD_PATIENT_DIR", "ESRD_PUBLISHED_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path))
    place = str(tmp_path / "raw/published")
    with pytest.raises(SettingError, match=f"sees no source files in {place} or .*: mount them"):
        make_storage(needs_files=True).settings()
    assert make_storage().settings().origin == "embedded"
    (tmp_path / "raw/patient/2024").mkdir(parents=True)
    (tmp_path / "raw/patient/2024/claims.csv").touch()
    assert make_storage(needs_files=True).settings().origin == "published"
