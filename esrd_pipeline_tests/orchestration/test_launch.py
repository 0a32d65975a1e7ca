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
    said = (
        rf"refresh 2025 stopped\.\nDagster's record of runs in {re.escape(str(home))} cannot be"
        r" used \(file is not a database\); [\d,.]+ MB are free there"
    )
    with pytest.raises(LaunchError, match=said):
        run_job(defs, "refresh", 2025, tags={}, run_config={})
