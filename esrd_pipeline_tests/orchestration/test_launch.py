"""What a command says where Dagster cannot record its run."""

import re

import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.launch import LaunchError, run_job
from esrd_pipeline.settings import Settings


def test_a_record_of_runs_that_cannot_be_used_is_named(published_world: Settings) -> None:
    home = published_world.dagster_home
    (home / "history").mkdir()
    (home / "history" / "runs.db").write_text("no database, and long enough to be taken for one")
    text = (
        rf"refresh 2025 stopped\.\nDagster's record of runs in {re.escape(str(home))} cannot be"
        r" used \(file is not a database\); [\d,.]+ MB are free there"
    )
    with pytest.raises(LaunchError, match=text):
        run_job(defs, "refresh", 2025, tags={}, run_config={})


def test_a_clock_before_all_years_is_told(
    published_world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "esrd_pipeline.orchestration.partitions.performance_years.get_partition_keys", list
    )
    text = r"no performance year has begun by the clock of this machine, which says \d{4}-\d\d-\d\d"
    with pytest.raises(LaunchError, match=text):
        run_job(defs, "refresh", 2025, tags={}, run_config={})
    assert not published_world.warehouse_dir.exists()
