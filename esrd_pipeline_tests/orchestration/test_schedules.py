"""The quarterly schedule: its year and cut-off, and off until switched on."""

from datetime import UTC, date, datetime

import dagster as dg
import pytest

from esrd_pipeline.definitions import defs
from esrd_pipeline.orchestration.partitions import current_performance_year
from esrd_pipeline.orchestration.schedules import quarter_of, quarterly_refresh


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


def test_the_schedule_waits_to_be_switched_on() -> None:
    assert quarterly_refresh.default_status == dg.DefaultScheduleStatus.STOPPED
    assert quarterly_refresh.job_name == "refresh"
    assert quarterly_refresh.cron_schedule == "0 6 15 1,4,7,10 *"
