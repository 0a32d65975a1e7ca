"""A measure is made where the sources of another are broken: each has steps of its own."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline_tests.acceptance.four_years import RAW, WAREHOUSE
from esrd_pipeline_tests.acceptance.raw_jobs import RESET, leave_out_pictures, read_from

BROKEN = ("emergency_encounter", "transfusion")
"""Histories that SEDR and STrR read, and SHR does not."""
MEASURES = ("shr", "strr", "sedr")
SELECTED = tuple(
    dg.AssetKey(path)
    for measure in MEASURES
    for path in (
        ["cohort", f"{measure}_days"],
        ["cohort", measure],
        ["fit", measure],
        ["facility", measure],
    )
)


def copy_year(warehouse: Path, folder: Path) -> None:
    """Copy the first year's partitions, without what the test breaks and what it makes."""

    def leave_out(place: str, names: list[str]) -> set[str]:
        layer = Path(place).name
        other_years = {
            n for n in names if n.startswith("performance_year=") and str(RESET) not in n
        }
        made = {key.path[1] for key in SELECTED if key.path[0] == layer}
        return other_years | (made & set(names)) | (set(BROKEN) & set(names))

    shutil.copytree(warehouse, folder, ignore=leave_out)


def test_shr_is_made_where_the_sources_of_strr_and_sedr_are_broken(
    four_years: Path, tmp_path: Path
) -> None:
    copy_year(four_years / WAREHOUSE, tmp_path / WAREHOUSE)
    with pytest.MonkeyPatch.context() as patch:
        read_from(four_years / RAW, tmp_path, patch)
        leave_out_pictures(patch)
        # Closed, or its temporary folder is missed by whichever test runs when it is collected.
        with dg.DagsterInstance.get() as instance:
            run = defs.resolve_job_def("measure").execute_in_process(
                partition_key=str(RESET),
                asset_selection=list(SELECTED),
                instance=instance,
                raise_on_error=False,
            )
    failed = {event.step_key for event in run.get_step_failure_events()}
    assert failed == {"strr_cohort", "sedr_cohort"}
    made = {
        event.asset_key.to_user_string()
        for event in run.all_events
        if event.is_step_materialization and event.asset_key
    }
    assert made == {"cohort/shr_days", "cohort/shr", "fit/shr", "facility/shr"}
    for layer in ("cohort", "fit", "facility"):
        name = f"{layer}/shr/performance_year={RESET}/data.parquet"
        before, now = four_years / WAREHOUSE / name, tmp_path / WAREHOUSE / name
        assert now.read_bytes() == before.read_bytes()
