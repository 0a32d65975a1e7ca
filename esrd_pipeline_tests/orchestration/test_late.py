"""A refresh that is late is told once; a new one ends it."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from esrd_pipeline.orchestration import late
from esrd_pipeline.orchestration.late import find_freshness, report_late_refresh
from esrd_pipeline.settings import Settings
from esrd_pipeline.tables.program import STARS
from esrd_pipeline.tables.raw import ECE_GRANT


def test_a_late_refresh_is_told_once(
    world: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(cursor: str | None) -> tuple[str, str | None]:
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        answer = report_late_refresh(context)
        assert isinstance(answer, dg.SkipReason)
        return str(answer.skip_message), context.cursor

    assert look(None) == ("nothing was refreshed yet", None)
    instance.report_runless_asset_event(dg.AssetMaterialization(dg.AssetKey(STARS.path)))
    assert look(None) == ("refreshed 0 days ago", None)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            assert tz is UTC
            return datetime.now(tz=UTC) + timedelta(days=110)

    monkeypatch.setattr(late, "datetime", Later)
    text, cursor = look(None)
    assert text == "late: refreshed 110 days ago"
    assert look(cursor)[0] == text
    (line,) = world.failure_log.read_text(encoding="utf-8").splitlines()
    assert (
        "scores and stars were last made 110 days ago (docs/runbook.md#a-refresh-is-late)" in line
    )


def test_what_people_read_has_a_freshness() -> None:
    assert find_freshness(STARS) is not None
    assert find_freshness(ECE_GRANT) is None
