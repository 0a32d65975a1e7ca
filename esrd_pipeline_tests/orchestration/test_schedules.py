"""The quarterly schedule: its year and cut-off, and off until switched on."""

from datetime import UTC, date, datetime

import dagster as dg
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.partitions import current_performance_year
from esrd_pipeline.orchestration.schedules import make_candidate, quarterly_refresh
from esrd_pipeline.releases.quarter import find_cutoff, quarter_of


@pytest.mark.parametrize(
    ("moment", "run_key", "year"),
    [
        (datetime(2026, 1, 15, 11, tzinfo=UTC), "2026Q1:2024", "2024"),
        (datetime(2026, 7, 15, 10, tzinfo=UTC), "2026Q3:2024", "2024"),
        (datetime(2026, 10, 15, 10, tzinfo=UTC), "2026Q4:2025", "2025"),
    ],
)
def test_a_quarter_asks_for_the_current_year_once(
    moment: datetime, run_key: str, year: str
) -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=moment,
            repository_def=defs.get_repository_def(),
        ) as context,
    ):
        (request,) = quarterly_refresh.evaluate_tick(context).run_requests
    assert request.run_key == run_key
    assert request.partition_key == year
    assert request.tags["esrd/data_cutoff"] == moment.date().isoformat()
    assert request.tags["esrd/quarter"] == run_key[:6]


def test_the_year_moves_on_in_october() -> None:
    assert current_performance_year(date(2026, 9, 30)) == 2024
    assert current_performance_year(date(2026, 10, 1)) == 2025
    assert [quarter_of(date(2026, month, 1)) for month in (3, 4, 9, 12)] == [
        "2026Q1",
        "2026Q2",
        "2026Q3",
        "2026Q4",
    ]


def request_candidate(
    instance: dg.DagsterInstance, tags: dict[str, str]
) -> dg.RunRequest | dg.SkipReason:
    """Let the sensor see a refresh that has succeeded."""
    refresh = defs.resolve_job_def("refresh")
    run = instance.create_run_for_job(
        refresh, status=dg.DagsterRunStatus.SUCCESS, tags={"dagster/partition": "2025", **tags}
    )
    event = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=refresh.name
    )
    context = dg.build_run_status_sensor_context(
        sensor_name="make_candidate",
        dagster_event=event,
        dagster_instance=instance,
        dagster_run=run,
    )
    asked = make_candidate(context)
    assert isinstance(asked, dg.RunRequest | dg.SkipReason)
    return asked


def test_a_candidate_follows_the_refresh_of_a_quarter() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        tags = {"esrd/quarter": "2026Q4", "esrd/data_cutoff": "2026-10-15"}
        asked = request_candidate(instance, tags)
        assert isinstance(asked, dg.RunRequest)
        assert asked.partition_key == "2025"
        step = asked.run_config["ops"]["release_state"]["config"]
        assert step == {
            "operation": "candidate",
            "quarter": "2026Q4",
            "cutoff": "2026-10-15",
            "person": "the quarterly schedule",
        }
        assert dg.validate_run_config(defs.resolve_job_def("release"), asked.run_config)
        assert isinstance(request_candidate(instance, {}), dg.SkipReason)
    assert make_candidate.default_status == dg.DefaultSensorStatus.RUNNING


def test_the_cut_off_of_a_quarter_is_the_day_of_its_refresh() -> None:
    assert find_cutoff("2026Q3") == date(2026, 7, 15)
    assert quarter_of(find_cutoff("2026Q4")) == "2026Q4"
    with pytest.raises(ValueError, match="2026Q5 is not a quarter: write it as 2026Q3"):
        find_cutoff("2026Q5")


def test_the_schedule_waits_to_be_switched_on() -> None:
    assert quarterly_refresh.default_status == dg.DefaultScheduleStatus.STOPPED
    assert quarterly_refresh.job_name == "refresh"
    assert quarterly_refresh.cron_schedule == "0 6 15 1,4,7,10 *"
