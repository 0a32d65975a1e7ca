"""Exceptions are proposed for months with whole closed days, and proposing grants nothing."""

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from esrd_pipeline.cli import main
from esrd_pipeline.emergency.exceptions import list_as_grants, propose_exceptions
from esrd_pipeline.sources.ece_grant import read_ece_grant
from esrd_pipeline.tables.raw import ECE_GRANT
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.network_files import write, write_good
from esrd_pipeline_tests.site.small import fill

YEAR, NOW = 2024, "2024-12-31T12:00Z"
A, B = "102501", "102502"
Report = tuple[str, str, str | None, str, str | None, str]


def report(*rows: Report) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["ccn", "from_at", "to_at", "status", "cause", "reported_at"])


def propose(
    *rows: Report, granted: tuple[tuple[str, str, str], ...] = (), at: str = NOW
) -> list[tuple[str, ...]]:
    grants = pd.DataFrame(granted, columns=["ccn", "first_month", "last_month"])
    found = list_as_grants(propose_exceptions(report(*rows), grants, YEAR, at))
    return list(found.itertuples(index=False, name=None))


CLOSED_26_TO_3: Report = (
    *(A, "2024-09-26T18:00Z", "2024-10-03T06:00Z", "closed", "flood", "2024-09-27T00:00Z"),
)


def test_months_with_whole_closed_days_are_joined() -> None:
    # Whole days: 27 to 30 September and 1 to 2 October.
    assert propose(CLOSED_26_TO_3) == [(A, "2024-09", "2024-10", "closed on 6 whole days: flood")]


def test_parts_of_a_day_are_not_enough() -> None:
    assert propose((A, "2024-09-26T01:00Z", "2024-09-27T23:00Z", "closed", None, NOW)) == []


def test_altered_and_unknown_are_not_closed() -> None:
    for status in ("open", "altered", "unknown"):
        assert propose((A, "2024-09-01T00:00Z", "2024-09-20T00:00Z", status, None, NOW)) == []


def test_a_later_report_corrects_and_a_later_status_ends_it() -> None:
    corrected = (A, "2024-09-26T18:00Z", "2024-09-28T06:00Z", "closed", "wind", NOW)
    assert propose(CLOSED_26_TO_3, corrected) == [
        (A, "2024-09", "2024-09", "closed on 1 whole days: wind")
    ]
    opened = (A, "2024-09-29T12:00Z", None, "open", None, "2024-09-29T12:00Z")
    assert propose(CLOSED_26_TO_3, opened) == [
        (A, "2024-09", "2024-09", "closed on 2 whole days: flood")
    ]


def test_what_was_not_yet_reported_is_not_proposed() -> None:
    assert propose(CLOSED_26_TO_3, at="2024-09-26T20:00Z") == []
    # Until noon of the 29th the whole days are the 27th and the 28th.
    assert propose(CLOSED_26_TO_3, at="2024-09-29T12:00Z") == [
        (A, "2024-09", "2024-09", "closed on 2 whole days: flood")
    ]


def test_granted_months_are_not_proposed_again() -> None:
    long = (B, "2024-03-01T00:00Z", "2024-06-01T00:00Z", "closed", None, NOW)
    reason = "whole days: cause not reported"
    assert propose(
        long, granted=((B, "2024-04-01", "2024-04-01"), (A, "2024-03-01", NOW[:10]))
    ) == [
        (B, "2024-03", "2024-03", f"closed on 31 {reason}"),
        (B, "2024-05", "2024-05", f"closed on 31 {reason}"),
    ]


def test_months_of_other_years_are_not_proposed() -> None:
    over = (A, "2023-12-01T00:00Z", "2024-01-03T00:00Z", "closed", "fire", NOW)
    assert propose(over) == [(A, "2024-01", "2024-01", "closed on 2 whole days: fire")]


def test_the_command_writes_a_list_that_is_read_only_where_it_is_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_good(tmp_path / "network")
    columns = "ccn,from_at,to_at,status,cause,reported_at"
    write(folder, "facility_status", columns, ",".join(str(part) for part in CLOSED_26_TO_3[:6]))
    monkeypatch.setenv("ESRD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ESRD_NETWORK_DIR", str(folder))
    monkeypatch.delenv("ESRD_PUBLISHED_DIR", raising=False)
    root = tmp_path / "data" / "embedded" / "warehouse"
    warehouse = Warehouse(root)
    warehouse.publish(warehouse.stage(ECE_GRANT, YEAR, fill(ECE_GRANT)))
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    done = CliRunner().invoke(main, ["propose-exceptions", "--year", "2024", "--at", NOW])

    assert done.exit_code == 0, done.output
    assert "Proposed, none granted: 1 row in" in done.output
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    path = tmp_path / "data" / "embedded" / "emergency" / "proposed_exceptions_2024.csv"
    grants = read_ece_grant(path, YEAR)
    assert [
        (row.ccn, f"{row.first_month:%Y-%m}", f"{row.last_month:%Y-%m}")
        for row in grants.itertuples()
    ] == [(A, "2024-09", "2024-10")]
